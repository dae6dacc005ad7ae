"""Heat maps to joints with a position finer than a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_PX = 4
"""Crop pixels per heat map cell."""
_FLOOR = 1e-4


def decode(heatmaps: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Joints in crop pixels.

    Args:
        heatmaps: (N, K, rows, columns), 0 to 1, of the ``rendered`` network.

    Returns:
        joints (N, K, 2) in crop pixels (cell centres lie at 2, 6, 10, ...) and scores (N, K), the peaks' heights.
    """
    cells, scores = peaks(heatmaps)
    return ((cells + 0.5) * CELL_PX).astype(np.float32), scores


def peaks(heatmaps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The peak of each map, refined by a parabola through the logarithm of its neighbours.

    The logarithm of a Gaussian is a parabola, so for the shape the network is trained towards this is exact
    (Zhang et al. 2020, "Distribution-aware coordinate representation", section 3.2).

    Args:
        heatmaps: (N, K, rows, columns), 0 to 1.

    Returns:
        cells (N, K, 2): x and y of the peaks in cells, whole numbers at cell centres; and heights (N, K), 0 to 1.
    """
    count, joints, rows, columns = heatmaps.shape
    flat = heatmaps.reshape(count, joints, rows * columns)
    best = flat.argmax(axis=2)
    scores = np.take_along_axis(flat, best[..., None], axis=2)[..., 0]
    row, column = best // columns, best % columns
    logs = np.log(np.maximum(heatmaps, _FLOOR))
    n, k = np.ogrid[:count, :joints]

    def offset(
        before: NDArray[np.float32], middle: NDArray[np.float32], after: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        bend = before - 2 * middle + after
        step = np.where(bend < -1e-6, 0.5 * (before - after) / np.where(bend < -1e-6, bend, -1.0), 0.0)
        clipped: NDArray[np.float32] = np.clip(step, -0.5, 0.5).astype(np.float32)
        return clipped

    middle = logs[n, k, row, column]
    inside_x = (column > 0) & (column < columns - 1)
    inside_y = (row > 0) & (row < rows - 1)
    left, right = logs[n, k, row, np.maximum(column - 1, 0)], logs[n, k, row, np.minimum(column + 1, columns - 1)]
    above, below = logs[n, k, np.maximum(row - 1, 0), column], logs[n, k, np.minimum(row + 1, rows - 1), column]
    x = column + np.where(inside_x, offset(left, middle, right), 0.0)
    y = row + np.where(inside_y, offset(above, middle, below), 0.0)
    return np.stack([x, y], axis=2), np.clip(scores, 0.0, 1.0).astype(np.float32)
