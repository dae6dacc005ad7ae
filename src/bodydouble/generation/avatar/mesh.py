"""The dressed double as one mesh that bones carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.skeleton import BONES, Floats
from bodydouble.scene.appearance import RGB

BONES_PER_VERTEX = 4
RANK_DEPTH_M = 0.009
"""Each rank of clothes is drawn as if it were this much nearer to the camera."""


class Material(IntEnum):
    """How a surface is shaded."""

    SKIN = 0
    HAIR = 1
    KNIT = 2
    WOVEN = 3
    DENIM = 4
    LEATHER = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A part of the dressed mesh, in the rest body's frame."""

    vertices_m: Floats
    """(N, 3)."""
    weights: NDArray[np.float32]
    """(N, bones)."""
    faces: NDArray[np.int32]
    """(F, 3)."""
    albedo: Floats
    """(N, 3): linear colour of the surface, 0 to 1."""
    material: Material
    is_loose: bool = False
    """Hangs around the legs, which push it outwards."""
    rank: int = 0
    """What is worn over what; see `RANK_DEPTH_M`."""


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
    face_material: NDArray[np.uint8]
    """(F,) values of `Material`."""
    albedo: NDArray[np.float32]
    """(N, 3) linear."""
    nearer_m: NDArray[np.float32]
    """(N,): how much nearer to the camera than it is a vertex counts as, so that what is worn underneath and moves a
    little differently does not show through."""
    loose: NDArray[np.int32]
    """(M,): vertices that legs push outwards."""


def join(layers: list[Layer]) -> Dressed:
    """Join layers; vertices that no face uses are left out."""
    layers = [_compact(layer) for layer in layers if len(layer.faces)]
    starts = np.cumsum([0] + [len(layer.vertices_m) for layer in layers])
    weights = np.concatenate([layer.weights for layer in layers])
    index = np.argsort(-weights, axis=1, kind="stable")[:, :BONES_PER_VERTEX]
    strongest = np.take_along_axis(weights, index, 1)
    faces = [layer.faces + start for layer, start in zip(layers, starts, strict=False)]
    materials = [np.full(len(layer.faces), int(layer.material), np.uint8) for layer in layers]
    loose = [start + np.arange(len(e.vertices_m)) for e, start in zip(layers, starts, strict=False) if e.is_loose]
    return Dressed(
        vertices_m=np.concatenate([layer.vertices_m for layer in layers]).astype(np.float32),
        bone_index=index.astype(np.int32),
        bone_weight=(strongest / strongest.sum(1, keepdims=True)).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        face_material=np.concatenate(materials),
        albedo=np.concatenate([layer.albedo for layer in layers]).astype(np.float32),
        nearer_m=np.concatenate([np.full(len(e.vertices_m), e.rank * RANK_DEPTH_M, np.float32) for e in layers]),
        loose=np.concatenate([np.zeros(0, np.int64), *loose]).astype(np.int32),
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


def _compact(layer: Layer) -> Layer:
    used, faces = np.unique(layer.faces, return_inverse=True)
    return Layer(
        vertices_m=layer.vertices_m[used], weights=layer.weights[used], albedo=layer.albedo[used],
        faces=faces.reshape(layer.faces.shape).astype(np.int32), material=layer.material,
        is_loose=layer.is_loose,
        rank=layer.rank,
    )  # fmt: skip
