"""Cutting the work into windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodydouble.generation.config import GenerationConfig
from bodydouble.scene import SceneBundle


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
    """The windows that cover every step with ``track.play``, and no other, each once.

    Ordered by track and step. A window never spans a step that is not played.
    """
    if config.backend == "paint-out":
        return []
    plans = []
    for track in bundle.tracks:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], track.play, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            for first in range(start, stop, config.window_frames):
                last = min(stop, first + config.window_frames)
                plans.append(WindowPlan(track_id=track.track_id, step_start=first, step_stop=last))
    return plans
