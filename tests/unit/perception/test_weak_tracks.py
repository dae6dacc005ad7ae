"""Who is never detected for sure is followed apart, and painted out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.perception.config import PerceptionConfig, TrackingConfig
from bodydouble.perception.following import make_tracks
from bodydouble.perception.people.base import Detections
from bodydouble.perception.tracking.weak import weak_fragments

CONFIG = TrackingConfig()
SEATED = (200.0, 300.0, 250.0, 400.0)
FRAMES = 40


def frames_of(*people: tuple[tuple[float, ...], float], every: int = 1) -> list[Detections]:
    """The same people in every so-manieth frame, nobody in the others."""
    boxes = np.array([box for box, _ in people], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in people], np.float32)
    found = Detections(boxes_xyxy_px=boxes, scores=scores)
    return [found if index % every == 0 else Detections.none() for index in range(FRAMES)]


def weak(detections, strong=(), config=CONFIG):
    return weak_fragments(detections, strong, np.tile(np.eye(3), (FRAMES, 1, 1)), config, 25.0)


def whole(detections, config=None):
    return make_tracks(
        detections,
        np.tile(np.eye(3), (FRAMES, 1, 1)),
        config or PerceptionConfig(),
        frames_per_second=25.0,
        frame_size_px=(640, 480),
    )


@pytest.mark.parametrize("every", [1, 2])
def test_who_is_detected_weakly_in_frame_after_frame_is_followed(every):
    (found,) = weak(frames_of((SEATED, 0.3), every=every))
    assert (int(found.frames[0]), int(found.frames[-1])) == (0, FRAMES - every)
    assert len(found) == FRAMES - every + 1
    np.testing.assert_allclose(found.boxes[3], SEATED, atol=2)
    assert found.weak


def test_the_clip_has_them_as_well_after_those_who_are_sure():
    walker = ((50.0, 250.0, 100.0, 400.0), 0.9)
    tracks = whole(frames_of(walker, (SEATED, 0.3)))
    assert [track.weak for track in tracks] == [False, True]
    without = whole(frames_of(walker, (SEATED, 0.3)), PerceptionConfig(tracking=replace(CONFIG, weak_score=1.1)))
    assert len(without) == 1
    np.testing.assert_array_equal(without[0].boxes, tracks[0].boxes)


def test_who_keeps_still_counts_even_if_detected_now_and_then():
    found = frames_of((SEATED, 0.3))[0]
    detections = [found if index % 15 == 0 else Detections.none() for index in range(120)]
    (track,) = weak_fragments(detections, [], np.tile(np.eye(3), (120, 1, 1)), CONFIG, 25.0)
    assert (int(track.frames[0]), int(track.frames[-1])) == (0, 105)
    assert int(track.observed.sum()) == 8
    walking = [
        Detections(boxes_xyxy_px=found.boxes_xyxy_px + np.float32([0.8 * i, 0, 0.8 * i, 0]), scores=found.scores)
        if i % 15 == 0
        else Detections.none()
        for i in range(120)
    ]
    assert weak_fragments(walking, [], np.tile(np.eye(3), (120, 1, 1)), CONFIG, 25.0) == []


@pytest.mark.parametrize(
    "detections",
    [
        frames_of((SEATED, 0.19)),
        frames_of((SEATED, 0.3), every=8),
        frames_of((SEATED, 0.3))[:6] + [Detections.none()] * (FRAMES - 6),
        [Detections.none()] * FRAMES,
    ],
    ids=["too weak", "now and then", "a moment", "nobody"],
)
def test_chance_is_left_alone(detections):
    assert weak(detections) == []


def test_parts_of_those_who_are_followed_are_not_followed_again():
    body, legs = (200.0, 200.0, 280.0, 420.0), (205.0, 310.0, 275.0, 420.0)
    tracks = whole(frames_of((body, 0.9), (legs, 0.4)))
    assert len(tracks) == 1


def test_not_with_the_papers_thresholds():
    paper = replace(CONFIG, preset="paper")
    assert weak(frames_of((SEATED, 0.3)), config=paper) == []


def test_a_clip_of_one_frame():
    found = weak_fragments(frames_of((SEATED, 0.3))[:1], [], np.eye(3)[None], CONFIG, 25.0)
    assert len(found) == 1


def test_what_is_far_too_small_or_too_tall_to_be_a_person_is_none():
    """Where people walk up and down, their heights by place are known."""
    rng = np.random.default_rng(4)
    detections = []
    for index in range(FRAMES):
        feet = np.linspace(200, 440, 5) + rng.normal(0, 1, 5) + (index % 7)
        people = [(60.0 + 90 * k, foot - 0.4 * foot, 60.0 + 90 * k + 0.15 * foot, foot) for k, foot in enumerate(feet)]
        things = [(540.0, 330.0, 555.0, 360.0), (580.0, 60.0, 630.0, 360.0), (600.0, 380.0, 635.0, 470.0)]
        boxes = np.array([*people, *things], np.float32)
        scores = np.array([0.9] * 5 + [0.3] * 3, np.float32)
        detections.append(Detections(boxes_xyxy_px=boxes, scores=scores))
    found = [track for track in whole(detections) if track.weak]
    assert [np.round(track.boxes[5]).tolist() for track in found] == [[600, 380, 635, 470]]
