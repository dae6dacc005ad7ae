"""Softness of brightness and of colour, and noise of the footage, measured outside people; noise to match it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
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
_NOISE_ROWS: Final[slice] = slice(4, None, 8)
_FEWEST_NOISE_PX: Final[int] = 500
"""Pairs of pixels, with fewer nothing is said about how noise changes in time; smooth pixels, with fewer all are taken."""
_LEAST_SMOOTH_SHARE: Final[float] = 0.03
"""The same as a share of all usable pixels."""
_SMOOTH_NEAR_PX: Final[int] = 7
_SMOOTH_DIFFERS_BY_AT_MOST: Final[int] = 5
"""Of the plate over so many pixels, in steps of 1/255."""
_GRAINS_PX: Final[tuple[float, ...]] = (0.0, 0.35, 0.45, 0.6, 0.8, 1.0)
"""Softness of the noise that can be made: demosaicing and compression make noise coarser than a pixel."""
_USUAL_GRAIN_PX: Final[float] = 0.6
_GRAIN_KERNEL_PX: Final[int] = 11
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
    """Softness of the footage: standard deviation in px of its sharp edges, 0.2 to 4; None without enough edges."""
    return _edge_softness(cv2.cvtColor(plate_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), valid)


def estimate_chroma_blur_px(plate_rgb: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_]) -> float | None:
    """The same for colour, on the differences of red and of blue to brightness; None without enough edges of colour."""
    luma = cv2.cvtColor(plate_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Side by side, with a gap in which nothing is seen: edges of either count together.
    gap = np.zeros((luma.shape[0], 2 * _EDGE_REACH_PX + 2), dtype=np.float32)
    planes = [plate_rgb[:, :, channel] - luma for channel in (0, 2)]
    both = np.concatenate([planes[0], gap, planes[1]], axis=1)
    return _edge_softness(both, np.concatenate([valid, gap > 0, valid], axis=1))


def _edge_softness(luma: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> float | None:
    """Standard deviation in px of the sharp edges of one channel (height, width), 0.2 to 4; None without enough of them.

    Widths of vertical edges, after Marziliano et al. 2002 ("A no-reference perceptual blur metric"), turned into
    the Gaussian that makes an edge of such steepness.
    """
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


def share_chroma(base: npt.NDArray[np.uint8], written: npt.NDArray[np.bool_], blur_px: float) -> None:
    """Make colour as soft as the footage stores it, in place, where a window was written to; brightness stays.

    Colours of a double's edge and of what is behind it run into each other, as they do around filmed people.

    Args:
        base: (height, width, 3) window of the finished frame.
        written: (height, width): pixels that may change.
        blur_px: standard deviation by which colour is softer than brightness.
    """
    luma = cv2.cvtColor(base, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None]
    soft = cv2.GaussianBlur(base - luma, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE)
    mixed = np.clip(np.rint(luma + soft), 0.0, 255.0).astype(np.uint8)
    np.copyto(base, mixed, where=written[:, :, None])


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise of a frame."""

    sigma: float = 0.0
    """Standard deviation in steps of 1/255."""
    grain_px: float = _USUAL_GRAIN_PX
    """Standard deviation of the softness that white noise would need to look like it; one of a few."""
    steady: float = 0.0
    """Share of its variance that stays from frame to frame, 0 to 1."""

    @property
    def sigmas(self) -> tuple[float, float]:
        """Standard deviations of what is new in every frame, and of what stays."""
        return self.sigma * math.sqrt(1.0 - self.steady), self.sigma * math.sqrt(self.steady)


def estimate_noise(
    frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]
) -> Noise:
    """The footage's noise, on every eighth row.

    Differences between frame and plate from one pixel to its neighbour, and to the next but one, hold neither the scene
    nor its light. The coarser noise is, the smaller are the former against the latter. Only where the plate is smooth:
    on texture encoders leave more than noise, and doubles are mostly smooth cloth.

    Args:
        frame_rgb: (height, width, 3).
        plate_rgb: (height, width, 3).
        usable: (height, width): pixels outside all people where the plate was seen.

    Returns:
        Deviation 0 where nothing is usable.
    """
    residual, there = _residual(frame_rgb, plate_rgb), usable[_NOISE_ROWS]
    smooth = there & _smooth(plate_rgb[_NOISE_ROWS, :, 1])
    if np.count_nonzero(smooth) >= max(_FEWEST_NOISE_PX, _LEAST_SMOOTH_SHARE * np.count_nonzero(there)):
        there = smooth
    next_, second = (_mean_step(residual, there, apart) for apart in (1, 2))
    if next_ is None or second is None or second <= 0.0:
        return Noise()
    ratio = (next_ / second) ** 2
    grain = min(_GRAINS_PX, key=lambda px: abs((1.0 - _correlation(px, 1)) / (1.0 - _correlation(px, 2)) - ratio))
    # Mean absolute value of a normal variable is sqrt(2 / pi) of its standard deviation.
    deviation = second * math.sqrt(math.pi / 2.0)
    return Noise(sigma=deviation / math.sqrt(2.0 * (1.0 - _correlation(grain, 2))), grain_px=grain)


def _smooth(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where nothing near, to the left and the right, differs by more than what can hardly be seen."""
    if rows.size == 0:
        return np.zeros(rows.shape, np.bool_)
    near = np.ones((1, _SMOOTH_NEAR_PX), np.uint8)
    return np.asarray(cv2.subtract(cv2.dilate(rows, near), cv2.erode(rows, near)) <= _SMOOTH_DIFFERS_BY_AT_MOST)


class SteadinessEvidence:
    """How much of the noise stays from one frame to the next.

    Encoders leave as it is what hardly changes, so what looks like noise in a frame often stays for many frames. Noise that
    is new in every frame boils beside it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._before: tuple[int, npt.NDArray[np.int16], npt.NDArray[np.bool_]] | None = None
        self._products, self._squares, self._count = 0.0, 0.0, 0

    def add(
        self, frame_index: int, frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8],
        usable: npt.NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Take a frame; arguments as in `estimate_noise`. Two in a row tell something."""
        residual, there = _residual(frame_rgb, plate_rgb), usable[_NOISE_ROWS]
        steps = residual[:, 2:] - residual[:, :-2]
        there = there[:, 2:] & there[:, :-2] & (np.abs(steps) <= _LARGEST_NOISE_STEP)
        if self._before is not None and self._before[0] == frame_index - 1:
            both = there & self._before[2]
            here, there_before = steps[both].astype(np.float64), self._before[1][both].astype(np.float64)
            self._products += float(here @ there_before)
            self._squares += 0.5 * float(here @ here + there_before @ there_before)
            self._count += len(here)
        self._before = (frame_index, steps, there)

    def share(self) -> float:
        """Share of the noise's variance that stays, 0 to 1; 0 where too little was seen."""
        if self._count < _FEWEST_NOISE_PX or self._squares <= 0.0:
            return 0.0
        return min(max(self._products / self._squares, 0.0), 1.0)


def _residual(frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    return np.asarray(frame_rgb[_NOISE_ROWS, :, 1].astype(np.int16) - plate_rgb[_NOISE_ROWS, :, 1])


def _mean_step(residual: npt.NDArray[np.int16], usable: npt.NDArray[np.bool_], apart: int) -> float | None:
    steps = np.abs(residual[:, apart:] - residual[:, :-apart])
    pair = usable[:, apart:] & usable[:, :-apart] & (steps <= _LARGEST_NOISE_STEP)
    count = int(np.count_nonzero(pair))
    return float(steps[pair].sum(dtype=np.int64)) / count if count else None


@lru_cache(maxsize=64)
def _correlation(grain_px: float, apart: int) -> float:
    """Correlation of white noise softened as `NoiseField` does, over so many pixels."""
    if grain_px <= 0.0:
        return 0.0
    kernel = cv2.getGaussianKernel(_GRAIN_KERNEL_PX, grain_px)[:, 0]
    return float((kernel[apart:] * kernel[:-apart]).sum() / (kernel**2).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class NoisePiece:
    """Where on a tile of noise a window begins."""

    tile: npt.NDArray[np.float32]
    """(n, n), standard deviation 1; goes on where it ends."""
    row: int
    column: int
    steady_row: int
    """The same for noise that stays from frame to frame."""
    steady_column: int

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """(2, 2): row and column, of what is new in every frame and of what stays."""
        return np.array([[self.row, self.column], [self.steady_row, self.steady_column]], np.int64)


class NoiseField:
    """Repeatable noise of standard deviation 1, the same in all channels.

    Another piece of it per frame and track for what is new in every frame, and one per track for what stays.
    """

    def __init__(self, seed: int, clip_name: str) -> None:
        self._seed = seed
        self._clip_name = clip_name
        self._tiles: dict[float, npt.NDArray[np.float32]] = {}

    def piece(
        self, window: Window, frame_index: int, track_id: int, grain_px: float = _USUAL_GRAIN_PX,
        anchor_px: tuple[int, int] = (0, 0),
    ) -> NoisePiece:  # fmt: skip
        """Noise for a window.

        Args:
            window: in the frame.
            frame_index: of the frame.
            track_id: whose noise it is; 0 is the painted background.
            grain_px: see `Noise`.
            anchor_px: x, y of the point with which the steady part moves.
        """
        x, y = anchor_px
        now = derive_seed(self._seed, "compositing", "noise", self._clip_name, track_id, frame_index)
        ever = derive_seed(self._seed, "compositing", "noise", self._clip_name, track_id)
        return NoisePiece(
            tile=self._tile(grain_px),
            row=(window.top + now) % _TILE_PX,
            column=(window.left + now // _TILE_PX) % _TILE_PX,
            steady_row=(window.top - y + ever) % _TILE_PX,
            steady_column=(window.left - x + ever // _TILE_PX) % _TILE_PX,
        )

    def _tile(self, grain_px: float) -> npt.NDArray[np.float32]:
        if grain_px not in self._tiles:
            rng = np.random.default_rng(derive_seed(self._seed, "compositing", "noise", self._clip_name))
            noise = rng.standard_normal((_TILE_PX, _TILE_PX), dtype=np.float32)
            if grain_px > 0.0:
                # Wrapped on all sides so that the tile repeats without a seam.
                reach, size = _GRAIN_KERNEL_PX // 2, (_GRAIN_KERNEL_PX, _GRAIN_KERNEL_PX)
                soft = cv2.GaussianBlur(np.pad(noise, reach, mode="wrap"), size, grain_px)
                noise = np.asarray(soft, dtype=np.float32)[reach:-reach, reach:-reach]
            self._tiles[grain_px] = np.ascontiguousarray(noise / noise.std(), dtype=np.float32)
        return self._tiles[grain_px]
