"""Where arms and legs are to begin with: raised arms and bent legs that plain walking is too far from to find.

Seen flat, an arm stretched forward and one stretched back look alike, and a fit that starts from a hanging arm may swing
it the wrong way. So each limb is first compared, over the whole track, with a small set of postures that limbs do take,
and the cheapest path through them (Viterbi) is where the fit begins.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.coarse import projection
from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES, Floats, Skeleton, forward

_POSTURES: Final[dict[str, tuple[tuple[float, ...], ...]]] = {
    "arm": ((-0.4, 0.2, 0.8, 1.5, 2.3), (0.1, 0.8, 1.5), (0.2, 1.2, 2.1)),
    "leg": ((-0.2, 0.3, 0.8, 1.4), (0.0, 0.3), (0.1, 0.8, 1.5)),
}
"""Swing, out and bend (elbow or knee), radians; all combinations."""
_SPREAD: Final[dict[str, tuple[float, float, float]]] = {"arm": (0.9, 0.6, 0.9), "leg": (0.7, 0.25, 0.8)}
"""How far these usually are from plain walking."""
_JOINTS: Final[dict[str, tuple[int, int, int]]] = {
    "arm.R": (2, 3, 4), "arm.L": (5, 6, 7), "leg.R": (8, 9, 10), "leg.L": (11, 12, 13),
}  # fmt: skip
_NOISE_M: Final = 0.08
_CAP: Final = 14.0
_LEAVING: Final = 1.5
"""Cost of any posture that is not the guess's own."""
_SPEED_RAD_S: Final = 6.0
_CHANGE_CAP: Final = 14.0


def begin_limbs(skeleton: Skeleton, evidence: Evidence, angles: Floats) -> Floats:
    """Angles (T, 25) to start from, given those of the coarse motion."""
    out = angles.copy()
    for limb, joints in _JOINTS.items():
        kind, _, side = limb.partition(".")
        columns = [ANGLE_INDEX[f"{kind}_swing.{side}"], ANGLE_INDEX[f"{kind}_out.{side}"]]
        columns.append(ANGLE_INDEX[f"{'elbow' if kind == 'arm' else 'knee'}.{side}"])
        library = np.array(list(product(*_POSTURES[kind])))
        own = angles[:, columns]
        seen, weight = _seen(evidence, joints)
        costs = np.concatenate(
            [
                _misfit(_shape(skeleton, angles, joints), evidence, seen, weight)[:, None],
                _library_costs(skeleton, evidence, angles, library, columns, joints),
            ],
            axis=1,
        )
        away = (library[None] - own[:, None]) / np.array(_SPREAD[kind])
        costs[:, 1:] += _LEAVING + 0.5 * (away**2).sum(2)
        path = _decode(costs, own, library, evidence.step_s)
        left = path > 0
        out[np.ix_(left, np.array(columns))] = library[path[left] - 1]
    return out


def _seen(evidence: Evidence, joints: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """The limb's two lower joints from its upper one, metres of the picture, (T, 2, 2), and their weights (T, 2)."""
    points = evidence.joints_px[:, joints] / evidence.scale_px_per_m[:, None, None]
    weights = evidence.weights[:, joints]
    return points[:, 1:] - points[:, :1], np.minimum(weights[:, 1:], weights[:, :1])


def _shape(skeleton: Skeleton, angles: Floats, joints: tuple[int, int, int]) -> Floats:
    """(T, 2, 3): the limb's lower joints from its upper one, body frame."""
    points = forward(skeleton, angles).joints_m[:, joints]
    return points[:, 1:] - points[:, :1]


def _misfit(shape: Floats, evidence: Evidence, seen: Floats, weight: Floats) -> Floats:
    """(T,) cost of a limb's shape (T, 2, 3) against what is seen."""
    flat = np.einsum("tij,tkj->tki", projection(evidence.elevation_rad), shape)
    error = ((flat - seen) ** 2).sum(2) / (2 * _NOISE_M**2)
    return np.asarray((weight * np.minimum(error, _CAP)).sum(1))


def _library_costs(
    skeleton: Skeleton, evidence: Evidence, angles: Floats, library: Floats, columns: list[int],
    joints: tuple[int, int, int],
) -> Floats:  # fmt: skip
    """(T, K) cost of every posture, on a trunk that is upright and faces where the coarse motion does."""
    posed = np.zeros((len(library), NUM_ANGLES))
    posed[:, columns] = library
    shapes = _shape(skeleton, posed, joints)
    yaw = angles[:, ANGLE_INDEX["yaw"]]
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), zero], [np.sin(yaw), np.cos(yaw), zero], [zero, zero, one]])
    seen, weight = _seen(evidence, joints)
    costs = [
        _misfit(np.einsum("ijt,kj->tki", turn, shape), evidence, seen, weight) for shape in shapes
    ]  # fmt: skip
    return np.stack(costs, 1)


def _decode(costs: Floats, own: Floats, library: Floats, step_s: float) -> NDArray[np.int64]:
    """The cheapest path (T,): 0 is the guess's own posture, k the library's k-1st."""
    spread = _SPEED_RAD_S * step_s + 0.15
    between = np.minimum(0.5 * ((library[:, None] - library[None]) ** 2).sum(2) / spread**2, _CHANGE_CAP)
    count = len(costs)
    back = np.zeros(costs.shape, np.int64)
    total = costs[0].copy()
    change = np.zeros((len(library) + 1,) * 2)
    change[1:, 1:] = between
    for t in range(1, count):
        aside = np.minimum(0.5 * ((library - own[t]) ** 2).sum(1) / spread**2, _CHANGE_CAP)
        change[0, 1:], change[1:, 0] = aside, aside
        tried = total[:, None] + change
        back[t] = tried.argmin(0)
        total = tried.min(0) + costs[t]
    path = np.empty(count, np.int64)
    path[-1] = int(total.argmin())
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path
