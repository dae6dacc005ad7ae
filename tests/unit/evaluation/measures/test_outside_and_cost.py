"""What changes where nobody is, and what a run cost."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.evaluation.measures.cost import Cost, RunCost
from bodydouble.evaluation.measures.outside_unchanged import OutsideUnchanged
from bodydouble.scene import Sprite
from tests.unit.evaluation.measures.street import Street, Walker, run, values, without_people


def outside_of(street: Street, result=None, **options) -> dict[str, float | None]:
    measure = OutsideUnchanged(**options)
    return {key.split(".")[-1]: v for key, v in values(measure, run(measure, street, result)).items()}


NOTHING = {"largest": 0.0, "mean": 0.0, "p999": 0.0, "visible": 0.0}


def test_a_copy_and_people_who_change_leave_the_rest_alone():
    street = Street()
    for result in (None, street.frame, street.double, street.black, street.blurred):
        assert outside_of(street, result) == NOTHING
    figure = OutsideUnchanged().figures(run(OutsideUnchanged(), street))[0]
    assert "lossless" in figure.note
    assert figure.trials == street.num_frames


def test_one_pixel_of_one_frame_is_found():
    street = Street()

    def scratched(index: int) -> np.ndarray:
        picture = street.frame(index)
        if index == 3:
            picture[10, 190] = picture[10, 190] ^ 64
        return picture

    tally = run(OutsideUnchanged(), street, scratched)
    found = values(OutsideUnchanged(), tally)
    assert found["utility.outside.largest"] == 64.0
    assert 0 < found["utility.outside.visible"] < 1e-4
    assert tally.cases[0].frame_index == 3
    left, top, right, bottom = tally.cases[0].box_xyxy_px
    assert left <= 190 < right
    assert top <= 10 < bottom


def test_an_encoders_error_is_stated_and_is_not_a_visible_change():
    street = Street()

    def encoded(index: int) -> np.ndarray:
        error = np.random.default_rng(index).integers(-3, 4, street.ground.shape)
        return np.clip(street.frame(index).astype(int) + error, 0, 255).astype(np.uint8)

    found = outside_of(street, encoded)
    assert found["largest"] == found["p999"] == 3.0
    assert 1.5 < found["mean"] < 3.0
    assert found["visible"] == 0.0
    assert outside_of(street, encoded, visible_levels=2)["visible"] > 0.5
    note = OutsideUnchanged().figures(run(OutsideUnchanged(), street, encoded))[0].note
    assert "lossless" not in note
    assert "% of pixels differ" in note


def test_noise_changes_everything():
    street = Street()
    found = outside_of(street, street.noise)
    assert found["largest"] > 100
    assert found["visible"] > 0.8


def test_the_box_margin_counts_only_where_doubles_are_not_known():
    street = Street((Walker(step=0),), 2)

    def wider(index: int) -> np.ndarray:
        picture = street.frame(index)
        picture[60, 20 - 8] = 255 - picture[60, 20 - 8]  # 8 px beside the silhouette.
        return picture

    assert outside_of(street, wider) == NOTHING
    assert outside_of(street, wider, box_margin_share=0.0)["largest"] > 0
    assert "boxes with a margin" in OutsideUnchanged().figures(run(OutsideUnchanged(), street))[0].note

    class Doubles:
        def __init__(self, sprites):
            self.sprites = sprites

        def sprites_at(self, frame_index):
            return self.sprites

    assert outside_of(street, wider, doubles={"street": Doubles([])})["largest"] > 0
    far = Sprite(left_px=10, top_px=40, rgba=np.full((40, 6, 4), 255, np.uint8), ground_y_px=80.0)
    assert outside_of(street, wider, doubles={"street": Doubles([(1, far)])}) == NOTHING


def test_a_clip_all_of_person_has_no_outside():
    street = Street((Walker(left=0, top=0, step=0, width=40, height=30),), 2, width=40, height=30)
    assert set(outside_of(street).values()) == {None}


def test_a_clip_of_nobody_is_all_outside():
    street = without_people(Street(num_frames=2))
    assert outside_of(street) == NOTHING
    assert outside_of(street, street.noise)["largest"] > 100


def test_many_bad_frames_keep_only_the_worst():
    street = Street(num_frames=130)
    tally = run(
        OutsideUnchanged(), street, lambda i: street.noise(i) if i == 77 else np.bitwise_xor(street.frame(i), 16)
    )
    assert len(tally.cases) == 50
    assert tally.cases[0].frame_index == 77


def test_speed_is_all_frames_over_all_time_and_memory_the_largest():
    runs = {
        "a": RunCost(
            num_frames=100, stage_seconds={"perception": 10.0, "generation": 5.0}, peak_memory_bytes=300 << 20
        ),
        "b": RunCost(num_frames=300, stage_seconds={"perception": 5.0}, peak_memory_bytes=100 << 20),
    }
    measure, street = Cost(runs), Street(num_frames=2)
    tallies = [run(measure, street, name=name) for name in ("a", "b", "made elsewhere")]
    assert values(measure, *tallies) == {
        "cost.frames_per_second": 20.0,
        "cost.peak_memory_mb": 300.0,
        "cost.generation.seconds_per_frame": pytest.approx(5 / 400),
        "cost.perception.seconds_per_frame": pytest.approx(15 / 400),
    }
    figure = measure.figures(tallies[0] + tallies[1] + tallies[2])[0]
    assert "2 clips, 1 without a record" in figure.note


@pytest.mark.parametrize("runs", [{}, {"street": RunCost(num_frames=5)}])
def test_results_made_elsewhere_have_no_cost(runs):
    measure = Cost(runs)
    found = values(measure, run(measure, Street(num_frames=2)))
    assert found == {"cost.frames_per_second": None, "cost.peak_memory_mb": None}
