"""Moving regions that no track explains: people the finder missed. They are painted out, never played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import grow, iou, window
from bodydouble.perception.motion import Foreground
from bodydouble.perception.thrown import is_thrown

_LONG_SIDE_PX: Final = 480
"""Regions are looked for at this size."""
_LEAST_HEIGHT: Final = 0.22
"""Height of a region that may be a part of a person, as a share of the height expected there."""
_LARGEST: Final = 2.2
"""Height and width of a region that may be a person, as a share of the height expected there."""
_LEAST_AREA: Final = 0.02
"""Area of a region that may be a person, as a share of the square of the height expected there."""
_GUESSED_HEIGHT: Final = 0.2
"""Height of people as a share of the frame's, where nobody was found at all."""
_GUESSED_SLACK: Final = 3.5
_CONSTANT_SLACK: Final = 1.5
_LEAST_SPREAD: Final = 0.1
"""Rows that feet must be spread over, as a share of the frame's height, before heights depend on the row."""
_CLOSE_SPREAD: Final = 0.12
"""Median deviation of heights from the model, as a share, up to which it may correct boxes."""
_STEEPEST: Final = 0.9
_LEAST_SHARE: Final = 0.33
"""Nobody is taken to be smaller than this share of the usual height."""
_GIANT: Final = 1.3
"""Nobody is this much taller than others at the same place: such a box holds several people, or a thing above one."""
_ENOUGH_BOXES: Final = 100
_WHOLE_BODY: Final = 1.15
"""People are at most this much taller than expected when the rest of a body is looked for."""
_SHADOW_SHARE: Final = 0.75
_MATCH_IOU: Final = 0.15
_PATIENCE_FRAMES: Final = 3
_PAUSE_GROWTH: Final = 0.15
"""Share of its size by which a window grows into frames in which the mover was not noticed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeightModel:
    """How tall people are, by the row they stand on: ``slope * foot row + offset``, pixels."""

    slope: float
    offset: float
    usual: float
    """Median height, or a guess where nobody was found."""
    slack: float = 1.0
    """Limits on size are widened by this factor; above 1 where little is known."""
    reliable: bool = False
    """Heights follow from the row closely enough to correct boxes."""
    close: bool = False
    """Heights follow from the row as closely, but perhaps so steeply (a camera at the height of eyes) that a foot's row
    does not follow from that of a head."""

    @classmethod
    def fit(cls, feet_px: NDArray[np.float64], heights_px: NDArray[np.float64], frame_height_px: int) -> HeightModel:
        """Fit to the boxes of tracks; without enough of them, over enough rows, one height holds everywhere."""
        if len(heights_px) == 0:
            return cls(slope=0.0, offset=0.0, usual=_GUESSED_HEIGHT * frame_height_px, slack=_GUESSED_SLACK)
        if len(feet_px) < 30 or np.ptp(feet_px) < _LEAST_SPREAD * frame_height_px:
            middle = float(np.median(heights_px))
            return cls(slope=0.0, offset=middle, usual=middle, slack=_CONSTANT_SLACK)
        slope, offset = np.polyfit(feet_px, heights_px, 1)
        rest = np.abs(heights_px - slope * feet_px - offset)
        good = rest <= 2.5 * np.median(rest) + 1e-6
        if good.sum() >= 20 and np.ptp(feet_px[good]) >= 0.5 * _LEAST_SPREAD * frame_height_px:
            slope, offset = np.polyfit(feet_px[good], heights_px[good], 1)
        spread = float(np.median(np.abs(heights_px - slope * feet_px - offset) / np.maximum(heights_px, 1.0)))
        close = spread < _CLOSE_SPREAD and slope >= 0.0 and len(feet_px) >= _ENOUGH_BOXES
        return cls(
            slope=float(slope),
            offset=float(offset),
            usual=float(np.median(heights_px)),
            reliable=bool(close and slope < _STEEPEST),
            close=bool(close),
        )

    def whole_bodies(self, boxes_xyxy_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (N, 4) stretched up and down to where the rest of the body may be, should they show a part of it.

        Unchanged where heights are not reliable.
        """
        stretched = boxes_xyxy_px.copy()
        if not self.reliable:
            return stretched
        for row, (_, top, _, bottom) in enumerate(boxes_xyxy_px):
            foot = float(bottom)
            for _ in range(8):
                foot = max(float(bottom), float(top) + _WHOLE_BODY * self.expected(foot))
            stretched[row, 3] = foot
            stretched[row, 1] = min(float(top), float(bottom) - _WHOLE_BODY * self.expected(float(bottom)))
        return stretched

    def expected(self, foot_px: float) -> float:
        """Height in pixels of a person whose feet are at a row; never less than a third of the usual."""
        height = self.slope * foot_px + self.offset
        return max(height, _LEAST_SHARE * self.usual, 8.0)

    def may_stand(self, foot_px: float) -> bool:
        """False for rows above the ground, at and over the horizon, as far as heights tell where that is."""
        return not self.close or self.slope * foot_px + self.offset > _LEAST_SHARE * self.usual

    def too_tall(self, boxes_xyxy_px: NDArray[np.float64], own: float = 1.0) -> NDArray[np.bool_]:
        """Which boxes (N, 4) are too tall for one person who stands there; none where heights do not tell.

        Args:
            boxes_xyxy_px: in the frame.
            own: the person's own height over that of others at the same place.
        """
        tall = boxes_xyxy_px[:, 3] - boxes_xyxy_px[:, 1]
        likely = np.array([self.expected(float(foot)) for foot in boxes_xyxy_px[:, 3]])
        return np.asarray(self.close & (tall > _GIANT * own * likely))


@dataclass(frozen=True, kw_only=True, eq=False)
class Blob:
    """A moving region in one frame."""

    frame_index: int
    window_xyxy_px: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    """(height, width) of the window."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BlobTrack:
    """One unexplained mover over time; frames may have short gaps."""

    frames: tuple[int, ...]
    windows_xyxy_px: tuple[tuple[int, int, int, int], ...]
    bits: tuple[NDArray[np.uint8], ...]
    """Masks packed as in ``MaskStack``."""
    guessed: frozenset[int] = frozenset()
    """Frames in which nothing was noticed."""


def without_pauses(
    track: BlobTrack, *, reach_frames: int, num_frames: int, frame_size_px: tuple[int, int]
) -> BlobTrack:
    """The mover in every frame of its life, and in a few before and after.

    Somebody who comes in at the border is at first too small to be noticed, and nobody pauses being there. Frames without a
    region of their own take the whole window of the nearest one that has, a little grown: where nobody is, the plate
    that goes there looks like the frame.

    Args:
        track: a mover.
        reach_frames: frames before and after.
        num_frames: of the clip.
        frame_size_px: width and height.
    """
    seen = np.array(track.frames)
    frames = range(max(0, int(seen[0]) - reach_frames), min(num_frames, int(seen[-1]) + reach_frames + 1))
    windows, bits = [], []
    for frame in frames:
        step = int(np.abs(seen - frame).argmin())
        if seen[step] == frame:
            windows.append(track.windows_xyxy_px[step])
            bits.append(track.bits[step])
            continue
        grown = grow(np.array([track.windows_xyxy_px[step]], np.float32), _PAUSE_GROWTH)[0]
        left, top, right, bottom = window(grown, *frame_size_px)
        windows.append((left, top, right, bottom))
        bits.append(np.packbits(np.ones((bottom - top) * (right - left), bool)))
    guessed = frozenset(frames) - frozenset(track.frames)
    return BlobTrack(frames=tuple(frames), windows_xyxy_px=tuple(windows), bits=tuple(bits), guessed=guessed)


class BlobCollector:
    """Finds regions frame by frame and joins them by overlap."""

    def __init__(self, heights: HeightModel, min_frames: int, frames_per_second: float) -> None:
        self._heights = heights
        self._rate = frames_per_second
        self._min_frames = min_frames
        self._open: list[_RunState] = []
        self._done: list[BlobTrack] = []

    def add(self, frame_index: int, foreground: Foreground, explained: NDArray[np.bool_]) -> None:
        """Look for regions in a frame.

        Args:
            frame_index: increasing from call to call.
            foreground: what differs from the plate.
            explained: (H, W) where it may: inside tracks, and where the plate is a guess.
        """
        self.take(frame_index, find_blobs(frame_index, foreground, explained, self._heights))

    def finish(self) -> list[BlobTrack]:
        """All movers that lasted, by first frame."""
        for run in self._open:
            self._close(run)
        self._open = []
        return sorted(self._done, key=lambda track: (track.frames[0], track.windows_xyxy_px[0]))

    def take(self, frame_index: int, blobs: list[Blob]) -> None:
        """The same with regions that were found already."""
        boxes = np.array([blob.window_xyxy_px for blob in blobs], np.float64).reshape(-1, 4)
        taken: set[int] = set()
        for run in self._open:
            last = np.array([run.windows[-1]], np.float64)
            overlap = iou(last, boxes)[0] if len(blobs) else np.zeros(0)
            for candidate in np.argsort(-overlap, kind="stable"):
                if int(candidate) not in taken and overlap[candidate] >= _MATCH_IOU:
                    taken.add(int(candidate))
                    run.append(blobs[int(candidate)])
                    break
        for number, blob in enumerate(blobs):
            if number not in taken:
                self._open.append(_RunState(blob))
        still: list[_RunState] = []
        for run in self._open:
            if frame_index - run.frames[-1] > _PATIENCE_FRAMES:
                self._close(run)
            else:
                still.append(run)
        self._open = still

    def _close(self, run: _RunState) -> None:
        if len(run.frames) >= self._min_frames and not is_thrown(run.frames, run.windows, self._heights, self._rate):
            self._done.append(
                BlobTrack(frames=tuple(run.frames), windows_xyxy_px=tuple(run.windows), bits=tuple(run.bits))
            )


class _RunState:
    """A mover that is still being followed."""

    def __init__(self, blob: Blob) -> None:
        self.frames: list[int] = []
        self.windows: list[tuple[int, int, int, int]] = []
        self.bits: list[NDArray[np.uint8]] = []
        self.append(blob)

    def append(self, blob: Blob) -> None:
        self.frames.append(blob.frame_index)
        self.windows.append(blob.window_xyxy_px)
        self.bits.append(np.packbits(blob.mask.ravel()))


def find_blobs(
    frame_index: int, foreground: Foreground, explained: NDArray[np.bool_], heights: HeightModel
) -> list[Blob]:
    """Moving regions of a person's size outside of what is explained, left to right."""
    height, width = foreground.mask.shape
    scale = min(1.0, _LONG_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    rest = foreground.mask & ~explained
    if not rest.any():
        return []
    solid = cv2.resize(rest.astype(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 100
    opened = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    blobs = []
    for label in range(1, count):
        left, top, wide, tall, area = (int(v) for v in stats[label])
        expected = heights.expected((top + tall) / scale) * scale
        least, most = _LEAST_HEIGHT / heights.slack * expected, _LARGEST * heights.slack * expected
        if not least <= tall <= most or wide > most or area < _LEAST_AREA * (expected / heights.slack) ** 2:
            continue
        region = (labels == label).astype(np.uint8)
        grown = cv2.dilate(region, np.ones((5, 5), np.uint8))
        full = cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        inside = full & foreground.mask
        if foreground.shadow[inside].mean() > _SHADOW_SHARE:
            continue
        x0, y0 = max(0, int((left - 3) / scale)), max(0, int((top - 3) / scale))
        x1, y1 = (
            min(width, int(np.ceil((left + wide + 3) / scale))),
            min(height, int(np.ceil((top + tall + 3) / scale))),
        )
        blobs.append(Blob(frame_index=frame_index, window_xyxy_px=(x0, y0, x1, y1), mask=full[y0:y1, x0:x1]))
    return sorted(blobs, key=lambda blob: blob.window_xyxy_px)
