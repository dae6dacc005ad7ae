"""Candidates of each joint: the peaks of its heat map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MOST_PEAKS: Final[int] = 127
"""Candidates kept per joint, the strongest; OpenPose's own limit of people (``POSE_MAX_PEOPLE``)."""
_FLOOR: Final[float] = 1e-4
_SAME_MAP_ONLY: Final[NDArray[np.bool_]] = np.stack(
    [np.zeros((3, 3), bool), np.ones((3, 3), bool), np.zeros((3, 3), bool)]
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Peaks:
    """Candidates of one joint."""

    xy: NDArray[np.float64]
    """(n, 2) columns and rows of the map, counted from the centre of its first cell; finer than a cell."""
    scores: NDArray[np.float64]
    """(n,) height of the map there, 0 to 1."""

    def __post_init__(self) -> None:
        if self.xy.shape != (len(self.scores), 2):
            raise ValueError(f"{len(self.scores)} scores need xy of shape ({len(self.scores)}, 2), got {self.xy.shape}")


def find_peaks(heatmaps: NDArray[np.float32], *, threshold: float, smoothing_cells: float) -> list[Peaks]:
    """All local maxima above a threshold, strongest first.

    Non-maximum suppression in 3x3 neighbourhoods (Cao et al. 2017, section 2.2). Peaks at the border count. A plateau
    is one peak, at its centre. The position is refined by a parabola through the logarithm of the neighbours, which
    is exact for a Gaussian (Zhang et al. 2020, section 3.2), the shape that the network is trained towards.

    Args:
        heatmaps: (K, rows, columns), about 0 to 1.
        threshold: heights up to this are noise.
        smoothing_cells: sigma of a Gaussian that takes ripples away before maxima are looked for; 0 for none.

    Returns:
        K sets of peaks. Scores are heights before the smoothing.
    """
    smooth = heatmaps.astype(np.float64)
    if smoothing_cells > 0:
        smooth = ndimage.gaussian_filter(smooth, sigma=(0, smoothing_cells, smoothing_cells))
    summit = (smooth > threshold) & (smooth == ndimage.maximum_filter(smooth, size=(1, 3, 3), mode="nearest"))
    labels, count = ndimage.label(summit, structure=_SAME_MAP_ONLY)
    if count == 0:
        return [Peaks(xy=np.zeros((0, 2)), scores=np.zeros(0)) for _ in heatmaps]
    names = np.arange(1, count + 1)
    extents = np.array([[part.stop - part.start for part in found] for found in ndimage.find_objects(labels)])
    centres = np.array(ndimage.center_of_mass(summit, labels, names)).reshape(count, 3)
    joint, row, column = np.rint(centres).astype(np.intp).T
    scores = np.clip(heatmaps[joint, row, column].astype(np.float64), 0.0, 1.0)
    # Along a plateau its centre is the best guess; across it the slopes on both sides tell more.
    xy = centres[:, [2, 1]] + np.where(extents[:, [2, 1]] == 1, _offsets(smooth, joint, row, column), 0.0)
    # Equal heights are told apart by their place, so that the order never depends on how they were found.
    order = np.lexsort((xy[:, 1], xy[:, 0], -scores))
    chosen = [order[joint[order] == k][:MOST_PEAKS] for k in range(len(heatmaps))]
    return [Peaks(xy=xy[index], scores=scores[index]) for index in chosen]


def _offsets(
    maps: NDArray[np.float64], joint: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.float64]:
    """From the cells to the tops between them, (n, 2) x and y, at most half a cell; 0 across the border."""
    _, rows, columns = maps.shape

    def along(
        before: NDArray[np.float64], middle: NDArray[np.float64], after: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        bend = before - 2 * middle + after
        step = 0.5 * (before - after) / np.where(bend < -1e-9, bend, -np.inf)
        return np.clip(step, -0.5, 0.5)

    def height(r: NDArray[np.intp], c: NDArray[np.intp]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.log(
            np.maximum(maps[joint, np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)], _FLOOR)
        )
        return values

    middle = height(row, column)
    x = along(height(row, column - 1), middle, height(row, column + 1))
    y = along(height(row - 1, column), middle, height(row + 1, column))
    x = np.where((column > 0) & (column < columns - 1), x, 0.0)
    y = np.where((row > 0) & (row < rows - 1), y, 0.0)
    return np.stack([x, y], axis=1)
