"""The head as hair and headwear see it: how far the skull reaches in each direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.skeleton import BONE_INDEX, BONES, Floats

COLUMNS: Final = 44
"""Directions around the head."""
_STEPS: Final = 64
_NOSE, _EYES, _EARS = 0, (14, 15), (16, 17)
_FACING: Final = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Skull:
    """Convex hull of a head without its ears, and the heights that matter on it."""

    centre: Floats
    """(3,) between the ears."""
    eye_z_m: float
    ear_z_m: float
    chin_z_m: float
    nape_z_m: float
    """Root of the neck."""
    face_y_m: float
    """Of the forehead."""
    half_m: float
    """Half the width between the ears."""
    size: float
    """Over a usual adult's head."""
    supports: Floats
    """(K,) of the hull in `_directions`."""

    def reach(self, ways: Floats) -> Floats:
        """How far the hull goes from the centre along unit vectors (N, 3)."""
        facing = ways @ _directions().T
        return np.asarray(np.where(facing > _FACING, self.supports / np.maximum(facing, _FACING), np.inf).min(1))

    def meridian(self, turn_rad: float) -> tuple[Floats, Floats]:
        """(64,) distances from the vertical through the centre, and heights, from the crown to below the chin.

        ``turn_rad`` is 0 in front, positive to the left.
        """
        rise = np.linspace(np.pi / 2, -0.9, _STEPS)
        ways = np.stack([np.cos(rise) * np.sin(turn_rad), -np.cos(rise) * np.cos(turn_rad), np.sin(rise)], 1)
        reach = self.reach(ways)
        return reach * np.cos(rise), self.centre[2] + reach * np.sin(rise)

    def place(self, turn_rad: Floats, away_m: Floats, z_m: Floats) -> Floats:
        """Points (..., 3) from direction, distance from the vertical and height."""
        x = away_m * np.sin(turn_rad)
        y = self.centre[1] - away_m * np.cos(turn_rad)
        return np.stack(np.broadcast_arrays(x, y, z_m), -1)


def turns(count: int = COLUMNS) -> Floats:
    """(count,) directions around the head, from the back over the right, the front and the left."""
    return np.linspace(-np.pi, np.pi, count, endpoint=False)


def skull_of(figure: Figure) -> Skull:
    """Measure a head."""
    joints = figure.physique.skeleton.joints_m
    head = figure.points[figure.within(Part.FACE, Part.HAIR)]
    eye_z, ear_z = float(joints[list(_EYES), 2].mean()), float(joints[list(_EARS), 2].mean())
    unit = float(np.ptp(head[:, 2])) / 0.225
    above = head[head[:, 2] > ear_z + 0.04 * unit]
    half = float(np.abs(above[:, 0]).max())
    centre = np.array([0.0, float(above[:, 1].mean()), ear_z + 0.015 * unit])
    chin = head[head[:, 1] < float(joints[list(_EARS), 1].mean()) - 0.03 * unit][:, 2].min()
    # Without nose and ears, which hair and cloth do not span.
    kept = head.copy()
    kept[:, 0] = np.clip(kept[:, 0], -half, half)
    forehead = float(above[:, 1].min())
    kept[:, 1] = np.maximum(kept[:, 1], forehead - 0.004 * unit)
    supports = ((kept - centre) @ _directions().T).max(0)
    return Skull(
        centre=centre, eye_z_m=eye_z, ear_z_m=ear_z, chin_z_m=float(chin),
        nape_z_m=float(figure.head_of("neck01")[2]), face_y_m=forehead, half_m=half, size=unit, supports=supports,
    )  # fmt: skip


def hanging_weights(skull: Skull, points: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(N, bones): with the head above the chin, more and more with the chest below."""
    low = np.clip((skull.chin_z_m + 0.01 - points[:, 2]) / (0.11 * skull.size), 0, 1)
    weights = np.zeros((len(points), len(BONES)), np.float32)
    weights[:, BONE_INDEX["head"]] = 1 - low
    weights[:, BONE_INDEX["neck01"]] = np.minimum(low, 1 - low) * 0.8
    weights[:, BONE_INDEX["spine01"]] = low
    return np.asarray(weights / weights.sum(1, keepdims=True))


@lru_cache(maxsize=1)
def _directions() -> Floats:
    """(600, 3) unit vectors, evenly spread (a golden spiral)."""
    index = np.arange(600) + 0.5
    z, turn = 1 - 2 * index / 600, np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)
