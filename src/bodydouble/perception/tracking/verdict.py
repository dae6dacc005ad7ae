"""What becomes of a track: played, painted out, or taken for something that is no person. One function decides.

The promise is that nobody who was found is left in the picture, so doubt leads to painting out, never to leaving alone.
"Not a person" is said only if everything speaks for it at once, the per-person network's own opinion included; without
that opinion it is never said. A person who stands for the whole clip in the dark must not meet all the conditions:
people sway, and even a weak finder or joint network sees a person for what it is now and then, which is why upper
percentiles count here and not means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import VerdictConfig
from bodydouble.perception.tracking.base import Fragment

TrackVerdict = Literal["play", "paint_out", "not_a_person"]

_USUAL_JOINT_SCORE = 0.5
"""Mean score of the joints of a person in plain view."""
_HIGH = 95
"""Percentile over time that stands for "at its best"."""


@dataclass(frozen=True, kw_only=True)
class TrackEvidence:
    """What is known about one track as a whole."""

    mean_score: float
    """Mean score of its detections, 0 to 1."""
    high_score: float
    """Their 95th percentile."""
    joints: float
    """Median over time of the mean score of the body joints, 0 to 1."""
    high_joints: float
    """The 95th percentile of that."""
    motion_swing: float | None
    """90th minus 10th percentile over time of the share that differs from the plate, in steps in which nobody else is
    close; None where nobody can tell. Not the share itself: furniture always differs alike from a plate that is a guess
    behind it."""
    reach_heights: float
    """How far its foot point ever gets, 5th to 95th percentile, in its own heights."""
    seconds: float
    """Time from first to last detection."""
    clip_share: float
    """Detections per frame of the clip, 0 to 1."""
    person_probability: float | None = None
    """95th percentile of the per-person network's probability that its crop shows a person; None where it gives none."""

    @property
    def likeness(self) -> float:
        """How sure the two networks are together that this is a person, 0 to 1.

        Furniture that the finder takes for a person rarely has the joints of one.
        """
        return float(np.sqrt(self.mean_score * min(1.0, self.joints / _USUAL_JOINT_SCORE)))


def evidence_of(
    part: Fragment,
    *,
    joint_scores: NDArray[np.float32],
    motion: NDArray[np.float64],
    alone: NDArray[np.bool_],
    num_frames: int,
    frames_per_second: float,
    person_probability: NDArray[np.float32] | None = None,
) -> TrackEvidence:
    """Sum up a track.

    Args:
        part: boxes and scores.
        joint_scores: (time,) mean score of the body joints.
        motion: (time,) share of the person that differs from the plate, NaN where nobody can tell.
        alone: (time,) nobody else is close.
        num_frames: of the clip.
        frames_per_second: of the clip.
        person_probability: (time,) that the crop shows a person.
    """
    seen = np.flatnonzero(part.observed)
    usable = motion[np.isfinite(motion) & alone]
    if len(usable) < 3:
        usable = motion[np.isfinite(motion)]
    feet = np.c_[0.5 * (part.boxes[:, 0] + part.boxes[:, 2]), part.boxes[:, 3]][seen]
    height = max(float(np.median(part.boxes[:, 3] - part.boxes[:, 1])), 1.0)
    reach = float(np.ptp(np.percentile(feet, [5, 95], axis=0), axis=0).max()) / height if len(seen) else 0.0
    low, high = np.percentile(usable, [10, 90]) if len(usable) >= 3 else (None, None)
    return TrackEvidence(
        mean_score=part.mean_score,
        high_score=float(np.percentile(part.scores[seen], _HIGH)) if len(seen) else 0.0,
        joints=float(np.median(joint_scores)),
        high_joints=float(np.percentile(joint_scores, _HIGH)),
        motion_swing=None if high is None or low is None else float(high - low),
        reach_heights=reach,
        seconds=float(part.frames[seen[-1]] - part.frames[seen[0]] + 1) / frames_per_second if len(seen) else 0.0,
        clip_share=len(seen) / max(num_frames, 1),
        person_probability=None if person_probability is None else float(np.percentile(person_probability, _HIGH)),
    )


def judge_track(evidence: TrackEvidence, config: VerdictConfig) -> tuple[TrackVerdict, str]:
    """What becomes of a track, and why, in words; the reason is empty for ``play``."""
    if evidence.reach_heights >= config.still_heights:
        # Whatever walks is a person, or nothing that could be told apart from one here.
        return "play", ""
    if _is_nobody(evidence, config):
        return "not_a_person", "never moves, no joints, weak scores, and the per-person network sees nobody"
    if not _has_moved(evidence, config) and evidence.likeness < config.still_likeness:
        return "paint_out", "never moves, and may be furniture"
    return "play", ""


def _has_moved(evidence: TrackEvidence, config: VerdictConfig) -> bool:
    return evidence.motion_swing is not None and evidence.motion_swing >= config.still_motion_swing


def _is_nobody(evidence: TrackEvidence, config: VerdictConfig) -> bool:
    return (
        evidence.person_probability is not None
        and evidence.person_probability <= config.nobody_probability
        and evidence.high_score <= config.nobody_score
        and evidence.high_joints <= config.nobody_joints
        and not _has_moved(evidence, config)
        and evidence.reach_heights <= config.nobody_reach_heights
        and evidence.clip_share >= config.nobody_clip_share
        and evidence.seconds >= config.nobody_seconds
    )
