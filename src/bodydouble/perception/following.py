"""First pass over the clip: people in every frame, motion of the camera, tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bodydouble.ahead import ahead
from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.camera import CameraEstimator
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.geometry import transform
from bodydouble.perception.people.base import Detections, PeopleFinder
from bodydouble.perception.plate.canvas import fit_canvas
from bodydouble.perception.tracking.association import Border, associate
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.botsort import make_tracker
from bodydouble.perception.tracking.heights import complete_heights
from bodydouble.perception.tracking.leaps import leaps
from bodydouble.perception.tracking.likeness import look_middle
from bodydouble.perception.tracking.linking import (
    LinkLimits,
    drop_composites,
    drop_doubles,
    extend,
    fill,
    has_height_of_a_person,
    smooth,
    without_invisible_ends,
)
from bodydouble.perception.tracking.looks import NUM_LOOKS, looks_of
from bodydouble.perception.tracking.meetings import cut_at_meetings, without_parts
from bodydouble.perception.tracking.uncross import uncross
from bodydouble.perception.tracking.weak import weak_fragments
from bodydouble.scene import Frame, FrameSource, Progress

BOX_SMOOTHING_SECONDS = 0.08
"""Standard deviation of the smoothing of boxes over time."""
_CAMERA_SCORE = 0.3
"""Detections from this score on are kept out of the measurement of camera motion."""
_LOOK_SCORE = 0.25
"""Weaker detections are not looked at; hardly any becomes part of a track."""
_SHORT_SECONDS = 1.0
"""A box over two people lasts as long as they overlap; what lasts longer is not taken for one."""
_FIRST_PAUSES_SECONDS = (0.5, 1.5)
"""Longest pauses joined in the first rounds of association; the last one is configured."""
_MOST_FRAMES_ASKED = 15
"""No track of this many detections is too short, whatever frame rate a container claims; some claim thousands."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Followed:
    """Result of the first pass."""

    tracks: tuple[Fragment, ...]
    """Without gaps; boxes in *frame* pixels."""
    detections: tuple[Detections, ...]
    """Of every frame, in frame pixels."""
    to_reference: NDArray[np.float64]
    """(frames, 3, 3) to the canvas of the plate."""
    canvas_size_px: tuple[int, int]
    """Width and height of that canvas."""


def follow(
    source: FrameSource, finder: PeopleFinder, config: PerceptionConfig, progress: Progress, *, workers: int = 1
) -> Followed:
    """Find people in every frame, in ``workers`` frames at a time, and join them to tracks."""
    geometry = source.geometry
    detections: list[Detections] = []
    camera = CameraEstimator(geometry.width_px, geometry.height_px)
    progress.start("people", geometry.num_frames)

    def look(frame: Frame) -> Detections:
        return with_looks(finder.find(frame.rgb), frame.rgb)

    for frame, found in ahead(source.frames(), look, workers=workers):
        detections.append(found)
        camera.add(frame.rgb, found.boxes_xyxy_px[found.scores >= _CAMERA_SCORE])
        progress.advance()
    progress.finish()
    to_reference, canvas = fit_canvas(camera.finish(), geometry.width_px, geometry.height_px)
    tracks = make_tracks(
        detections,
        to_reference,
        config,
        frames_per_second=float(geometry.average_rate),
        frame_size_px=(geometry.width_px, geometry.height_px),
    )
    return Followed(
        tracks=tuple(tracks), detections=tuple(detections), to_reference=to_reference, canvas_size_px=canvas
    )


def with_looks(found: Detections, rgb: NDArray[np.uint8], moving: NDArray[np.bool_] | None = None) -> Detections:
    """Detections and what those look like that may become part of a track.

    Args:
        found: in the frame.
        rgb: (H, W, 3) the frame.
        moving: (H, W) what differs from the plate, None where that is unknown.
    """
    looks = np.full((len(found), NUM_LOOKS), np.nan, np.float32)
    worth = found.scores >= _LOOK_SCORE
    looks[worth] = looks_of(rgb, found.boxes_xyxy_px[worth], moving)
    return replace(found, looks=looks)


def height_model(tracks: Sequence[Fragment], frame_height_px: int) -> HeightModel:
    """How tall people are where, from the boxes of tracks that are whole and were detected."""
    boxes = [track.boxes[track.observed] for track in tracks]
    stacked = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    whole = stacked[(stacked[:, 1] >= 0) & (stacked[:, 3] <= frame_height_px)]
    return HeightModel.fit(whole[:, 3], whole[:, 3] - whole[:, 1], frame_height_px)


def make_tracks(
    detections: Sequence[Detections],
    to_reference: NDArray[np.float64],
    config: PerceptionConfig,
    *,
    frames_per_second: float,
    frame_size_px: tuple[int, int],
) -> list[Fragment]:
    """Tracks over the whole clip, without gaps, in frame pixels, ordered by first frame; then those never detected for sure.

    Args:
        detections: of every frame; their looks are used where they have some.
        to_reference: (frames, 3, 3).
        config: thresholds.
        frames_per_second: rate of the clip.
        frame_size_px: width and height.
    """
    width, height = frame_size_px
    tracker = make_tracker(config.tracking, frames_per_second)
    for index, found in enumerate(detections):
        tracker.add(index, transform(found.boxes_xyxy_px, to_reference[index]), found.scores, found.looks)
    limits = LinkLimits.at_rate(frames_per_second, extend_seconds=config.tracking.extend_seconds)
    border = Border(to_reference=to_reference, width_px=width, height_px=height)
    linked = _linked(tracker.finish(), border, config, frames_per_second)
    shortest = min(_MOST_FRAMES_ASKED, max(2, round(config.tracking.min_seconds * frames_per_second)))
    num_frames = len(detections)
    # A clip shorter than the limit would otherwise lose everybody.
    lasting = [fill(part) for part in linked if int(part.observed.sum()) >= min(shortest, num_frames)]
    heights = height_model(lasting, height) if np.all(to_reference == np.eye(3)) else None
    if heights is not None:
        lasting = drop_composites(lasting, heights, max(_MOST_FRAMES_ASKED, round(_SHORT_SECONDS * frames_per_second)))
        lasting = drop_doubles([complete_heights(part, heights, height) for part in lasting])
    weak = weak_fragments(detections, lasting, to_reference, config.tracking, frames_per_second)
    lasting += [part for part in weak if heights is None or has_height_of_a_person(part, heights)]
    smoothed = [smooth(part, BOX_SMOOTHING_SECONDS * frames_per_second) for part in lasting]
    longer = [_in_frames(extend(part, limits, num_frames), to_reference) for part in smoothed]
    return [without_invisible_ends(part, width, height) for part in longer]


def _linked(
    fragments: list[Fragment], border: Border, config: PerceptionConfig, frames_per_second: float
) -> list[Fragment]:
    """The offline pass: cut where people met or a track leaps, joined over the whole clip, put right where they crossed."""
    distinct = drop_doubles(fragments)
    cuts = [leaps(part, border, frames_per_second) for part in distinct]
    pieces = without_parts(cut_at_meetings(distinct, frames_per_second, cuts), frames_per_second)
    middle = look_middle(pieces)
    pauses = [seconds for seconds in _FIRST_PAUSES_SECONDS if seconds < config.tracking.link_seconds]
    joined = associate(
        pieces,
        pauses_frames=[max(2, round(s * frames_per_second)) for s in (*pauses, config.tracking.link_seconds)],
        frames_per_second=frames_per_second,
        middle=middle,
        border=border,
    )
    settled = uncross(joined, frames_per_second=frames_per_second, middle=middle)
    settled.sort(key=lambda piece: (int(piece.fragment.frames[0]), *piece.fragment.boxes[0].tolist()))
    # From here on nobody needs to know what people look like.
    return drop_doubles([replace(piece.fragment, looks=None) for piece in settled])


def _in_frames(part: Fragment, to_reference: NDArray[np.float64]) -> Fragment:
    boxes = np.concatenate(
        [
            transform(part.boxes[row : row + 1], np.linalg.inv(to_reference[frame]))
            if not np.array_equal(to_reference[frame], np.eye(3))
            else part.boxes[row : row + 1]
            for row, frame in enumerate(part.frames)
        ]
    )
    return Fragment(frames=part.frames, boxes=boxes, scores=part.scores, weak=part.weak)
