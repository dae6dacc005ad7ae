"""Stretches of a track that are generated as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import PersonTrack


@dataclass(frozen=True, kw_only=True)
class PlayedRun:
    """Consecutive steps of one track, as long as they are played."""

    track_id: int
    start: int
    """First row of the track's arrays."""
    stop: int
    """Row after the last."""

    def __len__(self) -> int:
        return self.stop - self.start


def run_of(track: PersonTrack, plan: WindowPlan) -> PlayedRun:
    """The run that a window of work belongs to.

    Raises:
        ValueError: the window is empty, leaves the track, or is not all played or all not played.
    """
    if not 0 <= plan.step_start < plan.step_stop <= len(track):
        raise ValueError(f"window {plan.step_start}..{plan.step_stop} of track {plan.track_id} with {len(track)} steps")
    inside = track.play[plan.step_start : plan.step_stop]
    if not (inside.all() or not inside.any()):
        raise ValueError(f"window {plan.step_start}..{plan.step_stop} of track {plan.track_id} is played in part only")
    same: NDArray[np.bool_] = track.play == inside[0]
    before = np.flatnonzero(~same[: plan.step_start])
    after = np.flatnonzero(~same[plan.step_stop :])
    return PlayedRun(
        track_id=plan.track_id,
        start=int(before[-1]) + 1 if len(before) else 0,
        stop=plan.step_stop + int(after[0]) if len(after) else len(track),
    )
