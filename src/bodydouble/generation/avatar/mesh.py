"""The dressed double as one mesh that bones carry, in several levels of detail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar import folds, surfaces
from bodydouble.generation.avatar.skeleton import BONES, Floats, Pose
from bodydouble.scene.appearance import RGB

BONES_PER_VERTEX = 4
RANK_DEPTH_M = 0.009
"""Each rank of clothes is drawn as if it were this much nearer to the camera."""
CELLS_M: Final = (0.0, 0.004, 0.009, 0.018)
"""Levels of detail: vertices of one layer and bone within a cube of this side become one; 0 leaves them all."""
_CELL_PX: Final = 0.45
"""Largest cell as it is drawn: what is merged could not be told apart."""

_TEXEL_M: Final = 0.0008
"""Side of a texel of the finest chart of a head."""
_CHART_LEVELS: Final = 4
"""Each half as fine as the one before."""
_NO_CHART: Final = np.zeros((2, 2, 3), np.float32)


class Material(IntEnum):
    """How a surface is shaded."""

    SKIN = 0
    HAIR = 1
    KNIT = 2
    WOVEN = 3
    DENIM = 4
    LEATHER = 5


class Weave(IntEnum):
    """What is woven into a cloth or printed on it; a second colour over the first."""

    PLAIN = 0
    STRIPES = 1
    CHECKS = 2
    BLOCK = 3
    """A band of the second colour around the chest."""
    SEAM = 4
    """A zip down the front, and pockets, from ``period_m`` up, on both sides of it; no pockets if that is 0."""
    RIBS = 5
    """Fine ridges along the cloth."""
    STRANDS = 6
    """Hair: locks ``period_m`` wide and ``share`` times as long, with strands in them."""
    CHART = 7
    """Skin of the head, painted finer than the mesh; ``cloth_m`` is the place on the chart, in shares of it."""
    LEGS = 8
    """Seams along both sides of a leg, and a stitched hem at ``period_m``."""
    BUTTONS = 9
    """An edge down the front with buttons ``period_m`` apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pattern:
    """A weave with its measures."""

    weave: Weave = Weave.PLAIN
    period_m: float = 0.05
    share: float = 0.5
    """Of a period that has the second colour; of a seam, its half width in metres."""
    colour: Floats = field(default_factory=lambda: np.zeros(3))
    """(3,) linear."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A part of the dressed mesh, in the rest body's frame."""

    vertices_m: Floats
    """(N, 3)."""
    weights: NDArray[np.float32]
    """(N, bones)."""
    faces: NDArray[np.int32]
    """(F, 3), counter-clockwise seen from outside."""
    albedo: Floats
    """(N, 3): linear colour of the surface, 0 to 1."""
    material: Material
    pattern: Pattern = field(default_factory=Pattern)
    cloth_m: Floats | None = None
    """(N, 2): place on the cloth: around the body from its middle in front, and height; (x, z) if None."""
    fold_m: Floats | None = None
    """(N, 2): place on the chart of folds (see `folds.fold_places`); by place in the rest body if None."""
    bunched: Floats | None = None
    """(N,): how much cloth is bunched whatever the pose, 0 to 1; not at all if None."""
    grid: tuple[int, int] | None = None
    """Rows and columns of a cloth that hangs around the legs, which push it outwards."""
    rank: int = 0
    """What is worn over what; see `RANK_DEPTH_M`."""
    density: Floats | None = None
    """(N,): where it thins out, 0 to 1; below one half it ends, close by in strands; whole if None."""
    is_fine: bool = False
    """Seen close by only: left out of all coarser levels of detail."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dressed:
    """All layers, joined, in the form that drawing wants."""

    vertices_m: NDArray[np.float32]
    """(N, 3) in the rest body's frame."""
    bone_index: NDArray[np.int32]
    """(N, 4)."""
    bone_weight: NDArray[np.float32]
    """(N, 4), rows sum to one."""
    faces: NDArray[np.int32]
    """(F, 3)."""
    surface: NDArray[np.uint8]
    """(N,): row of ``surfaces``; the same for all corners of a face."""
    surfaces: NDArray[np.float32]
    """(S, 7): `Material`, `Weave`, period, share and second colour."""
    albedo: NDArray[np.float32]
    """(N, 3) linear."""
    cloth_m: NDArray[np.float32]
    """(N, 2)."""
    folds: NDArray[np.float32]
    """(N, 3): ``fold_m`` and ``bunched`` of the layers."""
    density: NDArray[np.float32]
    """(N,)."""
    nearer_m: NDArray[np.float32]
    """(N,): how much nearer to the camera than it is a vertex counts as, so that what is worn underneath and moves a
    little differently does not show through."""
    grids: NDArray[np.int32]
    """(G, 3): first vertex, rows and columns of cloth that legs push outwards."""


class Outfit:
    """A dressed double in as many levels of detail as have been asked for."""

    def __init__(self, layers: list[Layer], paint: Callable[[], NDArray[np.float32]] | None = None) -> None:
        """Take what is worn, in any order, and what paints the chart of the head, (R, C, 3), once it is seen close by."""
        self._layers = [_compact(layer) for layer in layers if len(layer.faces)]
        self._levels: dict[float, Dressed] = {}
        self._creases: dict[Dressed, NDArray[np.float32]] = {}
        self._rests: dict[Dressed, NDArray[np.float32]] = {}
        self._posed: dict[tuple[Dressed, Pose, int, float], NDArray[np.float32]] = {}
        self._paint = paint
        self._charts: list[NDArray[np.float32]] = []

    def at(self, scale_px_per_m: float) -> Dressed:
        """The coarsest level that looks the same at a scale."""
        return self.level(max(cell for cell in CELLS_M if cell == 0 or cell * scale_px_per_m <= _CELL_PX))

    def level(self, cell_m: float) -> Dressed:
        """The level of one of `CELLS_M`."""
        if cell_m not in self._levels:
            layers = [layer for layer in self._layers if cell_m == 0 or not layer.is_fine]
            self._levels[cell_m] = join([_merged(layer, cell_m) for layer in layers])
        return self._levels[cell_m]

    def posed(
        self, dressed: Dressed, poses: Pose, step: int, elevation_rad: float, make: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """(N, 3) vertices in a pose. The last are kept: a picture asks where they go, and the next one begins there."""
        here = (dressed, poses, step, elevation_rad)
        self._posed = {here: self._posed[here] if here in self._posed else make()}
        return self._posed[here]

    def creases(self, dressed: Dressed, seed: int) -> NDArray[np.float32]:
        """(N, 2): how folds tip the normals of one of the levels; they go with the cloth, so once is enough."""
        if dressed not in self._creases:
            out = np.empty((len(dressed.vertices_m), 2), np.float32)
            surfaces.creases(dressed.vertices_m, dressed.surface, dressed.surfaces, seed, out)
            self._creases[dressed] = out
        return self._creases[dressed]

    def fold_ways(self, dressed: Dressed, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 9): see `folds.fold_ways`, of one of the levels in a pose with vertices at ``points`` (N, 3)."""
        out = np.empty((len(points), 9), np.float32)
        static = (dressed.folds, dressed.surface, dressed.surfaces)
        if dressed not in self._rests:
            folds.fold_ways(dressed.vertices_m, dressed.faces, *static, np.zeros(1, np.float32), out)
            self._rests[dressed] = out[:, 2].copy()
        folds.fold_ways(points, dressed.faces, *static, self._rests[dressed], out)
        return out

    def chart(self, sample_m: float) -> NDArray[np.float32]:
        """(R, C, 3): the painted head, no finer than samples ``sample_m`` apart can show."""
        if self._paint is None:
            return _NO_CHART
        if not self._charts:
            self._charts.append(self._paint())
            for _ in range(_CHART_LEVELS - 1):
                last = self._charts[-1]
                quads = last.reshape(last.shape[0] // 2, 2, last.shape[1] // 2, 2, 3)
                self._charts.append(np.ascontiguousarray(quads.mean((1, 3))))
        level = int(np.clip(np.floor(np.log2(max(sample_m, 1e-6) / _TEXEL_M)), 0, _CHART_LEVELS - 1))
        return self._charts[level]


def join(layers: list[Layer]) -> Dressed:
    """Join layers."""
    starts = np.cumsum([0] + [len(layer.vertices_m) for layer in layers])
    weights = np.concatenate([layer.weights for layer in layers])
    index = np.argsort(-weights, axis=1, kind="stable")[:, :BONES_PER_VERTEX]
    strongest = np.take_along_axis(weights, index, 1)
    faces = [layer.faces + start for layer, start in zip(layers, starts, strict=False)]
    sizes = [len(layer.vertices_m) for layer in layers]
    grids = [(start, *layer.grid) for layer, start in zip(layers, starts.tolist(), strict=False) if layer.grid]
    cloth = [layer.vertices_m[:, [0, 2]] if layer.cloth_m is None else layer.cloth_m for layer in layers]
    rows = [
        [float(e.material), float(e.pattern.weave), e.pattern.period_m, e.pattern.share, *e.pattern.colour]
        for e in layers
    ]
    return Dressed(
        vertices_m=np.concatenate([layer.vertices_m for layer in layers]).astype(np.float32),
        bone_index=index.astype(np.int32),
        bone_weight=(strongest / strongest.sum(1, keepdims=True)).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        surface=np.repeat(np.arange(len(layers)), sizes).astype(np.uint8),
        surfaces=np.array(rows, np.float32),
        albedo=np.concatenate([layer.albedo for layer in layers]).astype(np.float32),
        cloth_m=np.concatenate(cloth).astype(np.float32),
        folds=np.concatenate([_folds(layer) for layer in layers]).astype(np.float32),
        density=np.concatenate(
            [np.ones(n) if layer.density is None else layer.density for layer, n in zip(layers, sizes, strict=True)]
        ).astype(np.float32),
        nearer_m=np.repeat([layer.rank * RANK_DEPTH_M for layer in layers], sizes).astype(np.float32),
        grids=np.array(grids, np.int32).reshape(-1, 3),
    )


def linear(rgb: RGB) -> Floats:
    """(3,) linear colour of an sRGB colour of 0 to 255 (IEC 61966-2-1)."""
    value = np.array(rgb, float) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def rigid(count: int, bone: int) -> NDArray[np.float32]:
    """(count, bones) weights of vertices that one bone carries alone."""
    weights = np.zeros((count, len(BONES)), np.float32)
    weights[:, bone] = 1
    return weights


def grid_faces(rows: int, columns: int, *, closed: bool = False) -> NDArray[np.int32]:
    """Faces of a grid of points in rows; ``closed`` joins the last column to the first.

    Seen from outside, rows go down and columns to the right (which is anticlockwise seen from above).
    """
    across = columns if closed else columns - 1
    first = np.arange(rows - 1)[:, None] * columns
    here, there = first + np.arange(across), first + (np.arange(across) + 1) % columns
    quads = np.stack([here, here + columns, there + columns, there], -1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def outwards(points: Floats, faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """The faces of a roughly closed surface, turned as one so that they are counter-clockwise seen from outside."""
    a, b, c = (points[faces[:, k]] - points.mean(0) for k in range(3))
    return faces if float(np.einsum("fi,fi->", a, np.cross(b, c))) >= 0 else faces[:, ::-1].copy()


def _folds(layer: Layer) -> Floats:
    """(N, 3): places on the chart of folds, and how much the cloth is bunched."""
    points = layer.vertices_m
    places = folds.fold_places(points, points[:, 2]) if layer.fold_m is None else layer.fold_m
    return np.column_stack([places, np.zeros(len(points)) if layer.bunched is None else layer.bunched])


def _compact(layer: Layer) -> Layer:
    """Leave out vertices that no face uses."""
    if layer.grid is not None:
        return layer
    used, faces = np.unique(layer.faces, return_inverse=True)
    return replace(
        layer, vertices_m=layer.vertices_m[used], weights=layer.weights[used], albedo=layer.albedo[used],
        cloth_m=None if layer.cloth_m is None else layer.cloth_m[used],
        fold_m=None if layer.fold_m is None else layer.fold_m[used],
        bunched=None if layer.bunched is None else layer.bunched[used],
        density=None if layer.density is None else layer.density[used],
        faces=faces.reshape(layer.faces.shape).astype(np.int32),
    )  # fmt: skip


def _merged(layer: Layer, cell_m: float) -> Layer:
    """Merge vertices that share a cell and a bone (Rossignac and Borrel 1993), and drop faces that vanish."""
    if cell_m == 0 or layer.grid is not None:
        return layer
    cells = np.floor(layer.vertices_m / cell_m).astype(np.int64) + 4096
    key = ((cells[:, 0] * 8192 + cells[:, 1]) * 8192 + cells[:, 2]) * 64 + layer.weights.argmax(1)
    _, group = np.unique(key, return_inverse=True)
    group = group.reshape(-1)
    count = np.bincount(group).astype(float)

    def mean(values: NDArray[np.floating]) -> Floats:
        sums = np.stack([np.bincount(group, values[:, k]) for k in range(values.shape[1])], 1)
        return np.asarray(sums / count[:, None])

    faces = group[layer.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    turned = np.take_along_axis(faces, (faces.argmin(1)[:, None] + np.arange(3)) % 3, 1)
    return replace(
        layer, vertices_m=mean(layer.vertices_m), weights=mean(layer.weights).astype(np.float32),
        albedo=mean(layer.albedo), cloth_m=None if layer.cloth_m is None else mean(layer.cloth_m),
        fold_m=None if layer.fold_m is None else mean(layer.fold_m),
        bunched=None if layer.bunched is None else mean(layer.bunched[:, None])[:, 0],
        density=None if layer.density is None else mean(layer.density[:, None])[:, 0],
        faces=np.unique(turned, axis=0).astype(np.int32),
    )  # fmt: skip
