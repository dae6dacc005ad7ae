"""Heat maps that show both legs where one is asked for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.pose.decode import CELL_PX, decode
from bodydouble.perception.pose.pairs import parted
from bodydouble.scene import JOINT_INDEX

_R_KNEE, _L_KNEE = JOINT_INDEX["right_knee"], JOINT_INDEX["left_knee"]
_R_ANKLE, _L_ANKLE = JOINT_INDEX["right_ankle"], JOINT_INDEX["left_ankle"]


def maps_with(*places: tuple[int, float, float, float]) -> npt.NDArray[np.float32]:
    """(1, 18, 32, 24): Gaussians at (joint, row, column, height)."""
    rows, columns = np.mgrid[:32, :24]
    maps = np.zeros((1, 18, 32, 24), np.float32)
    for joint, row, column, height in places:
        bump = height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)
        maps[0, joint] = np.maximum(maps[0, joint], bump)
    return maps


def cells(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(18, 2) column and row."""
    joints_px, _ = decode(parted(maps))
    return np.asarray(joints_px[0] / CELL_PX - 0.5, np.float32)


def test_two_places_that_are_equally_likely_become_two_ankles() -> None:
    maps = maps_with(
        (_R_ANKLE, 26, 7, 0.78), (_R_ANKLE, 26, 18, 0.61), (_L_ANKLE, 26, 7, 0.80), (_L_ANKLE, 26, 18, 0.56)
    )  # fmt: skip
    found = cells(maps)
    np.testing.assert_allclose(found[_R_ANKLE], (18, 26), atol=0.3)
    np.testing.assert_allclose(found[_L_ANKLE], (7, 26), atol=0.3)


@pytest.mark.parametrize("second", [0.0, 0.1, 0.3])
def test_legs_that_hide_one_another_stay_in_one_place(second: float) -> None:
    maps = maps_with(
        (_R_ANKLE, 26, 12, 0.9), (_L_ANKLE, 26, 12, 0.88), (_R_ANKLE, 26, 19, second), (_L_ANKLE, 26, 19, second)
    )  # fmt: skip
    np.testing.assert_array_equal(parted(maps), maps)


def test_legs_that_are_told_apart_already_are_left_alone() -> None:
    maps = maps_with(
        (_R_ANKLE, 26, 7, 0.7), (_R_ANKLE, 26, 18, 0.3), (_L_ANKLE, 26, 7, 0.3), (_L_ANKLE, 26, 18, 0.7)
    )  # fmt: skip
    np.testing.assert_array_equal(parted(maps), maps)


@pytest.mark.parametrize("knee_of_right", [8, 16])
def test_shins_do_not_cross(knee_of_right: int) -> None:
    """Where the ankles themselves say nothing, each goes with its knee."""
    maps = maps_with(
        (_R_KNEE, 20, knee_of_right, 0.8), (_L_KNEE, 20, 24 - knee_of_right, 0.8),
        *((joint, 27, column, 0.6) for joint in (_R_ANKLE, _L_ANKLE) for column in (5, 19)),
    )  # fmt: skip
    found = cells(maps)
    assert abs(found[_R_ANKLE, 0] - knee_of_right) < abs(found[_L_ANKLE, 0] - knee_of_right)


def test_nobody_empty_maps_and_the_input_itself() -> None:
    assert parted(np.zeros((0, 18, 32, 24), np.float32)).shape == (0, 18, 32, 24)
    empty = np.zeros((1, 18, 32, 24), np.float32)
    np.testing.assert_array_equal(parted(empty), empty)
    maps = maps_with(*((joint, 26, column, 0.6) for joint in (_R_ANKLE, _L_ANKLE) for column in (5, 19)))
    before = maps.copy()
    parted(maps)
    np.testing.assert_array_equal(maps, before)
