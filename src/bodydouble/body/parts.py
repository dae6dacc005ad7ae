"""Which part of the body a vertex or a face belongs to."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray


class Part(IntEnum):
    """Part of the body or of what is worn and carried. Values are stored in shards: never renumber, only append."""

    NOTHING = 0
    FACE = 1
    HAIR = 2
    TORSO = 3
    UPPER_ARM = 4
    FOREARM = 5
    HAND = 6
    HIPS = 7
    THIGH = 8
    SHIN = 9
    FOOT = 10
    NECK = 11
    SKIRT = 12
    COAT_TAIL = 13
    HOOD = 14
    HAT = 15
    BACKPACK = 16
    BAG = 17
    UMBRELLA = 18
    PRAM = 19
    LONG_HAIR = 20


NUM_PARTS: Final[int] = len(Part)

BODY_PARTS: Final[tuple[Part, ...]] = tuple(part for part in Part if Part.FACE <= part <= Part.NECK)
"""Parts of the naked body mesh, as opposed to what is fastened to it."""

_PREFIXES: Final[tuple[tuple[str, Part], ...]] = (
    ("head", Part.FACE), ("eye", Part.FACE), ("neck", Part.NECK), ("spine05", Part.HIPS), ("spine", Part.TORSO),
    ("clavicle", Part.TORSO), ("shoulder", Part.TORSO), ("upperarm", Part.UPPER_ARM), ("lowerarm", Part.FOREARM),
    ("wrist", Part.HAND), ("finger", Part.HAND), ("metacarpal", Part.HAND), ("root", Part.HIPS),
    ("pelvis", Part.HIPS), ("upperleg", Part.THIGH), ("lowerleg", Part.SHIN), ("foot", Part.FOOT), ("toe", Part.FOOT),
)  # fmt: skip

# The hair cap, as fractions of the head's extent: the crown, and the back of the skull down to the nape.
_CROWN_FROM: Final[float] = 0.80
_BACK_FROM: Final[float] = 0.50
_NAPE_FROM: Final[float] = 0.36


def part_of_bone(bone: str) -> Part:
    """Part that a bone of the ``anny`` skeleton carries.

    Raises:
        ValueError: if the bone's name is of no known family.
    """
    for prefix, part in _PREFIXES:
        if bone.startswith(prefix):
            return part
    raise ValueError(f"bone {bone!r} belongs to no part; known families: {sorted({p for p, _ in _PREFIXES})}")


def label_vertices(dominant_bones: list[str], rest_vertices_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Part of every vertex, from the bone that moves it most and, on the head, from where it lies.

    Args:
        dominant_bones: V bone names.
        rest_vertices_m: ``(V, 3)`` in the rest frame (x left, y backwards, z up).

    Returns:
        ``(V,)`` values of `Part`.
    """
    parts = np.array([part_of_bone(bone) for bone in dominant_bones], np.uint8)
    head = parts == Part.FACE
    low, high = rest_vertices_m[head].min(0), rest_vertices_m[head].max(0)
    _, back, up = ((rest_vertices_m - low) / (high - low)).T
    parts[head & ((up > _CROWN_FROM) | ((back > _BACK_FROM) & (up > _NAPE_FROM)))] = Part.HAIR
    return parts


def label_faces(vertex_parts: NDArray[np.uint8], faces: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Part of every triangle: that of two of its corners if they agree, else of the first.

    Args:
        vertex_parts: ``(V,)``.
        faces: ``(F, 3)`` vertex indices.

    Returns:
        ``(F,)`` values of `Part`.
    """
    a, b, c = vertex_parts[faces].T
    return np.asarray(np.where(b == c, b, a), np.uint8)
