"""What a track says about a person, cleaned: how large, where, how fast, which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bodydouble.generation.avatar.gait import gait_angles
from bodydouble.generation.avatar.skeleton import Floats, Skeleton, forward
from bodydouble.generation.avatar.smooth import smooth, smooth_robust
from bodydouble.scene import CameraMotion, PersonTrack, VideoGeometry
from bodydouble.scene.view import View

_CROWN_ABOVE_EYES_M: Final = 0.13
_SOLE_BELOW_ANKLE_M: Final = 0.09
_DEPTH_M: Final = 0.28
"""How far a standing body reaches towards and away from the camera; adds to its height when seen from above."""
_NECK, _HIPS = 1, (8, 11)
_LEGS = ((8, 9, 10), (11, 12, 13))
_LEAN_S: Final = 0.25
_MOST_OFF_RATE: Final = 4.0
"""Stamps further apart or closer together than the container's rate says by this factor are taken for wrong."""
_SCALE_S: Final = 1.5
_SCALE_ON_GROUND_S: Final = 3.0
"""Sizes keep to the ground where that is known; what else changes them (a crowd's mistaken boxes) is slow or wrong."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """One row per step of the track."""

    step_s: float
    """Median time between frames, seconds."""
    times_s: Floats
    """(T,)."""
    joints_px: Floats
    """(T, 18, 2); 0 where the weight is 0."""
    weights: Floats
    """(T, 18): 0 to 1."""
    scale_px_per_m: Floats
    """(T,): pixels per metre of the double's body."""
    elevation_rad: Floats
    """(T,): how steeply the camera looks down at the person."""
    boxes_px: Floats
    """(T, 4): left, top, right, bottom; where a box is cut, that of somebody standing there."""
    whole_box: Floats
    """(T,): 1 where the box is not cut, else 0."""
    pelvis_px: Floats
    """(T, 2): where the box alone puts the root bone."""
    pelvis_weight: Floats
    """(T, 2): how far that can be trusted in x and y, 0 to 1."""
    ground_shift_px: Floats
    """(T, 2): how the ground at the person's feet moves in the picture from each frame to the next (camera motion)."""
    speed: Floats
    """(T,): body heights per second over the ground."""
    heading_rad: Floats
    """(T,): direction of travel as a yaw of the body."""
    heading_weight: Floats
    """(T,): 0 to 1."""


def gather(track: PersonTrack, video: VideoGeometry, camera: CameraMotion, view: View, skeleton: Skeleton) -> Evidence:
    """Clean a track for a double with this skeleton. Boxes must be finite."""
    times = _seconds(track, video)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    boxes = track.boxes_xyxy_px.astype(float)
    joints = track.joints_xy_px.astype(float)
    weights = np.where(np.isfinite(joints).all(2), np.clip(track.joint_scores.astype(float), 0, 1), 0)
    weights = np.where(np.isfinite(weights), weights, 0)
    # Joints far outside the box belong to somebody else.
    margin = 0.35 * np.maximum(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0])[:, None]
    safe = np.where(np.isfinite(joints), joints, 0.0)
    inside = (safe[..., 0] > boxes[:, :1] - margin) & (safe[..., 0] < boxes[:, 2:3] + margin)
    inside &= (safe[..., 1] > boxes[:, 1:2] - margin) & (safe[..., 1] < boxes[:, 3:] + margin)
    weights = weights * inside
    elevation = view.elevation_rad((boxes[:, 1] + boxes[:, 3]) / 2)
    elevation = smooth(elevation, np.ones(len(elevation)), step, 1.0)
    cut = view.cut(boxes)
    upright = np.clip(np.cos(_lean(safe, weights, step)), 0, 1) ** 4
    by_ground = _ground_scale(boxes, cut, view, camera, step)
    scale = _scale(boxes, cut, safe, weights, track, elevation, skeleton, upright, by_ground, step)
    pelvis, pelvis_weight = _pelvis(boxes, cut, scale, elevation, skeleton, upright)
    whole = (cut.sum(1) == 0).astype(float)
    half = 0.5 * np.stack([0.4 * scale, scale * standing_height_m(skeleton, elevation)], 1)
    standing = np.concatenate([pelvis - half, pelvis + half], 1)
    shift = _ground_shift(track, camera, boxes)
    speed, heading, heading_weight = _travel(boxes, cut, scale, elevation, shift, skeleton, step)
    return Evidence(
        step_s=step, times_s=times, joints_px=safe, weights=weights, scale_px_per_m=scale, elevation_rad=elevation,
        boxes_px=np.where(whole[:, None] > 0, boxes, standing), whole_box=whole, pelvis_px=pelvis,
        pelvis_weight=pelvis_weight, ground_shift_px=shift, speed=speed, heading_rad=heading,
        heading_weight=heading_weight,
    )  # fmt: skip


def _seconds(track: PersonTrack, video: VideoGeometry) -> Floats:
    """(T,): when the frames were filmed.

    Some containers carry stamps that merely count, a thousandth of a second apart, beside a rate that is right. Nobody could
    move in such a hurry, so doubles would stand still; then the rate counts.
    """
    times = np.array([video.pts_seconds(int(i)) for i in track.frame_indices])
    frame_s = np.median(np.diff(times) / np.diff(track.frame_indices)) if len(times) > 1 else 1 / video.average_rate
    ratio = float(frame_s) * float(video.average_rate)
    if 1 / _MOST_OFF_RATE <= ratio <= _MOST_OFF_RATE:
        return times
    return np.asarray((track.frame_indices - track.frame_indices[0]) / float(video.average_rate))


def standing_height_m(skeleton: Skeleton, elevation_rad: Floats) -> Floats:
    """Extent in the picture of the double standing, metres, seen from an elevation."""
    tall = skeleton.stature_m + _CROWN_ABOVE_EYES_M + _SOLE_BELOW_ANKLE_M
    return np.asarray(tall * np.cos(elevation_rad) + _DEPTH_M * np.sin(elevation_rad))


def body_height_m(skeleton: Skeleton) -> float:
    """Height of the double, metres."""
    return skeleton.stature_m + _CROWN_ABOVE_EYES_M + _SOLE_BELOW_ANKLE_M


def _lean(joints: Floats, weights: Floats, step_s: float) -> Floats:
    """(T,) turn of the trunk in the picture, from the line of neck and hips; 0 where that is not seen."""
    trunk = joints[:, _NECK] - joints[:, _HIPS].mean(1)
    length = np.linalg.norm(trunk, axis=1)
    weight = weights[:, (_NECK, *_HIPS)].min(1)
    # Half of a usual trunk and less points at the camera, and its direction in the picture is noise.
    usual = float(np.median(length[weight > 0])) if (weight > 0).any() else 1.0
    weight = weight * np.clip(2 * length / max(usual, 1e-6) - 0.6, 0, 1)
    if weight.max() <= 0:
        return np.zeros(len(joints))
    unit = trunk / np.maximum(length, 1e-6)[:, None]
    sideways = smooth_robust(unit[:, 0], weight, step_s, _LEAN_S, spread=0.3)
    upwards = smooth_robust(-unit[:, 1], weight, step_s, _LEAN_S, spread=0.3)
    return np.asarray(np.arctan2(sideways, upwards))


def _ground_scale(boxes: Floats, cut: Floats, view: View, camera: CameraMotion, step_s: float) -> Floats:
    """(T,): log of the size that things have where the feet are, up to a constant, where the ground is known; else 0."""
    if not view.is_measured or not camera.is_static or cut[:, 3].any():
        return np.zeros(len(boxes))
    foot = smooth(boxes[:, 3], np.ones(len(boxes)), step_s, 1.0)
    return np.asarray(np.log(np.maximum(foot - view.horizon_y_px, 0.05 * view.height_px)))


def _scale(
    boxes: Floats, cut: Floats, joints: Floats, weights: Floats, track: PersonTrack, elevation: Floats,
    skeleton: Skeleton, upright: Floats, by_ground: Floats, step_s: float,
) -> Floats:  # fmt: skip
    """Pixels per metre, smooth over time, from the box where it is whole and upright and from chains of joints.

    What the ground tells of it goes in as it is; only what is left is smoothed.
    """
    expected = standing_height_m(skeleton, elevation)
    tall = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    whole = (cut[:, 1] + cut[:, 3] == 0) * upright * np.clip(track.visible_fraction.astype(float), 0, 1) ** 2
    by_box = np.log(tall / expected)
    box_weight = whole * (0.15 + np.clip(track.box_scores.astype(float), 0, 1))
    by_chain, chain_weight = _chain_scale(joints, weights, elevation, skeleton)
    values = np.concatenate([by_box, by_chain])
    trust = np.concatenate([box_weight, chain_weight])
    if trust.max() < 1e-3:  # Cut everywhere and no joints: what is visible must do.
        values, trust = np.concatenate([by_box, by_box]), np.ones(2 * len(by_box))
    # Both series are smoothed as one: their weighted mean per frame, then over time.
    count = len(by_box)
    weight = trust[:count] + trust[count:]
    mean = (trust[:count] * values[:count] + trust[count:] * values[count:]) / np.maximum(weight, 1e-9)
    held_s = _SCALE_S if not by_ground.any() else _SCALE_ON_GROUND_S
    return np.asarray(np.exp(by_ground + smooth_robust(mean - by_ground, weight, step_s, held_s, spread=0.08)))


def _chain_scale(joints: Floats, weights: Floats, elevation: Floats, skeleton: Skeleton) -> tuple[Floats, Floats]:
    """Log of pixels per metre along neck, hips, knee and ankle, with weights; shortened chains count as they are."""
    rest = forward(skeleton, gait_angles(np.zeros(1), np.zeros(1))).joints_m[0]
    hip = joints[:, _HIPS].mean(1)
    torso = np.linalg.norm(hip - joints[:, _NECK], axis=1)
    torso_weight = weights[:, (_NECK, *_HIPS)].min(1)
    torso_m = float(np.linalg.norm(rest[list(_HIPS)].mean(0) - rest[_NECK]))
    legs, leg_weights = [], []
    for a, b, c in _LEGS:
        legs.append(
            np.linalg.norm(joints[:, a] - joints[:, b], axis=1) + np.linalg.norm(joints[:, b] - joints[:, c], axis=1)
        )
        leg_weights.append(weights[:, (a, b, c)].min(1))
    a, b, c = _LEGS[0]
    leg_m = float(np.linalg.norm(rest[a] - rest[b]) + np.linalg.norm(rest[b] - rest[c]))
    leg_weight = np.stack(leg_weights, 1)
    leg = np.where(leg_weight > 0.15, np.stack(legs, 1), 0.0).max(1)
    both = leg_weight.max(1) > 0.15
    length = np.where(both, torso + leg, torso)
    metres = np.where(both, torso_m + leg_m, torso_m) * np.cos(elevation)
    weight = torso_weight * np.where(both, 1.0, 0.3)
    weight = np.where(length > 1.0, weight, 0.0)
    return np.log(np.maximum(length, 1.0) / metres), weight


def _pelvis(
    boxes: Floats, cut: Floats, scale: Floats, elevation: Floats, skeleton: Skeleton, upright: Floats
) -> tuple[Floats, Floats]:
    """Root bone's place if the person stands in the box: from the sole upwards, or where that is cut from the crown."""
    pose = forward(skeleton, gait_angles(np.zeros(1), np.zeros(1)))
    below = float(-pose.joints_m[0, [10, 13], 2].mean()) + _SOLE_BELOW_ANKLE_M
    above = float(pose.joints_m[0, [14, 15], 2].mean()) + _CROWN_ABOVE_EYES_M
    cos, sin = np.cos(elevation), np.sin(elevation)
    from_sole = boxes[:, 3] - scale * (below * cos + 0.5 * _DEPTH_M * sin)
    from_crown = boxes[:, 1] + scale * (above * cos + 0.5 * _DEPTH_M * sin)
    y = np.where(cut[:, 3] == 0, from_sole, from_crown)
    # Where both ends are seen they share the error, which matters for people who sit or bend.
    y = np.where(cut[:, 1] + cut[:, 3] == 0, 0.7 * from_sole + 0.3 * from_crown, y)
    # Who lies is in the middle of the box.
    y = upright * y + (1 - upright) * (boxes[:, 1] + boxes[:, 3]) / 2
    left, right = boxes[:, 0], boxes[:, 2]
    half = 0.2 * scale
    x = np.where(cut[:, 0] > 0, right - half, np.where(cut[:, 2] > 0, left + half, (left + right) / 2))
    trust = np.stack([1 - 0.5 * np.maximum(cut[:, 0], cut[:, 2]), 1 - 0.5 * np.maximum(cut[:, 1], cut[:, 3])], 1)
    return np.stack([x, y], 1), trust


def _ground_shift(track: PersonTrack, camera: CameraMotion, boxes: Floats) -> Floats:
    """Motion of the ground under the feet from frame to frame, (T, 2) px; the last row is 0."""
    shift = np.zeros((len(boxes), 2))
    if camera.is_static:
        return shift
    feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3], np.ones(len(boxes))], 1)
    to_reference = camera.to_reference[track.frame_indices]
    for step in range(len(boxes) - 1):
        moved = np.linalg.solve(to_reference[step + 1], to_reference[step] @ feet[step])
        if abs(moved[2]) > 1e-6:
            shift[step] = moved[:2] / moved[2] - feet[step, :2]
    return shift


def _travel(
    boxes: Floats, cut: Floats, scale: Floats, elevation: Floats, shift: Floats, skeleton: Skeleton, step_s: float
) -> tuple[Floats, Floats, Floats]:
    """Speed in body heights per second, heading and how far it can be trusted."""
    if len(boxes) < 3:
        zeros = np.zeros(len(boxes))
        return zeros, zeros.copy(), zeros.copy()
    trust = np.where(cut.sum(1) == 0, 1.0, 0.1)
    camera = np.concatenate([np.zeros((1, 2)), np.cumsum(shift[:-1], 0)])
    middle = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2], 1) - camera
    path = smooth(middle, trust, step_s, 0.9)
    velocity = np.gradient(path, axis=0) / step_s / scale[:, None]
    # Away over the ground is up in the picture, shortened by the elevation, and also smaller. At a low elevation the
    # first says little, so it is not stretched beyond what a change of scale would show.
    away = -velocity[:, 1] / np.maximum(np.sin(elevation), 0.22)
    height = body_height_m(skeleton)
    speed = np.hypot(velocity[:, 0], away) / height
    speed = np.clip(smooth(speed, np.ones(len(speed)), step_s, 0.8), 0, 3.0)
    # Yaw 0 faces the camera (towards = -away), positive to the right of the picture.
    heading = np.arctan2(velocity[:, 0], -away)
    return speed, heading, np.clip((speed - 0.12) / 0.25, 0, 1)
