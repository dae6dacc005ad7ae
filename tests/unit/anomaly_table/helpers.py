"""Runs made by hand: one video of five frames, of which the first has no score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bodydouble.anomaly.data import TestClips, TestVideo
from bodydouble.anomaly.scores import VideoTerms
from bodydouble.anomaly.table.record import Job, Record, Test
from tests.unit.anomaly.helpers import InMemory

LABELS = np.array([False, False, False, True, True])


def record(
    variant: str,
    seed: int,
    *,
    raw: Sequence[float] | npt.NDArray[np.float64] | None = None,
    own: Sequence[float] | npt.NDArray[np.float64] | None = None,
    detector: str = "unet",
    labels: npt.NDArray[np.bool_] = LABELS[1:],
) -> Record:
    """A run whose frame errors are given."""
    tests: dict[Test, dict[str, VideoTerms]] = {}
    named: tuple[tuple[Test, Sequence[float] | npt.NDArray[np.float64] | None], ...] = (("raw", raw), ("own", own))
    for test, errors in named:
        if errors is not None:
            values = np.array(errors, np.float64)
            tests[test] = {"a": VideoTerms(first=1, labels=labels, frame=values, patch=values, feature=None)}
    job = Job(seed=seed, detector=detector, variant=variant)
    return Record(job=job, made_of={"detector": detector, "seed": seed}, seconds=1.5, parameters=7, tests=tests)


def truth_of(labels: npt.NDArray[np.bool_], *, name: str = "a") -> TestClips:
    """The test half that belongs to it."""
    return TestClips(videos=(TestVideo(footage=InMemory(name=name, count=len(labels)), labels=labels),))
