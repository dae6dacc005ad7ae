"""Tracking scores with known answers, good and bad."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.errors import InputError
from bodydouble.evaluation.claims import FrameClaims
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox
from bodydouble.evaluation.matching import found, match, overlaps
from bodydouble.evaluation.mot import score_tracks

FRAMES = 20


def person(person_id: int, frame: int, *, counts: bool = True) -> TruthBox:
    return TruthBox(
        person_id=person_id,
        left_px=100.0 * person_id + 2 * frame,
        top_px=50.0,
        width_px=20.0,
        height_px=60.0,
        counts=counts,
    )


def truth(*ids: int, ignored: tuple[int, ...] = (), frames: int = FRAMES) -> GroundTruth:
    return GroundTruth(
        boxes={f: tuple(person(i, f, counts=i not in ignored) for i in (*ids, *ignored)) for f in range(frames)}
    )


def claim(pairs: list[tuple[int, TruthBox]], shift_px: float = 0.0) -> FrameClaims:
    boxes = [
        (b.left_px + shift_px, b.top_px, b.left_px + b.width_px + shift_px, b.top_px + b.height_px) for _, b in pairs
    ]
    return FrameClaims(
        track_ids=np.array([i for i, _ in pairs], dtype=np.int64),
        steps=np.zeros(len(pairs), dtype=np.int64),
        boxes_xyxy_px=np.array(boxes, dtype=np.float64).reshape(-1, 4),
    )


def test_perfect_tracks():
    scores = score_tracks(truth(1, 2), [claim([(7, person(1, f)), (9, person(2, f))]) for f in range(FRAMES)])
    assert (scores.recall, scores.precision, scores.mota, scores.idf1) == (1.0, 1.0, 1.0, 1.0)
    assert scores.switches == scores.fragments == 0
    assert scores.missed == scores.false == ()


def test_nothing_found():
    scores = score_tracks(truth(1), [claim([])] * FRAMES)
    assert (scores.recall, scores.precision, scores.mota, scores.idf1) == (0.0, 0.0, 0.0, 0.0)
    assert [box.frame_index for box in scores.missed] == list(range(FRAMES))


@pytest.mark.parametrize(("shift_px", "recall"), [(6.0, 1.0), (7.0, 0.0)])
def test_shifted_boxes_count_from_an_overlap_of_half(shift_px: float, recall: float):
    # 20 px wide: shifted by 6 the overlap is 14/26, by 7 it is 13/27.
    scores = score_tracks(truth(1), [claim([(1, person(1, f))], shift_px) for f in range(FRAMES)])
    assert scores.recall == scores.precision == recall
    assert scores.mota == (1.0 if recall else -1.0)
    assert all(box.best_overlap == pytest.approx(13 / 27) for box in (*scores.missed, *scores.false))


def test_swapped_ids():
    half = FRAMES // 2
    claims = [claim([(1, person(1 + (f >= half), f)), (2, person(2 - (f >= half), f))]) for f in range(FRAMES)]
    scores = score_tracks(truth(1, 2), claims)
    assert scores.recall == scores.precision == 1.0
    assert scores.switches == 2
    assert scores.mota == 1.0 - 2 / (2 * FRAMES)
    assert scores.idf1 == 0.5


def test_a_gap_and_a_new_id():
    claims = [
        claim([(9, person(2, f)), *([] if f in range(5, 10) else [(1 if f < 5 else 2, person(1, f))])])
        for f in range(FRAMES)
    ]
    scores = score_tracks(truth(1, 2), claims)
    assert scores.recall == 35 / 40
    assert scores.switches == scores.fragments == 1
    assert scores.mota == 1 - (5 + 1) / 40
    assert scores.idf1 == pytest.approx(2 * (20 + 10) / (40 + 35))


def test_false_tracks_cost_precision_and_mota():
    claims = [claim([(1, person(1, f)), (2, person(5, f))]) for f in range(FRAMES)]
    scores = score_tracks(truth(1), claims)
    assert (scores.recall, scores.precision, scores.mota) == (1.0, 0.5, 0.0)
    assert {box.track_id for box in scores.false} == {2}


def test_ignored_people_are_neither_missed_nor_false():
    with_them = [claim([(1, person(1, f)), (2, person(2, f))]) for f in range(FRAMES)]
    without = [claim([(1, person(1, f))]) for f in range(FRAMES)]
    for claims, ignored in ((with_them, FRAMES), (without, 0)):
        scores = score_tracks(truth(1, ignored=(2,)), claims)
        assert scores.people_boxes == scores.tracked_boxes == FRAMES
        assert (scores.recall, scores.precision, scores.mota, scores.idf1) == (1.0, 1.0, 1.0, 1.0)
        assert scores.ignored_boxes == ignored


def test_an_ignored_person_excuses_one_box_only():
    twice = [claim([(1, person(1, f)), (2, person(2, f)), (3, person(2, f))]) for f in range(FRAMES)]
    scores = score_tracks(truth(1, ignored=(2,)), twice)
    assert scores.ignored_boxes == FRAMES
    assert scores.precision == 0.5


def test_only_the_frames_that_were_looked_at_count():
    scores = score_tracks(truth(1), [claim([(1, person(1, 0))])])
    assert scores.people_boxes == 1
    assert scores.recall == 1.0


def test_without_anybody_there_is_no_score():
    with pytest.raises(InputError, match="nobody"):
        score_tracks(GroundTruth(), [claim([])])
    with pytest.raises(InputError, match="nobody"):
        score_tracks(truth(ignored=(1,)), [claim([])])


def test_matching_is_one_to_one_and_finds_the_best_pairs():
    people = np.array([[0, 0, 10, 10], [4, 0, 14, 10]], dtype=float)
    both = np.array([[2.0, 0, 12, 10], [5, 0, 15, 10]])
    rows, columns = match(overlaps(people, both), 0.3)
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 0, 1: 1}
    assert found(people, both, 0.3).tolist() == [True, True]
    assert found(people, both[:1], 0.3).sum() == 1
    assert found(people, np.zeros((0, 4)), 0.3).tolist() == [False, False]
    assert found(np.zeros((0, 4)), both, 0.3).shape == (0,)


def test_boxes_without_extent_overlap_nothing():
    flat = np.array([[3.0, 3, 3, 9]])
    assert overlaps(flat, flat).tolist() == [[0.0]]
    assert len(match(overlaps(flat, flat), 0.3)[0]) == 0
