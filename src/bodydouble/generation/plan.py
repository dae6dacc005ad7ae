"""Cutting the work into windows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.fallback import with_fallback
from bodydouble.scene import PersonTrack, SceneBundle


@dataclass(frozen=True, kw_only=True, order=True)
class WindowPlan:
    """Some consecutive steps of one track, all to be played."""

    track_id: int
    """Whose double."""
    step_start: int
    """First row of the track's arrays."""
    step_stop: int
    """Row after the last."""


def plan_windows(bundle: SceneBundle, config: GenerationConfig) -> list[WindowPlan]:
    """The windows that cover every step with ``track.play``, and those that a fallback plays, each once.

    Ordered by track and step. A window never spans a step that is not played, nor one that is played by somebody else.
    """
    if config.backend == "paint-out":
        return []
    plans = []
    fallen = {track.track_id: track for track in with_fallback(bundle, config).tracks}
    for track in bundle.tracks:
        for start, stop in _stretches(track, fallen[track.track_id].play):
            for first in range(start, stop, config.window_frames):
                last = min(stop, first + config.window_frames)
                plans.append(WindowPlan(track_id=track.track_id, step_start=first, step_stop=last))
    return plans


def _stretches(track: PersonTrack, planned: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches that are planned, cut where the generator of choice and its fallback take turns."""
    edges = np.flatnonzero((planned[1:] != planned[:-1]) | (track.play[1:] != track.play[:-1])) + 1
    borders = [0, *edges.tolist(), len(track)]
    return [(start, stop) for start, stop in pairwise(borders) if planned[start]]
