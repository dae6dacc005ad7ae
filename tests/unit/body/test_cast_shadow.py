"""A shadow lies away from the sun, begins at the feet and grows as the sun sinks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bodydouble.body.cast_shadow import cast_shadow
from bodydouble.scene import Sun
from bodydouble.scene.view import View

_VIEW = View(horizon_y_px=40.0, focal_px=700.0, width_px=640, height_px=360)
_BODY = np.full((100, 24), 255, np.uint8)
_AT = (308, 140)
_FEET_Y = 240.0


def _cast(xz: tuple[float, float]) -> np.ndarray:
    frame = np.zeros((360, 640), bool)
    found = cast_shadow(_BODY, _AT, _FEET_Y, _VIEW, xz)
    assert found is not None
    left, top, right, bottom = found[0]
    frame[top:bottom, left:right] = found[1] > 0
    return frame


@pytest.mark.parametrize(("xz", "axis", "sign"), [((1, 0), 1, 1), ((-1, 0), 1, -1), ((0, 1), 0, -1), ((0, -1), 0, 1)])
def test_it_lies_away_from_the_sun(xz: tuple[float, float], axis: int, sign: int) -> None:
    centre = np.argwhere(_cast(xz)).mean(axis=0)[axis] - (_FEET_Y, 320.0)[axis]
    assert sign * centre > 8


def test_it_begins_at_the_feet() -> None:
    for xz in ((1.0, 0.0), (-2.0, 0.5), (0.3, -0.6)):
        assert _cast(xz)[int(_FEET_Y) - 1, 320]


def test_it_grows_with_a_low_sun_and_ends_where_geometry_says() -> None:
    reach = [np.flatnonzero(_cast((ratio, 0.0)).any(axis=0)).max() - 320 for ratio in (0.5, 1.0, 2.0)]
    assert reach[0] < reach[1] < reach[2]
    # At the row of the feet 100 px are as tall as 100 px are wide, but for the slant at which the body is seen.
    assert reach[2] == pytest.approx(200, rel=0.12)


def test_ground_beyond_the_horizon_has_no_shadow() -> None:
    assert cast_shadow(_BODY, (308, -70), 30.0, _VIEW, (1.0, 0.0)) is None


def test_nothing_casts_no_shadow() -> None:
    assert cast_shadow(np.zeros((5, 5), np.uint8), _AT, _FEET_Y, _VIEW, (1.0, 0.0)) is None


def test_the_sun_is_opposite_to_the_shadow() -> None:
    x, y, z = Sun(shadow_xz=(1.0, 0.0), darkness=0.5).towards_xyz(0.0)
    assert (x, y, z) == pytest.approx((-math.sqrt(0.5), -math.sqrt(0.5), 0.0))
    x, y, z = Sun(shadow_xz=(0.0, -1.0), darkness=0.5).towards_xyz(math.radians(90))
    assert (x, y, z) == pytest.approx((0.0, -math.sqrt(0.5), -math.sqrt(0.5)))


@pytest.mark.parametrize(
    ("xz", "darkness"), [((0.0, 0.0), 0.5), ((math.nan, 1.0), 0.5), ((1.0, 0.0), 0.0), ((30, 0), 1)]
)
def test_impossible_suns_are_refused(xz: tuple[float, float], darkness: float) -> None:
    with pytest.raises(ValueError, match="shadow"):
        Sun(shadow_xz=xz, darkness=darkness)
