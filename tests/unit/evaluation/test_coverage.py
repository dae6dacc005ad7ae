"""Coverage against ground truth, and the plate it is measured with, on drawn clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bodydouble.errors import InputError
from bodydouble.evaluation.coverage import BoxChange, CoverageCounts, box_change, coverage_of_clip, inner_part
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox, gt_plate, read_mot
from bodydouble.scene import Frame


def box(left=10, top=20, width=10, height=30, person_id=1, counts=True) -> TruthBox:
    return TruthBox(person_id=person_id, left_px=left, top_px=top, width_px=width, height_px=height, counts=counts)


def frames(*pictures: np.ndarray) -> list[Frame]:
    return [Frame(index=i, pts_ticks=i, rgb=picture) for i, picture in enumerate(pictures)]


@pytest.fixture
def plate() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 100, size=(60, 80, 3)).astype(np.uint8)


def with_person(plate: np.ndarray, value: int = 220, left: int = 10) -> np.ndarray:
    picture = plate.copy()
    picture[20:50, left : left + 10] = value
    return picture


def test_inner_part_by_hand():
    rows, columns = inner_part(box(), 80, 60)
    assert (rows.start, rows.stop) == (22, 48)  # 20 + 15 -+ 13.5, rounded to even
    assert (columns.start, columns.stop) == (12, 18)


@pytest.mark.parametrize("place", [box(left=-30), box(left=200), box(top=-90), box(top=300)])
def test_boxes_outside_the_frame_have_no_pixel(plate, place):
    change = box_change(plate, plate, plate, place)
    assert change == BoxChange(person_px=0, unchanged_px=0)
    assert not change.is_covered


def test_thresholds_by_hand():
    plate = np.full((60, 80, 3), 100, dtype=np.uint8)
    original, result = plate.copy(), plate.copy()
    original[22:48, 12:18, 1] = 120  # 20: nobody there.
    assert box_change(original, result, plate, box()).person_px == 0
    original[22:48, 12:18, 1] = 121
    inside = 26 * 6
    assert box_change(original, result, plate, box()) == BoxChange(person_px=inside, unchanged_px=0)
    result[22:48, 12:18, 1] = 115  # 6 from the original: changed.
    assert box_change(original, result, plate, box()).unchanged_px == 0
    result[22:48, 12:18, 1] = 116
    assert box_change(original, result, plate, box()).unchanged_px == inside


def test_covered_below_fifteen_percent():
    assert BoxChange(person_px=100, unchanged_px=14).is_covered
    assert not BoxChange(person_px=100, unchanged_px=15).is_covered


def test_kept_painted_and_half_kept_people(plate):
    truth = GroundTruth(boxes={0: (box(), box(left=50, counts=False)), 1: (box(),), 2: (box(),)})
    filmed = with_person(plate)
    half = filmed.copy()
    half[20:35] = plate[20:35]
    counts, uncovered = coverage_of_clip(frames(filmed, filmed, filmed), frames(plate, filmed, half), truth, plate)
    assert counts == CoverageCounts(boxes=3, covered=1)
    assert [(u.frame_index, u.person_id) for u in uncovered] == [(1, 1), (2, 1)]
    assert uncovered[0].unchanged_share == 1.0
    assert 0.4 < uncovered[1].unchanged_share < 0.6


def test_whole_is_the_sum_of_its_parts(plate):
    truth = GroundTruth(boxes={i: (box(), box(left=40, person_id=2)) for i in range(4)})
    filmed = [with_person(with_person(plate), left=40) for _ in range(4)]
    made = [plate, filmed[1], with_person(plate), plate]
    whole, _ = coverage_of_clip(frames(*filmed), frames(*made), truth, plate)
    parts = CoverageCounts()
    for i in range(4):
        one = GroundTruth(boxes={0: truth.at(i)})
        parts += coverage_of_clip(frames(filmed[i]), frames(made[i]), one, plate)[0]
    assert whole == parts == CoverageCounts(boxes=8, covered=5)
    assert whole.coverage == 5 / 8


def test_boxes_without_anybody_are_counted_apart(plate):
    counts, _ = coverage_of_clip(frames(plate), frames(plate), GroundTruth(boxes={0: (box(),)}), plate)
    assert counts == CoverageCounts(boxes=1, covered=0, without_person_px=1)
    assert CoverageCounts().coverage == 1.0


def test_clips_that_differ_are_refused(plate):
    truth = GroundTruth()
    for made in (frames(), frames(plate, plate), frames(plate[:-1])):
        with pytest.raises(InputError, match="measure on the whole"):
            coverage_of_clip(frames(plate), made, truth, plate)


def test_gt_plate_removes_people_even_from_places_where_they_mostly_stand(plate):
    pictures, boxes = [], {}
    for i in range(40):
        left = 10 if i < 32 else 60
        pictures.append(with_person(plate, left=left))
        boxes[i] = (box(left=left, counts=i % 2 == 0),)
    made, seen = gt_plate(frames(*pictures), GroundTruth(boxes=boxes), every=2)
    assert seen.all()
    np.testing.assert_array_equal(made, plate)


def test_gt_plate_says_where_it_only_guessed(plate):
    pictures = [with_person(plate) for _ in range(6)]
    truth = GroundTruth(boxes={i: (box(),) for i in range(6)})
    made, seen = gt_plate(frames(*pictures), truth, every=1)
    assert not seen[20:50, 10:20].any()
    assert seen[:, 40:].all()
    np.testing.assert_array_equal(made[:, 40:], plate[:, 40:])
    with pytest.raises(InputError, match="no"):
        gt_plate([], truth)


def test_mot_file(tmp_path: Path):
    path = tmp_path / "gt.txt"
    path.write_text("1,9,499,158,31.03,75.17,1,-4.1,-7.3,0\n\n1,15,258,219,32.9,88.7,0\n3,9,1,2,3,4,1,-1\n")
    truth = read_mot(path)
    assert [b.person_id for b in truth.at(0)] == [9, 15]
    assert truth.at(0)[0].width_px == 31.03
    assert not truth.at(0)[1].counts
    assert truth.at(1) == ()
    assert truth.at(2)[0].top_px == 2
    assert truth.num_boxes == 2


@pytest.mark.parametrize("line", ["1,2,3,4,5", "0,1,1,1,5,5,1", "1,1,1,1,-5,5,1", "a,1,1,1,5,5,1", "1.5,1,1,1,5,5,1"])
def test_malformed_mot_lines_are_named(tmp_path: Path, line: str):
    path = tmp_path / "gt.txt"
    path.write_text("1,9,499,158,31.03,75.17,1\n" + line + "\n")
    with pytest.raises(InputError, match="line 2"):
        read_mot(path)


def test_missing_mot_file(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read"):
        read_mot(tmp_path / "gt.txt")
