"""Of those who are never detected for sure only those stay whom the per-person network takes for people."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.believing import only_believed
from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import SilentProgress
from tests.unit.perception.fakes import RED, RectClip

SEAT, POSTER = (40, 30, 60, 80), (100, 30, 120, 80)


def track(box, score: float, frames=range(30)) -> Fragment:
    count = len(frames)
    return Fragment(
        frames=np.array(frames), boxes=np.tile(np.array(box, float), (count, 1)),
        scores=np.full(count, score, np.float32), weak=score < 0.5,
    )  # fmt: skip


class Judge:
    """Knows who sits where; counts what it is asked."""

    def __init__(self, presence: float = 0.97) -> None:
        self.value, self.asked = presence, 0

    def presence(self, rgb, boxes_xyxy_px):
        self.asked += len(boxes_xyxy_px)
        return np.where(boxes_xyxy_px[:, 0] < 80, self.value, 0.4).astype(np.float32)

    def opinions(self, rgb, boxes_xyxy_px):
        raise AssertionError("joints were not asked for")


def believed(tracks, judge, source=None):
    clip = source or RectClip({RED: dict.fromkeys(range(30), SEAT)}, num_frames=30)
    return only_believed(clip, tracks, judge, SilentProgress())


def test_a_person_stays_and_a_poster_goes():
    sure, seated, poster = track(POSTER, 0.9), track(SEAT, 0.3), track(POSTER, 0.3)
    judge = Judge()
    assert believed([sure, seated, poster], judge) == (sure, seated)
    assert judge.asked == 14


def test_one_good_look_is_not_enough():
    assert believed([track(SEAT, 0.3)], Judge(presence=0.6)) == ()


def test_short_tracks_are_looked_at_in_all_frames():
    judge = Judge()
    assert len(believed([track(SEAT, 0.3, frames=range(3))], judge)) == 1
    assert judge.asked == 3


def test_a_network_that_cannot_tell_changes_nothing():
    tracks = [track(SEAT, 0.3), track(POSTER, 0.3)]
    assert believed(tracks, object()) == tuple(tracks)


@pytest.mark.parametrize("tracks", [[], [track(POSTER, 0.9)]])
def test_the_clip_is_not_read_where_everybody_is_sure(tracks):
    class Unread(RectClip):
        def frames(self, *args, **kwargs):
            raise AssertionError("read")

    assert believed(tracks, Judge(), source=Unread({}, num_frames=30)) == tuple(tracks)


def test_a_piece_of_a_sure_track_is_not_asked_about():
    """Cut where people met, it may hold weak detections only; dropping it would leave somebody in the picture."""
    piece = Fragment(
        frames=np.arange(30), boxes=np.tile(np.array(POSTER, float), (30, 1)), scores=np.full(30, 0.3, np.float32)
    )
    assert believed([piece], Judge()) == (piece,)


def walking_past(box, frames=range(30)) -> Fragment:
    """Somebody sure who is before a box in the first 20 frames, and elsewhere later."""
    boxes = np.tile(np.array(box, float), (len(frames), 1))
    boxes[20:, [0, 2]] += 200.0
    return Fragment(frames=np.array(frames), boxes=boxes, scores=np.full(len(frames), 0.9, np.float32))


class JudgeOfPassers:
    """Sees a person in every box as long as somebody walks past, and then only on the seat."""

    def __init__(self) -> None:
        self.looks = 0

    def presence(self, rgb, boxes_xyxy_px):
        self.looks += len(boxes_xyxy_px)
        passing = rgb[50, 110, 0] > 190
        return np.where(passing | (boxes_xyxy_px[:, 0] < 80), 0.97, 0.4).astype(np.float32)

    def opinions(self, rgb, boxes_xyxy_px):
        raise AssertionError("joints were not asked for")


@pytest.mark.parametrize(("doubted", "stays"), [(POSTER, False), (SEAT, True)])
def test_the_network_is_asked_while_nobody_walks_past(doubted, stays):
    """In most frames somebody is before the poster, whom the network sees there."""
    clip = RectClip({RED: dict.fromkeys(range(20), POSTER)}, num_frames=30)
    passer, weak, judge = walking_past(doubted), track(doubted, 0.3), JudgeOfPassers()
    assert believed([passer, weak], judge, source=clip) == ((passer, weak) if stays else (passer,))
    assert judge.looks == 7


def level(height: float) -> HeightModel:
    """People are this tall wherever they stand."""
    return HeightModel(slope=0.0, offset=height, usual=height, reliable=True, close=True)


@pytest.mark.parametrize(("height", "stays"), [(50.0, True), (30.0, False)])
def test_a_box_that_always_holds_others_and_is_too_tall_is_nobody_else(height, stays):
    """With nothing to tell them apart somebody behind others is believed; but nobody is as tall as a wall."""
    sure, weak, judge = track(SEAT, 0.9), track(SEAT, 0.3), Judge()
    clip = RectClip({RED: dict.fromkeys(range(30), SEAT)}, num_frames=30)
    found = only_believed(clip, [sure, weak], judge, SilentProgress(), heights=level(height))
    assert found == ((sure, weak) if stays else (sure,))
    assert judge.asked == (7 if stays else 0)


def test_a_tall_box_is_asked_about_where_it_can_be_seen_alone():
    weak, judge = track(SEAT, 0.3), Judge()
    clip = RectClip({RED: dict.fromkeys(range(30), SEAT)}, num_frames=30)
    assert only_believed(clip, [weak], judge, SilentProgress(), heights=level(30.0)) == (weak,)
