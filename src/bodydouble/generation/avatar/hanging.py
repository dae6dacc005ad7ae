"""Cloth that hangs: tubes around hips and legs, and how the trunk of a top runs into them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import DIRECTIONS, Drape, drape
from bodydouble.generation.avatar.figure import Figure
from bodydouble.generation.avatar.folds import FOLD_PERIOD_M, bunched, crease_depth, crease_shade, fold_places, shifted
from bodydouble.generation.avatar.mesh import Layer, Material, Pattern, grid_faces
from bodydouble.generation.avatar.skeleton import BONE_INDEX, BONES, Floats
from bodydouble.seeds import derive_seed

AROUND_M: Final = 0.15
"""Radius at which angles around the trunk are counted as metres of cloth."""
_PUSHED_SHARE: Final = 0.54
"""Hems that go along with the legs less than this end at the hips, where legs do not push them."""
_TUCK_M: Final = 0.005
"""How far the upper edge of cloth that hangs lies under the shell, which hides it."""
LAP_FROM_M: Final = (0.02, 0.11)
"""Heights over the waist where a top's shell has the shape of its hanging part, and above which it has its own."""
_LAP_M, _SUNK_M = 0.04, 0.014
"""Below the edge of the hanging part a shell goes that deep under it, over that height: it must not come through."""
HOLLOW_M: Final = 0.06
"""How far over the hips the waist is narrowest, and cloth bunched most."""
_FOLDS_AROUND_M: Final = FOLD_PERIOD_M / (2 * np.pi)
"""Radius at which angles around a skirt are counted on the chart of folds, which then closes behind."""
_DRAWN_OUT: Final = ((0.15, 0.35), (1.0, 0.35))
"""Lengths of cloth that hangs from a top, and how much of the chart of folds is on a metre of it."""
_HEM_M: Final = (0.022, 0.015)
"""Heights over a hem between which a line of stitches draws the cloth in."""
_OPENS: Final = 0.7
"""How much wider an open front is at its hem."""
_STITCHED: Final = 0.80
"""Share of the light that reaches the stitches of a hem."""


def trunk_drape(figure: Figure, *, ease_m: float, slack: float, flare: float, bottom_m: float) -> Drape:
    """Cloth hanging from the armpits downwards."""
    shoulder = figure.head_of("upperarm01.L")
    top = float(shoulder[2] - 0.07)
    skin = figure.points[figure.within(Part.TORSO, Part.HIPS, Part.THIGH)]
    return drape(skin, top_m=top, bottom_m=bottom_m, ease_m=ease_m, slack=slack, flare=flare)


def tube_layer(
    figure: Figure, hang: Drape, *, top_m: float, bottom_m: float, leg_share: float, gap_m: float, albedo: Floats,
    material: Material, rank: int, pattern: Pattern, waves: float, seed: int, band_m: float = 0.0, is_skirt: bool = False,
) -> Layer:  # fmt: skip
    """A tube of cloth around hips and legs: the skirt of a coat, a dress or a jumper.

    Args:
        figure: the body.
        hang: how the cloth falls.
        top_m: height of its upper edge.
        bottom_m: height of its hem.
        leg_share: how far the hem goes along with the legs, 0 to 1.
        gap_m: half the width of an open front.
        albedo: (3,) linear colour.
        material: of the cloth.
        rank: see `bodydouble.generation.avatar.mesh.Layer.rank`.
        pattern: of the cloth.
        waves: depth of folds at the hem as a share of the radius.
        seed: of the folds.
        band_m: height of a darker band at the hem.
        is_skirt: hangs from the waist by itself, and not as the lower part of a top.
    """
    waist = float(figure.head_of("spine05")[2] + 0.02 * figure.size)
    rows = max(3, round((top_m - bottom_m) / 0.04))
    edge = [bottom_m + over for over in _HEM_M]
    z = np.concatenate([np.linspace(top_m, edge[0] + 0.01, rows), edge, [bottom_m]])
    rows = len(z)
    front = 1.5 * np.pi
    half = np.arcsin(np.clip(gap_m / 0.13, 0, 0.9)) if gap_m > 0 else 0.0
    zz, around = np.meshgrid(z, np.linspace(0, 1, DIRECTIONS + 1), indexing="ij")
    down = (top_m - zz) / max(top_m - bottom_m, 1e-6)
    open_rad = half * (1 + _OPENS * down)
    aa = front + open_rad + around * (2 * np.pi - 2 * open_rad)
    rng = np.random.default_rng(derive_seed(seed, "tube"))
    first, second, third = rng.uniform(0, 6, 3)
    # Folds that fall, some from the waist and some from half-way; whole numbers of them, so that the back has no seam.
    fall = np.sin(7 * aa + 1.5 * np.sin(2 * aa + first) + second) + 0.7 * np.sin(
        12 * aa + 2 * np.sin(3 * aa + third)
    ) * np.clip(2 * down - 0.6, 0, 1)
    under = np.clip(1 - (top_m - zz) / 0.05, 0, 1)
    stitched = zz == edge[1]
    radius = hang.at(zz, aa) * (1 + waves * down * fall) - _TUCK_M * under**2 - 0.002 * stitched
    points = hang.place(zz.ravel(), aa.ravel(), radius.ravel())
    # A skirt hangs freely: its folds run down and deepen. A top's go on as above, drawn out where it hangs far down.
    around_m = (_FOLDS_AROUND_M * aa).ravel()
    places = fold_places(points, top_m - np.interp(top_m - bottom_m, *_DRAWN_OUT) * (top_m - points[:, 2]))
    hanging = bunched(np.full(len(points), -1.0), 0.0, over_waist_m=points[:, 2] - waist - HOLLOW_M)
    relief = crease_depth(places, np.full(len(points), -1.0), 0.0, seed) + 0.55 * (down * fall).ravel()
    tint = np.where((zz - bottom_m < band_m).ravel(), 0.8, 1.0) * crease_shade(relief)
    edges = ((around == 0) | (around == 1)) & (gap_m > 0)
    tint *= np.where((stitched | edges).ravel(), _STITCHED, 1.0)
    return Layer(
        vertices_m=points, weights=tube_weights(figure, points, leg_share, bottom_m),
        faces=grid_faces(rows, DIRECTIONS + 1), albedo=tint[:, None] * albedo, material=material,
        grid=(rows, DIRECTIONS + 1) if leg_share > _PUSHED_SHARE else None, rank=rank, pattern=pattern,
        cloth_m=np.stack([AROUND_M * np.abs(np.mod(aa - 0.5 * np.pi, 2 * np.pi) - np.pi).ravel(), zz.ravel()], 1),
        fold_m=shifted(np.stack([0.3 * zz.ravel(), around_m], 1) if is_skirt else places, seed),
        bunched=0.2 + 0.9 * down.ravel() if is_skirt else hanging,
    )  # fmt: skip


def onto_hang(
    figure: Figure, hang: Drape, points: Floats, weights: NDArray[np.float32], *, waist_m: float, hem_m: float,
    leg_share: float,
) -> tuple[Floats, NDArray[np.float32]]:  # fmt: skip
    """Trunk of a top, (N, 3), and its weights, (N, bones), led over into the shape of the cloth that hangs from it.

    Both must be at one place where they overlap, in every pose, or the edge of the one stands out from the other.
    """
    low, high = (waist_m + over * figure.size for over in LAP_FROM_M)
    own = np.clip((points[:, 2] - low) / (high - low), 0, 1)
    own = own * own * (3 - 2 * own)
    angle, radius = hang.polar(points)
    hung = hang.place(points[:, 2], angle, hang.at(points[:, 2], angle))
    sunk = np.clip((low - points[:, 2]) / _LAP_M, 0, 1) * _SUNK_M
    radius = own * radius + (1 - own) * (hang.at(points[:, 2], angle) - 0.6 * _TUCK_M - sunk)
    mixed = own[:, None] * weights + (1 - own)[:, None] * tube_weights(figure, hung, leg_share, hem_m)
    return hang.place(points[:, 2], angle, radius), mixed.astype(np.float32)


def trunk_weights(figure: Figure, points: Floats, *parts: Part) -> NDArray[np.float32]:
    """(N, bones): as the skin behind points (N, 3), of neck, chest and hips unless parts are named."""
    trunk = figure.within(*(parts or (Part.NECK, Part.TORSO, Part.HIPS)))
    distance, index = cKDTree(figure.points[trunk]).query(points, k=6)
    near = 1 / (distance + 0.01)
    base = (figure.physique.weights[trunk][index] * near[..., None]).sum(1) / near.sum(1, keepdims=True)
    return np.asarray(base.astype(np.float32))


def tube_weights(figure: Figure, points: Floats, leg_share: float, bottom_m: float) -> NDArray[np.float32]:
    """Like the skin behind it at the waist; below the hips more and more with the thighs."""
    base = trunk_weights(figure, points, Part.TORSO, Part.HIPS)
    hip = float(figure.head_of("upperleg01.L")[2])
    # Thighs are in the trunk's skin already; they count as the root here, and again in the share below.
    legs = [BONE_INDEX[f"{bone}.{side}"] for bone in ("upperleg01", "lowerleg01") for side in "LR"]
    base[:, BONE_INDEX["root"]] += base[:, legs].sum(1)
    base[:, legs] = 0
    share = leg_share * np.clip((hip + 0.05 - points[:, 2]) / max(hip + 0.05 - bottom_m, 0.1), 0, 1) ** 0.8
    left = np.clip(0.5 + points[:, 0] / 0.22, 0, 1)
    left = left * left * (3 - 2 * left)
    out = base * (1 - share)[:, None]
    out[:, BONE_INDEX["upperleg01.L"]] += share * left
    out[:, BONE_INDEX["upperleg01.R"]] += share * (1 - left)
    return np.asarray(out.astype(np.float32).reshape(-1, len(BONES)))
