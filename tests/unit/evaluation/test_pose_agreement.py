"""Agreement of joints with known answers, good and bad."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.evaluation.pose_agreement import COMPARED, agreement, summarise, torso_px
from bodydouble.scene.skeleton import JOINT_INDEX, JOINT_NAMES, MIRRORED

SCORES = np.ones(18)
FRONT = {
    "nose": (50, 10), "neck": (50, 20), "right_shoulder": (40, 20), "right_elbow": (36, 35), "right_wrist": (35, 50),
    "left_shoulder": (60, 20), "left_elbow": (64, 35), "left_wrist": (65, 50), "right_hip": (43, 50),
    "right_knee": (42, 70), "right_ankle": (41, 90), "left_hip": (57, 50), "left_knee": (58, 70),
    "left_ankle": (59, 90), "right_eye": (48, 8), "left_eye": (52, 8), "right_ear": (46, 9), "left_ear": (54, 9),
}  # fmt: skip


def someone() -> np.ndarray:
    return np.array([FRONT[name] for name in JOINT_NAMES], dtype=float)


def test_the_same_joints_agree():
    result = agreement(someone(), someone(), SCORES)
    assert result is not None
    assert result.compared.sum() == len(COMPARED) == 13
    scores = summarise([result])
    assert scores.pck == scores.pck_if_swapped == scores.same_side == scores.pairs_agree == 1.0
    assert scores.pairs == 6
    assert set(scores.pck_by_joint.values()) == {1.0}


def test_mirrored_sides_are_wrong_unless_they_may_be_swapped():
    scores = summarise([agreement(someone()[list(MIRRORED)], someone(), SCORES)])
    # Only the nose is on no side; all pairs are further apart than the tolerance.
    assert scores.pck == pytest.approx(1 / 13)
    assert scores.pck_if_swapped == 1.0
    assert scores.same_side == scores.pairs_agree == 0.0


def test_shifted_joints_are_right_up_to_a_fifth_of_the_torso():
    torso = torso_px(someone(), SCORES)
    assert torso == pytest.approx(np.hypot(17, 30))
    near, far = (
        summarise([agreement(someone() + np.array([0.0, f * torso]), someone(), SCORES)]) for f in (0.19, 0.21)
    )
    assert near.pck == 1.0
    assert far.pck == 0.0
    assert near.same_side == far.same_side == 1.0


def test_nothing_found_is_wrong_but_on_no_side():
    scores = summarise([agreement(np.full((18, 2), np.nan), someone(), SCORES)])
    assert scores.pck == scores.pck_if_swapped == 0.0
    assert scores.same_side is None
    assert scores.pairs == 0


def test_one_joint_missing_and_one_arm_swapped():
    joints = someone()
    joints[JOINT_INDEX["left_ankle"]] = np.nan
    elbows = [JOINT_INDEX["left_elbow"], JOINT_INDEX["right_elbow"]]
    joints[elbows] = joints[elbows[::-1]]
    scores = summarise([agreement(joints, someone(), SCORES)])
    assert scores.pck == pytest.approx(10 / 13)
    assert (scores.pairs, scores.pairs_agree, scores.same_side) == (5, pytest.approx(4 / 5), 1.0)


def test_only_joints_count_of_which_the_reference_is_sure():
    unsure = SCORES.copy()
    unsure[JOINT_INDEX["nose"]] = 0.49
    joints = someone()
    joints[JOINT_INDEX["nose"]] += 100.0
    assert summarise([agreement(joints, someone(), unsure)]).pck == 1.0
    assert summarise([agreement(joints, someone(), SCORES)]).pck == pytest.approx(12 / 13)


def test_sides_that_lie_on_each_other_are_not_judged():
    profile = someone()
    profile[:, 0] = 50.0 + 0.05 * (profile[:, 0] - 50.0)
    result = agreement(profile[list(MIRRORED)], profile, SCORES)
    assert result is not None
    assert result.pairs == 0
    assert result.same_side is None
    assert summarise([result]).pck == 1.0


def test_without_a_sure_torso_there_is_no_scale():
    unsure = SCORES.copy()
    unsure[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]] = 0.2
    assert agreement(someone(), someone(), unsure) is None
    assert agreement(np.zeros((18, 2)), np.zeros((18, 2)), SCORES) is None


def test_nobody_at_all():
    scores = summarise([])
    assert (scores.people, scores.joints, scores.pck, scores.same_side, scores.pairs_agree) == (0, 0, None, None, None)
    assert scores.pck_by_joint == {}
