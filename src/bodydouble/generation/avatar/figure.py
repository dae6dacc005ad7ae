"""The naked rest body with what tailoring asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel, vertex_normals
from bodydouble.body.parts import Part
from bodydouble.generation.avatar.cloth import relax
from bodydouble.generation.avatar.mesh import Layer, Material
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats

_USUAL_STATURE_M: Final = 1.72


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """The naked rest body with what tailoring asks of it."""

    physique: Physique
    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    vertex_parts: NDArray[np.uint8]
    normals: Floats
    """(V, 3), of a smoothed body: no muscles, no nipples."""
    eyeballs: NDArray[np.bool_]
    """(V,): vertices of the eyes."""
    cloth_weights: NDArray[np.float32]
    """(V, bones): as the skin's, but hems do not turn with hands and feet."""
    size: float
    """Stature over that of a usual adult: measures of clothes go with it."""

    @property
    def points(self) -> Floats:
        """(V, 3) skin."""
        return self.physique.vertices_m

    def head_of(self, bone: str) -> Floats:
        """(3,): where a bone begins."""
        return np.asarray(self.physique.skeleton.heads_m[BONE_INDEX[bone]])

    def within(self, *parts: Part) -> NDArray[np.bool_]:
        """(V,): vertices of some parts."""
        return np.isin(self.vertex_parts, [int(part) for part in parts])

    def faces_of(self, *parts: Part) -> NDArray[np.int32]:
        """Faces of some parts."""
        return self.faces[np.isin(self.face_parts, [int(part) for part in parts])]

    def skin(self, faces: NDArray[np.int32], albedo: Floats) -> Layer:
        """Some faces, bare."""
        return Layer(
            vertices_m=self.points, weights=self.physique.weights, faces=faces, albedo=albedo, material=Material.SKIN
        )


def figure_of(model: BodyModel, physique: Physique) -> Figure:
    """Prepare a body for dressing."""
    smoothed = relax(physique.vertices_m, model.faces, 6)
    normals = vertex_normals(smoothed[None].astype(np.float32), model.faces)[0]
    weights = physique.weights.copy()
    for end, before in (("wrist", "lowerarm01"), ("foot", "lowerleg01")):
        for side in ("L", "R"):
            weights[:, BONE_INDEX[f"{before}.{side}"]] += weights[:, BONE_INDEX[f"{end}.{side}"]]
            weights[:, BONE_INDEX[f"{end}.{side}"]] = 0
    return Figure(
        physique=physique, faces=model.faces, face_parts=model.face_parts, vertex_parts=model.vertex_parts,
        normals=normals.astype(float), eyeballs=np.array([bone.startswith("eye") for bone in model.dominant_bones]),
        cloth_weights=weights, size=float(np.ptp(physique.vertices_m[:, 2])) / _USUAL_STATURE_M,
    )  # fmt: skip
