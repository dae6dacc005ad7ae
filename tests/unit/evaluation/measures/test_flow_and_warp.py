"""Optical flow inside people and warp error on drawn walkers whose motion is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.evaluation.measures._flow import PeopleFlow
from bodydouble.evaluation.measures.flow_kept import FlowKept
from bodydouble.evaluation.measures.warp_error import WarpError, followed_back, warped
from bodydouble.scene import CameraMotion
from tests.unit.evaluation.measures.street import HEIGHT, WIDTH, Street, Walker, run, texture, values, without_people


def flow_of(street: Street, result=None) -> dict[str, float | None]:
    return {key.split(".")[-1]: v for key, v in values(FlowKept(), run(FlowKept(), street, result)).items()}


def warp_of(street: Street, result=None, **options) -> dict[str, float | None]:
    found = values(WarpError(**options), run(WarpError(**options), street, result))
    return {key.split(".")[-1]: v for key, v in found.items()}


def test_the_flow_is_the_step_that_was_drawn():
    street = Street((Walker(step=3),), 2)
    flow = PeopleFlow(street.clip(), min_height_px=0)
    assert next(flow.see(pair) for pair in street.pairs()) == []
    flow = PeopleFlow(street.clip(), min_height_px=0)
    followed = [flow.see(pair) for pair in street.pairs(street.double)][1][0]
    for one in (followed.original, followed.result):
        assert np.median(one[followed.own], axis=0) == pytest.approx([-3, 0], abs=0.15)


def test_a_copy_agrees():
    found = flow_of(Street())
    assert found == {"agreement": 1.0, "error": 0.0, "direction": pytest.approx(1.0), "unrest_px": None}


def test_a_double_who_moves_along_agrees_well():
    street = Street()
    found = flow_of(street, street.double)
    assert found["agreement"] > 0.85
    assert found["direction"] > 0.95


def test_a_frozen_result_does_not_agree_and_one_that_walks_backwards_even_less():
    street = Street()
    frozen = flow_of(street, street.frozen)
    assert frozen["agreement"] == pytest.approx(0.0, abs=0.02)
    assert frozen["direction"] == pytest.approx(0.0, abs=0.05)
    assert frozen["error"] == pytest.approx(1.0, abs=0.02)

    def backwards(index: int) -> np.ndarray:
        picture = street.frame(index)
        sheet = texture(9, 64, 200)
        left = 20 + 3 * index
        # The texture moves by -3 px a frame inside a silhouette that moves by +3.
        picture[30:94, left : left + 24] = sheet[:, 6 * index + 20 : 6 * index + 44]
        return picture

    back = flow_of(street, backwards)
    assert back["agreement"] < 0.25
    assert back["direction"] < -0.5


def test_noise_does_not_agree():
    street = Street()
    found = flow_of(street, street.noise)
    assert found["agreement"] < 0.45
    assert abs(found["direction"]) < 0.4


def test_half_the_speed_is_half_the_error():
    street, slow = Street((Walker(step=4),), 8), Street((Walker(step=2),), 8)
    slow.ground = street.ground

    def half(index: int) -> np.ndarray:
        # Somebody large enough to fill the silhouette at all times.
        picture, sheet = street.ground.copy(), texture(9, 120, 200)
        picture[:, 2 * index : 180] = sheet[:, : 180 - 2 * index]
        return picture

    found = flow_of(street, half)
    assert found["error"] == pytest.approx(0.5, abs=0.05)
    assert found["agreement"] == pytest.approx(1 - 2 / 6, abs=0.05)
    assert found["direction"] > 0.98


def test_who_stands_still_is_not_asked_for_agreement_but_for_rest():
    street = Street((Walker(step=0),), 8)
    assert flow_of(street) == {"agreement": None, "error": None, "direction": None, "unrest_px": pytest.approx(0)}

    def shaking(index: int) -> np.ndarray:
        return street.changed(index, lambda crop: np.roll(crop, 2 * (index % 2), axis=1))

    assert flow_of(street, shaking)["unrest_px"] > 1.0


def test_the_cameras_motion_is_taken_out():
    """A camera that pans over a still street: everything moves, nobody does."""
    sheet = texture(3, HEIGHT, WIDTH + 60)
    street = Street((Walker(left=90, step=-3),), 8)
    to_reference = np.tile(np.eye(3), (8, 1, 1))
    to_reference[:, 0, 2] = 3 * np.arange(8)
    street.frame = lambda index: sheet[:, 3 * index : 3 * index + WIDTH].copy()
    unaware = flow_of(street)
    street.bundle = replace(street.bundle, camera=CameraMotion(to_reference=to_reference))
    aware = flow_of(street)
    assert unaware["agreement"] == 1.0
    assert aware["agreement"] is None
    assert aware["unrest_px"] < 0.2


def test_warping_undoes_a_shift():
    before = texture(4, 40, 50)
    flow = np.full((40, 50, 2), (-2.0, 1.0), np.float32)
    np.testing.assert_array_equal(warped(before, flow)[:-1, 2:], before[1:, :-2])
    mask = np.zeros((40, 50), bool)
    mask[10:20, 10:20] = True
    back = followed_back(mask, flow)
    assert back[9:19, 12:22].all()
    assert back.sum() == 100
    assert not followed_back(np.ones((40, 50), bool), flow)[:, :2].any()  # From beyond the window.


def test_a_steady_picture_has_hardly_any_warp_error():
    street = Street()
    for result in (None, street.double):
        found = warp_of(street, result)
        assert found["levels"] < 4
        assert found["relative"] < 0.2


def test_a_colour_that_jumps_is_warp_error():
    street = Street()
    found = warp_of(street, street.flickering)
    assert found["levels"] == pytest.approx(30, abs=6)  # From -15 to +15 and back.
    assert found["levels"] > 5 * warp_of(street)["levels"]
    assert warp_of(street, street.noise)["relative"] > 0.5


def test_blur_and_blackout_win_in_levels_but_not_over_contrast():
    street = Street()
    original = warp_of(street)
    assert warp_of(street, street.black)["levels"] < original["levels"]
    assert warp_of(street, street.black)["relative"] is None
    assert warp_of(street, street.blurred)["levels"] < original["levels"]


def test_the_originals_flow_finds_somebody_who_does_not_move_along():
    street = Street((Walker(step=4),), 6)
    assert warp_of(street, street.frozen, flow_of="original")["levels"] > 10
    assert warp_of(street, street.double, flow_of="original")["levels"] < 5


def test_what_comes_out_from_behind_somebody_does_not_count():
    """Two cross; without knowing whose pixel is whose, the seam between both would be an error."""
    street = Street((Walker(step=5), Walker(left=100, step=-5, top=34)), 10)
    found = warp_of(street)
    assert found["levels"] < 6


def test_the_worst_frame_is_named():
    street = Street()
    tally = run(WarpError(), street, lambda i: 255 - street.frame(i) if i == 6 else street.frame(i))
    assert tally.cases[0].frame_index in {6, 7}
    assert tally.cases[0].track_id == 1
    flow = run(FlowKept(), street, lambda i: street.noise(6) if i == 6 else street.frame(i))
    assert flow.cases[0].frame_index in {6, 7}


@pytest.mark.parametrize("measure", [FlowKept(), WarpError()], ids=["flow", "warp"])
def test_tiny_inputs_have_no_value(measure):
    for street in (
        Street(num_frames=1),
        without_people(Street(num_frames=3)),
        Street((Walker(left=-25, step=0),), 3),  # Beyond the border.
        Street((Walker(left=0, top=0, width=8, height=8, step=1),), 3, width=10, height=10),
        Street((Walker(height=20),), 3),
        Street((Walker(detected=False),), 3),
    ):
        found = values(measure, run(measure, street))
        assert set(found.values()) == {None}


def test_frames_that_are_missing_between_are_not_taken_for_neighbours():
    street = Street()
    work = WarpError().start(street.clip())
    for pair in street.pairs():
        if pair.index % 2:
            work.see(pair)
    assert set(values(WarpError(), work.finish()).values()) == {None}


def test_pictures_that_are_used_again_by_the_caller_do_no_harm():
    street = Street()
    buffer = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    work = WarpError().start(street.clip())
    for pair in street.pairs():
        buffer[:] = pair.result_rgb
        work.see(replace(pair, original_rgb=buffer, result_rgb=buffer))
    assert work.finish().samples == run(WarpError(), street).samples
