"""How much moves in a box that is nobody else's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.motion import Foreground
from bodydouble.perception.reading import own_motion_shares
from bodydouble.perception.silhouette.outline import Outline

SIZE = (60, 80)
NEAR, BEHIND = (10.0, 10.0, 30.0, 50.0), (20.0, 10.0, 40.0, 50.0)


def outline(left: int, top: int, right: int, bottom: int) -> Outline:
    mask = np.ones((bottom - top, right - left), bool)
    return Outline(window_xyxy_px=(left, top, right, bottom), mask=mask, motion_share=1.0)


def moving(*windows: tuple[int, int, int, int]) -> Foreground:
    mask = np.zeros(SIZE, bool)
    for left, top, right, bottom in windows:
        mask[top:bottom, left:right] = True
    return Foreground(mask=mask, shadow=np.zeros(SIZE, bool), share=float(mask.mean()))


def boxes(*rows: tuple[float, float, float, float]) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_what_a_detected_person_covers_is_theirs() -> None:
    foreground = moving((10, 10, 30, 50))
    near, behind = outline(10, 10, 30, 50), outline(20, 10, 40, 50)
    shares = own_motion_shares(boxes(NEAR, BEHIND), [near, behind], [True, False], foreground)
    assert shares == pytest.approx([1.0, 0.0])
    # What only a guessed box claims takes nothing from anybody.
    shares = own_motion_shares(boxes(NEAR, BEHIND), [near, behind], [False, False], foreground)
    assert shares == pytest.approx([1.0, 0.5])
    # Of two who are detected neither owns what both claim.
    shares = own_motion_shares(boxes(NEAR, BEHIND), [near, behind], [True, True], foreground)
    assert shares == pytest.approx([0.5, 0.0])


def test_who_sticks_out_is_seen() -> None:
    foreground = moving((10, 10, 40, 50))
    near, behind = outline(10, 10, 30, 50), outline(30, 10, 40, 50)
    assert own_motion_shares(boxes(NEAR, BEHIND), [near, behind], [True, False], foreground)[1] == pytest.approx(0.5)


def test_nobody_and_boxes_outside_of_the_frame() -> None:
    assert own_motion_shares(boxes(), [], [], moving()) == []
    outside = Outline(window_xyxy_px=(100, 0, 100, 0), mask=np.zeros((0, 0), bool), motion_share=float("nan"))
    assert np.isnan(own_motion_shares(boxes((100, 0, 120, 40)), [outside], [True], moving())).all()
    assert np.isnan(own_motion_shares(boxes(NEAR), [outline(10, 10, 30, 50)], [True], None)).all()
