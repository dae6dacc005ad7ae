"""Colours a render: skin, hair, cloth with patterns and folds, light. Every use of a render looks different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import NUM_PARTS, Part
from bodydouble.scene.skeleton import JOINT_INDEX
from training.shards import Body

Floats = NDArray[np.float32]

SKIN_TONES: Final[Floats] = np.array(
    [[0.96, 0.84, 0.77], [0.91, 0.74, 0.63], [0.82, 0.63, 0.49], [0.68, 0.48, 0.35], [0.49, 0.33, 0.23],
     [0.34, 0.22, 0.15], [0.22, 0.14, 0.10]], np.float32,
)  # fmt: skip
"""RGB in 0..1, from light to dark."""
HAIR_COLOURS: Final[Floats] = np.array(
    [[0.05, 0.04, 0.04], [0.10, 0.07, 0.05], [0.22, 0.14, 0.09], [0.42, 0.29, 0.17], [0.75, 0.60, 0.38],
     [0.6, 0.6, 0.6], [0.88, 0.87, 0.84], [0.45, 0.17, 0.08]], np.float32,
)  # fmt: skip

_CLOTH: Final[tuple[Part, ...]] = (
    Part.TORSO, Part.UPPER_ARM, Part.FOREARM, Part.HIPS, Part.THIGH, Part.SHIN, Part.SKIRT, Part.COAT_TAIL, Part.HOOD,
)  # fmt: skip


def _any_of(*parts: Part) -> NDArray[np.bool_]:
    """Look-up table from part to whether it is one of these; much faster than `np.isin` on pictures."""
    return np.isin(np.arange(NUM_PARTS), parts)


_IS_CLOTH: Final = _any_of(*_CLOTH)
_IS_ARM: Final = _any_of(Part.UPPER_ARM, Part.FOREARM)
_IS_LEG: Final = _any_of(Part.THIGH, Part.SHIN)
_IS_MIDDLE: Final = _any_of(Part.HIPS, Part.THIGH, Part.TORSO)
_IS_UPPER: Final = _any_of(Part.TORSO, Part.UPPER_ARM, Part.FOREARM, Part.COAT_TAIL, Part.HOOD)
_IS_LOWER: Final = _any_of(Part.THIGH, Part.SHIN, Part.SKIRT, Part.HIPS)


@dataclass(frozen=True, kw_only=True)
class Light:
    """The light of a scene, shared by all its people."""

    direction: Floats
    """``(3,)`` unit vector towards the light, camera frame (y down, z away)."""
    ambient: float
    key: float
    tint: Floats
    """``(3,)`` gain per colour."""


def draw_light(rng: np.random.Generator) -> Light:
    """Sun, sky, hall, lamp, or hardly any."""
    direction = rng.normal(size=3)
    direction[1], direction[2] = -abs(direction[1]) - 0.4, -abs(direction[2]) * 0.7 + 0.2 * (rng.random() < 0.3)
    direction /= np.linalg.norm(direction)
    tint = 1 + rng.normal(0, 0.06) * np.array([1, 0, -1])
    return Light(
        direction=direction.astype(np.float32), ambient=float(rng.uniform(0.4, 0.9)), key=float(rng.uniform(0.1, 0.9)),
        tint=tint.astype(np.float32),
    )  # fmt: skip


def smooth_noise(height: int, width: int, cells: float, rng: np.random.Generator, channels: int = 1) -> Floats:
    """Noise ``(height, width, channels)`` around 0, unit-ish variance, with blobs of about ``cells`` px."""
    small = rng.standard_normal((max(2, int(height / cells) + 1), max(2, int(width / cells) + 1), channels))
    grown = cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown.reshape(height, width, channels), np.float32)


def draw_cloth(rng: np.random.Generator) -> Floats:
    """A cloth colour ``(3,)``: black, greys, muted, denim or bright."""
    kind = rng.random()
    if kind < 0.28:
        colour = np.full(3, rng.uniform(0.02, 0.16)) + rng.normal(0, 0.015, 3)
    elif kind < 0.48:
        colour = np.full(3, rng.uniform(0.15, 0.95)) + rng.normal(0, 0.03, 3)
    elif kind < 0.60:
        colour = np.array([0.2, 0.3, 0.5]) * rng.uniform(0.3, 1.6) + rng.normal(0, 0.03, 3)
    elif kind < 0.82:
        base = rng.random(3)
        colour = base * 0.5 + base.mean() * 0.5
    else:
        colour = rng.random(3) ** rng.uniform(0.5, 1.8)
    return np.clip(colour, 0.015, 1).astype(np.float32)


def dress(body: Body, light: Light, rng: np.random.Generator) -> tuple[Floats, NDArray[np.uint8]]:
    """Colour a render.

    Returns:
        ``(h, w, 3)`` RGB in 0..1 and the parts ``(h, w)``.
    """
    part = body.pixels[..., 0]
    across, up = (np.asarray(body.pixels[..., k] / np.float32(255), np.float32) for k in (3, 4))
    skin = SKIN_TONES[rng.integers(len(SKIN_TONES))] * np.float32(rng.uniform(0.85, 1.1))
    top, bottom = draw_cloth(rng), draw_cloth(rng)
    if rng.random() < 0.15:
        bottom = top
    colour = _palette(skin, top, bottom, rng)[part]
    out_from_middle = np.abs(across - 0.5)
    if rng.random() < 0.55:
        colour[_IS_ARM[part] & (out_from_middle > rng.uniform(0.2, 0.44))] = skin
    legs = _IS_LEG[part]
    if rng.random() < 0.22:
        colour[legs & (up < rng.uniform(0.06, 0.4))] = skin
    hem = rng.uniform(0.42, 0.6)
    colour[_IS_MIDDLE[part] & (up > hem)] = top
    colour[(part == Part.TORSO) & (up < hem)] = bottom
    if rng.random() < 0.22:
        inner = draw_cloth(rng)
        colour[(part == Part.TORSO) & (out_from_middle < rng.uniform(0.015, 0.05))] = inner
    _pattern(colour, part, across, up, rng)
    shaded = colour * _shade(body.pixels, part, light, rng)[..., None] * light.tint
    if rng.random() < 0.7:
        _face(shaded, body, rng)
    return np.clip(shaded, 0, 1), part


def _palette(skin: Floats, top: Floats, bottom: Floats, rng: np.random.Generator) -> Floats:
    table = np.zeros((NUM_PARTS, 3), np.float32)
    hair = HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))] * np.float32(rng.uniform(0.7, 1.3))
    chance = rng.random
    table[[Part.FACE, Part.NECK]] = skin
    table[Part.HAND] = skin if chance() < 0.88 else draw_cloth(rng)
    table[[Part.HAIR, Part.LONG_HAIR]] = hair if chance() < 0.94 else skin
    if chance() < 0.06:
        table[[Part.HAIR, Part.LONG_HAIR, Part.NECK]] = draw_cloth(rng)
    if chance() < 0.05:
        table[Part.FACE] = draw_cloth(rng)
    table[[Part.TORSO, Part.UPPER_ARM, Part.FOREARM, Part.HOOD]] = top
    if chance() < 0.08:
        table[[Part.UPPER_ARM, Part.FOREARM]] = draw_cloth(rng)
    if chance() < 0.3:
        table[Part.NECK] = top
    table[[Part.HIPS, Part.THIGH, Part.SHIN]] = bottom
    table[Part.FOOT] = draw_cloth(rng) * rng.uniform(0.3, 1)
    table[Part.SKIRT] = bottom if chance() < 0.6 else top
    table[Part.COAT_TAIL] = top
    for part in (Part.HAT, Part.BACKPACK, Part.BAG, Part.UMBRELLA, Part.PRAM):
        table[part] = draw_cloth(rng)
    return table


def _pattern(
    colour: Floats, part: NDArray[np.uint8], across: Floats, up: Floats, rng: np.random.Generator
) -> None:  # fmt: skip
    """Stripes, checks, blotches and prints on one garment, in place."""
    height, width = part.shape
    where = (_IS_UPPER if rng.random() < 0.65 else _IS_LOWER)[part]
    kind = rng.random()
    if kind < 0.14:
        waves = np.sin((up if rng.random() < 0.7 else across) * rng.uniform(60, 260)) > rng.uniform(-0.4, 0.4)
        colour[where & waves] = draw_cloth(rng)
    elif kind < 0.22:
        frequency = rng.uniform(50, 160)
        checks = (np.sin(up * frequency) > 0) ^ (np.sin(across * frequency) > 0)
        colour[where & checks] *= np.float32(rng.uniform(0.4, 1.5))
    elif kind < 0.42:
        noise = smooth_noise(height, width, rng.uniform(3, 24), rng, 3) * np.float32(rng.uniform(0.03, 0.2))
        colour[where] += noise[where] * (0.3 + colour[where])
    if rng.random() < 0.25:
        low, high = np.sort(rng.uniform(0.62, 0.8, 2))
        print_on_chest = (
            (part == Part.TORSO) & (np.abs(across - 0.5) < rng.uniform(0.02, 0.08)) & (up > low) & (up < high)
        )
        colour[print_on_chest] = draw_cloth(rng)
    np.clip(colour, 0.01, 1, out=colour)


def _shade(pixels: NDArray[np.uint8], part: NDArray[np.uint8], light: Light, rng: np.random.Generator) -> Floats:
    """Diffuse light with folds in the cloth, ``(h, w)``."""
    normal = (pixels[..., 1:3].astype(np.float32) - 128) / 127
    if rng.random() < 0.8:
        folds = smooth_noise(part.shape[0], part.shape[1], rng.uniform(3, 14), rng, 2) * np.float32(
            rng.uniform(0.05, 0.4)
        )
        normal += folds * _IS_CLOTH[part][..., None]
    right, down = normal[..., 0], normal[..., 1]
    away = -np.sqrt(np.maximum(1 - right * right - down * down, 0))
    facing = right * light.direction[0] + down * light.direction[1] + away * light.direction[2]
    sky = light.ambient * (0.75 - 0.25 * down)
    shade = sky + light.key * np.maximum(facing, 0)
    grain = smooth_noise(part.shape[0], part.shape[1], 2.0, rng)[..., 0] * np.float32(rng.uniform(0, 0.06))
    return np.asarray(np.maximum(shade * (1 + grain), 0.02), np.float32)


def _face(image: Floats, body: Body, rng: np.random.Generator) -> None:
    """Dark eyes, brows and a mouth where the eyes are seen, in place."""
    right, left, nose = (body.joints_px[JOINT_INDEX[name]] for name in ("right_eye", "left_eye", "nose"))
    apart = float(np.hypot(*(right[:2] - left[:2])))
    head = float(np.hypot(*(body.joints_px[JOINT_INDEX["neck"], :2] - nose[:2])))
    if head < 6 or not nose[2]:
        return
    radius = max(1, round(head * 0.05))
    for eye in (right, left):
        if eye[2]:
            spot = (int(eye[0]), int(eye[1]))
            cv2.ellipse(image, spot, (radius + 1, radius), 0, 0, 360, tuple(rng.uniform(0.02, 0.2, 3).tolist()), -1)
    if apart > 2:
        middle = nose[:2] + (nose[:2] - (right[:2] + left[:2]) / 2) * 0.9
        lips = tuple((np.array([0.5, 0.22, 0.2]) * rng.uniform(0.5, 1.2)).tolist())
        axes = (max(1, int(apart * 0.35)), max(1, radius // 2))
        cv2.ellipse(image, (int(middle[0]), int(middle[1])), axes, 0, 0, 360, lips, -1)
