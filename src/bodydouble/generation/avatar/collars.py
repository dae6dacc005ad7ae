"""Collars, lapels and hoods: bands of cloth around the neck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import Drape, drape
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.hanging import trunk_weights
from bodydouble.generation.avatar.mesh import Layer, Material, grid_faces
from bodydouble.generation.avatar.skeleton import Floats

_COLUMNS: Final = 37


@dataclass(frozen=True, kw_only=True)
class Collar:
    """Measures of a collar, metres on a usual body."""

    stand_m: float
    """Height at the nape."""
    fall_m: float
    """Width of the part that is turned down; 0 stands."""
    point_m: float
    """How much longer that is in front."""
    gap_deg: float
    """Half the opening in front."""


COLLARS: Final = {
    "shirt": Collar(stand_m=0.030, fall_m=0.034, point_m=0.028, gap_deg=7),
    "jacket": Collar(stand_m=0.048, fall_m=0.0, point_m=0.0, gap_deg=9),
    "coat": Collar(stand_m=0.034, fall_m=0.058, point_m=0.055, gap_deg=14),
}


def collar_layer(figure: Figure, collar: Collar, over_m: float, ease_m: float, albedo: Floats, rank: int) -> Layer:
    """A collar on the neckline of a garment.

    Args:
        figure: the body.
        collar: its measures.
        over_m: height of the neckline over the root of the neck.
        ease_m: how far the garment is from the skin.
        albedo: (3,) linear.
        rank: see `bodydouble.generation.avatar.mesh.Layer.rank`.
    """
    size = figure.size
    angle, base, ring = _neck(figure, over_m, collar.gap_deg)
    ahead = np.clip(-np.sin(angle), 0, 1) ** 2
    rows = [ring(base - (0.012 + 0.022 * ahead) * size, 0.9 * ease_m), ring(base + 0.5 * collar.stand_m * size, 0.008)]
    lean = 0.012 * size
    rows.append(ring(base + collar.stand_m * size * (1 - 0.45 * ahead), 0.009))
    if collar.fall_m:
        fall = (collar.fall_m + collar.point_m * ahead) * size
        rows.append(ring(base + collar.stand_m * size * (1 - 0.5 * ahead) - 0.002, 0.009 + lean))
        rows.append(ring(base + collar.stand_m * size - 0.55 * fall, 0.016 + lean + 0.4 * ease_m))
        rows.append(ring(base + collar.stand_m * size - fall, 0.012 + lean + ease_m))
    else:
        rows.append(ring(base + collar.stand_m * size * (1 - 0.5 * ahead), 0.009 + lean))
        # Down to where the inner side begins, whose back would else be seen below the edge.
        rows.append(ring(base - 0.004 - 0.012 * ahead * size, 0.6 * ease_m + lean))
        rows.append(ring(base - (0.014 + 0.024 * ahead) * size, 0.9 * ease_m + 0.003))
    points = np.stack(rows).reshape(-1, 3)
    return Layer(
        vertices_m=points, weights=trunk_weights(figure, points), faces=grid_faces(len(rows), _COLUMNS),
        albedo=np.tile(albedo, (len(points), 1)), material=Material.WOVEN, rank=rank,
    )  # fmt: skip


def hood_layer(figure: Figure, over_m: float, ease_m: float, albedo: Floats, rank: int) -> Layer:
    """A hood that lies on the back: a roll around the neck, thick behind."""
    size = figure.size
    angle, base, ring = _neck(figure, over_m, 3)
    behind = np.clip(0.5 + 0.5 * np.sin(angle), 0, 1) ** 1.5
    thick, high = (0.010 + 0.030 * behind) * size, (0.018 + 0.036 * behind) * size
    ahead = np.clip(-np.sin(angle), 0, 1) ** 2
    middle = base + (0.012 - 0.025 * behind - 0.030 * ahead) * size
    rows = []
    for turn in np.linspace(np.pi, -np.pi, 13):
        # Pressed flat below, where it lies on the shoulders.
        rows.append(ring(middle + high * np.sin(turn), 0.5 * ease_m + thick * (1 + np.cos(turn))))
    points = np.stack(rows).reshape(-1, 3)
    wave = 1 - 0.12 * np.sin(9 * angle) * behind
    return Layer(
        vertices_m=points, weights=trunk_weights(figure, points), faces=grid_faces(len(rows), _COLUMNS),
        albedo=np.tile(wave, len(rows))[:, None] * albedo, material=Material.KNIT, rank=rank,
    )  # fmt: skip


def _neck(
    figure: Figure, over_m: float, gap_deg: float
) -> tuple[Floats, Floats, Callable[[Floats, Floats | float], Floats]]:
    """Angles (37,) around the neck from one edge of the front to the other, heights of the neckline there, and rings."""
    size = figure.size
    neck = figure.head_of("neck01")
    # Shoulders are left out: a collar lies on them.
    near = (figure.points[:, 2] > neck[2] - 0.12 * size) & (np.abs(figure.points[:, 0]) < 0.062 * size)
    skin = figure.points[figure.within(Part.NECK, Part.TORSO) & near]
    hang: Drape = drape(
        skin, top_m=float(neck[2] + 0.09 * size), bottom_m=float(neck[2] - 0.11 * size), ease_m=0.0, slack=0.5
    )
    gap = np.deg2rad(gap_deg)
    angle = 1.5 * np.pi + np.linspace(gap, 2 * np.pi - gap, _COLUMNS)
    base = neck[2] + over_m * size + 0.45 * np.clip(0.06 * size * np.sin(angle), -0.12, 0.08)

    def ring(z: Floats, out_m: Floats | float) -> Floats:
        return hang.place(z, angle, hang.at(z, angle) + out_m)

    return angle, base, ring
