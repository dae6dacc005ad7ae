"""Overlapping windows over a run of any length, and how their answers are joined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Window = tuple[int, int]
"""First frame of a run, and the frame after the last."""


def plan_windows_over(num_frames: int, *, length: int, overlap: int, shift: int = 0) -> list[Window]:
    """Windows that cover every frame; all have the full length if there are frames enough.

    Args:
        num_frames: of the run, 1 or more.
        length: frames of a window.
        overlap: least number of frames that neighbours share, below ``length``.
        shift: moves the borders; taken modulo the stride. Each denoising step shifts by another amount, so that no frame
            is near a border every time.
    """
    if num_frames <= length:
        return [(0, num_frames)]
    stride = length - overlap
    last = num_frames - length
    starts = {0, last, *range(shift % stride, last, stride)}
    return [(start, start + length) for start in sorted(starts)]


def fusion_weights(windows: list[Window], overlap: int) -> list[NDArray[np.float32]]:
    """Share of each window in each of its frames; shares of all windows add up to 1 in every frame.

    A window counts less the closer a frame is to its border, where the motion module sees one side only; the weights rise
    over ``overlap`` frames.

    Args:
        windows: sorted, covering frames 0 to the end without gaps.
        overlap: frames over which weights rise, 1 or more.
    """
    raw = []
    total = np.zeros(max(stop for _, stop in windows), np.float64)
    for start, stop in windows:
        place = np.arange(stop - start)
        weights = np.minimum(np.minimum(place + 1, stop - start - place), overlap + 1).astype(np.float64)
        raw.append(weights)
        total[start:stop] += weights
    return [
        (weights / total[start:stop]).astype(np.float32) for (start, stop), weights in zip(windows, raw, strict=True)
    ]


def shift_of(step: int, num_steps: int, *, length: int, overlap: int) -> int:
    """By how much windows are moved at a denoising step: evenly spread over the stride, 0 at the first step."""
    return step * (length - overlap) // num_steps
