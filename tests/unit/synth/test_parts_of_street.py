"""Camera, noise, light, gait and labels, each against what it must be."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.synth.behaviour import Stand, Walk
from bodydouble.synth.camera import Camera
from bodydouble.synth.cast_of_street import ordinary_day
from bodydouble.synth.figure import Person, _on_way, _turn_to
from bodydouble.synth.gait import Manner, Performance, plant, rotations
from bodydouble.synth.light import to_linear, to_srgb
from bodydouble.synth.noise import NoiseField, Wander
from bodydouble.synth.street import _majority

CAMERA = Camera(width_px=160, height_px=90, focal_px=153.0, height_m=3.4, pitch_rad=0.19)
FPS = 25.0


def test_rays_and_projection_agree() -> None:
    rays = CAMERA.rays(slice(0, 90))
    for row, column, depth in ((0, 0, 5.0), (89, 159, 1.0), (40, 80, 20.0)):
        point = rays[row, column] * depth + np.array([0, 0, CAMERA.height_m])
        assert CAMERA.project(point.astype(np.float32)) == pytest.approx((column + 0.5, row + 0.5, depth), abs=1e-3)


def test_the_ground_is_where_the_camera_says() -> None:
    y = 9.0
    edge = CAMERA.project(np.array([CAMERA.ground_width_m(y), y, 0], np.float32))
    assert edge[0] == pytest.approx(160, abs=0.01)
    assert CAMERA.project(np.array([0, CAMERA.nearest_ground_m(), 0], np.float32))[1] == pytest.approx(90, abs=0.01)
    twice = CAMERA.scaled(2).project(np.array([1, y, 1.7], np.float32))
    assert twice[:2] == pytest.approx(2 * CAMERA.project(np.array([1, y, 1.7], np.float32))[:2], abs=1e-3)


def test_left_of_the_person_is_right_of_the_camera_when_they_come_towards_it() -> None:
    towards = _turn_to(np.pi)
    assert towards @ np.array([1, 0, 0]) == pytest.approx((1, 0, 0), abs=1e-6)
    assert towards @ np.array([0, -1, 0]) == pytest.approx((0, -1, 0), abs=1e-6)
    to_the_right = _turn_to(np.pi / 2)
    assert to_the_right @ np.array([0, -1, 0]) == pytest.approx((1, 0, 0), abs=1e-6)
    assert np.linalg.det(to_the_right) == pytest.approx(1)


def test_noise_depends_on_place_and_seed_only() -> None:
    field = NoiseField(3)
    u, v = np.random.default_rng(0).uniform(-500, 500, (2, 1000)).astype(np.float32)
    values = field.rough(u, v)
    assert np.all((values >= 0) & (values <= 1))
    assert values.std() > 0.05
    assert np.array_equal(field.rough(u[::-1], v[::-1])[::-1], values)
    assert np.array_equal(NoiseField(3).rough(u, v), values)
    assert not np.array_equal(NoiseField(4).rough(u, v), values)
    near = field.smooth(u, v) - field.smooth(u + np.float32(0.001), v)
    assert np.abs(near).max() < 0.01
    assert np.array_equal(
        field.cells(np.float32(2.1), np.float32(-3.9)), field.cells(np.float32(2.9), np.float32(-3.1))
    )
    times = np.linspace(0, 60, 500)
    assert 0.2 < Wander(1, period_seconds=3).at(times).std() < 2


def test_srgb_there_and_back() -> None:
    values = np.arange(0, 225, dtype=np.uint8)
    assert np.array_equal(to_srgb(to_linear(values)), values)
    bright = to_srgb(np.linspace(0.8, 50, 200, dtype=np.float32))
    assert np.all(np.diff(bright.astype(int)) >= 0)


def _performance(turns: np.ndarray, walking: float = 1.0) -> Performance:
    ones = np.ones_like(turns)
    return Performance(
        seconds=np.linspace(0, 1, len(turns)),
        stride_turns=turns,
        walking=walking * ones,
        talking=0 * ones,
        look_rad=0 * ones,
    )


def test_a_stride_later_the_pose_is_the_same() -> None:
    index = BodyModel.load().bone_index
    turns = np.linspace(0, 1, 7)
    once = rotations(_performance(turns), Manner(seed=1), index)
    assert np.allclose(rotations(_performance(turns + 3), Manner(seed=1), index), once, atol=1e-6)
    still = rotations(_performance(turns, walking=0.0), Manner(seed=1), index)
    assert np.abs(still[:, index["upperleg01.L"]] - still[0, index["upperleg01.L"]]).max() < 0.2


def test_legs_are_half_a_stride_apart_and_arms_swing_against_them() -> None:
    index = BodyModel.load().bone_index
    pose = rotations(_performance(np.array([0.0, 0.5])), Manner(seed=1, still_arm=0, arms=1.0), index)
    right_leg, left_leg = pose[:, index["upperleg01.R"], 0], pose[:, index["upperleg01.L"], 0]
    right_arm, left_arm = pose[:, index["upperarm01.R"], 0], pose[:, index["upperarm01.L"], 0]
    assert right_leg[0] < -0.3 < 0 < right_leg[1]
    assert left_leg[1] < -0.3 < 0 < left_leg[0]
    assert right_arm[0] > 0 > right_arm[1]
    assert left_arm[1] > 0 > left_arm[0]


def test_plant_measures_rise_and_advance() -> None:
    sole = np.array([[0, 0, -0.9], [0.1, 0, -0.9], [0, 0.5, -0.3]], np.float32)
    moved = sole + np.array([0, 0.07, 0.01], np.float32)
    rise, advance = plant(np.stack([sole, moved]))
    assert (rise, advance) == pytest.approx((0.89, 0.07), abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_feet_on_the_ground_do_not_slide(seed: int) -> None:
    walk = Walk(way_xy_m=((-5.0, 9.0), (40.0, 9.0)), speed_mps=1.3)
    person = Person(BodyModel.load(), walk, num_frames=50, fps=FPS, seed=seed)
    figures = person.play(range(25)) + person.play(range(25, 50))
    assert None not in figures
    soles = np.stack([figure.vertices_m[person._soles] for figure in figures if figure is not None])
    lowest = soles[..., 2].min(1)
    assert np.abs(lowest).max() < 1e-3
    slides = []
    for before, now in pairwise(soles):
        touching = (before[:, 2] < 0.02) & (now[:, 2] < 0.02)
        slides.append(np.abs((now - before)[touching, :2].mean(0)).max() if touching.any() else 0.0)
    # Walking at 1.3 m/s advances 5.2 cm a frame; a body moved along without its feet would slide by that much. Toes
    # that are about to leave the ground may.
    assert np.quantile(slides, 0.7) < 0.006
    x = np.array([figure.ground_xy_m[0] for figure in figures if figure is not None])
    assert np.diff(x).min() > 0.02, "the body halts at each step"
    assert (x[-1] - x[0]) / (49 / FPS) == pytest.approx(1.3, rel=0.3)


def test_whoever_stands_stays() -> None:
    stand = Stand(place_xy_m=(1.0, 12.0), facing_rad=0.3, talks=True)
    person = Person(BodyModel.load(), stand, num_frames=20, fps=FPS, seed=5)
    places = np.array([figure.ground_xy_m for figure in person.play(range(20)) if figure is not None])
    assert len(places) == 20
    assert np.abs(places - (1.0, 12.0)).max() < 0.06


def test_batches_do_not_matter_and_ways_end() -> None:
    walk = Walk(way_xy_m=((0.0, 9.0), (0.5, 9.0)), speed_mps=1.5)
    whole = Person(BodyModel.load(), walk, num_frames=30, fps=FPS, seed=2).play(range(30))
    pieces = Person(BodyModel.load(), walk, num_frames=30, fps=FPS, seed=2)
    parts = [figure for start in range(0, 30, 7) for figure in pieces.play(range(start, min(start + 7, 30)))]
    assert [figure is None for figure in whole] == [figure is None for figure in parts]
    assert whole[0] is not None
    assert whole[-1] is None
    for one, other in zip(whole, parts, strict=True):
        if one is not None and other is not None:
            assert np.allclose(one.vertices_m, other.vertices_m, atol=1e-5)


def test_corners_are_rounded() -> None:
    path = np.array([[0, 0], [5, 0], [5, 5]], float)
    headings = [_on_way(path, s)[1] for s in np.linspace(0, 9.9, 100)]  # type: ignore[index]
    assert headings[0] == pytest.approx(np.pi / 2)
    assert headings[-1] == pytest.approx(0)
    assert np.abs(np.diff(headings)).max() < 0.3
    assert _on_way(path, 10.01) is None


@pytest.mark.parametrize("num_people", [0, 1, 2, 7, 30])
def test_an_ordinary_day_has_as_many_parts_as_asked(num_people: int) -> None:
    parts = ordinary_day(CAMERA, num_people=num_people, seconds=4.0, pole_x_m=0.5, seed=1)
    assert len(parts) == num_people
    assert all(part.is_normal_at(1.0) for part in parts)
    assert parts == ordinary_day(CAMERA, num_people=num_people, seconds=4.0, pole_x_m=0.5, seed=1)


def test_a_pixel_belongs_to_whoever_fills_half_of_it() -> None:
    combinations = list(product((0, 1, 2, 9), repeat=4))
    blocks = np.array(combinations, np.uint8).reshape(-1, 2, 2)
    owner = np.concatenate(list(blocks), axis=1)
    labels = _majority(owner)[0]
    for values, label in zip(combinations, labels, strict=True):
        halves = [person for person in (1, 2, 9) if values.count(person) >= 2]
        assert label == (max(halves) if halves else 0), values
