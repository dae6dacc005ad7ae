"""A finished run of the table: one JSON file with the error terms of every frame, written whole or not at all.

Figures are not kept but computed from the terms, so that another normalisation or weight needs no second run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import VideoTerms
from bodydouble.errors import InputError, UsageError
from bodydouble.scene.strict_files import write_bytes

FORMAT: Final = "bodydouble-anomaly-run 1"
Test = Literal["raw", "own"]
"""``raw``: the test half as filmed; ``own``: that of the variant that was trained on."""

_OF_NO_MATTER = frozenset({"device", "threads", "save_every_steps"})
"""Settings that may differ between a finished run and what is asked for."""


@dataclass(frozen=True, kw_only=True, order=True)
class Job:
    """One training."""

    seed: int
    detector: str
    variant: str

    @property
    def name(self) -> str:
        """As part of a file name."""
        return f"{self.detector}.{self.variant}.seed{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a run came to."""

    job: Job
    made_of: Mapping[str, Any]
    """Everything that decides the terms: settings, digests of footage, what the memory did while it was tested."""
    seconds: float
    """Wall time of training and scoring (of the last part, where a training was resumed)."""
    parameters: int
    """Trainable numbers of the detector."""
    tests: Mapping[Test, Mapping[str, VideoTerms]]
    """Terms of each video."""


def made_of(
    job: Job, config: DetectorConfig, protocol: Protocol, training: str, tests: Mapping[Test, str]
) -> dict[str, Any]:
    """What a run is made of, as plain JSON.

    Args:
        job: which run.
        config: settings of the detector.
        protocol: resolved for it.
        training: digest of the training half.
        tests: digests of the test halves.
    """
    content = {
        "detector": job.detector,
        "seed": job.seed,
        "config": {name: value for name, value in asdict(config).items() if name not in _OF_NO_MATTER},
        "memory_update": protocol.memory_update,
        "update_threshold": protocol.update_threshold if protocol.memory_update != "off" else None,
        "training_footage": training,
        "test_footage": dict(tests),
    }
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def write_record(path: Path, record: Record) -> None:
    """Write a run.

    Raises:
        OutputError: the file system refuses.
    """
    content = {
        "format": FORMAT,
        "variant": record.job.variant,
        "made_of": record.made_of,
        "seconds": round(record.seconds, 1),
        "parameters": record.parameters,
        "tests": {
            test: {name: _plain(video) for name, video in videos.items()} for test, videos in record.tests.items()
        },
    }
    write_bytes(path, (json.dumps(content) + "\n").encode())


def read_record(path: Path, job: Job) -> Record:
    """Read a run.

    Raises:
        InputError: it is none, or another run's.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"of the format {content['format']}, not {FORMAT}")
        found = _record(content)
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"is no run that can be used ({error}); delete it to have it made anew: {path}") from error
    if found.job != job:
        raise InputError(f"is the run {found.job.name}, not {job.name}; delete it: {path}")
    return found


def check_same(record: Record, expected: Mapping[str, Any], path: Path) -> None:
    """See that a run is what is asked for now.

    Raises:
        UsageError: it was made of something else, which is named.
    """
    differing = []
    for key in sorted(set(expected) | set(record.made_of)):
        was, now = record.made_of.get(key), expected.get(key)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            differing += [
                f"{name} {was.get(name)} (now {now.get(name)})"
                for name in sorted(set(was) | set(now))
                if was.get(name) != now.get(name)
            ]
        else:
            differing.append(f"{key} {was} (now {now})")
    if differing:
        raise UsageError(
            f"a finished run was made of {', '.join(differing)}; name another folder, or delete the run to have it made "
            f"anew: {path}"
        )


def _plain(video: VideoTerms) -> dict[str, Any]:
    return {
        "first": video.first,
        "labels": "".join("1" if label else "0" for label in video.labels),
        "frame": _numbers(video.frame),
        "patch": _numbers(video.patch),
        "feature": None if video.feature is None else _numbers(video.feature),
    }


def _numbers(values: npt.NDArray[np.float64]) -> list[float]:
    # Nine digits tell any two float32 apart, and that is what detectors compute in.
    return [float(f"{value:.9g}") for value in values]


def _record(content: Mapping[str, Any]) -> Record:
    made = content["made_of"]
    return Record(
        job=Job(seed=made["seed"], detector=made["detector"], variant=content["variant"]),
        made_of=made,
        seconds=float(content["seconds"]),
        parameters=int(content["parameters"]),
        tests={
            test: {name: _terms(video) for name, video in videos.items()} for test, videos in content["tests"].items()
        },
    )


def _terms(content: Mapping[str, Any]) -> VideoTerms:
    return VideoTerms(
        first=int(content["first"]),
        labels=np.array([character == "1" for character in content["labels"]], np.bool_),
        frame=_array(content["frame"]),
        patch=_array(content["patch"]),
        feature=None if content["feature"] is None else _array(content["feature"]),
    )


def _array(values: list[float]) -> npt.NDArray[np.float64]:
    return np.array(values, np.float32).astype(np.float64)
