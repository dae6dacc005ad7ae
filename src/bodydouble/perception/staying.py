"""Who sits or stands somewhere is there for as long as the picture there stays the same.

What moves is noticed in any case (`reading`, movers that nobody explains). Somebody who keeps still and is detected only now
and then would be left in the picture in between, and get into the plate. So where a track begins or ends with somebody who
does not move, frames before and after are compared with what was seen there, and the track goes on while they are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas, overlap_areas, window
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import FrameSource, Progress

_THUMB_HW_PX: Final = (16, 8)
_SEEN_SECONDS: Final = 1.0
"""What somebody looks like is taken from detections over so long."""
_LEAST_SEEN: Final = 3
"""From fewer detections than this nothing is told."""
_STILL_HEIGHTS: Final = 0.12
"""Who gets farther than this meanwhile, in their own heights, walks."""
_FARTHEST_SECONDS: Final = 60.0
"""No track goes on for longer than this without a detection."""
_HIDDEN_SECONDS: Final = 1.5
"""Passers-by may hide somebody for as long."""
_ALIKE: Final = 5.0
"""Mean difference of brightness, in 1/255 and without a change of light, up to which two pictures are alike in any case."""
_USUAL_FACTOR: Final = 2.0
"""The same as a multiple of how much this person's own picture changes while detected."""
_LEAST_IN_FRAME: Final = 0.5
_SAME_PLACE: Final = 0.8
"""Share of the box that another track must cover to be the same person further on."""


@dataclass(kw_only=True, eq=False)
class _End:
    """One end of a track at which somebody keeps still."""

    track: int
    forwards: bool
    """Whether the track would go on after its last frame, or have begun before its first."""
    box: NDArray[np.float64]
    seen_in: frozenset[int]
    """Frames of the detections that say what is seen here."""
    frames: range
    """All that are looked at, those included."""
    thumbs: NDArray[np.uint8] = field(init=False)
    """(len(frames), 16, 8): small pictures of the box."""

    def __post_init__(self) -> None:
        """Make room."""
        self.thumbs = np.zeros((len(self.frames), *_THUMB_HW_PX), np.uint8)

    def place(self, frame: int) -> int:
        """Row of ``thumbs`` of a frame that is looked at."""
        return frame - self.frames.start


def with_still_stretches(
    source: FrameSource, tracks: Sequence[Fragment], num_frames: int, progress: Progress
) -> tuple[Fragment, ...]:
    """The same tracks, longer where somebody keeps still; their scores are 0 in what is added.

    Reads the clip once if there is anybody of that kind.

    Args:
        source: the clip; its camera stands still.
        tracks: without gaps, boxes in frame pixels.
        num_frames: of the clip.
        progress: told about every frame.
    """
    geometry = source.geometry
    rate, size = float(geometry.average_rate), (geometry.width_px, geometry.height_px)
    ends = [
        end
        for number, track in enumerate(tracks)
        for forwards in (False, True)
        if (end := _still_end(number, track, forwards, rate, num_frames, size)) is not None
    ]
    if not ends:
        return tuple(tracks)
    progress.start("who keeps still", num_frames)
    for frame in source.frames():
        if wanted := [end for end in ends if frame.index in end.frames]:
            luma = np.asarray(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
            for end in wanted:
                end.thumbs[end.place(frame.index)] = _thumb(luma, end.box)
        progress.advance()
    progress.finish()
    longer = list(tracks)
    for end in ends:
        last = _stays_until(end, tracks, round(_HIDDEN_SECONDS * rate))
        if last is not None:
            longer[end.track] = _prolonged(longer[end.track], end, last)
    return tuple(longer)


def _still_end(
    number: int, track: Fragment, forwards: bool, rate: float, num_frames: int, size_px: tuple[int, int]
) -> _End | None:
    observed = np.flatnonzero(track.observed)
    border = num_frames - 1 if forwards else 0
    if len(observed) < _LEAST_SEEN or int(track.frames[-1 if forwards else 0]) == border:
        return None
    outermost = int(track.frames[observed[-1 if forwards else 0]])
    near = observed[np.abs(track.frames[observed] - outermost) <= max(_LEAST_SEEN, _SEEN_SECONDS * rate)]
    boxes = track.boxes[near]
    box = np.median(boxes, axis=0)
    height = max(float(box[3] - box[1]), 1.0)
    inside = areas(np.clip(box[None], 0, [*size_px, *size_px]))[0]
    moves = float(np.ptp(0.5 * (boxes[:, :2] + boxes[:, 2:]), axis=0).max())
    if len(near) < _LEAST_SEEN or moves > _STILL_HEIGHTS * height or inside < _LEAST_IN_FRAME * areas(box[None])[0]:
        return None
    seen = frozenset(track.frames[near].tolist())
    farthest = round(_FARTHEST_SECONDS * rate)
    frames = (
        range(min(seen), min(num_frames, outermost + farthest + 1))
        if forwards
        else range(max(0, outermost - farthest), max(seen) + 1)
    )
    return _End(track=number, forwards=forwards, box=box, seen_in=seen, frames=frames)


def _thumb(luma: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A small picture of a box, (16, 8)."""
    left, top, right, bottom = window(box, luma.shape[1], luma.shape[0])
    small = cv2.resize(luma[top:bottom, left:right], _THUMB_HW_PX[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _without_light(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(..., 16, 8): what is left of small pictures without their mean."""
    values = thumbs.astype(np.float32)
    return np.asarray(values - values.mean(axis=(-2, -1), keepdims=True), np.float32)


def _stays_until(end: _End, tracks: Sequence[Fragment], most_hidden: int) -> int | None:
    """The farthest frame in which somebody is still there; None if that is not beyond the track."""
    seen = _without_light(end.thumbs[[end.place(frame) for frame in sorted(end.seen_in)]])
    usual = np.median(seen, axis=0)
    limit = max(_ALIKE, _USUAL_FACTOR * float(np.median(np.abs(seen - usual).mean(axis=(1, 2)))))
    track = tracks[end.track]
    start, step = (int(track.frames[-1]), 1) if end.forwards else (int(track.frames[0]), -1)
    last, hidden, frame = None, 0, start + step
    while frame in end.frames and hidden <= most_hidden:
        if np.abs(_without_light(end.thumbs[end.place(frame)]) - usual).mean() <= limit:
            if _is_somebody_else(end, tracks, frame):
                break
            last, hidden = frame, 0
        else:
            hidden += 1
        frame += step
    return last


def _is_somebody_else(end: _End, tracks: Sequence[Fragment], frame: int) -> bool:
    """Whether another track has taken this person over: one that was not detected beside them before."""
    for number, other in enumerate(tracks):
        first = int(other.frames[0])
        if number != end.track and first <= frame <= int(other.frames[-1]) and not _was_beside(end, other):
            shared = overlap_areas(end.box[None], other.boxes[frame - first : frame - first + 1])[0, 0]
            if shared > _SAME_PLACE * areas(end.box[None])[0]:
                return True
    return False


def _was_beside(end: _End, other: Fragment) -> bool:
    """Whether both were detected in the same frames."""
    together = len(end.seen_in.intersection(other.frames[other.observed].tolist()))
    return together >= _LEAST_SEEN


def _prolonged(track: Fragment, end: _End, last: int) -> Fragment:
    """The track up to a frame before its first or after its last."""
    first_frame, last_frame = int(track.frames[0]), int(track.frames[-1])
    added = np.arange(last_frame + 1, last + 1) if end.forwards else np.arange(last, first_frame)
    parts = [
        (added, np.tile(end.box, (len(added), 1)), np.zeros(len(added), np.float32)),
        (track.frames, track.boxes, track.scores),
    ]
    frames, boxes, scores = zip(*(reversed(parts) if end.forwards else parts), strict=True)
    return Fragment(
        frames=np.concatenate(frames), boxes=np.concatenate(boxes), scores=np.concatenate(scores), weak=track.weak
    )
