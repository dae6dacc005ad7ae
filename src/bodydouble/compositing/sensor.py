"""Softness and noise of the footage, measured outside people, and noise to match it."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.windows import Window
from bodydouble.seeds import derive_seed

_EDGE_REACH_PX: Final[int] = 6
_FEWEST_EDGES: Final[int] = 50
_MOST_EDGES: Final[int] = 6000
_SHARPEST_SHARE: Final[float] = 0.3
"""Many edges are soft by themselves; the optics show in the sharp ones."""
_LEAST_EDGE: Final[float] = 24.0
"""Height of an edge, in 1/255, below which noise decides its shape."""
_TILE_PX: Final[int] = 256
_NOISE_ROW_STEP: Final[int] = 8
_NOISE_GRAIN_PX: Final[float] = 0.6
"""Demosaicing and compression make noise coarser than a pixel."""
_LARGEST_NOISE_STEP: Final[int] = 12
"""Differences of neighbours beyond this (in 1/255) come from things that moved."""
_RENDER_BLUR_PX: Final[float] = 0.4
"""Softness of an antialiased render: a box of one pixel (0.29) and the filter that reduces it."""


def _sigma_of_ratio(ratio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Standard deviation in px of the blur of an edge from its steepest central difference over its height.

    A step blurred by a Gaussian is an error function; its central difference over its height is
    erf(1 / (sigma * sqrt 2)) / 2. Inverted by table.
    """
    sigmas = np.linspace(0.2, 4.0, 200)
    ratios = np.array([0.5 * math.erf(1.0 / (s * math.sqrt(2.0))) for s in sigmas])
    return np.interp(ratio, ratios[::-1], sigmas[::-1]).astype(np.float32)


def estimate_blur_px(plate_rgb: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_]) -> float | None:
    """Softness of the footage: standard deviation in px of its sharp edges, 0.2 to 4; None without enough edges.

    Widths of vertical edges, after Marziliano et al. 2002 ("A no-reference perceptual blur metric"), turned into
    the Gaussian that makes an edge of such steepness.
    """
    luma = cv2.cvtColor(plate_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    reach = _EDGE_REACH_PX
    if luma.shape[1] < 2 * reach + 3:
        return None
    slope = np.zeros_like(luma)
    slope[:, 1:-1] = 0.5 * (luma[:, 2:] - luma[:, :-2])
    steep = np.abs(slope)
    peak = np.zeros(luma.shape, dtype=np.bool_)
    inner = slice(reach + 1, -reach - 1)
    peak[:, inner] = (
        (steep[:, inner] > _LEAST_EDGE / 4)
        & (steep[:, inner] >= steep[:, reach : -reach - 2])
        & (steep[:, inner] > steep[:, reach + 2 : -reach])
        & valid[:, inner]
    )
    rows, columns = np.nonzero(peak)
    if len(rows) < _FEWEST_EDGES:
        return None
    thin = -(-len(rows) // _MOST_EDGES)
    rows, columns = rows[::thin], columns[::thin]
    sign = np.sign(slope[rows, columns])
    ends = []
    for direction in (-1, 1):
        position, climbing = columns.copy(), np.ones(len(rows), dtype=np.bool_)
        for _ in range(reach):
            step = (luma[rows, position + direction] - luma[rows, position]) * sign * direction
            climbing &= step > 0.5
            position = np.where(climbing, position + direction, position)
        ends.append(luma[rows, position])
    edge = np.abs(ends[1] - ends[0])
    strong = edge >= _LEAST_EDGE
    if int(strong.sum()) < _FEWEST_EDGES:
        return None
    sigmas = _sigma_of_ratio(np.minimum(steep[rows, columns][strong] / edge[strong], 0.5))
    return float(np.quantile(sigmas, _SHARPEST_SHARE))


def blur_for_render_px(footage_blur_px: float) -> float:
    """Blur to give to a render so that it is as soft as the footage; 0 where the footage is as sharp."""
    return math.sqrt(max(0.0, footage_blur_px**2 - _RENDER_BLUR_PX**2))


def estimate_noise(
    frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]
) -> float:
    """Standard deviation of the footage's noise in steps of 1/255, on every eighth row.

    Differences between frame and plate from one pixel to the next but one hold neither the scene nor its light.

    Args:
        frame_rgb: (height, width, 3).
        plate_rgb: (height, width, 3).
        usable: (height, width): pixels outside all people where the plate was seen.

    Returns:
        0 where nothing is usable.
    """
    rows = slice(_NOISE_ROW_STEP // 2, None, _NOISE_ROW_STEP)
    residual = frame_rgb[rows, :, 1].astype(np.int16) - plate_rgb[rows, :, 1]
    steps = np.abs(residual[:, 2:] - residual[:, :-2])
    pair = usable[rows, 2:] & usable[rows, :-2] & (steps <= _LARGEST_NOISE_STEP)
    count = int(np.count_nonzero(pair))
    if count == 0:
        return 0.0
    mean = float(steps[pair].sum(dtype=np.int64)) / count
    # Mean absolute value of a normal variable is sqrt(2 / pi) of its standard deviation; a difference has sqrt 2 of it.
    return mean * math.sqrt(math.pi / 2.0) / math.sqrt(2.0)


class NoiseField:
    """Repeatable noise of standard deviation 1, the same in all channels; another piece of it per frame and track."""

    def __init__(self, seed: int, clip_name: str) -> None:
        self._seed = seed
        self._clip_name = clip_name
        rng = np.random.default_rng(derive_seed(seed, "compositing", "noise", clip_name))
        white = rng.standard_normal((_TILE_PX, _TILE_PX), dtype=np.float32)
        # Wrapped on all sides so that the tile repeats without a seam.
        wrapped = np.pad(white, 3, mode="wrap")
        grain = cv2.GaussianBlur(wrapped, (7, 7), _NOISE_GRAIN_PX)[3:-3, 3:-3]
        self._tile: npt.NDArray[np.float32] = (grain / grain.std()).astype(np.float32)

    def on(self, window: Window, frame_index: int, track_id: int) -> npt.NDArray[np.float32]:
        """Noise on a window, (height, width); ``track_id`` 0 is the painted background."""
        place = derive_seed(self._seed, "compositing", "noise", self._clip_name, track_id, frame_index)
        rows = (np.arange(window.top, window.bottom) + place % _TILE_PX) % _TILE_PX
        columns = (np.arange(window.left, window.right) + (place // _TILE_PX) % _TILE_PX) % _TILE_PX
        return self._tile[np.ix_(rows, columns)]
