"""Shadows whose people are not in the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodydouble.perception.lone_shadows import LoneShadows, cut_off
from bodydouble.perception.shadows import NO_SHADOW, CastShadow
from bodydouble.perception.tracking.base import Fragment

_SIZE = (200, 100)


def track(first: int, last: int, begin: tuple[int, int], end: tuple[int, int]) -> Fragment:
    """Somebody of 10x40 pixels who walks from one place (left, top) to another."""
    steps = last - first + 1
    corners = np.linspace(begin, end, steps)
    return Fragment(
        frames=np.arange(first, last + 1),
        boxes=np.concatenate([corners, corners + np.array([10, 40])], axis=1),
        scores=np.ones(steps, np.float32),
    )


def looked_at(part: Fragment) -> LoneShadows:
    return LoneShadows([part], frame_size_px=_SIZE, frames_per_second=10.0, num_frames=100)


def shadow(left: int, width: int = 4, darkness: float = 0.2) -> CastShadow:
    return CastShadow(window_xyxy_px=(left, 60, left + width, 66), mask=np.ones((6, width), bool), darkness=darkness)


def test_whoever_left_is_absent_for_a_while_and_then_gone() -> None:
    lone = looked_at(track(10, 30, (100, 40), (192, 40)))
    assert [frame for frame in range(100) if lone.absent(frame)] == list(range(31, 56))
    left, top, right, bottom = lone.absent(31)[0].outline.window_xyxy_px
    assert (left, right) == (198, 200)
    assert top <= 80 <= bottom


def test_whoever_will_come_is_absent_before() -> None:
    lone = looked_at(track(30, 60, (-4, 40), (100, 40)))
    assert [frame for frame in range(100) if lone.absent(frame)] == list(range(5, 30))


def test_who_begins_and_ends_in_the_middle_is_not_beyond_the_border() -> None:
    lone = looked_at(track(10, 30, (80, 30), (110, 30)))
    assert not any(lone.absent(frame) for frame in range(100))


def test_shadows_become_one_track_without_gaps() -> None:
    lone = looked_at(track(10, 30, (100, 40), (192, 40)))
    for frame in range(31, 56):
        lone.take(frame, [shadow(190 - frame) if frame in (33, 34, 37) else NO_SHADOW])
    (found,) = lone.finish()
    assert found.frames == (33, 34, 35, 36, 37)
    assert found.guessed == {33, 34, 35, 36, 37}
    assert [place[0] for place in found.windows_xyxy_px] == [157, 156, 156, 156, 153]
    assert all(np.unpackbits(bits, count=24).all() for bits in found.bits)


def test_faint_ones_and_those_of_single_frames_are_left_alone() -> None:
    lone = looked_at(track(10, 30, (100, 40), (192, 40)))
    for frame in range(31, 56):
        one = shadow(100, darkness=0.05) if frame < 45 else shadow(100)
        lone.take(frame, [one if frame < 45 or frame in (46, 52) else NO_SHADOW])
    assert lone.finish() == []


def test_shadows_long_apart_are_two() -> None:
    lone = looked_at(track(10, 30, (100, 40), (192, 40)))
    for frame in range(31, 56):
        lone.take(frame, [shadow(100) if frame < 36 or frame > 50 else NO_SHADOW])
    assert [found.frames for found in lone.finish()] == [tuple(range(31, 36)), tuple(range(51, 56))]


def test_nobody_leaves_nothing() -> None:
    lone = LoneShadows([], frame_size_px=_SIZE, frames_per_second=10.0, num_frames=5)
    lone.take(0, [])
    assert lone.finish() == []


def test_shadows_of_steps_that_are_cut_off_stay_known() -> None:
    whole = track(10, 19, (20, 40), (60, 40))
    seen = Fragment(frames=whole.frames[4:6], boxes=whole.boxes[4:6], scores=whole.scores[4:6])
    shadows = [NO_SHADOW, *(shadow(10 * step) for step in range(1, 9)), NO_SHADOW]
    before, after = cut_off(whole, seen, shadows)
    assert before.frames == (11, 12, 13)
    assert after.frames == (16, 17, 18)
    assert after.windows_xyxy_px == tuple(shadow(left).window_xyxy_px for left in (60, 70, 80))
    faint = [replace(one, darkness=0.05) for one in shadows]
    assert cut_off(whole, seen, faint) == []
    assert cut_off(whole, whole, shadows) == []
    assert cut_off(whole, seen, []) == []
