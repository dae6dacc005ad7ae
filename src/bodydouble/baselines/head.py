"""Where a person's head is: from joints where they are found, from the box where they are not.

Proportions are those of drawing manuals and of anthropometric tables (Drillis and Contini 1966, as in Winter,
"Biomechanics and Motor Control of Human Movement", figure 4.1): of a standing person's height H the chin is at 0.87 H, the
shoulders at 0.82 H, the hips at 0.53 H, shoulders are 0.26 H apart. The ellipse is larger than a head by two thirds,
since joints of small people are a few pixels off and hair is not in those tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.baselines.window import Person
from bodydouble.scene import JOINT_INDEX

Points = npt.NDArray[np.float64]

_HEAD: Final = tuple(JOINT_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear"))
_FACE: Final = tuple(JOINT_INDEX[name] for name in ("nose", "right_eye", "left_eye"))
_SHOULDERS: Final = (JOINT_INDEX["right_shoulder"], JOINT_INDEX["left_shoulder"])
_HIPS: Final = (JOINT_INDEX["right_hip"], JOINT_INDEX["left_hip"])
_NECK: Final = JOINT_INDEX["neck"]

_TRUNK_SHARE: Final = 0.29
"""From shoulder height to hip height."""
_SHOULDER_SHARE: Final = 0.26
_NECK_TO_HEAD_SHARE: Final = 0.115
"""From shoulder height to the middle of the head (0.935 H)."""
_HEAD_HALF_SHARES: Final = (0.095, 0.10)
"""Half axes of the ellipse, across and along the head; a head measures about 0.055 and 0.065. In profile the joints lie
before its middle, so that it needs nearly as much across as along."""
_FACE_HALF_SHARE: Final = 0.055
_LARGEST_HEIGHT_IN_BOXES: Final = 2.5
"""A person of whom the box shows less than this share is so near that joints say more than the box; beyond, they err."""
_MIN_SCORE: Final = 0.2
"""Joints below are taken as not found: a mask in a wrong place hides nobody."""
_MIN_FACE_JOINTS: Final = 2
_OUTSIDE_SHARE: Final = 0.15
"""A head that lies farther outside its box than this share of the box's height is an error of the joints."""

_BOX_HEAD_SHARE: Final = 0.25
"""Of an upright box, the top part that holds the head, stooping and hats included."""
_BOX_WIDTHS_DOWN: Final = 0.8
"""A box cut below shows head and shoulders; the head reaches no farther down than this share of their width."""


@dataclass(frozen=True, kw_only=True)
class Ellipse:
    """An upright or turned ellipse in frame pixels."""

    centre_xy_px: tuple[float, float]
    half_axes_px: tuple[float, float]
    """Across and along ``up_xy``."""
    up_xy: tuple[float, float] = (0.0, -1.0)
    """Unit vector along the second axis."""


@dataclass(frozen=True, kw_only=True)
class TopOfBox:
    """A rectangle in frame pixels; may reach beyond the frame."""

    xyxy_px: tuple[float, float, float, float]


HeadShape = Ellipse | TopOfBox


def find_head(person: Person, frame_height_px: int, *, face_only: bool) -> HeadShape:
    """The shape that hides a head, or a face.

    Args:
        person: whose.
        frame_height_px: of the frame; a box that ends there is cut.
        face_only: cover only the face. Needs two joints of it; otherwise the head is covered.
    """
    joints = _found_joints(person)
    height = _stature_px(joints, person)
    if face_only:
        face = joints[list(_FACE)]
        seen = face[np.isfinite(face[:, 0])]
        if len(seen) >= _MIN_FACE_JOINTS and _is_near_box(seen.mean(axis=0), person):
            half = _FACE_HALF_SHARE * height
            return Ellipse(centre_xy_px=_pair(seen.mean(axis=0)), half_axes_px=(half, half))
    up = _up(joints)
    centre = _head_centre(joints, up, height)
    if centre is None or not _is_near_box(centre, person):
        return _from_box(person, frame_height_px)
    across, along = (share * height for share in _HEAD_HALF_SHARES)
    return Ellipse(centre_xy_px=_pair(centre), half_axes_px=(across, along), up_xy=_pair(up))


def _found_joints(person: Person) -> Points:
    joints: Points = person.track.joints_xy_px[person.step].astype(np.float64)
    joints[person.track.joint_scores[person.step] < _MIN_SCORE] = np.nan
    return joints


def _middle(joints: Points, wanted: tuple[int, ...]) -> Points | None:
    """Mean of those joints that are found, (2,), or None."""
    found = joints[list(wanted)]
    found = found[np.isfinite(found[:, 0])]
    return found.mean(axis=0) if len(found) else None


def _stature_px(joints: Points, person: Person) -> float:
    """Height of the person if they stood upright: the largest of what box, trunk and shoulders say."""
    shown = person.longer_side_px
    told = [shown]
    neck, hips = _neck(joints), _middle(joints, _HIPS)
    if neck is not None and hips is not None:
        told.append(float(np.linalg.norm(hips - neck)) / _TRUNK_SHARE)
    right, left = joints[_SHOULDERS[0]], joints[_SHOULDERS[1]]
    if np.isfinite(right[0]) and np.isfinite(left[0]):
        told.append(float(np.linalg.norm(right - left)) / _SHOULDER_SHARE)
    return min(max(told), _LARGEST_HEIGHT_IN_BOXES * shown)


def _neck(joints: Points) -> Points | None:
    neck = _middle(joints, (_NECK,))
    return neck if neck is not None else _middle(joints, _SHOULDERS)


def _up(joints: Points) -> Points:
    """Unit vector from hips to neck; up where one of them is missing."""
    neck, hips = _neck(joints), _middle(joints, _HIPS)
    if neck is None or hips is None or not np.any(neck != hips):
        return np.array([0.0, -1.0])
    along: Points = (neck - hips) / np.linalg.norm(neck - hips)
    return along


def _head_centre(joints: Points, up: Points, height: float) -> Points | None:
    head = _middle(joints, _HEAD)
    if head is not None:
        return head
    neck = _neck(joints)
    return None if neck is None else neck + _NECK_TO_HEAD_SHARE * height * up


def _is_near_box(point: Points, person: Person) -> bool:
    left, top, right, bottom = person.box_xyxy_px
    slack = _OUTSIDE_SHARE * person.height_px
    return bool(left - slack <= point[0] <= right + slack and top - slack <= point[1] <= bottom + slack)


def _from_box(person: Person, frame_height_px: int) -> TopOfBox:
    left, top, right, bottom = (float(v) for v in person.box_xyxy_px)
    width, height = right - left, bottom - top
    if (
        width > height
    ):  # lying, or two arms stretched out, or so near that only a part is seen: the head may be anywhere
        return TopOfBox(xyxy_px=(left, top, right, bottom))
    reach = _BOX_HEAD_SHARE * height
    if bottom >= frame_height_px - 1:
        reach = max(reach, _BOX_WIDTHS_DOWN * width)
    # A little above the box: detectors cut hair.
    return TopOfBox(xyxy_px=(left, top - 0.03 * height, right, min(top + reach, bottom)))


def _pair(point: Points) -> tuple[float, float]:
    return float(point[0]), float(point[1])
