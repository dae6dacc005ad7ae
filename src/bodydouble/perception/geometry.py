"""Boxes: overlap, growth, clipping. Boxes are (N, 4) left, top, right, bottom in pixels, right and bottom exclusive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32] | NDArray[np.float64]


def overlap_areas(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(N, M) area that each box of the first shares with each of the second, in square pixels."""
    a, b = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared: NDArray[np.float64] = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def areas(boxes: FloatArray) -> NDArray[np.float64]:
    """(N,) area of each box, in square pixels; 0 for boxes turned inside out."""
    wide = np.asarray(boxes, np.float64)
    size: NDArray[np.float64] = np.maximum(wide[:, 2] - wide[:, 0], 0) * np.maximum(wide[:, 3] - wide[:, 1], 0)
    return size


def overlap_areas_of_pairs(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(N,) intersection areas of boxes (N, 4) with those of the same rows."""
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    shared: NDArray[np.float64] = np.clip(sides, 0, None).prod(axis=1)
    return shared


def iou(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(N, M) intersection over union."""
    shared = overlap_areas(first, second)
    union = areas(first)[:, None] + areas(second)[None] - shared
    ratio: NDArray[np.float64] = shared / np.maximum(union, 1e-9)
    return ratio


def suppress(boxes: FloatArray, scores: NDArray[np.float32], overlap: float) -> NDArray[np.int64]:
    """Non-maximum suppression.

    Args:
        boxes: (N, 4).
        scores: (N,).
        overlap: intersection over union above which the weaker box goes.

    Returns:
        (K,) rows that stay, strongest first; equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    alike = iou(boxes, boxes) > overlap
    alive = np.ones(len(boxes), bool)
    kept: list[int] = []
    for row in order:
        if alive[row]:
            kept.append(int(row))
            alive &= ~alike[row]
    return np.array(kept, np.int64)


def grow(boxes: FloatArray, share: float, pixels: float = 0.0) -> NDArray[np.float32]:
    """Boxes grown on every side by ``share`` of their mean side plus some pixels, (N, 4)."""
    wide = np.asarray(boxes, np.float64).reshape(-1, 4)
    margin = share * 0.5 * (wide[:, 2] - wide[:, 0] + wide[:, 3] - wide[:, 1]) + pixels
    grown: NDArray[np.float32] = (wide + margin[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])).astype(np.float32)
    return grown


def window(box: FloatArray, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """The whole pixels a box touches, clipped to the frame: left, top, right, bottom (may be empty, never inverted)."""
    left = int(np.clip(np.floor(box[0]), 0, width_px))
    top = int(np.clip(np.floor(box[1]), 0, height_px))
    right = int(np.clip(np.ceil(box[2]), left, width_px))
    bottom = int(np.clip(np.ceil(box[3]), top, height_px))
    return left, top, right, bottom


def transform(boxes: FloatArray, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes moved by a homography: centres are mapped, sides scaled by the local enlargement; no rotation of axes."""
    wide = np.asarray(boxes, np.float64).reshape(-1, 4)
    if np.array_equal(matrix, np.eye(3)):
        return wide.copy()
    centres = 0.5 * (wide[:, :2] + wide[:, 2:])
    mapped = np.c_[centres, np.ones(len(wide))] @ matrix.T
    moved = mapped[:, :2] / mapped[:, 2:]
    scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    half = 0.5 * scale * (wide[:, 2:] - wide[:, :2])
    out: NDArray[np.float64] = np.c_[moved - half, moved + half]
    return out


def border_strips(
    box: NDArray[np.float64],
    frame_size_px: tuple[int, int],
    *,
    near_px: float,
    deep_px: float,
    rows: tuple[float, float],
    columns: tuple[float, float],
) -> list[tuple[int, int, int, int]]:
    """Windows along each border of the frame that a box is close to: left, right, top, bottom.

    Args:
        box: (4,).
        frame_size_px: width and height.
        near_px: this close is close.
        deep_px: how far a strip reaches into the frame.
        rows: from where to where strips go along the left and the right border.
        columns: the same for the upper and the lower border.
    """
    width, height = frame_size_px
    left, top, right, bottom = (float(v) for v in box)
    strips = (
        (left <= near_px, (0.0, rows[0], deep_px, rows[1])),
        (right >= width - near_px, (width - deep_px, rows[0], float(width), rows[1])),
        (top <= near_px, (columns[0], 0.0, columns[1], deep_px)),
        (bottom >= height - near_px, (columns[0], height - deep_px, columns[1], float(height))),
    )
    places = [window(np.array(strip), width, height) for is_near, strip in strips if is_near]
    return [place for place in places if place[2] > place[0] and place[3] > place[1]]
