"""Where the plate was seen to be right: at other times, with nobody near, the clip shows what it shows.

A plate that looks like the frame on somebody's silhouette may hold that person, or the silhouette may lie on a wall with
nobody before it. Single frames cannot tell. The rest of the clip can: background is there before anybody comes and after
they left. Pixels count as known background where the plate was met in several spans of time in which nobody was near, and
hardly ever contradicted. Spans in which somebody stands still at the place and looks like the plate do not count, nor do
those around them: people who stand still are missed now and then, and may be on the plate. Who looks otherwise is not on
it; were they missed, the place would contradict it. Nor can a guess hold anybody: it was made from other places. For a
camera that stands still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import largest_difference
from bodydouble.compositing.config import PaintOutConfig
from bodydouble.compositing.windows import Window
from bodydouble.scene import Frame, PersonTrack, SceneBundle

_SPANS: Final[int] = 64
"""Of a clip at most; one bit each."""
_LEAST_SPAN_SECONDS: Final[float] = 0.2
_LOOKS_PER_SPAN: Final[int] = 3
BACKGROUND_DIFFERS_BY_AT_MOST: Final[int] = 16
"""Frame and plate are the same up to this difference in any channel, in steps of 1/255, as for occluders."""
_FEWEST_SPANS: Final[int] = 3
"""In so many spans the plate must have been met."""
_SPANS_PER_CONTRADICTION: Final[int] = 8
"""For each span in which free pixels looked otherwise, the plate must have been met in so many."""
_STILL_SECONDS: Final[float] = 0.5
_STILL_IOU: Final[float] = 0.5
"""Whose boxes overlap as much after so long stands still; somebody who walks is a step further then."""
_LIKE_THE_PLATE: Final[float] = 0.4
"""Share of a silhouette that has to look like the plate for its person to be perhaps on it; somebody who moves a hand or
the head stays there with the rest. From 0.3 on 1016 boxes of Avenue 20 would be meant instead of 572 of 2525."""
_AT_THE_PLACE: Final[float] = 0.3
"""Share of a box that another's box has to cover for its person to be at the same place."""
_MARGIN_SPANS: Final[int] = 2
"""Spans beside those in which somebody stood there do not count."""

_Boxes = npt.NDArray[np.float32]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownBackground:
    """What `BackgroundEvidence` found."""

    plate_rgb: npt.NDArray[np.uint8]
    """(height, width, 3): the plate that was compared."""
    met: npt.NDArray[np.uint64]
    """(height, width): a bit for each span in which a free pixel looked like the plate."""
    contradicted: npt.NDArray[np.uint64]
    """(height, width): a bit for each span in which a free pixel looked otherwise."""
    guessed: _Mask
    """(height, width): where the plate is a guess in every frame."""
    still_boxes_xyxy_px: _Boxes
    """(n, 4): boxes of people while they stand still and look like the plate."""
    still_spans: npt.NDArray[np.int64]
    """(n,): the spans they belong to."""

    def at(self, window: Window, box_xyxy_px: npt.NDArray[np.float32], plate_rgb: npt.NDArray[np.uint8]) -> _Mask:
        """Where a window of a frame's plate is known to show background, or made from it, for a person with a box.

        Args:
            window: inside the frame.
            box_xyxy_px: (4,) of the person.
            plate_rgb: (height, width, 3) plate of the frame.

        Returns:
            (window height, width).
        """
        there = ~np.uint64(0)
        for span in self._spans_with_somebody_still(box_xyxy_px).tolist():
            there &= ~np.uint64(1 << span)
        contradicted = self.contradicted[window.slices] & there
        met = np.bitwise_count(self.met[window.slices] & there & ~contradicted)
        enough = (met >= _FEWEST_SPANS) & (met >= _SPANS_PER_CONTRADICTION * np.bitwise_count(contradicted))
        same = (
            largest_difference(plate_rgb[window.slices], self.plate_rgb[window.slices]) <= BACKGROUND_DIFFERS_BY_AT_MOST
        )
        return np.asarray((enough & same) | self.guessed[window.slices])

    def _spans_with_somebody_still(self, box: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        boxes = self.still_boxes_xyxy_px
        size = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
        covered = np.prod(np.maximum(size, 0.0), axis=1) / max(float(np.prod(box[2:] - box[:2])), 1.0)
        found = self.still_spans[covered >= _AT_THE_PLACE]
        around = (found[:, None] + np.arange(-_MARGIN_SPANS, _MARGIN_SPANS + 1)).ravel()
        return np.unique(around[(around >= 0) & (around < _SPANS)])


def free_of_people(bundle: SceneBundle, frame_index: int, config: PaintOutConfig) -> _Mask:
    """(height, width): pixels of a frame that are well away from everybody."""
    whole = Window(0, 0, bundle.video.width_px, bundle.video.height_px)
    free = np.ones((whole.height, whole.width), dtype=np.bool_)
    for track in bundle.tracks:
        if (step := track.step_of(frame_index)) is None:
            continue
        box = track.boxes_xyxy_px[step]
        margin = config.dilation_px(float(box[3] - box[1]))
        for window in (Window.around(box), Window.around(track.silhouettes.windows_xyxy_px[step])):
            near = window.grown(margin).clipped(whole)
            if not (window.is_empty or near.is_empty):
                free[near.slices] = False
    return free


class BackgroundEvidence:
    """Counts while a clip is read; memory is that of a picture and 16 bytes a pixel."""

    def __init__(
        self,
        bundle: SceneBundle,
        plate_rgb: npt.NDArray[np.uint8],
        config: PaintOutConfig,
        guessed: _Mask | None = None,
    ) -> None:
        """Take what is known beforehand.

        Args:
            bundle: the scene; its camera stands still.
            plate_rgb: (height, width, 3) plate of the first frame.
            config: how far around people pixels are not free.
            guessed: (height, width), where the plate is a guess in every frame; None where that is not known.
        """
        video = bundle.video
        self._bundle, self._config, self._plate_rgb = bundle, config, plate_rgb.copy()
        least = math.ceil(_LEAST_SPAN_SECONDS * float(video.average_rate))
        self._span_frames = max(1, least, math.ceil(video.num_frames / _SPANS))
        self._still_frames = max(1, round(_STILL_SECONDS * float(video.average_rate)))
        self._every_frames = max(1, self._span_frames // _LOOKS_PER_SPAN)
        shape = (video.height_px, video.width_px)
        self._met, self._contradicted = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        self._guessed = np.zeros(shape, np.bool_) if guessed is None else guessed
        self._still = {
            track.track_id: _stands_still(track.boxes_xyxy_px, self._still_frames) for track in bundle.tracks
        }
        self._still_boxes, self._still_spans = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.int64)]

    def wants(self, frame_index: int) -> bool:
        """Whether a frame is looked at."""
        return frame_index % self._every_frames == 0

    def add(self, frame: Frame) -> None:
        """Compare one frame with the plate where nobody is near, and where somebody stands still."""
        free = free_of_people(self._bundle, frame.index, self._config)
        same = largest_difference(frame.rgb, self._plate_rgb) <= BACKGROUND_DIFFERS_BY_AT_MOST
        span = frame.index // self._span_frames
        for track in self._bundle.tracks:
            step = track.step_of(frame.index)
            if step is not None and self._still[track.track_id][step] and _looks_like_the_plate(track, step, same):
                self._still_boxes.append(track.boxes_xyxy_px[step : step + 1])
                self._still_spans.append(np.array([span]))
        bit = np.uint64(1 << span)
        np.bitwise_or(self._met, bit, out=self._met, where=free & same)
        np.bitwise_or(self._contradicted, bit, out=self._contradicted, where=free & ~same)

    def known(self) -> KnownBackground:
        """What was found."""
        return KnownBackground(
            plate_rgb=self._plate_rgb,
            met=self._met,
            contradicted=self._contradicted,
            guessed=self._guessed,
            still_boxes_xyxy_px=np.concatenate(self._still_boxes),
            still_spans=np.concatenate(self._still_spans),
        )


def _looks_like_the_plate(track: PersonTrack, step: int, same: _Mask) -> bool:
    """Whether much of somebody's silhouette looks like the plate, ``same`` (height, width); yes where there is none."""
    mask = track.silhouettes.mask(step)
    alike = mask & same[Window.around(track.silhouettes.windows_xyxy_px[step]).slices]
    return int(np.count_nonzero(alike)) >= _LIKE_THE_PLATE * int(np.count_nonzero(mask))


def _stands_still(boxes: _Boxes, after: int) -> _Mask:
    """(time,): whether a box overlaps that of the same person some frames later, or before; short tracks do not tell."""
    if len(boxes) <= after:
        return np.ones(len(boxes), dtype=np.bool_)
    one, two = boxes[:-after], boxes[after:]
    inner = np.prod(np.maximum(np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2]), 0.0), axis=1)
    areas = np.prod(one[:, 2:] - one[:, :2], axis=1) + np.prod(two[:, 2:] - two[:, :2], axis=1)
    overlaps = inner >= _STILL_IOU * np.maximum(areas - inner, 1e-6)
    still = np.zeros(len(boxes), dtype=np.bool_)
    still[:-after] |= overlaps
    still[after:] |= overlaps
    return still


def smoothed(known: _Mask) -> _Mask:
    """Known background without specks, so that what is filled in beside it has no holes."""
    kernel = np.ones((3, 3), dtype=np.uint8)
    return np.asarray(cv2.morphologyEx(known.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
