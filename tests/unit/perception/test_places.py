"""Detections gathered by place."""

from __future__ import annotations

import numpy as np

from bodydouble.perception.tracking.places import Places

SEAT = (40.0, 30.0, 60.0, 80.0)
ELSEWHERE = (100.0, 30.0, 120.0, 80.0)


def gathered(frames: dict[int, list[tuple[float, float, float, float]]], pause: float = 30.0, score: float = 0.3):
    places = Places(pause)
    for frame in range(max(frames, default=-1) + 1):
        boxes = np.array(frames.get(frame, []), float).reshape(-1, 4)
        places.add(frame, boxes, np.full(len(boxes), score, np.float32))
    return places.finish()


def shifted(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return (box[0] + by, box[1], box[2] + by, box[3])


def test_what_is_found_now_and_then_in_one_place_is_one_and_stays_there():
    rng = np.random.default_rng(3)
    (found,) = gathered({frame: [shifted(SEAT, float(rng.normal(0, 1)))] for frame in (0, 1, 9, 30, 31, 55)})
    assert found.frames.tolist() == [0, 1, 9, 30, 31, 55]
    assert np.abs(found.boxes[:, 0] - SEAT[0]).max() < 5


def test_a_passer_by_does_not_take_the_place_along():
    frames = {frame: [SEAT] for frame in range(0, 40, 4)}
    for step, frame in enumerate(range(14, 22)):
        frames.setdefault(frame, []).append(shifted(SEAT, 8.0 * (step - 4)))
    longest = max(gathered(frames), key=len)
    assert longest.frames[[0, -1]].tolist() == [0, 36]
    assert np.abs(longest.boxes[:, 0] - SEAT[0]).max() < 8.5


def test_who_walks_slowly_leaves_the_place():
    found = gathered({frame: [shifted(SEAT, 2.0 * frame)] for frame in range(40)})
    assert len(found) > 3
    assert max(len(part) for part in found) < 15


def test_two_places_in_one_frame_and_one_detection_for_each():
    found = gathered({frame: [SEAT, ELSEWHERE, shifted(SEAT, 1.0)] for frame in range(5)})
    assert [len(part) for part in found] == [5, 5, 5], "two boxes on one place are two"
    assert all((np.diff(part.frames) == 1).all() for part in found)


def test_a_long_pause_is_another_visit():
    found = gathered({0: [SEAT], 30: [SEAT], 61: [SEAT]}, pause=30.0)
    assert [part.frames.tolist() for part in found] == [[0, 30], [61]]


def test_no_detections_at_all():
    assert gathered({}) == []
    assert gathered({4: []}) == []
