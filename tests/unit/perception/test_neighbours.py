"""Joints of overlapping people."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.pose.neighbours import on_silhouette, told_apart
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.tracking.base import Fragment


def person(left: int, top: int, joints: np.ndarray, *, score: float = 0.6, covered: int = 0) -> TrackReading:
    """Somebody 30 x 100 px whose silhouette is the box without its ``covered`` lowest rows."""
    mask = np.ones((100, 30), bool)
    mask[100 - covered :] = False
    return TrackReading(
        boxes=[np.array([left, top, left + 30, top + 100], float)],
        windows=[(left, top, left + 30, top + 100)],
        bits=[np.packbits(mask.ravel())],
        joints=[joints.astype(np.float32)],
        joint_scores=[np.full(18, score, np.float32)],
        visible=[1.0],
        motion=[0.5],
    )


def part(reading: TrackReading) -> Fragment:
    return Fragment(frames=np.array([7]), boxes=np.stack(reading.boxes), scores=np.ones(1, np.float32))


def column(left: float, top: float) -> np.ndarray:
    """Eighteen joints down the middle of a person."""
    return np.stack([np.full(18, left + 15.0), top + 3 + 5.4 * np.arange(18)], axis=1)


def test_joints_behind_somebody_nearer_lose_their_score_and_the_nearer_keeps_all() -> None:
    near = person(110, 140, column(110, 140))
    # The farther one's lower half is hidden, and the network put its lowest joints on the nearer person.
    joints = column(100, 100)
    joints[14:] = near.joints[0][14:]
    far = person(100, 100, joints, covered=55)
    alone, hidden = told_apart([part(near), part(far)], [near, far])
    assert (alone.joint_scores[0] == np.float32(0.6)).all()
    assert (hidden.joint_scores[0][:8] == np.float32(0.6)).all()
    assert hidden.joint_scores[0][9:14] == pytest.approx(0.18)
    assert (hidden.joint_scores[0][14:] == 0).all()
    assert (far.joint_scores[0] == np.float32(0.6)).all(), "the input is left as it was"


def test_people_apart_are_left_alone() -> None:
    one, two = person(0, 0, column(0, 0)), person(200, 50, column(200, 50))
    for reading in told_apart([part(one), part(two)], [one, two]):
        assert (reading.joint_scores[0] == np.float32(0.6)).all()


def test_nobody_and_points_outside() -> None:
    assert told_apart([], []) == []
    reading = person(10, 10, column(10, 10))
    points = np.array([[np.nan, 20], [-5, 20], [25, 50], [40.1, 50], [25, 1e9]], np.float32)
    assert on_silhouette(points, reading, 0).tolist() == [False, False, True, False, False]
