"""What becomes of a track: played or painted out. One function decides.

The promise is that nobody who was found is left in the picture, so doubt leads to painting out, never to leaving alone.
A person who stands for the whole clip in the dark should not be doubted: people sway, and even a weak joint network sees
a person for what it is now and then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import VerdictConfig
from bodydouble.perception.tracking.base import Fragment

_USUAL_JOINT_SCORE = 0.5
"""Mean score of the joints of a person in plain view."""


@dataclass(frozen=True, kw_only=True)
class TrackEvidence:
    """What is known about one track as a whole."""

    mean_score: float
    """Mean score of its detections, 0 to 1."""
    joints: float
    """Median over time of the mean score of the body joints, 0 to 1."""
    motion_swing: float | None
    """90th minus 10th percentile over time of the share that differs from the plate, in steps in which nobody else is
    close; None where nobody can tell. Not the share itself: furniture always differs alike from a plate that is a guess
    behind it."""
    reach_heights: float
    """How far its foot point ever gets, 5th to 95th percentile, in its own heights."""

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
) -> TrackEvidence:
    """Sum up a track.

    Args:
        part: boxes and scores.
        joint_scores: (time,) mean score of the body joints.
        motion: (time,) share of the person that differs from the plate, NaN where nobody can tell.
        alone: (time,) nobody else is close.
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
        joints=float(np.median(joint_scores)),
        motion_swing=None if high is None or low is None else float(high - low),
        reach_heights=reach,
    )


def doubt_about(evidence: TrackEvidence, config: VerdictConfig) -> str:
    """Why a track is painted out and not played, in words; empty if it is played."""
    # Whatever walks is a person, or nothing that could be told apart from one here.
    walks = evidence.reach_heights >= config.still_heights
    if walks or _has_moved(evidence, config) or evidence.likeness >= config.still_likeness:
        return ""
    return "never moves, and may be furniture"


def _has_moved(evidence: TrackEvidence, config: VerdictConfig) -> bool:
    return evidence.motion_swing is not None and evidence.motion_swing >= config.still_motion_swing
