"""Looks of the people on a rendered street: body, colours, which faces of the body are cloth, things worn over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body import outfit
from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.body.primitives import Mesh
from bodydouble.seeds import derive_seed
from bodydouble.synth.light import to_linear
from bodydouble.synth.noise import NoiseField

_SKIN: Final = ((236, 198, 170), (222, 172, 138), (196, 142, 104), (150, 102, 70), (104, 68, 46), (72, 48, 36))
_HAIR: Final = (
    (34, 26, 22),
    (62, 42, 28),
    (104, 72, 44),
    (150, 116, 68),
    (132, 130, 128),
    (196, 192, 186),
    (96, 44, 24),
)
_TOPS: Final = (
    (196, 44, 46), (34, 62, 116), (232, 228, 220), (38, 40, 44), (62, 110, 84), (222, 170, 60), (116, 70, 110),
    (120, 150, 176), (168, 110, 70), (210, 118, 108), (90, 94, 98), (28, 96, 112),
)  # fmt: skip
_BOTTOMS: Final = (
    (40, 52, 84),
    (30, 32, 36),
    (96, 100, 104),
    (150, 132, 102),
    (70, 58, 46),
    (62, 82, 112),
    (108, 44, 48),
)
_SHOES: Final = ((26, 24, 24), (96, 62, 40), (226, 224, 218), (62, 64, 72), (120, 34, 34))
_INFLATION_M: Final = {"jacket": 0.022, "shirt": 0.011, "trousers": 0.012, "shoe": 0.009, "hair": 0.014}


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """Everything about one person that does not move."""

    phenotype: dict[str, float]
    face_albedo: NDArray[np.float32]
    """``(F, 3)`` linear colour of the body's faces."""
    face_cloth: NDArray[np.float32]
    """``(F,)`` 1 where folds and patterns show, 0 on skin."""
    inflation_m: NDArray[np.float32]
    """``(V,)`` how far cloth stands off the body."""
    pattern: str
    pattern_rgb: NDArray[np.float32]
    is_top: NDArray[np.bool_]
    """``(F,)`` faces that carry the pattern."""
    extras: tuple[tuple[str, NDArray[np.float32]], ...]
    """Worn or carried things by name, with their colour."""
    skirt_length: float
    bag_side: str
    noise: NoiseField

    def worn(self, on: outfit.Anchors) -> list[tuple[Mesh, NDArray[np.float32]]]:
        """Meshes of the extras on a posed body, with their colours."""
        return [(self._make(name, on), colour) for name, colour in self.extras]

    def _make(self, name: str, on: outfit.Anchors) -> Mesh:
        if name == "skirt":
            return outfit.skirt(on, length=self.skirt_length)
        if name == "coat":
            return outfit.skirt(on, length=self.skirt_length, looseness_m=0.035, part=Part.COAT_TAIL)
        if name == "hood":
            return outfit.hood(on)
        if name == "long_hair":
            return outfit.long_hair(on)
        if name == "bun":
            return outfit.bun(on)
        if name == "cap":
            return outfit.hat(on, peak_m=0.05)
        if name == "backpack":
            return outfit.backpack(on)
        if name == "shoulder_bag":
            return outfit.shoulder_bag(on, side=self.bag_side)
        return outfit.hand_bag(on, side=self.bag_side)

    def tone(self, template_m: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
        """Colour factor ``(N, 3)`` of pixels of the body: folds, grain and the pattern of the top.

        Args:
            template_m: ``(N, 3)`` where the pixel lies on the body of `reference_vertices`.
            faces: ``(N,)`` the face it lies on.
        """
        x, y, z = template_m.T
        folds = self.noise.rough(x * 11 + 3 * y, z * 6 + 5 * y, 3)
        grain = self.noise.smooth(x * 140, z * 140 + y * 90)
        strength = self.face_cloth[faces]
        tone = 1 + strength * (1.1 * (folds - 0.5) + 0.16 * (grain - 0.5))
        out = np.repeat(tone[:, None], 3, axis=1)
        on_top = self.is_top[faces]
        if self.pattern == "stripes":
            mark = on_top & (np.floor(z / 0.035) % 2 == 0)
        elif self.pattern == "checks":
            mark = on_top & ((np.floor(z / 0.03) % 3 == 0) | (np.floor((x + y) / 0.03) % 3 == 0))
        elif self.pattern == "panel":
            mark = on_top & (z > 0.2)
        else:
            return np.asarray(out, np.float32)
        return np.asarray(np.where(mark[:, None], out * self.pattern_rgb, out), np.float32)


@lru_cache(maxsize=1)
def reference_vertices(model: BodyModel) -> NDArray[np.float32]:
    """``(V, 3)`` of the unposed body of middling shape: where patterns and the limits of clothes are laid out."""
    return np.asarray(model.rest({}).vertices_m[0].numpy(), np.float32)


def draw_look(model: BodyModel, seed: int) -> Look:
    """Dress somebody."""
    rng = np.random.default_rng(derive_seed(seed, "look"))

    def pick(colours: tuple[tuple[int, int, int], ...]) -> NDArray[np.float32]:
        base = np.array(colours[int(rng.integers(len(colours)))]) + rng.integers(-10, 11, 3)
        return to_linear(np.clip(base, 8, 245).astype(np.uint8))

    woman = bool(rng.random() < 0.5)
    skin, hair, top, bottom, shoe = pick(_SKIN), pick(_HAIR), pick(_TOPS), pick(_BOTTOMS), pick(_SHOES)
    legs = "skirt" if woman and rng.random() < 0.35 else "shorts" if rng.random() < 0.12 else "trousers"
    jacket, long_sleeves = bool(rng.random() < 0.45), bool(rng.random() < 0.6)
    extras: list[tuple[str, NDArray[np.float32]]] = []
    skirt_length = float(rng.uniform(0.6, 1.3))
    if legs == "skirt":
        extras.append(("skirt", bottom))
    elif jacket and rng.random() < 0.35:
        extras.append(("coat", top))
        skirt_length = float(rng.uniform(0.35, 0.8))
    if woman and rng.random() < 0.75:
        extras.append(("long_hair" if rng.random() < 0.65 else "bun", hair))
    elif jacket and rng.random() < 0.15:
        extras.append(("hood", top * 0.9))
    elif rng.random() < 0.2:
        extras.append(("cap", pick(_TOPS)))
    carried = rng.choice(["", "", "", "backpack", "shoulder_bag", "hand_bag"])
    if carried:
        extras.append((str(carried), pick(_BOTTOMS + _SHOES)))
    template, parts = reference_vertices(model), model.vertex_parts
    zones = _zones(parts, template, legs=legs, long_sleeves=long_sleeves or jacket, jacket=jacket)
    face_zone = _face_zones(zones, model.faces)
    albedo = np.stack([skin, hair, top, bottom, shoe, skin * 0.35, np.array([0.45, 0.12, 0.1]) * 0.5 + skin * 0.35])
    thickness = np.array([0, _INFLATION_M["hair"], _INFLATION_M["jacket" if jacket else "shirt"], _INFLATION_M["trousers"],
                          _INFLATION_M["shoe"], 0, 0])  # fmt: skip
    return Look(
        phenotype={
            "gender": float(rng.uniform(0.85, 1.0) if woman else rng.uniform(0.0, 0.15)),
            "age": float(rng.uniform(0.6, 0.95)),
            "weight": float(rng.uniform(0.3, 0.75)),
            "muscle": float(rng.uniform(0.4, 0.7)),
            "height": float(rng.uniform(0.35, 0.7)),
            "proportions": float(rng.uniform(0.4, 0.7)),
        },
        face_albedo=np.asarray(albedo[face_zone], np.float32),
        face_cloth=np.isin(face_zone, (1, 2, 3)).astype(np.float32),
        inflation_m=np.asarray(thickness[zones], np.float32),
        pattern=str(rng.choice(["plain", "plain", "plain", "stripes", "checks", "panel"])),
        pattern_rgb=np.asarray(rng.uniform(0.35, 1.5, 3), np.float32),
        is_top=face_zone == 2,
        extras=tuple(extras),
        skirt_length=skirt_length,
        bag_side=str(rng.choice(["left", "right"])),
        noise=NoiseField(derive_seed(seed, "cloth")),
    )


def _zones(
    parts: NDArray[np.uint8], template_m: NDArray[np.float32], *, legs: str, long_sleeves: bool, jacket: bool
) -> NDArray[np.int64]:
    """What covers each vertex: 0 skin, 1 hair, 2 top, 3 bottom, 4 shoes, 5 eyes, 6 lips."""
    zones = np.zeros(len(parts), np.int64)
    x, y, z = template_m.T
    zones[parts == Part.HAIR] = 1
    zones[np.isin(parts, (Part.TORSO, Part.UPPER_ARM))] = 2
    if long_sleeves:
        zones[parts == Part.FOREARM] = 2
    hips, thigh, shin = (parts == p for p in (Part.HIPS, Part.THIGH, Part.SHIN))
    zones[hips | thigh] = 3
    if legs == "trousers":
        zones[shin] = 3
    elif legs == "skirt":
        zones[thigh & (z < -0.2)] = 0
    zones[(hips | thigh) & (z > (-0.06 if jacket else 0.03))] = 2
    zones[parts == Part.FOOT] = 4
    if jacket:
        zones[(parts == Part.NECK) & (z < 0.53)] = 2
    # The face, at the eyes and the mouth of the reference body.
    face = parts == Part.FACE
    front = y < -0.07
    for eye_x in (-0.031, 0.031):
        zones[face & front & (np.hypot((x - eye_x) / 0.018, (z - 0.652) / 0.009) < 1)] = 5
        zones[face & front & (np.hypot((x - eye_x) / 0.024, (z - 0.676) / 0.005) < 1)] = 5
    zones[face & front & (np.hypot(x / 0.024, (z - 0.578) / 0.008) < 1)] = 6
    return zones


def _face_zones(zones: NDArray[np.int64], faces: NDArray[np.int32]) -> NDArray[np.int64]:
    a, b, c = zones[faces].T
    return np.asarray(np.where(b == c, b, a))
