"""Last pass over the clip: silhouettes, joints, and movers that no track explains."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.ahead import ahead
from bodydouble.perception.blobs import BlobCollector, BlobTrack, HeightModel
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.following import Followed, height_model
from bodydouble.perception.geometry import grow, window
from bodydouble.perception.lone_shadows import LoneShadows
from bodydouble.perception.looking import Look, look_at
from bodydouble.perception.motion import Foreground, measure
from bodydouble.perception.person import PersonReader
from bodydouble.perception.quality import visible_fractions
from bodydouble.perception.remnants import BorderZones
from bodydouble.perception.shadows import NO_SHADOW, ShadowFinder
from bodydouble.perception.silhouette.compose import compose
from bodydouble.perception.silhouette.outline import Outline
from bodydouble.scene import CameraMotion, Frame, FrameSource, Progress, VideoGeometry
from bodydouble.scene.plate_files import PlateReader

_EXPLAINED_SHARE = 0.06
"""Moving pixels this close to a track's box belong to it, as a share of the box."""
_MOVING_CAMERA_FACTOR = 1.8
"""Factor on the motion threshold where the plate is aligned to a moving camera."""


@dataclass(kw_only=True, eq=False)
class TrackReading:
    """What the pass collects for one track; one entry per time step."""

    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    """As tracked, lengthened where the person reaches beyond."""
    windows: list[tuple[int, int, int, int]] = field(default_factory=list)
    bits: list[NDArray[np.uint8]] = field(default_factory=list)
    joints: list[NDArray[np.float32]] = field(default_factory=list)
    joint_scores: list[NDArray[np.float32]] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    motion: list[float] = field(default_factory=list)
    """Share of the person that differs from the plate; NaN where nobody can tell."""
    own_motion: list[float] = field(default_factory=list)
    """Share of the box that does and is in no silhouette of anybody else who is detected; NaN where nobody can tell."""
    shadow_windows: list[tuple[int, int, int, int]] = field(default_factory=list)
    shadow_bits: list[NDArray[np.uint8]] = field(default_factory=list)
    """Shadows packed as in ``MaskStack``; both empty where nobody looked for them."""
    shadow_darkness: list[float] = field(default_factory=list)
    """Share of the light that is missing in them, on average."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """Result of the pass."""

    tracks: tuple[TrackReading, ...]
    """In the order of ``Followed.tracks``."""
    blobs: tuple[BlobTrack, ...]
    """Movers that no track explains."""
    lone_shadows: tuple[BlobTrack, ...] = ()
    """Shadows of people who are just beyond the border."""


def read_people(
    source: FrameSource,
    followed: Followed,
    reader: PersonReader,
    config: PerceptionConfig,
    *,
    evidence_dir: Path,
    progress: Progress,
    workers: int = 1,
) -> Readings:
    """Look at every person of every frame, in ``workers`` frames at a time."""
    geometry = source.geometry
    camera = CameraMotion(to_reference=followed.to_reference)
    motion = config.motion
    if not camera.is_static:
        # What lies at another depth than most of the picture does not fit the plate; only strong differences count.
        motion = replace(motion, threshold=round(_MOVING_CAMERA_FACTOR * motion.threshold))
    size = (geometry.width_px, geometry.height_px)
    plate = PlateReader(evidence_dir, camera, frame_size_px=size) if motion.enabled else None
    results = [TrackReading() for _ in followed.tracks]
    present = _presence(followed, geometry.num_frames)
    heights = height_model(followed.tracks, geometry.height_px)
    rate = float(geometry.average_rate)
    collector = BlobCollector(heights, config.motion.min_blob_frames, rate)
    zones = BorderZones(followed.tracks, frame_size_px=size, frames_per_second=rate, num_frames=geometry.num_frames)
    at_border = BlobCollector(heights, 1, rate)
    shades = _Shades(followed, geometry) if config.motion.cast_shadows and camera.is_static else None
    progress.start("silhouettes and joints", geometry.num_frames)

    def boxes_in(frame: Frame) -> NDArray[np.float32]:
        boxes = [followed.tracks[t].boxes[s] for t, s in present[frame.index]]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def look_into(frame: Frame) -> Look:
        return look_at(frame.rgb, boxes_in(frame), reader)

    for frame, look in ahead(source.frames(), look_into, workers=workers):
        boxes = boxes_in(frame)
        foreground = None
        if plate is not None:
            rgb, valid = plate.at(frame.index)
            foreground = measure(frame.rgb, rgb, grow(boxes, 0.1), motion, is_gray=geometry.is_gray)
            if foreground is not None and not camera.is_static:
                foreground = replace(foreground, mask=foreground.mask & valid)
        mine = [results[track] for track, _ in present[frame.index]]
        outlines = _read_frame(look, heights, mine, config, foreground, size)
        detected = [bool(followed.tracks[track].observed[step]) for track, step in present[frame.index]]
        shares = own_motion_shares(look.boxes_xyxy_px, outlines, detected, foreground)
        for result, share in zip(mine, shares, strict=True):
            result.own_motion.append(share)
        if shades is not None:
            shades.add(frame, None if foreground is None else (rgb, valid), look.boxes_xyxy_px, outlines, mine)
        if foreground is not None and camera.is_static:
            explained = _explained(look.boxes_xyxy_px, outlines, foreground.mask.shape)
            collector.add(frame.index, foreground, explained)
            at_border.take(frame.index, zones.remnants(frame.index, foreground, explained))
        progress.advance()
    progress.finish()
    return Readings(
        tracks=tuple(results),
        blobs=(*collector.finish(), *at_border.finish()),
        lone_shadows=() if shades is None else tuple(shades.lone.finish()),
    )


class _Shades:
    """Shadows of people, and of those who are just beyond the border."""

    def __init__(self, followed: Followed, geometry: VideoGeometry) -> None:
        size, rate = (geometry.width_px, geometry.height_px), float(geometry.average_rate)
        self._finder = ShadowFinder(frame_size_px=size, frames_per_second=rate, is_gray=geometry.is_gray)
        self.lone = LoneShadows(
            followed.tracks, frame_size_px=size, frames_per_second=rate, num_frames=geometry.num_frames
        )

    def add(
        self,
        frame: Frame,
        plate: tuple[NDArray[np.uint8], NDArray[np.bool_]] | None,
        boxes_xyxy_px: NDArray[np.float32],
        outlines: list[Outline],
        results: list[TrackReading],
    ) -> None:
        """Look at one frame.

        Args:
            frame: as filmed.
            plate: its plate, and where that was seen; None where frame and plate cannot be compared.
            boxes_xyxy_px: (N, 4) of those who are there.
            outlines: theirs.
            results: of their tracks; completed in place.
        """
        absent = self.lone.absent(frame.index)
        shadows = [NO_SHADOW] * (len(outlines) + len(absent))
        if plate is not None:
            boxes = np.concatenate([boxes_xyxy_px, np.array([a.box_xyxy_px for a in absent]).reshape(-1, 4)])
            shadows = self._finder.find(frame.rgb, *plate, boxes, [*outlines, *(a.outline for a in absent)])
        for result, shadow in zip(results, shadows, strict=False):
            result.shadow_windows.append(shadow.window_xyxy_px)
            result.shadow_bits.append(np.packbits(shadow.mask.ravel()))
            result.shadow_darkness.append(shadow.darkness)
        self.lone.take(frame.index, shadows[len(outlines) :])


def _presence(followed: Followed, num_frames: int) -> list[list[tuple[int, int]]]:
    """Per frame the tracks that are in it, as (track, row)."""
    present: list[list[tuple[int, int]]] = [[] for _ in range(num_frames)]
    for number, track in enumerate(followed.tracks):
        for row, frame in enumerate(track.frames):
            present[int(frame)].append((number, row))
    return present


def _read_frame(
    look: Look,
    heights: HeightModel,
    results: list[TrackReading],
    config: PerceptionConfig,
    foreground: Foreground | None,
    frame_size_px: tuple[int, int],
) -> list[Outline]:
    """Silhouettes and joints of all people of one frame, appended to their tracks' results."""
    boxes, joints = look.boxes_xyxy_px, look.readings.joints
    outlines = compose(
        boxes,
        look.readings.masks,
        config.silhouette,
        frame_size_px=frame_size_px,
        moving=None if foreground is None else foreground.mask,
        bodies_xyxy_px=heights.whole_bodies(boxes),
        joints=joints,
        shadow=None if foreground is None else foreground.shadow,
    )
    visible = visible_fractions(boxes.astype(np.float64), *frame_size_px)
    for number, (result, outline) in enumerate(zip(results, outlines, strict=True)):
        result.boxes.append(boxes[number].astype(np.float64))
        result.windows.append(outline.window_xyxy_px)
        result.bits.append(np.packbits(outline.mask.ravel()))
        result.joints.append(joints.xy_px[number])
        result.joint_scores.append(joints.scores[number])
        result.visible.append(float(visible[number]))
        result.motion.append(outline.motion_share)
    return outlines


def own_motion_shares(
    boxes: NDArray[np.float32], outlines: list[Outline], detected: list[bool], foreground: Foreground | None
) -> list[float]:
    """Of each box the share that moves where nobody else is who is detected.

    Args:
        boxes: (N, 4).
        outlines: of whoever is in each box.
        detected: whether each box comes from a detection; what guessed ones claim is nobody's.
        foreground: what differs from the plate; None where nobody can tell.

    Returns:
        N shares, 0 to 1; NaN where nobody can tell.
    """
    if foreground is None:
        return [float("nan")] * len(boxes)
    height, width = foreground.mask.shape
    claims = np.zeros((height, width), np.int16)
    theirs = []
    for outline, known in zip(outlines, detected, strict=True):
        left, top, right, bottom = outline.window_xyxy_px
        place, own = claims[top:bottom, left:right], outline.mask & known
        place += own
        theirs.append((place, own))
    shares = []
    for box, (place, own) in zip(boxes, theirs, strict=True):
        left, top, right, bottom = window(box, width, height)
        # Everybody's claims but one's own, taken back for the moment.
        place -= own
        free = foreground.mask[top:bottom, left:right] & (claims[top:bottom, left:right] == 0)
        place += own
        shares.append(float(free.mean()) if free.size else float("nan"))
    return shares


def _explained(boxes: NDArray[np.float32], outlines: list[Outline], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where motion needs no further explanation: on people and right around them."""
    height, width = shape
    explained = np.zeros((height, width), bool)
    for box in grow(boxes, _EXPLAINED_SHARE, 2.0):
        left, top, right, bottom = window(box, width, height)
        explained[top:bottom, left:right] = True
    for outline in outlines:
        left, top, right, bottom = outline.window_xyxy_px
        explained[top:bottom, left:right] |= outline.mask if outline.kept is None else outline.mask | outline.kept
    return explained
