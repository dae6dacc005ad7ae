"""Detection kept: average precision against pycocotools, and results with known answers."""

from __future__ import annotations

import contextlib
import io

import cv2
import numpy as np
import pytest

from bodydouble.evaluation.measures.detection_kept import DetectionKept, average_precision, greedy_matches
from bodydouble.evaluation.measures.remembered import RememberingDetector
from tests.unit.evaluation.measures.street import Street, Walker, run, values, without_people


class ForegroundDetector:
    """Takes each connected piece that is not the ground for a person."""

    def __init__(self, ground: np.ndarray) -> None:
        self.ground, self.calls = ground.astype(int), 0

    def find(self, rgb: np.ndarray, *, score: float = 0.3, halves: bool = True) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        other = (np.abs(rgb.astype(int) - self.ground).max(axis=2) > 8).astype(np.uint8)
        other = cv2.morphologyEx(other, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        stats = cv2.connectedComponentsWithStats(other)[2][1:]
        stats = stats[stats[:, cv2.CC_STAT_AREA] > 100]
        low, size = stats[:, :2].astype(np.float32), stats[:, 2:4].astype(np.float32)
        return np.concatenate([low, low + size], axis=1), np.full(len(stats), 0.8, np.float32)


def measure(street: Street, **options) -> DetectionKept:
    return DetectionKept(ForegroundDetector(street.ground), **options)


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    low = rng.uniform(0, 300, (count, 2))
    return np.concatenate([low, low + rng.uniform(20, 80, (count, 2))], axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_ap50_is_that_of_pycocotools(seed: int):
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(seed)
    truth, claims, scores, hits = [], [], [], []
    for image in range(1, 15):
        reference = random_boxes(rng, int(rng.integers(0, 6)))
        kept = reference[rng.random(len(reference)) < 0.8]
        found = np.concatenate(
            [kept + rng.normal(scale=6, size=kept.shape), random_boxes(rng, int(rng.integers(0, 4)))]
        )
        sure = rng.permutation(1000)[: len(found)] / 1000 + image * 1e-5  # No two alike.
        scores.append(sure)
        hits.append(greedy_matches(reference, found, sure) >= 0)
        xywh = [np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in (reference, found)]
        for box in xywh[0]:
            number = len(truth) + 1
            truth.append({"id": number, "image_id": image, "category_id": 1, "bbox": box.tolist(), "iscrowd": 0,
                          "area": float(box[2] * box[3])})  # fmt: skip
        for box, score in zip(xywh[1], sure, strict=True):
            claims.append({"image_id": image, "category_id": 1, "bbox": box.tolist(), "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO()
        coco.dataset = {"images": [{"id": i} for i in range(1, 15)], "annotations": truth, "categories": [{"id": 1}]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(claims), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = average_precision(np.concatenate(scores), np.concatenate(hits), len(truth))
    assert 0.1 < ours < 0.99
    assert ours == pytest.approx(float(evaluation.stats[1]), abs=1e-9)


def test_average_precision_by_hand():
    # Hit, miss, hit of four people: precision 1 up to recall 1/4, then 2/3 up to 2/4, then nothing.
    scores, hits = np.array([0.9, 0.8, 0.7]), np.array([True, False, True])
    assert average_precision(scores, hits, 4) == pytest.approx((26 * 1 + 25 * 2 / 3) / 101)
    assert average_precision(np.zeros(0), np.zeros(0, bool), 4) == 0.0
    # Equal scores: the miss comes first.
    assert average_precision(np.array([0.5, 0.5]), np.array([True, False]), 1) == pytest.approx(0.5)


def test_a_weight_of_two_is_the_claim_twice():
    rng = np.random.default_rng(0)
    scores, hits = rng.random(20), rng.random(20) < 0.6
    twice = average_precision(np.tile(scores, 2), np.tile(hits, 2), 40)
    assert average_precision(scores, hits, 40, np.full(20, 2.0)) == pytest.approx(twice, abs=0.02)


def test_a_person_is_found_once_by_the_best_claim():
    person = np.array([[0.0, 0.0, 10.0, 20.0]])
    claims = np.array([[0.0, 0.0, 10.0, 19.0], [0.0, 0.0, 10.0, 20.0], [30.0, 0.0, 40.0, 20.0]])
    assert greedy_matches(person, claims, np.array([0.5, 0.9, 0.99])).tolist() == [-1, 0, -1]
    assert greedy_matches(person[:0], claims, np.ones(3)).tolist() == [-1, -1, -1]
    assert len(greedy_matches(person, claims[:0], np.zeros(0))) == 0


def test_a_copy_and_a_double_are_found():
    street = Street((Walker(), Walker(left=150, step=-3, top=40)), 10)
    for result in (None, street.double, street.black):
        found = values(measure(street), run(measure(street), street, result))
        assert found == {"utility.detection.ap50": 1.0, "utility.detection.found": 1.0}


def test_noise_and_an_empty_street_score_nothing():
    street = Street()
    for result in (street.noise, lambda index: street.ground):
        found = values(measure(street), run(measure(street), street, result))
        assert found == {"utility.detection.ap50": 0.0, "utility.detection.found": 0.0}


def test_who_is_lost_is_named_with_the_frame():
    first, third = Walker(left=20, step=1), Walker(left=90, step=0, height=40)
    street = Street((first, Walker(left=150, step=1, top=40), third), 8)
    other = Street((first, Walker(first=99), third), 8)
    other.ground = street.ground

    def without_the_second_in_frame_5(index: int) -> np.ndarray:
        return other.frame(index) if index == 5 else street.frame(index)

    tally = run(measure(street), street, without_the_second_in_frame_5)
    assert [(case.frame_index, case.track_id) for case in tally.cases] == [(5, 2)]
    figures = {figure.key: figure for figure in measure(street).figures(tally)}
    assert figures["utility.detection.found"].value == pytest.approx(23 / 24)
    assert figures["utility.detection.found"].trials == 24
    low, high = figures["utility.detection.found"].interval
    assert low == pytest.approx(7 / 8)
    assert high == 1.0
    assert tally.series[0].values[5] == pytest.approx(2 / 3)


def test_small_boxes_are_left_out_on_both_sides():
    street = Street((Walker(), Walker(left=120, height=20)), 3)
    tally = run(measure(street, min_height_px=40), street)
    assert sum(tally.samples["cluster_reference"]) == 3
    assert len(tally.samples["score"]) == 3


def test_nobody_and_one_person():
    empty = without_people(Street())
    figures = measure(empty).figures(run(measure(empty), empty))
    assert [figure.value for figure in figures] == [None, None]
    assert all("nobody" in figure.note for figure in figures)
    one = Street(num_frames=1)
    figure = measure(one).figures(run(measure(one), one))[0]
    assert (figure.value, figure.interval, figure.trials) == (1.0, None, 1)


def test_a_detector_looks_at_each_picture_once():
    street = Street(num_frames=3)
    detector = ForegroundDetector(street.ground)
    shared = DetectionKept(RememberingDetector(detector))
    run(shared, street)
    assert detector.calls == 3
    run(shared, street, street.double)
    assert detector.calls == 6
    forgetful = DetectionKept(RememberingDetector(detector, capacity=1))
    run(forgetful, street, street.double)
    assert detector.calls == 12


def test_what_was_kept_cannot_be_changed():
    street = Street(num_frames=1)
    detector = RememberingDetector(ForegroundDetector(street.ground))
    detector.find(street.frame(0), score=0.3)[0][:] = -1
    assert detector.find(street.frame(0), score=0.3)[0].min() >= 0
