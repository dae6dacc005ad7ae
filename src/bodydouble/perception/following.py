"""First pass over the clip: people in every frame, motion of the camera, tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.camera import CameraEstimator
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.geometry import transform
from bodydouble.perception.people.base import Detections, PeopleFinder
from bodydouble.perception.plate.canvas import fit_canvas
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.botsort import BotSort, BotSortSettings
from bodydouble.perception.tracking.heights import complete_heights
from bodydouble.perception.tracking.linking import LinkLimits, drop_doubles, extend, fill, link, smooth
from bodydouble.scene import FrameSource, Progress

BOX_SMOOTHING_SECONDS = 0.08
"""Standard deviation of the smoothing of boxes over time."""
_CAMERA_SCORE = 0.3
"""Detections from this score on are kept out of the measurement of camera motion."""
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


def follow(source: FrameSource, finder: PeopleFinder, config: PerceptionConfig, progress: Progress) -> Followed:
    """Find people in every frame and join them to tracks."""
    geometry = source.geometry
    detections: list[Detections] = []
    camera = CameraEstimator(geometry.width_px, geometry.height_px)
    progress.start("people", geometry.num_frames)
    for frame in source.frames():
        found = finder.find(frame.rgb)
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
        frame_height_px=geometry.height_px,
    )
    return Followed(
        tracks=tuple(tracks), detections=tuple(detections), to_reference=to_reference, canvas_size_px=canvas
    )


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
    frame_height_px: int,
) -> list[Fragment]:
    """Tracks over the whole clip, without gaps, in frame pixels, ordered by first frame.

    Args:
        detections: of every frame.
        to_reference: (frames, 3, 3).
        config: thresholds.
        frames_per_second: rate of the clip.
        frame_height_px: of the clip.
    """
    tracker = BotSort(BotSortSettings.from_config(config.tracking, frames_per_second))
    for index, found in enumerate(detections):
        tracker.add(index, transform(found.boxes_xyxy_px, to_reference[index]), found.scores)
    limits = LinkLimits.at_rate(
        frames_per_second,
        link_seconds=config.tracking.link_seconds,
        extend_seconds=config.tracking.extend_seconds,
    )
    linked = drop_doubles(link(drop_doubles(tracker.finish()), limits))
    shortest = min(_MOST_FRAMES_ASKED, max(2, round(config.tracking.min_seconds * frames_per_second)))
    num_frames = len(detections)
    # A clip shorter than the limit would otherwise lose everybody.
    lasting = [fill(part) for part in linked if int(part.observed.sum()) >= min(shortest, num_frames)]
    if np.all(to_reference == np.eye(3)):
        heights = height_model(lasting, frame_height_px)
        lasting = drop_doubles([complete_heights(part, heights, frame_height_px) for part in lasting])
    smoothed = [smooth(part, BOX_SMOOTHING_SECONDS * frames_per_second) for part in lasting]
    return [_in_frames(extend(part, limits, num_frames), to_reference) for part in smoothed]


def _in_frames(part: Fragment, to_reference: NDArray[np.float64]) -> Fragment:
    boxes = np.concatenate(
        [
            transform(part.boxes[row : row + 1], np.linalg.inv(to_reference[frame]))
            if not np.array_equal(to_reference[frame], np.eye(3))
            else part.boxes[row : row + 1]
            for row, frame in enumerate(part.frames)
        ]
    )
    return Fragment(frames=part.frames, boxes=boxes, scores=part.scores)
