"""Coverage with and without ground truth, and the audit of plates: whoever is left in is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox
from bodydouble.evaluation.measures.base import PairedClip, Tally
from bodydouble.evaluation.measures.coverage import Coverage
from bodydouble.evaluation.measures.plates import Plates
from bodydouble.evaluation.measures.referee_coverage import RefereeCoverage
from bodydouble.evaluation.referee import Referee
from bodydouble.scene import CameraMotion, Frame
from tests.unit.evaluation.measures.street import PERSON_H, PERSON_W, Street, Walker

FRAMES = 24
WALKERS = (Walker(left=4, step=5), Walker(left=150, step=-5, top=50), Walker(left=-90, step=5, top=10))


@pytest.fixture(scope="module")
def street() -> Street:
    return Street(WALKERS, FRAMES)


def boxes_of(street: Street, *, ids: int = 70) -> GroundTruth:
    rows = {}
    for index in range(street.num_frames):
        rows[index] = tuple(
            TruthBox(person_id=ids + n, left_px=w.left + w.step * index, top_px=w.top, width_px=PERSON_W,
                     height_px=PERSON_H, counts=True)
            for n, w in enumerate(street.walkers) if -8 <= w.left + w.step * index <= 184
        )  # fmt: skip
    return GroundTruth(boxes=rows)


class Ground:
    """A plate; its pixels are whatever picture it is given."""

    def __init__(self, picture: np.ndarray, keys: tuple[int, ...] = (0, 8, 16)) -> None:
        self.picture, self.key_frames = picture, keys

    def at(self, frame_index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.picture.copy(), np.ones(self.picture.shape[:2], bool)


class Seer:
    """Finds what differs from the ground: one box around each of the walkers, whoever is drawn there."""

    def __init__(self, street: Street, *, ghosts: Iterable[tuple[float, float, float, float]] = ()) -> None:
        self.street, self.ghosts, self.asked = street, list(ghosts), []

    def find(self, rgb: np.ndarray, *, score: float = 0.3, halves: bool = True) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(score)
        index = next(i for i in range(self.street.num_frames) if np.array_equal(rgb, self.street.frame(i)))
        boxes = [list(t.boxes_xyxy_px[t.step_of(index)]) for t in self.street.bundle.tracks] + self.ghosts
        return np.array(boxes, np.float32), np.full(len(boxes), 0.8, np.float32)


def measured(measure, clip: PairedClip, street: Street, result=None) -> Tally:
    work = measure.start(clip)
    for pair in street.pairs(result):
        work.see(pair)
    return work.finish()


def with_truth(street: Street) -> tuple[Coverage, PairedClip]:
    passes: list[str] = []

    def footage(clip: PairedClip) -> Iterable[Frame]:
        passes.append(clip.name)
        assert len(passes) == len(set(passes)), "the plate of a clip is made once, whatever the number of results"
        return (Frame(index=i, pts_ticks=i, rgb=street.frame(i)) for i in range(street.num_frames))

    return Coverage(footage), replace(street.clip(), truth=boxes_of(street))


def test_a_copy_covers_nobody_and_doubles_cover_everybody(street):
    measure, clip = with_truth(street)
    (copy,) = measure.figures(measured(measure, clip, street))
    (doubles,) = measure.figures(measured(measure, clip, street, street.double))
    assert (copy.value, copy.interval) == (0.0, (0.0, 0.0))
    assert doubles.value == 1.0
    assert copy.trials == doubles.trials == clip.truth.num_boxes


def test_one_person_left_in_one_frame_is_named(street):
    def result(index: int) -> np.ndarray:
        picture = street.double(index)
        if index == 11:
            walker = WALKERS[1]
            left = walker.left + walker.step * index
            part = (slice(walker.top, walker.top + PERSON_H), slice(left, left + PERSON_W))
            picture[part] = street.frame(index)[part]
        return picture

    measure, clip = with_truth(street)
    tally = measured(measure, clip, street, result)
    (figure,) = measure.figures(tally)
    assert figure.value == 1.0 - 1.0 / figure.trials
    (case,) = tally.cases
    assert (case.clip, case.frame_index, case.track_id) == ("street", 11, 2)
    assert "person 71" in case.what
    assert "frame 11" in case.what
    assert case.box_xyxy_px == (95.0, 50.0, 119.0, 114.0)
    (line,) = tally.series
    assert [frame for frame, value in zip(line.frame_indices, line.values, strict=True) if value < 1.0] == [11]

    seer = Seer(street)
    measure = RefereeCoverage(seer)
    tally = measured(measure, replace(street.clip(), plate=Ground(street.ground)), street, result)
    assert {(case.frame_index, case.track_id) for case in tally.cases} == {(11, 2)}
    assert set(seer.asked) == {0.3}


def test_boxes_of_people_whom_perception_missed_have_no_track(street):
    measure, clip = with_truth(street)
    nobody = replace(clip, bundle=replace(clip.bundle, tracks=()))
    tally = measured(measure, nobody, street)
    assert tally.cases
    assert {case.track_id for case in tally.cases} == {None}


def test_without_truth_and_with_a_moving_camera_there_is_no_value(street):
    measure, clip = with_truth(street)
    none = measured(measure, replace(clip, truth=None), street)
    empty = measured(measure, replace(clip, truth=GroundTruth()), street)
    moves = CameraMotion(to_reference=np.tile(np.diag([1.0, 1.0, 2.0]), (FRAMES, 1, 1)))
    moving = measured(measure, replace(clip, bundle=replace(clip.bundle, camera=moves)), street)
    for tally, words in ((none, "no ground truth"), (empty, "no ground truth"), (moving, "stands still")):
        (figure,) = measure.figures(tally)
        assert figure.value is None
        assert words in figure.note


def test_a_referee_judges_without_truth(street):
    measure = RefereeCoverage(Seer(street, ghosts=[(2, 2, 14, 26)]), most_frames=6)
    clip = replace(street.clip(), plate=Ground(street.ground))
    (copy,) = measure.figures(measured(measure, clip, street))
    (doubles,) = measure.figures(measured(measure, clip, street, street.double))
    assert (copy.value, doubles.value) == (0.0, 1.0)
    assert copy.trials <= 6 * 3
    # Six times the ghost, and three times somebody who is still beyond the border.
    assert "9 further boxes look like the plate" in copy.note


def test_a_referee_needs_a_plate(street):
    measure = RefereeCoverage(Seer(street))
    (figure,) = measure.figures(measured(measure, street.clip(), street))
    assert figure.value is None
    assert "no clean plate" in figure.note
    assert measure.figures(Tally(measure=measure.name))[0].value is None


def test_people_on_plates_are_counted_and_shown(street):
    clip = replace(street.clip(), plate=Ground(street.frame(3)))
    measure = Plates(Seer(street))
    tally = measured(measure, clip, street)
    people, places = measure.figures(tally)
    assert (people.value, people.trials, places.value) == (3.0, 3, 3.0)
    assert {case.frame_index for case in tally.cases} == {0, 8, 16}
    twice = measure.figures(tally + tally)
    assert (twice[0].value, twice[0].trials) == (3.0, 6)


def test_clean_plates_and_no_plates(street):
    class Blind:
        def find(self, rgb: np.ndarray, *, score: float = 0.3, halves: bool = True) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)

    measure = Plates(Blind())
    people, places = measure.figures(measured(measure, replace(street.clip(), plate=Ground(street.ground)), street))
    assert (people.value, places.value, people.note) == (0.0, 0.0, "")
    absent = measure.figures(measured(measure, street.clip(), street))
    assert [(one.value, one.note) for one in absent] == [(None, "no plate was kept")] * 2


@pytest.mark.real_data
def test_the_referee_of_the_project_fits(real_data_dir, street):
    measure = Plates(Referee(real_data_dir / "models" / "yolox_nano_416x416.onnx", threads=1))
    clip = replace(street.clip(), plate=Ground(street.ground, (0,)))
    assert measure.figures(measured(measure, clip, street))[0].value == 0.0
