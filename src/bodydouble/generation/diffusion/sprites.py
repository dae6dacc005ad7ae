"""From pictures on the canvas to sprites in the frame."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.diffusion.view import View
from bodydouble.scene import Sprite


def sprite_of(
    picture: NDArray[np.float32], alpha: NDArray[np.float32], view: View, step: int, *, ground_y_px: float
) -> Sprite:
    """Shrink a cut-out person to its place in the frame.

    Args:
        picture: (height, width, 3) of the canvas, 0 to 1.
        alpha: (height, width) 0 to 1.
        view: where the canvas lies.
        step: counted from the run's start.
        ground_y_px: row at which the person touches the ground.
    """
    zoom = float(view.zoom[step])
    left, top = (math.floor(v) for v in view.origin_px[step])
    right = math.ceil(view.origin_px[step, 0] + view.width_px / zoom)
    bottom = math.ceil(view.origin_px[step, 1] + view.height_px / zoom)
    # Colours are weighted by alpha while pixels are mixed, so that the background does not shine through at the edges.
    layer = np.concatenate([picture * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    layer, scale_x, scale_y = _shrunk(layer, zoom)
    # What is left to do: a scale close to 1, and a shift by less than a pixel.
    to_canvas = np.array([
        [zoom * scale_x, 0, (left + 0.5 - view.origin_px[step, 0]) * zoom * scale_x - 0.5],
        [0, zoom * scale_y, (top + 0.5 - view.origin_px[step, 1]) * zoom * scale_y - 0.5],
    ])  # fmt: skip
    placed = cv2.warpAffine(
        layer, to_canvas, (right - left, bottom - top), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip
    return _cropped(np.asarray(placed, np.float32), left, top, ground_y_px)


def empty_sprite(ground_y_px: float) -> Sprite:
    """Nobody: the person is painted out in this frame."""
    return Sprite(left_px=0, top_px=0, rgba=np.zeros((0, 0, 4), np.uint8), ground_y_px=ground_y_px)


def _shrunk(layer: NDArray[np.float32], zoom: float) -> tuple[NDArray[np.float32], float, float]:
    """Averaged down to about frame pixels, and the scale in x and y that this took."""
    height, width = layer.shape[:2]
    if zoom <= 1:
        return layer, 1.0, 1.0
    size = (max(1, round(width / zoom)), max(1, round(height / zoom)))
    return (
        np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32), size[0] / width, size[1] / height
    )  # fmt: skip


def _cropped(placed: NDArray[np.float32], left: int, top: int, ground_y_px: float) -> Sprite:
    """Without empty rows and columns; colours no longer multiplied by alpha."""
    alpha = np.clip(placed[..., 3:], 0, 1)
    quantised = np.round(alpha[..., 0] * 255)
    rows, columns = np.flatnonzero(quantised.any(axis=1)), np.flatnonzero(quantised.any(axis=0))
    if len(rows) == 0:
        return empty_sprite(ground_y_px)
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    colour = np.clip(placed[part][..., :3] / np.maximum(alpha[part], 1e-3), 0, 1)
    rgba = np.round(np.concatenate([colour, alpha[part]], axis=2) * 255).astype(np.uint8)
    return Sprite(
        left_px=left + int(columns[0]), top_px=top + int(rows[0]), rgba=np.ascontiguousarray(rgba), ground_y_px=ground_y_px
    )  # fmt: skip
