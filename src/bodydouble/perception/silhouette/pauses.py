"""Silhouettes while nobody detected a person: between those before and after, in place and in shape."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import grow, overlap_areas, window
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.tracking.base import Fragment

_CELLS: Final = (96, 64)
"""Rows and columns of the picture in which shapes are blended; it covers `_MARGIN` of the box around it as well."""
_MARGIN: Final = 0.15
"""Room around the box, as a share of its sides: arms and feet reach out of boxes."""
_FEATHER_CELLS: Final = 1.0
"""Shapes are grown by this much: what is missed stays in the picture."""


def with_pauses_filled(
    parts: Sequence[Fragment], readings: Sequence[TrackReading], *, frame_size_px: tuple[int, int]
) -> list[TrackReading]:
    """Readings whose silhouettes in pauses of the detections hold what lies between both neighbours in time.

    The nearest detected silhouettes before and after a pause are laid over each other by their boxes, their signed
    distances are blended by the distance in time (Raya and Udupa 1990, "Shape-based interpolation of multidimensional
    objects"), and both shapes are added. What was outlined in the pause itself stays; what belongs to somebody detected
    there who stands nearer is not added. Before the first and after the last detection nothing changes.

    Args:
        parts: tracks without gaps.
        readings: of each track, rows as in its fragment.
        frame_size_px: width and height.
    """
    seen = _detected(parts)
    filled = []
    for part, reading in zip(parts, readings, strict=True):
        windows, bits = list(reading.windows), list(reading.bits)
        for before, after in _pauses(part.observed):
            ends = [_shape(reading, row) for row in (before, after)]
            for row in range(before + 1, after):
                share = (row - before) / (after - before)
                blend = (1 - share) * ends[0] + share * ends[1]
                # A leg that swings is in neither place half-way, and a blend has none: both ends are kept as well.
                level = np.maximum(blend, np.maximum(*ends)) > -_FEATHER_CELLS
                place, mask = _laid_out(level, reading.boxes[row], frame_size_px)
                for other, other_row in seen.get(int(part.frames[row]), ()):
                    _cut_out(mask, place, reading.boxes[row], readings[other], other_row)
                windows[row], bits[row] = _united(place, mask, windows[row], bits[row])
        filled.append(replace(reading, windows=windows, bits=bits))
    return filled


def _detected(parts: Sequence[Fragment]) -> dict[int, list[tuple[int, int]]]:
    """Who was detected in each frame, as (track, row)."""
    present: dict[int, list[tuple[int, int]]] = {}
    for track, part in enumerate(parts):
        for row in np.flatnonzero(part.observed).tolist():
            present.setdefault(int(part.frames[row]), []).append((track, row))
    return present


def _pauses(observed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The rows around each run of rows without a detection that lies between two with one."""
    rows = np.flatnonzero(observed)
    return [(a, b) for a, b in itertools.pairwise(rows.tolist()) if b - a > 1]


def _unpacked(window_xyxy_px: tuple[int, int, int, int], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    left, top, right, bottom = window_xyxy_px
    height, width = bottom - top, right - left
    return np.unpackbits(bits, count=height * width).reshape(height, width)


def _to_cells(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) from frame pixels, centres at whole numbers, to cells of the blend, likewise."""
    rows, columns = _CELLS
    wide, tall = (np.maximum(box[2:] - box[:2], 1.0) * (1 + 2 * _MARGIN)).tolist()
    left, top = (0.5 * (box[:2] + box[2:]) - 0.5 * np.array([wide, tall])).tolist()
    x, y = columns / wide, rows / tall
    return np.array([[x, 0.0, (0.5 - left) * x - 0.5], [0.0, y, (0.5 - top) * y - 0.5]])


def _shape(reading: TrackReading, row: int) -> NDArray[np.float32]:
    """(96, 64) signed distance to the edge of a silhouette, cells, positive inside."""
    mask = np.zeros(_CELLS, np.uint8)
    window_xyxy_px = reading.windows[row]
    own = _unpacked(window_xyxy_px, reading.bits[row])
    if own.size:
        matrix = _to_cells(reading.boxes[row])
        matrix[:, 2] += matrix[:, :2] @ np.array(window_xyxy_px[:2], np.float64)
        soft = cv2.warpAffine(own * np.uint8(255), matrix, _CELLS[::-1], flags=cv2.INTER_LINEAR)
        mask = (np.asarray(soft) >= 128).astype(np.uint8)
    # Without a single pixel of one kind there is no edge to be distant from.
    inside = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) if mask.any() else np.full(_CELLS, np.float32(_CELLS[0]))
    return np.asarray(np.where(mask > 0, inside - 0.5, 0.5 - outside), np.float32)


def _laid_out(
    level: NDArray[np.bool_], box: NDArray[np.float64], frame_size_px: tuple[int, int]
) -> tuple[tuple[int, int, int, int], NDArray[np.bool_]]:
    """A blend put into the frame: window and mask."""
    place = window(grow(box[None], _MARGIN, 2.0)[0], *frame_size_px)
    left, top, right, bottom = place
    if right <= left or bottom <= top:
        return place, np.zeros((bottom - top, right - left), bool)
    matrix = _to_cells(box)
    matrix[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    soft = cv2.warpAffine(
        level.astype(np.uint8) * np.uint8(255),
        matrix,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return place, np.asarray(soft) >= 128


def _cut_out(
    mask: NDArray[np.bool_],
    place: tuple[int, int, int, int],
    box: NDArray[np.float64],
    other: TrackReading,
    other_row: int,
) -> None:
    """Take from a mask, in place, what belongs to somebody nearer: who stands lower in the picture."""
    if other.boxes[other_row][3] <= box[3] or overlap_areas(box[None], other.boxes[other_row][None])[0, 0] == 0:
        return
    theirs = _unpacked(other.windows[other_row], other.bits[other_row])
    left, top, right, bottom = _common(place, other.windows[other_row])
    if right <= left or bottom <= top:
        return
    x, y = other.windows[other_row][:2]
    mask[top - place[1] : bottom - place[1], left - place[0] : right - place[0]] &= (
        theirs[top - y : bottom - y, left - x : right - x] == 0
    )


def _common(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _united(
    place: tuple[int, int, int, int],
    mask: NDArray[np.bool_],
    window_xyxy_px: tuple[int, int, int, int],
    bits: NDArray[np.uint8],
) -> tuple[tuple[int, int, int, int], NDArray[np.uint8]]:
    """Window and packed bits of both masks together."""
    first = _unpacked(window_xyxy_px, bits)
    if first.size == 0:
        return place, np.packbits(mask.ravel())
    left, top = min(place[0], window_xyxy_px[0]), min(place[1], window_xyxy_px[1])
    right, bottom = max(place[2], window_xyxy_px[2]), max(place[3], window_xyxy_px[3])
    both = np.zeros((bottom - top, right - left), bool)
    for (x, y, _, _), part in ((place, mask), (window_xyxy_px, first > 0)):
        both[y - top : y - top + part.shape[0], x - left : x - left + part.shape[1]] |= part
    return (left, top, right, bottom), np.packbits(both.ravel())
