"""Motion kept: OKS against pycocotools, and results with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.evaluation.measures.motion_kept import MotionKept, oks
from bodydouble.scene.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS
from tests.unit.evaluation.measures.street import Street, Walker, run, values, without_people

COCO_17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


class ForegroundJoints:
    """Spreads 17 joints over whatever is not the ground inside the box; so they follow what is drawn."""

    def __init__(self, ground: np.ndarray, *, score: float = 0.9) -> None:
        self.ground, self.score, self.calls = ground.astype(int), score, 0

    def joints(self, rgb: np.ndarray, box_xyxy_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        left, top, right, bottom = (int(v) for v in box_xyxy_px)
        rows, columns = slice(max(0, top - 30), bottom + 30), slice(max(0, left - 30), right + 30)
        ys, xs = np.nonzero(np.abs(rgb[rows, columns].astype(int) - self.ground[rows, columns]).max(axis=2) > 8)
        spread = np.random.default_rng(5).random((NUM_JOINTS, 2))
        places, scores = np.full((NUM_JOINTS, 2), np.nan), np.zeros(NUM_JOINTS)
        if len(ys):
            low = np.array([xs.min() + columns.start, ys.min() + rows.start])
            high = np.array([xs.max() + columns.start, ys.max() + rows.start])
            places, scores = low + spread * (high - low), np.full(NUM_JOINTS, self.score)
        places[JOINT_INDEX["neck"]], scores[JOINT_INDEX["neck"]] = np.nan, 0.0
        return places, scores


def measure(street: Street, **options) -> MotionKept:
    return MotionKept(ForegroundJoints(street.ground), **{"min_height_px": 40, **options})


@pytest.mark.parametrize("seed", range(5))
def test_oks_is_that_of_pycocotools(seed: int):
    coco_eval = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0, 100, (NUM_JOINTS, 2))
    found = reference + rng.normal(scale=5, size=reference.shape)
    scores = np.where(rng.random(NUM_JOINTS) < 0.7, 0.9, 0.1)
    scores[JOINT_INDEX["neck"]] = 1.0  # Must not matter.
    area = float(rng.uniform(500, 5000))
    rows = [JOINT_INDEX[name] for name in COCO_17]
    truth = np.column_stack([reference[rows], np.where(scores[rows] >= 0.5, 2, 0)]).ravel().tolist()
    claim = np.column_stack([found[rows], np.ones(17)]).ravel().tolist()
    evaluation = coco_eval.COCOeval(iouType="keypoints")
    evaluation._gts[1, 1] = [{"keypoints": truth, "area": area, "bbox": [0, 0, 100, 100], "ignore": 0}]
    evaluation._dts[1, 1] = [{"keypoints": claim, "score": 1.0}]
    assert oks(found, reference, scores, area) == pytest.approx(float(evaluation.computeOks(1, 1)[0, 0]), abs=1e-9)


def test_oks_of_nothing_and_of_joints_not_found():
    joints, scores = np.zeros((NUM_JOINTS, 2)), np.ones(NUM_JOINTS)
    assert oks(joints, joints, np.zeros(NUM_JOINTS), 100.0) is None
    assert oks(joints, joints, scores, 0.0) is None
    assert oks(np.full_like(joints, np.nan), joints, scores, 100.0) == 0.0
    half = joints.copy()
    half[:] = np.nan
    half[JOINT_INDEX["nose"]] = 0.0
    assert oks(half, joints, scores, 100.0) == pytest.approx(1 / 17)
    assert len(JOINT_NAMES) == 18


def test_a_copy_and_a_double_who_moves_along_keep_the_motion():
    street = Street()
    for result in (None, street.frame, street.double):
        found = values(measure(street), run(measure(street), street, result))
        assert found["utility.motion.oks"] == pytest.approx(1.0, abs=0.02)
        assert found["utility.motion.pck"] == pytest.approx(1.0, abs=0.02)


def test_noise_and_somebody_who_stays_behind_keep_little():
    street = Street((Walker(step=4),), 12)
    noise, frozen = (values(measure(street), run(measure(street), street, r)) for r in (street.noise, street.frozen))
    assert noise["utility.motion.oks"] < 0.35
    assert noise["utility.motion.pck"] < 0.3
    # The first frame is right still.
    assert frozen["utility.motion.oks"] < 0.6
    gone = values(measure(street), run(measure(street), street, lambda index: street.ground))
    assert gone["utility.motion.oks"] == gone["utility.motion.pck"] == 0.0


def test_the_worst_frame_is_named():
    street = Street()
    tally = run(measure(street), street, lambda index: street.noise(1) if index == 7 else street.frame(index))
    assert (tally.cases[0].frame_index, tally.cases[0].track_id) == (7, 1)
    assert "OKS" in tally.cases[0].what
    assert len(tally.series[0].values) == street.num_frames
    assert np.argmin(tally.series[0].values) == 7


def test_small_people_are_left_out_and_counted():
    street = Street((Walker(), Walker(left=100, height=30)), 4)
    tally = run(measure(street), street)
    assert tally.counts["too_small"] == 4
    assert sum(tally.samples["people"]) == 4
    figure = measure(street).figures(run(measure(street, min_height_px=500), street))[0]
    assert figure.value is None
    assert figure.trials == 0
    assert "pose network" in figure.note


def test_nobody_gives_no_value():
    street = without_people(Street())
    assert set(values(measure(street), run(measure(street), street)).values()) == {None}


def test_a_network_that_is_never_sure_gives_no_value():
    street = Street()
    unsure = MotionKept(ForegroundJoints(street.ground, score=0.3), min_height_px=40)
    assert set(values(unsure, run(unsure, street)).values()) == {None}


def test_the_bundles_joints_are_looked_for_in_the_result():
    street = Street()
    finder = ForegroundJoints(street.ground)
    track = street.bundle.tracks[0]
    for step, index in enumerate(track.frame_indices):
        track.joints_xy_px[step] = finder.joints(street.frame(int(index)), track.boxes_xyxy_px[step])[0]
    kept = values(measure(street), run(measure(street), street, street.double))
    moved = values(measure(street), run(measure(street), street, lambda index: street.ground))
    assert kept["utility.motion.bundle_pck"] == pytest.approx(1.0, abs=0.02)
    assert moved["utility.motion.bundle_pck"] is None  # Nothing of which the network is sure.


def test_the_original_is_looked_at_once():
    street = Street(num_frames=3)
    shared = measure(street)
    run(shared, street)
    assert shared._finder.calls == 3
    run(shared, street, street.double)
    assert shared._finder.calls == 6
    run(shared, street, street.frame)
    assert shared._finder.calls == 6
