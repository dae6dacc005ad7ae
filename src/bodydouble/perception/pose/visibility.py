"""How far each joint can be seen: not beyond the frame, nor behind somebody nearer, nor behind a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import overlap_areas
from bodydouble.scene import NUM_JOINTS, MaskStack, PersonTrack

_RADIUS_HEIGHTS: Final = 0.035
"""Radius of the disc around a joint that is looked at, in heights of the box: about that of a knee."""
_LEAST_RADIUS_PX: Final = 1.5
_RINGS: Final = ((0.0, 1), (0.5, 6), (1.0, 12))
"""Radius, in radii of the disc, and number of the points that stand for the disc."""


def with_joint_visibility(tracks: Sequence[PersonTrack], *, frame_size_px: tuple[int, int]) -> list[PersonTrack]:
    """The tracks, told how far each of their joints is seen.

    Points around a joint are the person's own where the own silhouette covers them, hidden where that of somebody
    nearer does, lost beyond the frame; background says nothing. A joint is seen as far as own points outweigh hidden
    and lost ones, and not at all without any: then a thing stands in front, or nobody knows. Nearer is who stands
    lower in the picture.

    Args:
        tracks: of one clip, with joints and silhouettes as they will stay.
        frame_size_px: width and height.
    """
    seen = [np.zeros((len(track), NUM_JOINTS), np.float32) for track in tracks]
    for members in _by_frame(tracks):
        boxes = np.stack([tracks[track].boxes_xyxy_px[step] for track, step in members])
        touching = overlap_areas(boxes, boxes) > 0
        for place, (track, step) in enumerate(members):
            nearer = np.flatnonzero(touching[place] & (boxes[:, 3] > boxes[place, 3]))
            in_front = [(tracks[members[i][0]].silhouettes, members[i][1]) for i in nearer]
            seen[track][step] = _seen(tracks[track], step, in_front, frame_size_px)
    return [replace(track, joint_visibility=rows) for track, rows in zip(tracks, seen, strict=True)]


def covers(silhouettes: MaskStack, step: int, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(...,) True for finite points (..., 2) in frame pixels, pixel centres at .5, that lie on a silhouette."""
    mask = silhouettes.mask(step)
    left, top = silhouettes.windows_xyxy_px[step, :2]
    column, row = np.floor(points[..., 0]).astype(np.int64) - left, np.floor(points[..., 1]).astype(np.int64) - top
    valid = (column >= 0) & (column < mask.shape[1]) & (row >= 0) & (row < mask.shape[0])
    inside = np.zeros(points.shape[:-1], bool)
    inside[valid] = mask[row[valid], column[valid]]
    return inside


def _by_frame(tracks: Sequence[PersonTrack]) -> list[list[tuple[int, int]]]:
    """Who is in each frame that has anybody, as (track, step)."""
    present: dict[int, list[tuple[int, int]]] = {}
    for number, track in enumerate(tracks):
        for step, frame in enumerate(track.frame_indices.tolist()):
            present.setdefault(frame, []).append((number, step))
    return list(present.values())


def _seen(
    track: PersonTrack, step: int, in_front: Sequence[tuple[MaskStack, int]], frame_size_px: tuple[int, int]
) -> NDArray[np.float32]:
    """(18,) of one person in one frame."""
    joints = track.joints_xy_px[step].astype(np.float64)
    found = (track.joint_scores[step] > 0) & np.isfinite(joints).all(axis=1)
    seen = np.zeros(NUM_JOINTS, np.float32)
    if not found.any():
        return seen
    box = track.boxes_xyxy_px[step]
    radius = max(_LEAST_RADIUS_PX, _RADIUS_HEIGHTS * float(box[3] - box[1]))
    points = joints[found, None] + radius * _DISC
    own = covers(track.silhouettes, step, points)
    lost = ((points < 0) | (points >= np.array(frame_size_px))).any(axis=-1)
    hidden = np.zeros_like(own)
    for silhouettes, other_step in in_front:
        hidden |= covers(silhouettes, other_step, points)
    count = own.sum(axis=1)
    against = ((hidden & ~own) | lost).sum(axis=1)
    seen[found] = count / np.maximum(count + against, 1)
    return seen


def _disc() -> NDArray[np.float64]:
    """(19, 2) points of the unit disc."""
    rings = []
    for radius, count in _RINGS:
        angle = 2 * np.pi * np.arange(count) / count
        rings.append(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    return np.concatenate(rings)


_DISC: Final = _disc()
