"""Does the table measure what it says? Labels in place of scores must give 1, scores against shuffled labels 0.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bodydouble.anomaly.data import TestClips
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import VideoTerms, combined
from bodydouble.anomaly.table.record import Record, Test
from bodydouble.errors import InputError
from bodydouble.seeds import derive_seed

SHUFFLES: Final = 20
"""Whose mean is compared with 0.5: one shuffle of a small test set strays by more than the tolerance."""
TOLERANCE: Final = 0.05

AS_SCORES: Final = Protocol(
    frame_term="error", frame_weight=1.0, normalisation="none", smoothing_sigma_frames=0.0, memory_update="off",
    update_threshold=0.0,
)  # fmt: skip
"""Labels are scores already: stretching would flatten a video that is abnormal throughout, smoothing would blur edges."""


@dataclass(frozen=True, kw_only=True)
class LabelCheck:
    """What one run gave; areas of 0 to 1."""

    run: str
    test: Test
    shuffled: float
    """Mean over shuffles of the labels, with the run's own scores."""
    as_scores: float
    """With the labels as scores."""

    @property
    def passed(self) -> bool:
        """As it must be."""
        return abs(self.shuffled - 0.5) <= TOLERANCE and self.as_scores == 1


def check_labels(record: Record, testing: TestClips, protocol: Protocol) -> tuple[LabelCheck, ...]:
    """Check a finished run, as it was read back, against the labels of the data set.

    Args:
        record: the run.
        testing: the data set's test half; where labels are put into the frames that the run says it scored.
        protocol: by which the table scores.

    Raises:
        InputError: the run has other videos than the data set, or scored frames that are not there.
    """
    made = []
    for test, videos in record.tests.items():
        truth = _aligned(videos, testing, record.job.name)
        means = [
            combined(record.job.detector, _shuffled(videos, truth, number, record, test), protocol).micro_auc
            for number in range(SHUFFLES)
        ]
        labelled = {
            name: replace(
                video, frame=truth[name].astype(np.float64), patch=truth[name].astype(np.float64), feature=None
            )
            for name, video in videos.items()
        }
        as_scores = combined(record.job.detector, labelled, AS_SCORES).micro_auc
        made.append(LabelCheck(run=record.job.name, test=test, shuffled=float(np.mean(means)), as_scores=as_scores))
    return tuple(made)


def _aligned(
    videos: Mapping[str, VideoTerms], testing: TestClips, run: str
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    truth = {}
    labels = {video.footage.name: video.labels for video in testing.videos}
    if list(labels) != list(videos):
        raise InputError(f"the run {run} scored other videos than the data set has now")
    for name, video in videos.items():
        own = labels[name][video.first : video.first + len(video.labels)]
        if len(own) != len(video.labels):
            raise InputError(f"the run {run} scored frames that {name} does not have")
        truth[name] = own
    return truth


def _shuffled(
    videos: Mapping[str, VideoTerms],
    truth: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]],
    number: int,
    record: Record,
    test: Test,
) -> dict[str, VideoTerms]:
    rng = np.random.default_rng(derive_seed(number, "anomaly", "shuffled labels", record.job.name, test))
    # Over all videos: within one that is abnormal throughout, nothing would be shuffled.
    mixed = rng.permutation(np.concatenate([truth[name] for name in videos]))
    ends = np.cumsum([len(video.labels) for video in videos.values()])[:-1]
    return {
        name: replace(video, labels=labels)
        for (name, video), labels in zip(videos.items(), np.split(mixed, ends), strict=True)
    }
