"""A limited number of small pictures of each track, from both clips: what attackers look at.

Which frames is decided from the bundle before the first one comes, so memory is bounded by tracks, not by frames.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import FramePair
from bodydouble.scene import PersonTrack

CROP_HEIGHT_PX: Final[int] = 128
CROP_WIDTH_PX: Final[int] = 64
"""People are twice as high as wide in re-identification (Market-1501: 128x64)."""
MOST_CROPS_OF_TRACK: Final[int] = 24
MOST_CROPS_OF_CLIP: Final[int] = 6000
"""Pairs; 49 KB each."""
LEAST_HEIGHT_PX: Final[float] = 20.0
_LEAST_INSIDE: Final[float] = 0.8
"""Share of the box that lies in the frame."""
_LEAST_VISIBLE: Final[float] = 0.5
_MARGIN: Final[float] = 0.03
"""Of the box's size on each side: doubles need not keep to it to the pixel."""

Crops = npt.NDArray[np.uint8]
"""(n, 128, 64, 3) RGB."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CropPairs:
    """The same places in both clips; rows belong together."""

    original: Crops
    result: Crops
    track_ids: npt.NDArray[np.int64]
    frame_indices: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.track_ids)


def spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """At most ``most`` of ``count`` places, evenly spread, first and last among them; strictly increasing."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.round(np.linspace(0, count - 1, most)).astype(np.int64))


def usable_steps(track: PersonTrack, width_px: int, height_px: int) -> npt.NDArray[np.int64]:
    """Rows of a track in which the person is seen, mostly inside the frame, and not tiny."""
    boxes = track.boxes_xyxy_px.astype(np.float64)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    limits = np.array([width_px, height_px], dtype=np.float64)
    inside = np.prod(np.clip(np.minimum(boxes[:, 2:], limits) - np.maximum(boxes[:, :2], 0.0), 0.0, None) / sides, 1)
    good = (inside >= _LEAST_INSIDE) & (sides[:, 1] >= LEAST_HEIGHT_PX) & (track.visible_fraction >= _LEAST_VISIBLE)
    return np.flatnonzero(good)


def cut_crop(rgb: npt.NDArray[np.uint8], box_xyxy_px: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """The box of a picture (height, width, 3), resized to (128, 64, 3); its edge is continued beyond the picture."""
    import cv2

    left, top, right, bottom = (float(value) for value in box_xyxy_px)
    dx, dy = _MARGIN * (right - left), _MARGIN * (bottom - top)
    left, top, right, bottom = left - dx, top - dy, right + dx, bottom + dy
    scale_x, scale_y = (right - left) / CROP_WIDTH_PX, (bottom - top) / CROP_HEIGHT_PX
    # From pixels of the crop to pixels of the picture; centres lie at half pixels.
    matrix = np.array([[scale_x, 0, left + 0.5 * scale_x - 0.5], [0, scale_y, top + 0.5 * scale_y - 0.5]])
    if scale_x > 1.5 or scale_y > 1.5:
        # warpAffine does not average where it shrinks.
        around = rgb[max(0, int(top)) : max(0, int(bottom) + 1), max(0, int(left)) : max(0, int(right) + 1)]
        if around.size:
            kernel = (max(1, round(scale_x)), max(1, round(scale_y)))
            blurred = np.asarray(cv2.blur(around, kernel), dtype=np.uint8)
            shift = np.array([[0, 0, -max(0, int(left))], [0, 0, -max(0, int(top))]])
            return _warp(blurred, matrix + shift)
    return _warp(rgb, matrix)


def _warp(rgb: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (CROP_WIDTH_PX, CROP_HEIGHT_PX)
    return np.asarray(cv2.warpAffine(rgb, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


class CropKeeper:
    """Takes the chosen crops of a clip as its frames come."""

    def __init__(
        self,
        tracks: Collection[PersonTrack],
        width_px: int,
        height_px: int,
        *,
        most_of_track: int = MOST_CROPS_OF_TRACK,
        most_of_clip: int = MOST_CROPS_OF_CLIP,
    ) -> None:
        """Choose frames: evenly spread over the usable ones of each track, fewer a track where there are many tracks."""
        most = min(most_of_track, max(2, most_of_clip // max(1, len(tracks))))
        self._wanted: dict[int, list[tuple[int, npt.NDArray[np.float32]]]] = {}
        for track in tracks:
            steps = usable_steps(track, width_px, height_px)
            for step in steps[spread(len(steps), most)]:
                row = (track.track_id, track.boxes_xyxy_px[step])
                self._wanted.setdefault(int(track.frame_indices[step]), []).append(row)
        self._original: list[npt.NDArray[np.uint8]] = []
        self._result: list[npt.NDArray[np.uint8]] = []
        self._places: list[tuple[int, int]] = []

    def see(self, pair: FramePair) -> None:
        """Take what is wanted of a pair of frames."""
        for track_id, box in self._wanted.pop(pair.index, ()):
            crop = cut_crop(pair.original_rgb, box)
            same = pair.result_rgb is pair.original_rgb
            self._original.append(crop)
            self._result.append(crop if same else cut_crop(pair.result_rgb, box))
            self._places.append((track_id, pair.index))

    def pairs(self) -> CropPairs:
        """All crops, ordered by track and frame."""
        order = sorted(range(len(self._places)), key=lambda row: self._places[row])
        places = np.array([self._places[row] for row in order], dtype=np.int64).reshape(-1, 2)
        shape = (0, CROP_HEIGHT_PX, CROP_WIDTH_PX, 3)
        return CropPairs(
            original=np.stack([self._original[row] for row in order]) if order else np.zeros(shape, np.uint8),
            result=np.stack([self._result[row] for row in order]) if order else np.zeros(shape, np.uint8),
            track_ids=places[:, 0],
            frame_indices=places[:, 1],
        )
