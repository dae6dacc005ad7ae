"""Renders of doubles for the perception networks: what is stored, read again, mirrored and lit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage", reason="training needs scikit-image")

from training.doubles import DoublesConfig, draw_double, draw_elevations, draw_lamp, looks_of, render_shard
from training.dress import Light
from training.figures import figure_of
from training.shards import Body, DrawnBody, RenderLibrary, mirrored

from bodydouble.body.model import BodyModel
from bodydouble.generation.avatar.draw import Framing
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES, forward
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.scene.skeleton import JOINT_INDEX

CONFIG = DoublesConfig(looks=2, acts=1)
LIGHT = Light(direction=np.array([0, -1, 0], np.float32), ambient=0.7, key=0.5, tint=np.ones(3, np.float32))


def _body(height: int = 40, width: int = 20) -> DrawnBody:
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[4:, 2:10] = (200, 100, 50, 255)
    joints = np.zeros((18, 3), np.float32)
    joints[:, 0], joints[:, 1] = np.arange(18), np.arange(18) + 10
    return DrawnBody(rgba=rgba, joints_px=joints, box_px=np.array([0, 0, width, height], np.float32))


def test_a_double_knows_which_of_its_joints_are_seen():
    model, look = BodyModel.load(), looks_of(CONFIG, 1)[0]
    physique = build_physique(model, phenotype_of(look, 3))
    outfit = dress(model, physique, look, 3)
    angles = np.zeros((3, NUM_ANGLES))
    angles[1, ANGLE_INDEX["yaw"]] = np.pi
    framing = Framing(elevation_rad=np.zeros(3), scale_px_per_m=np.full(3, 110.0), root_px=np.full((3, 2), 400.0))
    lamp = draw_lamp(np.random.default_rng(0))
    poses = forward(physique.skeleton, angles)
    front, back = (draw_double(outfit, physique.skeleton, poses, k, framing, lamp, 3) for k in (0, 1))
    assert front is not None
    assert back is not None
    nose, left, right = (JOINT_INDEX[name] for name in ("nose", "left_shoulder", "right_shoulder"))
    assert (front.joints_px[nose, 2], back.joints_px[nose, 2]) == (1, 0)
    assert front.joints_px[left, 0] > front.joints_px[right, 0], "who faces us has the left side on our right"
    assert back.joints_px[left, 0] < back.joints_px[right, 0]
    for double in (front, back):
        height, width = double.rgba.shape[:2]
        assert (double.joints_px[:, :2] >= 0).all()
        assert (double.joints_px[:, :2] <= [width, height]).all()
        edges = double.rgba[0, :, 3].max(), double.rgba[-1, :, 3].max(), double.rgba[:, 0, 3].max()
        assert min(edges) > 8, "cut to what is drawn"
    gone = Framing(elevation_rad=np.zeros(3), scale_px_per_m=np.full(3, 110.0), root_px=np.full((3, 2), -900.0))
    assert draw_double(outfit, physique.skeleton, poses, 0, gone, lamp, 3) is None


def test_nobody_has_a_bag_and_looks_depend_on_seed_and_shard():
    looks = looks_of(DoublesConfig(looks=40), 2)
    assert {look.bag for look in looks} == {"none"}
    assert looks == looks_of(DoublesConfig(looks=40), 2)
    assert looks != looks_of(DoublesConfig(looks=40), 3)
    assert looks != looks_of(DoublesConfig(looks=40, seed=1), 2)


def test_half_of_them_are_seen_from_eye_level():
    elevations = draw_elevations(np.random.default_rng(1), 4000)
    assert 0.4 < (elevations < 0.1).mean() < 0.6
    assert elevations.max() < 0.95


def test_shards_come_back_as_they_were_drawn(tmp_path: Path):
    render_shard(BodyModel.load(), replace(CONFIG, out=tmp_path), 1)
    library = RenderLibrary(tmp_path, held_out=False)
    assert 6 <= len(library) <= 12
    rng = np.random.default_rng(0)
    for _ in range(20):
        body = library.draw(rng)
        assert isinstance(body, DrawnBody)
        height, width = body.rgba.shape[:2]
        assert body.box_px.tolist() == [0, 0, width, height]
        assert body.rgba[..., 3].max() == 255
        assert (body.joints_px[:, :2] >= -1).all()
        assert (body.joints_px[:, :2] <= [width + 1, height + 1]).all()
    assert len(RenderLibrary(tmp_path, held_out=True)) == 0


def _write_shard(stem: Path, pictures: np.ndarray, **more: np.ndarray) -> None:
    pictures.tofile(stem.with_suffix(".bin"))
    size = pictures[0].size
    np.savez(
        stem.with_suffix(".npz"), offsets=np.arange(len(pictures)) * size, shapes=[p.shape[:2] for p in pictures],
        joints=np.zeros((len(pictures), 18, 3), np.float32), **more,
    )  # fmt: skip


def test_doubles_and_uncoloured_bodies_are_drawn_by_their_share(tmp_path: Path):
    _write_shard(tmp_path / "shard_01", np.ones((3, 6, 4, 5), np.uint8), boxes=np.zeros((3, 4), np.float32))
    _write_shard(tmp_path / "doubles_01", np.ones((2, 6, 4, 4), np.uint8))
    _write_shard(tmp_path / "doubles_00", np.ones((2, 6, 4, 4), np.uint8))
    rng = np.random.default_rng(0)
    library = RenderLibrary(tmp_path, held_out=False, drawn_share=0.25)
    assert len(library) == 5
    kinds = [isinstance(library.draw(rng), DrawnBody) for _ in range(400)]
    assert 0.18 < np.mean(kinds) < 0.32
    held_out = RenderLibrary(tmp_path, held_out=True, drawn_share=0.25)
    assert len(held_out) == 2
    assert isinstance(held_out.draw(rng), DrawnBody)


def test_a_mirrored_double_swaps_left_and_right():
    body = _body()
    other = mirrored(body)
    assert isinstance(other, DrawnBody)
    left, right = JOINT_INDEX["left_knee"], JOINT_INDEX["right_knee"]
    assert other.joints_px[left, 0] == 20 - body.joints_px[right, 0]
    assert np.array_equal(other.rgba[:, ::-1], body.rgba)
    assert np.array_equal(mirrored(other).joints_px, body.joints_px)  # type: ignore[union-attr]


@pytest.mark.parametrize("height_px", [12.0, 37.0, 90.0])
def test_a_double_in_a_scene_has_the_height_and_the_light_asked_for(height_px: float):
    rng = np.random.default_rng(0)
    figures = [figure_of(_body(), height_px, LIGHT, rng) for _ in range(30)]
    for figure in figures:
        assert abs(figure.box_px[3] - height_px) <= 0.5
        assert figure.alpha.shape == figure.rgb.shape[:2]
        assert np.array_equal(figure.alpha, figure.person)
        assert abs(figure.joints_px[0, 1] - 10 * figure.box_px[3] / 40) < 0.01
    reds = [float(figure.rgb[figure.alpha > 0.99][:, 0].mean()) for figure in figures]
    assert 0.55 < np.mean(reds) / (200 / 255) < 1.2
    dark = Light(direction=LIGHT.direction, ambient=0.2, key=0.1, tint=LIGHT.tint)
    assert float(figure_of(_body(), height_px, dark, rng).rgb.max()) < 0.6 * np.mean(reds)


def test_an_uncoloured_body_is_still_dressed():
    pixels = np.full((40, 20, 5), 128, np.uint8)
    pixels[..., 0] = 3
    body = Body(pixels=pixels, joints_px=np.zeros((18, 3), np.float32), box_px=np.array([0, 0, 20, 40], np.float32))
    figure = figure_of(body, 40.0, LIGHT, np.random.default_rng(0))
    assert figure.alpha.min() == 1
    assert figure.rgb.std() > 0
