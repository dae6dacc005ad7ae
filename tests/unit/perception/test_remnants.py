"""What is left of somebody at the border of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.motion import Foreground
from bodydouble.perception.remnants import BorderZones
from bodydouble.perception.tracking.base import Fragment
from tests.unit.perception.fakes import RED, Box, RectClip
from tests.unit.perception.test_perceive import everybody, run

WIDTH, HEIGHT = 160, 120


def leaving(last_box: tuple[float, float, float, float], *, last: int = 20, steps: int = 10) -> Fragment:
    boxes = np.array(last_box, float) + np.arange(-steps + 1, 1)[:, None] * np.array([3.0, 0, 3, 0])
    frames = np.arange(last - steps + 1, last + 1)
    return Fragment(frames=frames, boxes=boxes, scores=np.ones(steps, np.float32))


def found(track: Fragment, frame: int, *regions: Box, explained: Box | None = None, shadow: bool = False):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for left, top, right, bottom in regions:
        mask[top:bottom, left:right] = True
    known = np.zeros_like(mask)
    if explained:
        known[explained[1] : explained[3], explained[0] : explained[2]] = True
    zones = BorderZones([track], frame_size_px=(WIDTH, HEIGHT), frames_per_second=10, num_frames=60)
    foreground = Foreground(mask=mask, shadow=mask & shadow, share=float(mask.mean()))
    return zones.remnants(frame, foreground, known)


GONE = leaving((146, 30, 166, 90))
FOOT: Box = (152, 70, 160, 90)


def test_a_foot_that_follows_is_found_for_a_second():
    (blob,) = found(GONE, 21, FOOT)
    left, top, right, bottom = blob.window_xyxy_px
    assert (left, top) <= (152, 70)
    assert right == WIDTH
    assert bottom >= 90
    assert blob.mask.shape == (bottom - top, right - left)
    assert blob.mask[70 - top : 90 - top, 152 - left : 160 - left].all()
    assert blob.mask.sum() < 2 * 8 * 20, "no more than a little around it"
    assert found(GONE, 30, FOOT)
    assert not found(GONE, 31, FOOT)
    assert not found(GONE, 20, FOOT), "the track itself is still there"


@pytest.mark.parametrize(
    ("region", "why"),
    [
        ((140, 70, 155, 90), "does not touch the border"),
        ((152, 2, 160, 12), "far above the person"),
        ((158, 70, 160, 72), "noise"),
        ((0, 70, 8, 90), "the other border"),
    ],
)
def test_other_things_are_left_alone(region: Box, why: str):
    assert not found(GONE, 22, region), why


def test_what_others_explain_and_shadows_are_left_alone():
    assert not found(GONE, 22, FOOT, explained=(150, 60, 160, 100))
    assert not found(GONE, 22, FOOT, shadow=True)


def test_who_is_lost_in_the_middle_leaves_nothing_at_the_border():
    assert not found(leaving((80, 30, 100, 90)), 22, FOOT)


def test_before_somebody_comes_in_and_at_every_border():
    coming = Fragment(
        frames=np.arange(30, 40),
        boxes=np.array([-8.0, 30, 12, 90]) + np.arange(10)[:, None] * np.array([3.0, 0, 3, 0]),
        scores=np.ones(10, np.float32),
    )
    assert found(coming, 25, (0, 60, 5, 80))
    assert not found(coming, 15, (0, 60, 5, 80))
    assert found(leaving((70, -20, 90, 40)), 22, (74, 0, 84, 6))
    assert found(leaving((70, 90, 90, 150)), 22, (74, 112, 84, 120))


def test_two_who_left_together_claim_it_once():
    zones = BorderZones([GONE, GONE], frame_size_px=(WIDTH, HEIGHT), frames_per_second=10, num_frames=60)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[70:90, 152:] = True
    assert len(zones.remnants(22, Foreground(mask=mask, shadow=mask & False, share=0.1), mask & False)) == 1


def test_nobody_at_all():
    zones = BorderZones([], frame_size_px=(WIDTH, HEIGHT), frames_per_second=10, num_frames=60)
    everything = np.ones((HEIGHT, WIDTH), bool)
    assert zones.remnants(3, Foreground(mask=everything, shadow=~everything, share=1.0), ~everything) == []


def test_a_whole_run_covers_the_foot_of_somebody_who_left(tmp_path):
    body = {frame: (100 + 4 * frame, 36, 116 + 4 * frame, 80) for frame in range(12)}
    feet = dict.fromkeys(range(15, 19), (154, 75, 160, 80))
    clip = RectClip({RED: body, (205, 35, 35): feet}, num_frames=30)
    # The finder knows red things of eight pixels or more; of the foot it is not told.
    bundle = run(clip, tmp_path, miss=dict.fromkeys(range(13, 30), (RED,)))
    for frame in range(15, 19):
        assert everybody(bundle, frame, clip)[75:80, 154:160].all(), frame
    assert not everybody(bundle, 27, clip).any()
