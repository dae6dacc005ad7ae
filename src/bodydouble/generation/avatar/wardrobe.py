"""Dressing: body parts become skin, and copies of them, wider and smoother, become clothes."""

from __future__ import annotations

import numpy as np

from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.generation.avatar.mesh import Dressed, Layer, Material, join, linear
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.scene import Appearance


def dress(model: BodyModel, physique: Physique, appearance: Appearance, seed: int) -> Dressed:
    """The dressed double of an appearance; ``seed`` varies what the appearance leaves open."""
    parts = model.face_parts
    count = len(physique.vertices_m)

    def layer(which: set[Part], colour: Floats, material: Material, grow: float) -> Layer:
        from bodydouble.body.model import vertex_normals

        n = vertex_normals(physique.vertices_m[None].astype(np.float32), model.faces)[0]
        return Layer(
            vertices_m=physique.vertices_m + grow * n,
            weights=physique.weights,
            faces=model.faces[np.isin(parts, [int(p) for p in which])],
            albedo=np.broadcast_to(colour, (count, 3)),
            material=material,
        )

    return join(
        [
            layer({Part.FACE, Part.NECK, Part.HAND}, linear(appearance.skin_rgb), Material.SKIN, 0),
            layer({Part.HAIR}, linear(appearance.hair_rgb), Material.HAIR, 0.01),
            layer({Part.TORSO, Part.UPPER_ARM, Part.FOREARM}, linear(appearance.top_rgb), Material.KNIT, 0.015),
            layer({Part.HIPS, Part.THIGH, Part.SHIN}, linear(appearance.bottom_rgb), Material.WOVEN, 0.015),
            layer({Part.FOOT}, linear(appearance.shoes_rgb), Material.LEATHER, 0.006),
        ]
    )
