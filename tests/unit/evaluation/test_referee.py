"""Decoding and suppression of the referee, without its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bodydouble.errors import MissingWeights
from bodydouble.evaluation.referee import Referee, cut_by, decode_head, suppress, without_halves


def test_head_is_decoded_on_the_grid():
    raw = np.zeros((52 * 52 + 26 * 26 + 13 * 13, 85), dtype=np.float32)
    cell = 52 * 52 + 3 * 26 + 5  # Row 3, column 5 of the grid of stride 16.
    raw[cell, :6] = (0.5, 0.25, np.log(2.0), np.log(4.0), 0.8, 0.5)
    boxes, scores = decode_head(raw)
    assert scores[cell] == pytest.approx(0.4)
    # Centre (5.5, 3.25) * 16, size (2, 4) * 16.
    np.testing.assert_allclose(boxes[cell], [88 - 16, 52 - 32, 88 + 16, 52 + 32], rtol=1e-5)


def test_suppression_keeps_the_best_of_each_heap():
    boxes = np.array([[0, 0, 10, 20], [1, 0, 11, 20], [50, 0, 60, 20], [0, 0, 10, 9]], dtype=np.float32)
    scores = np.array([0.5, 0.9, 0.3, 0.8], dtype=np.float32)
    assert list(suppress(boxes, scores, 0.5)) == [1, 3, 2]
    assert list(suppress(boxes, scores, 0.5, contained=0.7)) == [1, 2]
    assert len(suppress(boxes[:0], scores[:0], 0.5)) == 0


def test_missing_model_is_named(tmp_path: Path):
    with pytest.raises(MissingWeights, match=r"absent\.onnx"):
        Referee(tmp_path / "absent.onnx")


@pytest.mark.real_data
def test_referee_finds_the_people_of_a_frame(real_data_dir: Path):
    import cv2

    capture = cv2.VideoCapture(str(real_data_dir / "pets09_s2l1" / "vtest.avi"))
    picture = capture.read()[1][:, :, ::-1]
    boxes, scores = Referee(real_data_dir / "models" / "yolox_nano_416x416.onnx").find(picture)
    rows = [line.split(",") for line in (real_data_dir / "pets09_s2l1" / "gt.txt").read_text().splitlines()]
    truth = [[float(v) for v in row[2:6]] for row in rows if row[0] == "1" and row[6] == "1"]
    assert scores.min() >= 0.3
    for left, top, width, height in truth:
        low = np.maximum(boxes[:, :2], [left, top])
        high = np.minimum(boxes[:, 2:], [left + width, top + height])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + width * height - common
        assert (common / union).max() > 0.4


def test_halves_that_tiles_cut_give_way_to_the_whole_person_whatever_their_scores():
    boxes = np.array([[10, 10, 30, 100], [10, 10, 30, 60], [10, 45, 30, 100], [70, 10, 90, 60]], np.float32)
    scores = np.array([0.4, 0.9, 0.8, 0.5], np.float32)
    cut = np.array([False, True, True, True])
    assert without_halves(boxes, scores, cut, 0.5).tolist() == [0, 3]
    assert without_halves(boxes, scores, ~np.ones(4, bool), 0.5).tolist() != [0, 3]


def test_two_halves_of_one_person_are_one():
    boxes = np.array([[10, 10, 30, 60], [10, 38, 30, 90], [10, 55, 30, 105]], np.float32)
    scores = np.array([0.6, 0.7, 0.5], np.float32)
    assert without_halves(boxes[:2], scores[:2], np.ones(2, bool), 0.5).tolist() == [1]
    # Feet of one person and the head of another beneath: hardly any overlap.
    assert sorted(without_halves(boxes[[0, 2]], scores[[0, 2]], np.ones(2, bool), 0.5).tolist()) == [0, 1]


def test_only_inner_edges_of_tiles_cut():
    boxes = np.array([[0, 10, 20, 50], [40, 10, 59, 50], [20, 30, 40, 60], [20, 0, 40, 40]], np.float32)
    assert cut_by(boxes, (0, 0, 60, 60), (100, 100)).tolist() == [False, True, True, False]
    assert cut_by(boxes, (0, 0, 60, 60), (60, 60)).tolist() == [False] * 4
    assert cut_by(np.zeros((0, 4), np.float32), (0, 0, 60, 60), (60, 60)).shape == (0,)


class ByTiles(Referee):
    """Sees a person 100 px tall in the whole picture, and half of another in one tile."""

    def __init__(self) -> None:
        pass

    def _look(self, rgb: np.ndarray, score: float) -> tuple[np.ndarray, np.ndarray]:
        whole = rgb.shape[0] == 200
        box = [20, 60, 60, 160] if whole else [100, 5, 118, 120]
        found = whole or bool((rgb[0, 0] == 9).all())
        return np.array([box][: int(found)], np.float32).reshape(-1, 4), np.full(int(found), 0.8, np.float32)


def test_people_whom_no_view_saw_whole_are_left_out_where_places_are_compared():
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[0, 0] = 9  # Marks the first tile.
    boxes, _ = ByTiles().find(picture)
    assert boxes.tolist() == [[20, 60, 60, 160], [100, 5, 118, 120]]
    boxes, scores = ByTiles().find(picture, halves=False)
    assert boxes.tolist() == [[20, 60, 60, 160]]
    assert len(scores) == 1
