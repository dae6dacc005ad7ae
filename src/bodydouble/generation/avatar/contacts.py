"""Which foot stands when: told by how the feet move over the ground in the picture.

A foot on the ground stays where it is while the body goes on; the other goes twice as fast as the body. So speed tells
them apart wherever people walk across the picture; where they walk towards the camera it tells little, and the first
guess's opinion decides. The cheapest path (Viterbi) through neither, left, right and both is taken, since feet do not
change their minds from frame to frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.skeleton import Floats, Skeleton, forward
from bodydouble.generation.avatar.smooth import smooth
from bodydouble.generation.avatar.view import in_picture, projection

_FEET: Final = (13, 10)
_STATES: Final = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
_SLOW_M_S: Final = 0.40
"""A foot as slow as this may stand, whatever the body does."""
_SLOW_SHARE: Final = 0.55
"""Of the body's speed: half way between a foot that stands and one that is swung, near enough."""
_CAP: Final = 3.0
_PRIOR: Final = 0.8
_CHANGE: Final = 1.2
_NEITHER: Final = 0.8
_LOOK_S: Final = 0.06
_USUAL_STEP_S: Final = 0.08
_EDGE: Final = 0.5
"""Surety of the first and last frame of a stance, whose foot is just arriving or leaving."""


def planted_feet(skeleton: Skeleton, evidence: Evidence, angles: Floats, root_px: Floats, guessed: Floats) -> Floats:
    """(T, 2): how surely the left and right foot stand, 0 to 1.

    Args:
        skeleton: the double's bones.
        evidence: what was seen.
        angles: (T, 25) of a fit that was not told of any stance.
        root_px: (T, 2) of it.
        guessed: (T, 2): what to believe where speed does not tell.
    """
    if len(angles) < 3:
        return guessed
    scale = evidence.scale_px_per_m[:, None, None]
    flat = in_picture(projection(evidence.elevation_rad), forward(skeleton, angles).joints_m)
    ground = np.concatenate([np.zeros((1, 2)), np.cumsum(evidence.ground_shift_px[:-1], 0)])
    feet = flat[:, _FEET] * scale + (root_px - ground)[:, None]
    speed = np.linalg.norm(_rate(feet, evidence.step_s), axis=2) / scale[..., 0]
    path = smooth(root_px - ground, np.ones(len(root_px)), evidence.step_s, 0.6)
    body = np.linalg.norm(_rate(path, evidence.step_s), axis=1) / evidence.scale_px_per_m
    slow = np.maximum(_SLOW_M_S, _SLOW_SHARE * body)[:, None]
    share = evidence.step_s / _USUAL_STEP_S
    against = np.clip((speed / slow) ** 2 - 1, -1, _CAP) * share - _PRIOR * share * (2 * guessed - 1)
    chosen = _STATES[_decode(against, _NEITHER * share)].astype(float)
    inside = np.minimum(chosen, np.minimum(_shifted(chosen, 1), _shifted(chosen, -1)))
    return np.asarray(np.where(inside > 0, 1.0, _EDGE * chosen))


def _rate(values: Floats, step_s: float) -> Floats:
    """Change per second, over about `_LOOK_S` to either side."""
    reach = min(max(round(_LOOK_S / step_s), 1), len(values) - 1)
    ahead = np.minimum(np.arange(len(values)) + reach, len(values) - 1)
    behind = np.maximum(np.arange(len(values)) - reach, 0)
    between = (ahead - behind).reshape(-1, *[1] * (values.ndim - 1)) * step_s
    return np.asarray((values[ahead] - values[behind]) / between)


def _shifted(values: Floats, by: int) -> Floats:
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def _decode(against: Floats, neither: float) -> NDArray[np.int64]:
    """(T,) states, for costs (T, 2) of a foot's standing over its not standing."""
    costs = against @ _STATES.T + neither * (_STATES.sum(1) == 0)
    change = _CHANGE * np.abs(_STATES[:, None] - _STATES[None]).sum(2)
    back = np.zeros(costs.shape, np.int64)
    total = costs[0].copy()
    for t in range(1, len(costs)):
        tried = total[:, None] + change
        back[t] = tried.argmin(0)
        total = tried.min(0) + costs[t]
    path = np.empty(len(costs), np.int64)
    path[-1] = int(total.argmin())
    for t in range(len(costs) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path
