"""Boxes too tall for one person make no giants; what is thrown is no person."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.blobs import BlobCollector, HeightModel
from bodydouble.perception.giants import without_giants
from bodydouble.perception.motion import Foreground
from bodydouble.perception.reading import TrackReading
from bodydouble.perception.thrown import is_thrown
from bodydouble.perception.tracking.base import Fragment

STEEP = HeightModel(slope=1.5, offset=-230.0, usual=110.0, reliable=False, close=True)
"""A camera at the height of eyes: the horizon is at row 153."""
VAGUE = HeightModel(slope=0.0, offset=110.0, usual=110.0, slack=1.5)


def fitted(slope, noise):
    rng = np.random.default_rng(0)
    feet = rng.uniform(200, 300, 400)
    tall = (slope * feet + 20) * rng.normal(1, noise, 400)
    return HeightModel.fit(feet, tall, 360)


def test_heights_of_a_camera_at_the_height_of_eyes_are_close_but_not_reliable():
    assert (fitted(1.5, 0.05).close, fitted(1.5, 0.05).reliable) == (True, False)
    assert (fitted(0.4, 0.05).close, fitted(0.4, 0.05).reliable) == (True, True)
    assert (fitted(0.4, 0.5).close, fitted(0.4, 0.5).reliable) == (False, False)


def test_nobody_stands_above_the_horizon():
    assert STEEP.may_stand(230.0)
    assert not STEEP.may_stand(100.0)
    assert VAGUE.may_stand(0.0)


def track(tall_steps, steps=20, height=110.0):
    """Somebody who walks to the right at row 226, in a box of 200 px at some steps."""
    x = 100.0 + 3.0 * np.arange(steps)
    tops = np.full(steps, 226.0 - height)
    tops[list(tall_steps)] = 26.0
    boxes = np.stack([x, tops, x + 40, np.full(steps, 226.0)], axis=1)
    part = Fragment(frames=np.arange(steps), boxes=boxes, scores=np.ones(steps, np.float32))
    reading = TrackReading(
        boxes=list(boxes),
        windows=[(0, 0, 8, 8)] * steps,
        bits=[np.full(8, 255, np.uint8)] * steps,
        joints=[np.full((18, 2), float(i), np.float32) for i in range(steps)],
        joint_scores=[np.ones(18, np.float32)] * steps,
        visible=[1.0] * steps,
        motion=[0.5] * steps,
    )
    return part, reading


def test_giant_steps_take_the_boxes_around_them_and_lose_their_joints():
    part, reading = track({0, 7, 8, 19})
    mended, reason = without_giants(part, reading, STEEP)
    assert reason == ""
    heights = np.array([box[3] - box[1] for box in mended.boxes])
    np.testing.assert_allclose(heights, 110.0)
    np.testing.assert_allclose([box[0] for box in mended.boxes[1:19]], 100 + 3.0 * np.arange(1, 19))
    for step in range(20):
        lost = step in {0, 7, 8, 19}
        assert np.isnan(mended.joints[step]).all() == lost
        assert (mended.joint_scores[step].max() == 0) == lost
    # What is painted out is as it was, and so is what was handed in.
    assert mended.bits is reading.bits
    assert mended.windows is reading.windows
    assert reading.boxes[7][1] == 26.0


def test_who_is_a_giant_most_of_the_time_is_not_played():
    part, reading = track(set(range(12)))
    mended, reason = without_giants(part, reading, STEEP)
    assert "too tall" in reason
    assert mended is reading


@pytest.mark.parametrize("heights", [VAGUE, HeightModel(slope=0.0, offset=150.0, usual=150.0, close=True)])
def test_nobody_is_cut_where_heights_do_not_tell_or_fit(heights):
    part, reading = track({3} if heights is VAGUE else set(), height=150.0)
    assert without_giants(part, reading, heights) == (reading, "")


def windows_of(path, size=20):
    return [(int(x), int(y), int(x) + size, int(y) + size) for x, y in path]


def flight(frames, up=-30.0, gravity=5.0):
    return [(100 + 6 * i, 150 + up * i + 0.5 * gravity * i * i) for i in range(frames)]


def test_what_flies_is_a_thing():
    assert is_thrown(range(10), windows_of(flight(10)), STEEP, 15.0)
    assert is_thrown([0, 1, 3, 4, 6], windows_of(flight(10)[::2]), STEEP, 15.0)
    assert is_thrown(range(6), windows_of((100, 20 + 14 * i) for i in range(6)), STEEP, 15.0)
    # Around the top of a throw across the picture, where it is slow up and down.
    rows = [119, 116, 115, 117, 123, 130, 141]
    assert is_thrown(range(31, 38), windows_of((330 + 13 * i, y) for i, y in enumerate(rows)), STEEP, 15.0)


@pytest.mark.parametrize(
    ("what", "path", "size"),
    [
        ("a head that walks behind a wall", [(100 + 8 * i, 60 + (i % 2) * 3) for i in range(12)], 20),
        ("a hand that waves", [(100, 80 + 20 * (i % 2)) for i in range(12)], 20),
        ("somebody who falls", [(100, 60 + 14 * i) for i in range(8)], 60),
        ("somebody who comes down stairs", [(100 + 4 * i, 60 + 3 * i) for i in range(12)], 20),
        ("who is seen too briefly", flight(3), 20),
        ("a head that walks and bobs", [(100 + 6 * i, 60 + round(3 * np.cos(0.9 * i))) for i in range(14)], 20),
        ("a head that leaps over a puddle", [(100 + 14 * i, 60 + 3 * abs(i - 2)) for i in range(5)], 20),
        ("somebody who leaps", flight(8, up=-12.0, gravity=3.0), 60),
        ("who stands still", [(100, 80)] * 12, 20),
        ("who rides past fast", [(60 * i, 80 + 8 * i) for i in range(8)], 20),
    ],
)
def test_who_may_be_a_person_is_no_thing(what, path, size):
    assert not is_thrown(range(len(path)), windows_of(path, size), STEEP, 15.0), what


def test_without_knowledge_of_heights_nothing_is_a_thing():
    assert not is_thrown(range(10), windows_of(flight(10)), VAGUE, 15.0)


@pytest.mark.parametrize(("gravity", "up", "tracks"), [(5.0, -30.0, 0), (0.0, 0.0, 1)])
def test_collector_keeps_movers_and_lets_things_fly(gravity, up, tracks):
    collector = BlobCollector(STEEP, 3, 15.0)
    for index, (x, y) in enumerate(flight(10, up=up, gravity=gravity)):
        mask = np.zeros((360, 480), bool)
        mask[int(y) : int(y) + 34, int(x) : int(x) + 20] = True
        seen = Foreground(mask=mask, shadow=np.zeros_like(mask), share=float(mask.mean()))
        collector.add(index, seen, np.zeros_like(mask))
    assert len(collector.finish()) == tracks
