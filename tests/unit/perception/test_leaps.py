"""Tracks that go over from one person to another of quite another size are cut there."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.perception.tracking.association import Border
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.leaps import leaps
from bodydouble.perception.tracking.meetings import cut_at_meetings

RATE = 25.0


def _border(frames: int = 100, width: int = 640) -> Border:
    return Border(to_reference=np.tile(np.eye(3), (frames, 1, 1)), width_px=width, height_px=480)


def _fragment(heights: list[float], widths: list[float] | None = None, *, left: float = 200, step: int = 1) -> Fragment:
    tall = np.array(heights, float)
    wide = 0.4 * tall if widths is None else np.array(widths, float)
    boxes = np.c_[np.full(len(tall), left), 300 - tall, left + wide, np.full(len(tall), 300.0)]
    return Fragment(frames=np.arange(len(tall)) * step, boxes=boxes, scores=np.full(len(tall), 0.8, np.float32))


@pytest.mark.parametrize(
    ("heights", "at"),
    [
        ([80.0] * 10 + [210.0] * 10, [10]),
        ([210.0] * 7 + [150.0, 100.0] + [80.0] * 9, None),
        ([80.0] * 5 + [200.0], [5]),
    ],
)
def test_a_leap_is_cut_where_it_is_steepest(heights: list[float], at: list[int] | None):
    found = leaps(_fragment(heights), _border(), RATE)
    assert len(found) == 1
    if at is not None:
        assert found == at
    else:
        assert 7 <= found[0] <= 9


def test_a_leap_over_a_gap_is_found_within_its_time_only():
    assert leaps(_fragment([80.0, 80.0, 210.0, 210.0], step=5), _border(), RATE) == [2]
    assert leaps(_fragment([80.0, 80.0, 210.0, 210.0], step=20), _border(), RATE) == [], "who was away may come nearer"


def test_what_people_do_is_no_leap():
    falls = _fragment(list(np.linspace(170, 60, 10)), list(np.linspace(55, 160, 10)))
    crouches = _fragment(list(np.linspace(170, 95, 10)), list(np.linspace(55, 65, 10)))
    comes_out = _fragment([80.0] * 8 + [160.0] * 8, [60.0] * 16)
    comes_near = _fragment(list(80 * np.exp(np.linspace(0, 1, 60))))
    for part in (falls, crouches, comes_out, comes_near):
        assert leaps(part, _border(), RATE) == []


def test_boxes_at_the_border_and_single_ones_are_left_alone():
    assert leaps(_fragment([80.0] * 5 + [210.0] * 5, left=0), _border(), RATE) == []
    assert leaps(_fragment([80.0]), _border(), RATE) == []


def test_what_follows_a_leap_counts_as_another_track():
    parts = [_fragment([80.0] * 10 + [210.0] * 10), _fragment([100.0] * 20, left=500)]
    pieces = cut_at_meetings(parts, RATE, [leaps(part, _border(), RATE) for part in parts])
    assert [len(piece.fragment) for piece in pieces] == [10, 10, 20]
    origins = [piece.first_origin for piece in pieces]
    assert len(set(origins)) == 3
    assert all(piece.first_origin == piece.last_origin for piece in pieces)
    assert [len(piece.fragment) for piece in cut_at_meetings(parts, RATE)] == [20, 20]
