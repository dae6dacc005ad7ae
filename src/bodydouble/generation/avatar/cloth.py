"""Shapes that cloth takes: tubes around limbs, drapes around the trunk, hems. All in the rest body's frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats, Skeleton

DIRECTIONS: Final = 48
"""Corners of a ring around the trunk."""
_LEVEL_M: Final = 0.015
_REACH_M: Final = 0.028
_HEM_REACH: Final = 0.12
"""Over half of this, and less and less over twice, a hem makes the tube above it round; shares of a limb's half."""
_EDGE_SHARE: Final = 0.95
_NEAR_END: Final = 1.9
"""Hems below this place along a limb lie at hand or foot, whose width does not count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Limb:
    """An arm or a leg as two straight pieces."""

    upper: Floats
    """(3,): shoulder or hip."""
    middle: Floats
    """(3,): elbow or knee."""
    lower: Floats
    """(3,): wrist or ankle."""

    def locate(self, points: Floats) -> tuple[Floats, Floats]:
        """Place of points (N, 3) along the limb, and the points (N, 3) of its axis there.

        Places (N,) are 0 at the top, 1 at the middle joint, 2 at the end, and beyond these accordingly.
        """
        first, second = self.middle - self.upper, self.lower - self.middle
        a = (points - self.upper) @ first / (first @ first)
        b = (points - self.middle) @ second / (second @ second)
        # The plane that halves the angle at the joint parts the two pieces.
        half = first / np.linalg.norm(first) + second / np.linalg.norm(second)
        beyond = (points - self.middle) @ half > 0
        place = np.where(beyond, 1 + np.maximum(b, 0), np.minimum(a, 1))
        return place, self.axis(place)

    def axis(self, place: Floats) -> Floats:
        """Points (N, 3) of the axis at places (N,)."""
        upper = self.upper + np.minimum(place, 1)[:, None] * (self.middle - self.upper)
        return np.asarray(upper + np.maximum(place - 1, 0)[:, None] * (self.lower - self.middle))


def limb_of(skeleton: Skeleton, kind: str, side: str) -> Limb:
    """The ``arm`` or ``leg`` of side ``L`` or ``R``."""
    ends = {"arm": ("upperarm01", "lowerarm01", "wrist"), "leg": ("upperleg01", "lowerleg01", "foot")}[kind]
    upper, middle, lower = (skeleton.heads_m[BONE_INDEX[f"{bone}.{side}"]] for bone in ends)
    return Limb(upper=upper, middle=middle, lower=lower)


def sleeve(
    points: Floats, limb: Limb, *, ease_m: float, radius_m: tuple[float, float, float], hem: float, free_from: float
) -> Floats:
    """Cloth around a limb, from the limb's skin.

    Args:
        points: (N, 3) skin.
        limb: its axis.
        ease_m: distance from the skin at least.
        radius_m: the tube's own radius at the top, the middle and the end of the limb, where that is wider.
        hem: place along the limb (see `Limb.locate`) where the cloth ends; what lies beyond is drawn up to it.
        free_from: place above which the cloth follows the skin, as its tube runs into the trunk there.
    """
    place, axis = limb.locate(points)
    outwards = points - axis
    radius = np.linalg.norm(outwards, axis=1)
    tube = np.interp(place, [0, 1, 2], radius_m)
    own = np.clip((place - free_from) / 0.25, 0, 1)
    wide = np.maximum(radius + ease_m, own * tube)
    # A hem is round. Past it lie hands and feet, which stick out sideways, and some of that before it.
    edge = np.abs(place - hem) < _HEM_REACH
    round_m = float(np.interp(hem, [0, 1, 2], radius_m))
    if edge.any() and hem < _NEAR_END:
        round_m = max(round_m, float(radius[edge].max()) + ease_m)
    near = np.clip((place - hem) / (2 * _HEM_REACH) + 1, 0, 1)
    near = np.where(place > hem - 0.5 * _HEM_REACH, 1, near)
    # What is smoothed later shrinks, all but the edge.
    wide = near * round_m * np.where(place >= hem, _EDGE_SHARE, 1) + (1 - near) * wide
    place = np.minimum(place, hem)
    return np.asarray(limb.axis(place) + outwards / np.maximum(radius, 1e-6)[:, None] * wide[:, None])


@dataclass(frozen=True, kw_only=True, eq=False)
class Drape:
    """Cloth that hangs around the trunk: its distance from a vertical line, by height and direction."""

    levels_m: Floats
    """(K,) heights, falling."""
    centre_y_m: float
    radius_m: Floats
    """(K, DIRECTIONS): direction i is at angle 2 pi i / DIRECTIONS from the body's left towards its back."""

    def at(self, z_m: Floats, angle_rad: Floats) -> Floats:
        """Radius at heights and directions, bilinear."""
        row = np.interp(-z_m, -self.levels_m, np.arange(len(self.levels_m)))
        column = np.mod(angle_rad / (2 * np.pi) * DIRECTIONS, DIRECTIONS)
        r0, c0 = np.floor(row).astype(int), np.floor(column).astype(int) % DIRECTIONS
        r1, c1 = np.minimum(r0 + 1, len(self.levels_m) - 1), (c0 + 1) % DIRECTIONS
        u, v = row - r0, column - np.floor(column)
        upper = self.radius_m[r0, c0] * (1 - v) + self.radius_m[r0, c1] * v
        lower = self.radius_m[r1, c0] * (1 - v) + self.radius_m[r1, c1] * v
        return np.asarray(upper * (1 - u) + lower * u)

    def polar(self, points: Floats) -> tuple[Floats, Floats]:
        """Direction and distance of points (N, 3) from the line."""
        x, y = points[:, 0], points[:, 1] - self.centre_y_m
        return np.arctan2(y, x), np.hypot(x, y)

    def place(self, z_m: Floats, angle_rad: Floats, radius_m: Floats) -> Floats:
        """Points (N, 3) from height, direction and distance."""
        x, y = radius_m * np.cos(angle_rad), radius_m * np.sin(angle_rad) + self.centre_y_m
        return np.stack([x, y, z_m], -1)


def drape(points: Floats, *, top_m: float, bottom_m: float, ease_m: float, slack: float, flare: float = 0.0) -> Drape:
    """Hang cloth around a trunk.

    Args:
        points: (N, 3) skin of trunk and thighs.
        top_m: height it hangs from.
        bottom_m: height it reaches down to.
        ease_m: distance from the skin at least.
        slack: how quickly it may come in below a wide place, metres per metre; 0 falls straight.
        flare: how quickly it widens below the hips by itself, metres per metre.
    """
    levels = np.arange(top_m, bottom_m - _LEVEL_M, -_LEVEL_M)
    near = points[(points[:, 2] < top_m + _REACH_M) & (points[:, 2] > bottom_m - 0.3)]
    centre_y = float((near[:, 1].min() + near[:, 1].max()) / 2)
    angle, radius = np.arctan2(near[:, 1] - centre_y, near[:, 0]), np.hypot(near[:, 0], near[:, 1] - centre_y)
    steps = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    # A ring is the convex hull of the skin at its height, by its support function: cloth spans what is hollow.
    rings: list[Floats] = []
    for level in levels:
        inside = np.abs(near[:, 2] - level) < _REACH_M
        if not inside.any():
            rings.append(rings[-1] if rings else np.full(DIRECTIONS, 0.12))
            continue
        support = (radius[inside] * np.cos(angle[inside] - steps[:, None])).max(1)
        facing = np.cos(steps[:, None] - steps[None])
        rings.append(np.where(facing > 0.05, support[None] / np.maximum(facing, 0.05), np.inf).min(1))
    out = np.stack(rings) + ease_m
    widest = levels[int(out.mean(1).argmax())]
    for k in range(1, len(out)):
        grown = flare * _LEVEL_M if levels[k] < widest + 0.05 else 0.0
        out[k] = np.maximum(out[k], out[k - 1] - slack * _LEVEL_M + grown)
    return Drape(levels_m=levels, centre_y_m=centre_y, radius_m=out)


def relax(points: Floats, faces: NDArray[np.int32], rounds: int, *, edges: bool = False) -> Floats:
    """Smooth a surface: each vertex moves half-way to its neighbours' mean.

    Open edges stay, or with ``edges`` are evened along themselves.
    """
    count = len(points)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    link = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    border = np.asarray(abs(link - link.T).sum(1)).ravel() > 0
    rim = (abs(link - link.T) > 0).astype(float)
    link = ((link + link.T) > 0).astype(float)
    if edges:
        along = border.astype(float)
        link = link.multiply((1 - along)[:, None]).tocsr() + rim
    degree = np.asarray(link.sum(1)).ravel()
    moving = (degree > 0) & (edges | ~border)
    out = points.copy()
    for _ in range(rounds):
        mean = (link @ out) / np.maximum(degree, 1)[:, None]
        out[moving] = 0.5 * out[moving] + 0.5 * mean[moving]
    return out
