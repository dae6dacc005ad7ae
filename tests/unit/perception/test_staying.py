"""Who keeps still is there as long as the picture stays the same."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.staying import with_still_stretches
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import SilentProgress
from tests.unit.perception.fakes import BLUE, GREEN, RED, RectClip

FRAMES = 60
SEAT = (40, 30, 60, 80)


def track(first: int, last: int, box=SEAT, step_px: float = 0.0) -> Fragment:
    frames = np.arange(first, last + 1)
    boxes = np.array(box, float) + step_px * np.arange(len(frames))[:, None] * [1, 0, 1, 0]
    return Fragment(frames=frames, boxes=boxes, scores=np.full(len(frames), 0.7, np.float32))


def clip(seated=range(FRAMES), others=None, **more) -> RectClip:
    return RectClip({RED: dict.fromkeys(seated, SEAT), **(others or {})}, num_frames=FRAMES, **more)


def ends(tracks) -> list[tuple[int, int]]:
    return [(int(t.frames[0]), int(t.frames[-1])) for t in tracks]


def longer(source, *tracks: Fragment):
    return with_still_stretches(source, tracks, FRAMES, SilentProgress())


def test_who_sits_there_all_along_is_there_all_along():
    (result,) = longer(clip(), track(25, 32))
    assert ends([result]) == [(0, FRAMES - 1)]
    assert np.flatnonzero(result.observed).tolist() == list(range(25, 33))
    np.testing.assert_array_equal(np.diff(result.frames), 1)
    np.testing.assert_allclose(result.boxes, np.tile(SEAT, (FRAMES, 1)))


def test_not_before_they_came_nor_after_they_left():
    (result,) = longer(clip(seated=range(12, 47)), track(25, 32))
    assert ends([result]) == [(12, 46)]


@pytest.mark.parametrize("hidden", [range(15, 22), range(40, 45)])
def test_a_passer_by_in_front_is_passed_over(hidden):
    (result,) = longer(clip(others={BLUE: dict.fromkeys(hidden, (35, 25, 70, 90))}), track(25, 32))
    assert ends([result]) == [(0, FRAMES - 1)]


def test_a_change_of_light_is_no_change():
    (result,) = longer(clip(gains=dict.fromkeys(range(20), 1.25)), track(25, 32))
    assert ends([result])[0][0] == 0


def test_who_walks_is_left_alone():
    walker = track(25, 40, step_px=2.0)
    assert longer(clip(), walker)[0] is walker


def test_nobody_is_prolonged_over_another_track_of_the_same_person():
    first, second = track(10, 20), track(30, 40)
    assert ends(longer(clip(), first, second)) == [(0, 29), (21, FRAMES - 1)]


def test_somebody_who_was_beside_them_takes_nobody_over():
    seated, beside = track(10, 20), track(10, 40, box=(38, 28, 64, 82))
    assert ends(longer(clip(), seated, beside))[0] == (0, FRAMES - 1)
    later = track(19, 40, box=(38, 28, 64, 82))
    assert ends(longer(clip(), seated, later))[0] == (0, 20), "two frames together are a change of tracks"


def test_two_detections_are_too_few_to_tell():
    short = track(25, 26)
    assert longer(clip(), short)[0] is short


def test_a_person_at_the_border_of_the_picture_and_nobody_at_all():
    outside = (-70, 30, 10, 80)
    assert ends(longer(clip(), track(20, 30, box=outside))) == [(20, 30)]
    assert longer(clip()) == ()
    cut = (-8, 30, 12, 80)
    green = {GREEN: dict.fromkeys(range(FRAMES), cut)}
    assert ends(longer(clip(others=green), track(20, 30, box=cut))) == [(0, FRAMES - 1)]


def test_the_clip_is_not_read_where_nobody_keeps_still():
    class Unread(RectClip):
        def frames(self, *args, **kwargs):
            raise AssertionError("read")

    source = Unread({}, num_frames=FRAMES)
    assert len(with_still_stretches(source, [track(25, 40, step_px=2.0)], FRAMES, SilentProgress())) == 1
