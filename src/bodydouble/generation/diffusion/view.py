"""Where a person is on the canvas it is generated on, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.scene import PersonTrack

Floats = NDArray[np.float64]

SIDE_MULTIPLE_PX = 8
"""Sides of the canvas are multiples of this: one latent of Stable Diffusion's autoencoder."""

_SIZE_REACH = 9
"""The view takes the largest extent within so many frames, so that a stride does not make it breathe."""
_SIZE_SIGMA = 4.0
_PLACE_SIGMA = 2.0
_USUAL_ASPECT = 90.0
"""Percentile over time of width over height that decides the canvas's proportions; single wide gestures make the view
larger instead."""
_ASPECT_LIMITS = (0.3, 1.5)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """Canvas of a run, and the part of the frame that it shows at each step."""

    width_px: int
    """Of the canvas."""
    height_px: int
    """Of the canvas."""
    origin_px: Floats
    """(time, 2): place in the frame of the canvas's top left corner."""
    zoom: Floats
    """(time,): canvas pixels per frame pixel; the same in both directions, so that nobody is squashed."""

    def to_canvas(self, step: int, points_px: NDArray[np.float32]) -> Floats:
        """Points of the frame (N, 2) in canvas pixels; ``step`` counts from the run's start."""
        return np.asarray((points_px - self.origin_px[step]) * self.zoom[step], np.float64)


def view_of(track: PersonTrack, run: PlayedRun, *, canvas_px: int, margin: float, joint_score: float) -> View:
    """Lay the canvas of a run over the frames.

    Args:
        track: boxes and joints.
        run: which steps.
        canvas_px: pixels of the canvas, about.
        margin: room on each side, in shares of the person's height.
        joint_score: joints below are left out.
    """
    low, high = _extent(track, run, joint_score)
    size = np.maximum(high - low, 1.0)
    width, height = _canvas_sides(size, margin, canvas_px)
    middle = gaussian_filter1d(0.5 * (low + high), _PLACE_SIGMA, axis=0, mode="nearest")
    # What must be in view, counted from the smoothed middle.
    half = np.maximum(high - middle, middle - low)
    needed = np.maximum(half[:, 1], half[:, 0] * height / width) * 2 * (1 + 2 * margin)
    calm = gaussian_filter1d(maximum_filter1d(needed, _SIZE_REACH, mode="nearest"), _SIZE_SIGMA, mode="nearest")
    shown = np.maximum(calm, needed)
    zoom = height / shown
    return View(
        width_px=width, height_px=height, zoom=zoom,
        origin_px=middle - 0.5 * np.stack([width / zoom, height / zoom], axis=1),
    )  # fmt: skip


def _extent(track: PersonTrack, run: PlayedRun, joint_score: float) -> tuple[Floats, Floats]:
    """Lowest and highest x and y of box and joints, (time, 2) each."""
    steps = slice(run.start, run.stop)
    boxes = track.boxes_xyxy_px[steps].astype(np.float64)
    joints = track.joints_xy_px[steps].astype(np.float64)
    seen = (track.joint_scores[steps] >= joint_score) & np.isfinite(joints).all(axis=2)
    # A joint far off the box is a mistake, and must not make the view huge.
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    near = ((joints > (boxes[:, :2] - size)[:, None]) & (joints < (boxes[:, 2:] + size)[:, None])).all(axis=2) & seen
    low = np.where(near[..., None], joints, np.inf).min(axis=1)
    high = np.where(near[..., None], joints, -np.inf).max(axis=1)
    return np.minimum(low, boxes[:, :2]), np.maximum(high, boxes[:, 2:])


def _canvas_sides(size: Floats, margin: float, canvas_px: int) -> tuple[int, int]:
    with_margin = size + 2 * margin * size[:, 1:]
    aspect = float(np.clip(np.percentile(with_margin[:, 0] / with_margin[:, 1], _USUAL_ASPECT), *_ASPECT_LIMITS))
    height = math.sqrt(canvas_px / aspect)
    return _to_multiple(height * aspect), _to_multiple(height)


def _to_multiple(side: float) -> int:
    return max(1, round(side / SIDE_MULTIPLE_PX)) * SIDE_MULTIPLE_PX
