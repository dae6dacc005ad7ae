"""A dressed body cut to the size it will have in a picture, and the routine that pastes it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.body.parts import Part
from training.dress import Light, dress
from training.shards import Body, DrawnBody

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """One coloured person at its final size."""

    rgb: Floats
    """``(h, w, 3)`` in 0..1, premultiplied by nothing."""
    alpha: Floats
    """``(h, w)`` cover of everything drawn."""
    person: Floats
    """``(h, w)`` cover of the person with all that is worn and carried; without a pram."""
    joints_px: Floats
    """``(18, 3)`` x, y in the figure, seen."""
    box_px: Floats
    """``(4,)`` in the figure."""


def figure_of(body: Body | DrawnBody, height_px: float, light: Light, rng: np.random.Generator) -> Figure:
    """Dress a body, or light a double, so that its box is ``height_px`` tall."""
    box_height = float(body.box_px[3] - body.box_px[1])
    scale = height_px / box_height
    stride = int(np.clip(0.8 / scale, 1, 4))
    if stride > 1:
        # Colouring pixels that the reduction throws away again would cost most of the time.
        box = np.asarray(body.box_px / stride, np.float32)
        joints = np.asarray(body.joints_px / np.array([stride, stride, 1], np.float32), np.float32)
        if isinstance(body, DrawnBody):
            body = DrawnBody(rgba=body.rgba[::stride, ::stride], box_px=box, joints_px=joints)
        else:
            body = Body(pixels=body.pixels[::stride, ::stride], box_px=box, joints_px=joints)
        scale *= stride
    if isinstance(body, DrawnBody):
        rgb, cover = _lit(body, light, rng)
        person = cover
    else:
        rgb, part = dress(body, light, rng)
        cover = (part > 0).astype(np.float32)
        person = cover * (part != Part.PRAM)
    coloured = np.concatenate([rgb * cover[..., None], cover[..., None]], -1)
    height, width = (max(3, round(n * scale)) for n in cover.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    coloured = cv2.resize(coloured, (width, height), interpolation=how)
    worn = np.asarray(cv2.resize(person, (width, height), interpolation=how), np.float32)
    stretch = np.array([width / cover.shape[1], height / cover.shape[0]], np.float32)
    joints = body.joints_px.copy()
    joints[:, :2] *= stretch
    alpha = np.asarray(coloured[..., 3], np.float32)
    rgb = np.asarray(coloured[..., :3] / np.maximum(alpha, 1e-3)[..., None], np.float32)
    return Figure(
        rgb=rgb, alpha=alpha, person=worn, joints_px=joints,
        box_px=body.box_px * np.tile(stretch, 2),
    )  # fmt: skip


def _lit(body: DrawnBody, light: Light, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Colours ``(h, w, 3)`` in 0..1 of a double in a scene's light, and its cover ``(h, w)``.

    It was drawn in even light; here it becomes as bright as uncoloured bodies are in theirs, give or take.
    """
    brightness = (light.ambient + 0.35 * light.key) * np.exp(rng.normal(0, 0.12))
    gain = (light.tint * brightness * np.exp(rng.normal(0, 0.04, 3))).astype(np.float32)
    rgb = body.rgba[..., :3].astype(np.float32) * (gain / 255)
    cover = np.asarray(body.rgba[..., 3] / np.float32(255), np.float32)
    return np.minimum(rgb, 1, out=rgb), cover


def paste(image: Floats, figure: Figure, left: int, top: int) -> tuple[slice, slice, slice, slice] | None:
    """Paste a figure in place.

    Returns:
        Rows and columns of the picture, rows and columns of the figure; None if it lies outside.
    """
    height, width = figure.alpha.shape
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(image.shape[0], top + height), min(image.shape[1], left + width)
    if y1 <= y0 or x1 <= x0:
        return None
    rows, columns = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    alpha = figure.alpha[rows, columns, None]
    target = image[y0:y1, x0:x1]
    target += alpha * (figure.rgb[rows, columns] - target)
    return slice(y0, y1), slice(x0, x1), rows, columns


def shadow(image: Floats, figure: Figure, left: int, top: int, rng: np.random.Generator) -> None:
    """A dark patch under the feet, sometimes a cast shadow on the ground, in place."""
    box = figure.box_px + np.array([left, top, left, top], np.float32)
    wide, high = box[2] - box[0], box[3] - box[1]
    layer = np.zeros(image.shape[:2], np.float32)
    foot = (int((box[0] + box[2]) / 2), int(box[3] - 0.01 * high))
    cv2.ellipse(layer, foot, (max(1, int(wide * rng.uniform(0.35, 0.6))), max(1, int(high * 0.03))), 0, 0, 360, 1.0, -1)
    if rng.random() < 0.4:
        flat, shear = rng.uniform(-0.7, -0.15), rng.uniform(-1.2, 1.2)
        # The silhouette laid on the ground: the foot line stays, heights are flattened and pushed sideways.
        matrix = np.array([[1, -shear, left + shear * figure.box_px[3]], [0, flat, box[3] - flat * figure.box_px[3]]])
        lying = cv2.warpAffine(figure.person, matrix, (image.shape[1], image.shape[0]))
        layer = np.maximum(layer, lying)
    soft = cv2.GaussianBlur(layer, (0, 0), max(0.6, high * 0.012))
    image *= 1 - soft[..., None] * np.float32(rng.uniform(0.15, 0.6))


def changed(before: Floats, after: Floats) -> NDArray[np.bool_]:
    """Where two pictures ``(H, W, 3)`` differ visibly: ``(H, W)``."""
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    return np.asarray(np.maximum(np.maximum(red, green), blue) > 0.02)
