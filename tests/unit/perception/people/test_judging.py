"""The second look asks as little as it can, and loses nobody by it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bodydouble.perception.people.judging import SURE_SCORE, joint_score, second_scores, sure_score

RGB = np.zeros((8, 8, 3), np.uint8)


class Oracle:
    """Knows the answers by the boxes' left edges, and who was asked what."""

    def __init__(self, presence: npt.NDArray[np.float32], joints: npt.NDArray[np.float32]) -> None:
        self.known, self.scores = presence, joints
        self.asked: dict[str, list[int]] = {"presence": [], "opinions": []}

    def presence(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        rows = boxes[:, 0].astype(int)
        self.asked["presence"] += rows.tolist()
        return self.known[rows]

    def opinions(
        self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        rows = boxes[:, 0].astype(int)
        self.asked["opinions"] += rows.tolist()
        return self.known[rows], self.scores[rows]


def numbered(count: int) -> npt.NDArray[np.float32]:
    boxes = np.zeros((count, 4), np.float32)
    boxes[:, 0] = np.arange(count)
    return boxes


def test_whoever_could_be_a_detection_has_the_score_of_the_whole_look() -> None:
    rng = np.random.default_rng(7)
    found = rng.uniform(0.05, SURE_SCORE - 0.001, 500).astype(np.float32)
    presence, joints = rng.random(500, np.float32), rng.random((500, 18), np.float32)
    whole = joint_score(found, presence, joints)
    least = second_scores(RGB, numbered(500), found, Oracle(presence, joints), lowest=0.15)
    detected = whole >= 0.15
    assert 50 < detected.sum() < 450
    np.testing.assert_array_equal(least[detected], whole[detected])
    assert (least[~detected] < 0.15).all()


def test_only_the_undecided_are_asked_for_joints() -> None:
    found = np.array([0.95, 0.6, 0.3, 0.3], np.float32)
    presence = np.array([0.0, 0.5, 0.999, 0.01], np.float32)
    oracle = Oracle(presence, np.full((4, 18), 0.9, np.float32))
    scores = second_scores(RGB, numbered(4), found, oracle, lowest=0.15)
    assert oracle.asked == {"presence": [2, 3], "opinions": [1, 2]}
    assert scores[0] == sure_score(found[:1])[0]
    assert scores[3] == 0


def test_a_sure_candidate_never_falls_behind_a_doubtful_one() -> None:
    best = joint_score(np.array([0.5], np.float32), np.array([0.5], np.float32), np.full((1, 18), 0.5, np.float32))
    sure = sure_score(np.array([SURE_SCORE, 0.9, 1.0], np.float32))
    assert best[0] < sure[0] < sure[1] < sure[2] <= 1


def test_nobody_is_asked_about_nobody() -> None:
    oracle = Oracle(np.zeros(0, np.float32), np.zeros((0, 18), np.float32))
    assert second_scores(RGB, numbered(0), np.zeros(0, np.float32), oracle, lowest=0.15).shape == (0,)
    assert oracle.asked == {"presence": [], "opinions": []}
