"""From readings to the scene bundle: who stays, who is played, joints over time, light."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import BlobTrack, without_pauses
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.following import BOX_SMOOTHING_SECONDS, Followed, height_model
from bodydouble.perception.giants import without_giants
from bodydouble.perception.light import measure_light, sunlit
from bodydouble.perception.lone_shadows import cut_off
from bodydouble.perception.pose.neighbours import told_apart
from bodydouble.perception.pose.temporal import refine_joints
from bodydouble.perception.pose.visibility import with_joint_visibility
from bodydouble.perception.quality import sequence_filter
from bodydouble.perception.reading import Readings, TrackReading
from bodydouble.perception.shadows import CastShadow
from bodydouble.perception.silhouette.pauses import with_pauses_filled
from bodydouble.perception.sun import find_sun
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.linking import smooth
from bodydouble.perception.tracking.meetings import crowding
from bodydouble.perception.tracking.verdict import doubt_about, evidence_of
from bodydouble.perception.tracking.weak import NEVER_SURE
from bodydouble.perception.twins import play_one_in_one_place, play_one_of_twins
from bodydouble.perception.unseen import play_only_the_seen
from bodydouble.scene import (
    NUM_JOINTS,
    CameraMotion,
    FrameSource,
    Light,
    MaskStack,
    PersonTrack,
    SceneBundle,
)
from bodydouble.scene.plate_files import PlateReader
from bodydouble.scene.skeleton import BODY_JOINTS

_HEADING_SECONDS = 0.8
"""The direction somebody walks in is taken from this long before to as long after."""
_IDLE_SHARE = 0.1
"""With less than this share differing from the plate nobody is there."""
_HIDDEN_SHARE = 0.2
"""With less than this share differing from the plate, who was there before and after is behind a thing."""
_PASSING_WIDTHS = 0.5
"""Who gets this many widths of the box farther while nobody detects them walks."""
_REACH_SECONDS = 0.12
"""How long before and after it was noticed a mover that nobody explains is painted out."""
_MOST_REACH_FRAMES = 10
"""At most so many frames, whatever rate a container claims."""
_ALONE_SHARE = 0.1
"""Whoever has less than this share of a box in common with anybody is alone."""


def assemble(
    source: FrameSource,
    followed: Followed,
    readings: Readings,
    config: PerceptionConfig,
    *,
    plate_dir: Path,
    producer: str,
) -> SceneBundle:
    """Put the bundle together."""
    geometry = source.geometry
    tracks: list[PersonTrack] = []
    motion: list[NDArray[np.float64]] = []
    own_motion: list[NDArray[np.float64]] = []
    lone_shadows = list(readings.lone_shadows)
    rate = float(geometry.average_rate)
    size = (geometry.width_px, geometry.height_px)
    is_static = CameraMotion(to_reference=followed.to_reference).is_static
    heights = height_model(followed.tracks, geometry.height_px) if is_static else None
    apart = with_pauses_filled(followed.tracks, told_apart(followed.tracks, readings.tracks), frame_size_px=size)
    for part, reading, crowd in zip(followed.tracks, apart, crowding(list(followed.tracks)), strict=True):
        evidence = evidence_of(
            part,
            joint_scores=np.stack(reading.joint_scores)[:, list(BODY_JOINTS)].mean(axis=1),
            motion=np.array(reading.motion),
            alone=crowd < _ALONE_SHARE,
        )
        reason = doubt_about(evidence, config.tracking.verdict)
        sure = not part.weak
        reason = reason if sure else NEVER_SURE
        seen, shorter = trimmed(part, reading)
        lone_shadows += cut_off(part, seen, _unpacked_shadows(reading))
        if heights is not None:
            shorter, tall = without_giants(seen, with_hidden_steps(seen, shorter), heights)
            reason = reason or tall
        track = _person(len(tracks) + 1, seen, shorter, config, rate, doubt=reason)
        tracks.append(track if sure else _as_precaution(track))
        motion.append(np.array(shorter.motion, np.float64))
        own_motion.append(np.array(shorter.own_motion, np.float64))
    tracks = play_only_the_seen(play_one_in_one_place(play_one_of_twins(tracks)), motion, own_motion, rate)
    tracks = with_joint_visibility(tracks, frame_size_px=size)
    reach = int(np.clip(round(_REACH_SECONDS * rate), 2, _MOST_REACH_FRAMES))
    for blob in readings.blobs:
        whole = without_pauses(blob, reach_frames=reach, num_frames=geometry.num_frames, frame_size_px=size)
        tracks.append(_unexplained(len(tracks) + 1, whole))
    for shadow in lone_shadows:
        tracks.append(_unexplained(len(tracks) + 1, shadow, reason="shadow of somebody who is not seen"))
    bundle = SceneBundle(
        video=geometry,
        tracks=tuple(tracks),
        camera=CameraMotion(to_reference=followed.to_reference),
        light=_light(followed, plate_dir, size),
        clip_name=source.name,
        producer=producer,
    )
    darkness = [value for reading in readings.tracks for value in reading.shadow_darkness if value > 0]
    sun = find_sun(bundle, darkness)
    return bundle if sun is None else replace(bundle, light=sunlit(bundle, sun))


def trimmed(part: Fragment, reading: TrackReading) -> tuple[Fragment, TrackReading]:
    """Without the steps at both ends that were only extrapolated and in which nothing differs from the plate."""
    motion = np.array(reading.motion)
    idle = ~part.observed & np.isfinite(motion) & (np.nan_to_num(motion) < _IDLE_SHARE)
    busy = np.flatnonzero(~idle)
    if len(busy) == 0:
        return part, reading
    keep = slice(int(busy[0]), int(busy[-1]) + 1)
    shorter = Fragment(frames=part.frames[keep], boxes=part.boxes[keep], scores=part.scores[keep])
    return shorter, TrackReading(
        boxes=reading.boxes[keep],
        windows=reading.windows[keep],
        bits=reading.bits[keep],
        joints=reading.joints[keep],
        joint_scores=reading.joint_scores[keep],
        visible=reading.visible[keep],
        motion=reading.motion[keep],
        own_motion=reading.own_motion[keep],
        shadow_windows=reading.shadow_windows[keep],
        shadow_bits=reading.shadow_bits[keep],
        shadow_darkness=reading.shadow_darkness[keep],
    )


def with_hidden_steps(part: Fragment, reading: TrackReading) -> TrackReading:
    """The reading, told that nothing is seen where somebody passes behind a thing.

    Who was not detected for a while, got farther meanwhile, and does not differ from the plate there is behind what the
    plate shows. The plate cannot hold this person: it is made of frames in which nobody, found or guessed, was there.
    """
    observed = np.flatnonzero(part.observed)
    steps, motion = np.arange(len(part)), np.array(reading.motion)
    if len(observed) < 2:
        return reading
    after = np.searchsorted(observed, steps)
    between = (after > 0) & (after < len(observed)) & ~part.observed
    first, last = observed[np.maximum(after - 1, 0)], observed[np.minimum(after, len(observed) - 1)]
    boxes = np.stack(reading.boxes)
    middle, wide = 0.5 * (boxes[:, 0] + boxes[:, 2]), boxes[:, 2] - boxes[:, 0]
    passes = np.abs(middle[last] - middle[first]) >= _PASSING_WIDTHS * wide
    hidden = between & passes & np.isfinite(motion) & (np.nan_to_num(motion) < _HIDDEN_SHARE)
    return replace(reading, visible=[0.0 if hidden[i] else value for i, value in enumerate(reading.visible)])


def _person(
    track_id: int, part: Fragment, reading: TrackReading, config: PerceptionConfig, rate: float, *, doubt: str
) -> PersonTrack:
    sigma = BOX_SMOOTHING_SECONDS * rate
    part = smooth(Fragment(frames=part.frames, boxes=np.stack(reading.boxes), scores=part.scores), sigma)
    joints, scores = refine_joints(
        np.stack(reading.joints),
        np.stack(reading.joint_scores),
        part.boxes,
        lowest_score=config.pose.joint_score,
        max_gap=max(1, round(config.pose.max_gap_seconds * rate)),
        sigma_frames=float(np.clip(config.pose.smoothing_seconds * rate, 0.6, 4.0)),
        reach_frames=max(3, round(_HEADING_SECONDS * rate)),
    )
    play, reason = sequence_filter(scores, config.pose)
    if doubt:
        play, reason = np.zeros(len(part), bool), doubt
    return PersonTrack(
        track_id=track_id,
        frame_indices=part.frames,
        boxes_xyxy_px=part.boxes.astype(np.float32),
        box_scores=part.scores,
        joints_xy_px=joints,
        joint_scores=scores,
        # Told when everybody is known who may stand in front.
        joint_visibility=np.zeros_like(scores),
        silhouettes=MaskStack(
            windows_xyxy_px=np.array(reading.windows, np.int32).reshape(-1, 4), bits=tuple(reading.bits)
        ),
        visible_fraction=np.array(reading.visible, np.float32),
        play=play,
        reason=reason,
        shadows=_shadows_of(reading),
    )


def _unpacked_shadows(reading: TrackReading) -> list[CastShadow]:
    """Shadows of all steps; none where nobody looked for them."""
    found = []
    stored = zip(reading.shadow_windows, reading.shadow_bits, reading.shadow_darkness, strict=True)
    for (left, top, right, bottom), bits, darkness in stored:
        mask = np.unpackbits(bits, count=(right - left) * (bottom - top)).astype(bool)
        place = (left, top, right, bottom)
        found.append(CastShadow(window_xyxy_px=place, mask=mask.reshape(bottom - top, right - left), darkness=darkness))
    return found


def _shadows_of(reading: TrackReading) -> MaskStack | None:
    """Shadows as they are stored; None where there are none."""
    if not any(len(bits) for bits in reading.shadow_bits):
        return None
    return MaskStack(windows_xyxy_px=np.array(reading.shadow_windows, np.int32), bits=tuple(reading.shadow_bits))


def _as_precaution(track: PersonTrack) -> PersonTrack:
    """Nobody claims that somebody is there: scores are 0, as for movers that no detection explains."""
    return replace(track, box_scores=np.zeros_like(track.box_scores), reason=NEVER_SURE)


def _unexplained(track_id: int, blob: BlobTrack, *, reason: str = "motion without a detected person") -> PersonTrack:
    """A mover that no detection explains, or a shadow alone: painted out."""
    steps = len(blob.frames)
    windows = np.array(blob.windows_xyxy_px, np.int32).reshape(-1, 4)
    return PersonTrack(
        track_id=track_id,
        frame_indices=np.array(blob.frames, np.int64),
        boxes_xyxy_px=windows.astype(np.float32),
        box_scores=np.zeros(steps, np.float32),
        joints_xy_px=np.full((steps, NUM_JOINTS, 2), np.nan, np.float32),
        joint_scores=np.zeros((steps, NUM_JOINTS), np.float32),
        joint_visibility=np.zeros((steps, NUM_JOINTS), np.float32),
        silhouettes=MaskStack(windows_xyxy_px=windows, bits=blob.bits),
        visible_fraction=np.array([frame not in blob.guessed for frame in blob.frames], np.float32),
        play=np.zeros(steps, bool),
        reason=reason,
    )


def _light(followed: Followed, plate_dir: Path, frame_size_px: tuple[int, int]) -> Light:
    reader = PlateReader(plate_dir, CameraMotion(to_reference=followed.to_reference), frame_size_px=frame_size_px)
    key = reader.key_frames[0]
    rgb, valid = reader.at(key)
    to_key = np.linalg.inv(followed.to_reference[key]) @ followed.to_reference
    contacts: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    for track in followed.tracks:
        feet = np.c_[0.5 * (track.boxes[:, 0] + track.boxes[:, 2]), track.boxes[:, 3], np.ones(len(track))]
        mapped = np.einsum("tij,tj->ti", to_key[track.frames], feet)
        contacts.append(mapped[:, :2] / mapped[:, 2:])
    return measure_light(rgb, valid, np.concatenate(contacts))
