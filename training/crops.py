"""Crops for the person network: one person in the middle, others and things around, behind and in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.backgrounds import Backgrounds
from training.clutter import OCCLUDERS
from training.degrade import degrade
from training.dress import draw_light
from training.figures import Figure, Floats, changed, figure_of, paste, shadow
from training.shards import RenderLibrary

CROP_HW_PX: Final[tuple[int, int]] = (128, 96)
"""Input of the person network."""
ENLARGED: Final[float] = 1.25
"""The crop is the person's box, this much larger, brought to the shape of `CROP_HW_PX`."""
_PAD: Final[int] = 40
"""Pixels drawn around the crop so that it can be turned a little."""

SEEN, SELF_HIDDEN, HIDDEN, OUTSIDE = 1.0, 0.8, 0.55, 0.0
"""Height of the peak asked for: where a joint is guessed the network should say so."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crop:
    """One training example of the person network."""

    rgb: NDArray[np.uint8]
    """``(128, 96, 3)``."""
    mask: NDArray[np.uint8]
    """``(128, 96)`` 0..255: cover by this person."""
    joints_px: Floats
    """``(18, 3)`` x, y in the crop, and the height of the peak to learn."""


def make_crop(library: RenderLibrary, backgrounds: Backgrounds, rng: np.random.Generator) -> Crop:
    """Draw one crop; people who can hardly be seen are drawn again."""
    while True:
        crop = _try_crop(library, backgrounds, rng)
        if crop is not None:
            return crop


def _try_crop(library: RenderLibrary, backgrounds: Backgrounds, rng: np.random.Generator) -> Crop | None:
    height, width = CROP_HW_PX
    body = library.draw(rng)
    kept = _kept_part(rng)
    box = body.box_px
    inside = np.tile(box[:2], 2) + np.array(kept, np.float32) * np.tile(box[2:] - box[:2], 2)
    wide, tall = inside[2] - inside[0], inside[3] - inside[1]
    crop_height = max(tall, wide * height / width) * ENLARGED * np.exp(rng.normal(0, 0.09))
    scale = height / crop_height
    light = draw_light(rng)
    figure = figure_of(body, float((box[3] - box[1]) * scale), light, rng)
    middle = np.array([(inside[0] + inside[2]) / 2, (inside[1] + inside[3]) / 2]) - box[:2]
    place = figure.box_px[:2] + middle * scale + rng.normal(0, [width * 0.035, height * 0.035])
    left, top = round(_PAD + width / 2 - place[0]), round(_PAD + height / 2 - place[1])
    image = backgrounds.draw(height + 2 * _PAD, width + 2 * _PAD)
    mask = np.zeros(image.shape[:2], np.float32)
    person_size = float(figure.box_px[3] - figure.box_px[1])
    others = int(rng.choice([0, 1, 2, 4], p=[0.4, 0.3, 0.18, 0.12]))
    neighbours = [_neighbour(library, person_size, light, left, top, figure, rng) for _ in range(others)]
    for other, x, y, in_front in neighbours:
        if not in_front:
            paste(image, other, x, y)
    if rng.random() < 0.5:
        shadow(image, figure, left, top, rng)
    region = paste(image, figure, left, top)
    if region is None:
        return None
    mask[region[0], region[1]] = figure.person[region[2], region[3]]
    whole = float(mask.sum())
    for other, x, y, in_front in neighbours:
        if in_front and (area := paste(image, other, x, y)) is not None:
            mask[area[0], area[1]] *= 1 - other.alpha[area[2], area[3]]
    if rng.random() < 0.3:
        _occlude(image, mask, person_size, rng)
    if mask.sum() < 0.3 * whole:
        return None
    joints = figure.joints_px + np.array([left, top, 0], np.float32)
    return _finish(image, mask, joints, inside_px=_frame_border(kept, figure, left, top), rng=rng)


def _kept_part(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Part of the person's box that lies in the frame, as fractions: left, top, right, bottom."""
    left, top, right, bottom = 0.0, 0.0, 1.0, 1.0
    kind = rng.random()
    if kind < 0.10:
        bottom = rng.uniform(0.3, 0.95)
    elif kind < 0.14:
        left = rng.uniform(0.05, 0.6)
    elif kind < 0.18:
        right = rng.uniform(0.4, 0.95)
    elif kind < 0.21:
        top = rng.uniform(0.05, 0.5)
    return left, top, right, bottom


def _frame_border(kept: tuple[float, ...], figure: Figure, left: int, top: int) -> tuple[int, int, int, int] | None:
    """The frame's border in the padded crop, if the person is cut by it."""
    if kept == (0.0, 0.0, 1.0, 1.0):
        return None
    x0, y0, x1, y1 = figure.box_px
    far = 10_000
    return (
        round(left + x0 + kept[0] * (x1 - x0)) if kept[0] > 0 else -far,
        round(top + y0 + kept[1] * (y1 - y0)) if kept[1] > 0 else -far,
        round(left + x0 + kept[2] * (x1 - x0)) if kept[2] < 1 else far,
        round(top + y0 + kept[3] * (y1 - y0)) if kept[3] < 1 else far,
    )


def _neighbour(
    library: RenderLibrary, size: float, light: object, left: int, top: int, figure: Figure, rng: np.random.Generator
) -> tuple[Figure, int, int, bool]:  # fmt: skip
    """Somebody beside, behind or before the person."""
    from training.dress import Light

    assert isinstance(light, Light)
    in_front = rng.random() < 0.4
    tall = size * (rng.uniform(0.9, 1.5) if in_front else rng.uniform(0.45, 1.15))
    other = figure_of(library.draw(rng), float(np.clip(tall, 12, 330)), light, rng)
    width = figure.box_px[2] - figure.box_px[0]
    away = rng.choice([-1, 1]) * max(10.0, width) * rng.uniform(0.45 if in_front else 0.15, 1.3)
    x = left + (figure.box_px[0] + figure.box_px[2]) / 2 + away - (other.box_px[0] + other.box_px[2]) / 2
    drop = size * (rng.uniform(0.0, 0.15) if in_front else rng.uniform(-0.3, 0.03))
    y = top + figure.box_px[3] + drop - other.box_px[3]
    return other, round(x), round(y), in_front


def _occlude(image: Floats, mask: Floats, size: float, rng: np.random.Generator) -> None:
    """Put a thing, or a strip or block of another place, in front, in place."""
    before = image.copy()
    height, width = mask.shape
    if rng.random() < 0.6:
        thing = OCCLUDERS[int(rng.integers(len(OCCLUDERS)))]
        thing(image, rng.uniform(0.15, 0.85) * width, height - _PAD + size * rng.uniform(-0.3, 0.2), size, rng)
    else:
        w, h = rng.integers(5, width // 3), rng.integers(8, height // 2)
        x, y = rng.integers(_PAD, width - _PAD), rng.integers(_PAD, height - _PAD // 2)
        tone = rng.uniform(0, 1, 3) * np.ones((h, w, 1)) * rng.uniform(0.8, 1.2, (h, 1, 1))
        target = image[y : y + h, x : x + w]
        target[:] = tone[: target.shape[0], : target.shape[1]]
    mask[changed(before, image)] = 0


def _finish(
    image: Floats,
    mask: Floats,
    joints: Floats,
    *,
    inside_px: tuple[int, int, int, int] | None,
    rng: np.random.Generator,
) -> Crop:
    """Cut at the frame's border, turn a little, spoil, and mark which joints are seen."""
    height, width = CROP_HW_PX
    peaks = np.where(joints[:, 2] > 0, SEEN, SELF_HIDDEN).astype(np.float32)
    column = np.clip(joints[:, 0].astype(int), 0, mask.shape[1] - 1)
    row = np.clip(joints[:, 1].astype(int), 0, mask.shape[0] - 1)
    near = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    peaks[(near[row, column] < 0.3) & (peaks > 0)] = HIDDEN
    if inside_px is not None:
        x0, y0, x1, y1 = inside_px
        rows = np.clip(np.arange(mask.shape[0]), max(0, y0), min(mask.shape[0], y1) - 1)
        columns = np.clip(np.arange(mask.shape[1]), max(0, x0), min(mask.shape[1], x1) - 1)
        image = image[rows][:, columns]
        mask = mask * ((np.arange(mask.shape[0]) == rows)[:, None] & (np.arange(mask.shape[1]) == columns)[None])
        peaks[(joints[:, 0] < x0) | (joints[:, 0] >= x1) | (joints[:, 1] < y0) | (joints[:, 1] >= y1)] = OUTSIDE
    if rng.random() < 0.5:
        turn = cv2.getRotationMatrix2D((width / 2 + _PAD, height / 2 + _PAD), rng.normal(0, 5), 1.0)
        turn[:, 2] -= _PAD
        turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        image = np.asarray(turned, np.float32)
        mask = np.asarray(cv2.warpAffine(mask, turn, (width, height)), np.float32)
        points = joints[:, :2] @ turn[:, :2].T + turn[:, 2]
    else:
        image, mask = (layer[_PAD : _PAD + height, _PAD : _PAD + width] for layer in (image, mask))
        points = joints[:, :2] - _PAD
    outside = (points < 0).any(1) | (points[:, 0] >= width) | (points[:, 1] >= height)
    peaks[outside] = OUTSIDE
    return Crop(
        rgb=degrade(np.clip(image, 0, 1).astype(np.float32), rng, lowest_scale=0.3),
        mask=np.clip(mask * 255, 0, 255).astype(np.uint8),
        joints_px=np.concatenate([points, peaks[:, None]], 1).astype(np.float32),
    )  # fmt: skip
