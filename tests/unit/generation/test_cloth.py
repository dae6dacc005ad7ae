"""Cloth close up: garments are whole where their parts meet, hems are round, and folds belong to cloth and pose."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.generation.avatar import draw as drawing
from bodydouble.generation.avatar.cloth import limb_of
from bodydouble.generation.avatar.draw import Framing, draw, lamp_of
from bodydouble.generation.avatar.figure import figure_of
from bodydouble.generation.avatar.folds import fold_chart, folded
from bodydouble.generation.avatar.gait import gait_angles
from bodydouble.generation.avatar.garments import leg_layers, top_layers
from bodydouble.generation.avatar.hanging import trunk_drape
from bodydouble.generation.avatar.mesh import Material, Outfit, Pattern
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES, Floats, forward
from bodydouble.generation.avatar.surfaces import LEGS, second
from bodydouble.generation.avatar.wardrobe import BOTTOMS, TOPS, dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Light
from tests.unit.generation.looks import PLAIN, body_of

LOOK = dataclasses.replace(PLAIN, gender="woman", bottom="jeans", top_rgb=(0, 200, 0), bottom_rgb=(0, 0, 200))
STRIDE = np.linspace(0, 2 * np.pi, 6, endpoint=False)


def body() -> Physique:
    return body_of(LOOK)


@cache
def outfit_of(top: str = "jumper", bottom: str = "jeans") -> Outfit:
    return dress(BodyModel.load(), body(), dataclasses.replace(LOOK, top=top, bottom=bottom), 5)


def angles_of(**values: float) -> Floats:
    angles = np.zeros(NUM_ANGLES)
    for name, value in values.items():
        for side in (".L", ".R") if f"{name}.L" in ANGLE_INDEX else ("",):
            angles[ANGLE_INDEX[f"{name}{side}"]] = value
    return angles


def walking(phase: float, yaw: float) -> Floats:
    """Arms held out, so that they hide nothing."""
    angles = gait_angles(np.array(phase), np.array(1.0))
    angles[ANGLE_INDEX["yaw"]] = yaw
    for side in "LR":
        angles[ANGLE_INDEX[f"arm_out.{side}"]] = 1.3
        angles[ANGLE_INDEX[f"arm_swing.{side}"]] = 0.0
    return angles


def picture(outfit: Outfit, angles: Floats, height_px: float) -> np.ndarray:
    """RGBA in a frame of 2 m, hips in its middle."""
    skeleton, scale = body().skeleton, height_px / 1.75
    size = int(2 * scale)
    sprite = draw(
        outfit, skeleton, forward(skeleton, angles[None]), 0, lamp=lamp_of(Light()), frame_size_px=(size, size),
        config=AvatarConfig(), seed=5,
        framing=Framing(
            elevation_rad=np.zeros(1), scale_px_per_m=np.array([scale]), root_px=np.array([[size / 2, size / 2]])
        ),
    )  # fmt: skip
    frame = np.zeros((size, size, 4), np.uint8)
    top, left = max(sprite.top_px, 0), max(sprite.left_px, 0)
    part = sprite.rgba[top - sprite.top_px :, left - sprite.left_px :][: size - top, : size - left]
    frame[top : top + part.shape[0], left : left + part.shape[1]] = part
    return frame


def ways_of(outfit: Outfit, angles: Floats) -> np.ndarray:
    """(N, 9): `Outfit.fold_ways` of all detail in a pose."""
    dressed = outfit.level(0.0)
    poses = forward(body().skeleton, angles[None])
    points = drawing.posed_vertices(dressed, body().skeleton, poses, 0, np.eye(3))
    return outfit.fold_ways(dressed, points)


@pytest.mark.parametrize("top", ["T-shirt", "jumper", "shirt", "hoodie"])
@pytest.mark.parametrize("yaw", [0.0, 1.57])
def test_tops_leave_no_gap_over_trousers_and_no_step_in_the_outline(top: str, yaw: float) -> None:
    outfit = outfit_of(top)
    for phase in STRIDE:
        frame = picture(outfit, walking(phase, yaw), 400.0)
        middle = frame.shape[0] // 2
        solid = frame[..., 3] > 127
        for row in range(middle - 50, middle):
            columns = np.flatnonzero(solid[row])
            assert columns.size == np.ptp(columns) + 1, (phase, row)
        green = solid & (frame[..., 1] > frame[..., 2].astype(int) + 15)
        edges = [np.flatnonzero(green[row])[[0, -1]] for row in range(middle - 50, middle) if green[row].sum() > 20]
        inner = np.array(edges)  # Above all hems.
        assert np.abs(np.diff(inner, axis=0)).max() <= 2, phase


@pytest.mark.parametrize("top", list(TOPS))
def test_the_shell_of_a_top_lies_under_its_hanging_part(top: str) -> None:
    """Not a millimetre over it, or it shows as dark teeth at the hips; and no more than a finger under its edge."""
    figure, cut = figure_of(BodyModel.load(), body()), TOPS[top]
    shell, tube = top_layers(figure, cut, np.ones_like(figure.points), Pattern(), 5)
    edge, hem = tube.vertices_m[:, 2].max(), tube.vertices_m[:, 2].min()
    hang = trunk_drape(figure, ease_m=cut.ease_m * figure.size, slack=cut.slack, flare=0.0, bottom_m=hem - 0.05)
    used = np.unique(shell.faces)
    points = shell.vertices_m[used[figure.within(Part.TORSO, Part.HIPS, Part.THIGH)[used]]]
    points = points[points[:, 2] < edge - 0.01]
    angle, radius = hang.polar(points)
    under_m = hang.at(points[:, 2], angle) - radius
    assert len(points) > 50
    assert under_m.min() > 0.001
    assert under_m.max() < 0.025


@pytest.mark.parametrize("bottom", ["jeans", "trousers", "shorts"])
def test_hems_of_trousers_are_round(bottom: str) -> None:
    figure, cut = figure_of(BodyModel.load(), body()), BOTTOMS[bottom]
    (layer,) = leg_layers(figure, cut, np.ones_like(figure.points), 3)
    for side, sign in (("L", 1), ("R", -1)):
        own = np.unique(layer.faces[(layer.vertices_m[layer.faces, 0] * sign > 0).all(1)])
        place, axis = limb_of(figure.physique.skeleton, "leg", side).locate(layer.vertices_m[own])
        hem = np.abs(place - cut.hem) < 0.01
        radius = np.linalg.norm(layer.vertices_m[own] - axis, axis=1)[hem]
        assert hem.sum() > 8
        assert place.max() < cut.hem + 0.01
        assert np.ptp(radius) < 0.006 * figure.size


def test_folds_are_the_same_in_the_same_pose_and_change_smoothly_with_it() -> None:
    outfit = outfit_of()
    steps = [ways_of(outfit, angles_of(knee=bend)) for bend in np.linspace(0.0, 1.4, 36)]
    assert np.array_equal(steps[17], ways_of(outfit, angles_of(knee=0.68)))
    bunched = np.stack([step[:, 2] for step in steps])
    assert np.abs(np.diff(bunched, axis=0)).max() < 0.35
    # Where folds are on the cloth never changes.
    assert all(np.array_equal(step[:, :2], steps[0][:, :2]) for step in steps)


def test_a_bent_knee_folds_inside_and_is_smooth_outside() -> None:
    outfit = outfit_of()
    dressed = outfit.level(0.0)
    denim = dressed.surfaces[dressed.surface, 0] == int(Material.DENIM)
    place, axis = limb_of(body().skeleton, "leg", "L").locate(dressed.vertices_m.astype(float))
    near = denim & (np.abs(place - 1) < 0.12) & (dressed.vertices_m[:, 0] > 0)
    behind = dressed.vertices_m[:, 1] - axis[:, 1] > 0.02
    ahead = dressed.vertices_m[:, 1] - axis[:, 1] < -0.02
    straight, bent = (ways_of(outfit, angles_of(knee=bend))[:, 2] for bend in (0.0, 1.3))
    assert bent[near & behind].mean() > straight[near & behind].mean() + 0.3
    assert bent[near & ahead].mean() < straight[near & ahead].mean() - 0.1


def test_the_chart_of_folds_closes_on_itself() -> None:
    chart = fold_chart()
    inside = np.abs(np.diff(chart, axis=0)).max((0, 1)), np.abs(np.diff(chart, axis=1)).max((0, 1))
    assert (np.abs(chart[0] - chart[-1]).max(0) <= inside[0]).all()
    assert (np.abs(chart[:, 0] - chart[:, -1]).max(0) <= inside[1]).all()


def test_folds_tip_the_normal_across_their_ridge_and_darken_valleys() -> None:
    chart = fold_chart()
    size = chart.shape[0]
    lights = []
    for row, column in np.ndindex(8, 8):
        texel = chart[row * size // 8, column * size // 8]
        ways = np.zeros((1, 9), np.float32)
        ways[0, :2] = np.array([column, row]) * 0.64 / 8
        ways[0, 2:] = [0.5, 1, 0, 0, 0, 0, 1]
        one = np.float32(1)
        x, y, z, light = folded(ways, chart, 0, 0, 0, one, 0 * one, 0 * one, int(Material.WOVEN))
        assert y == 0
        assert z == pytest.approx(-(1.1 * texel[1] + 0.5 * texel[4]), abs=0.02)
        assert x == pytest.approx(-(1.1 * texel[0] + 0.5 * texel[3]), abs=0.02)
        lights.append(light)
    assert min(lights) < 0.9
    assert max(lights) <= 1.11


@pytest.mark.parametrize(("top", "bottom"), [("T-shirt", "dress"), ("jumper", "skirt")])
def test_skirts_stay_closed_in_a_stride(top: str, bottom: str) -> None:
    outfit = outfit_of(top, bottom)
    dressed = outfit.level(0.0)
    first, rows, columns = dressed.grids[0]
    for phase in STRIDE:
        poses = forward(body().skeleton, walking(phase, 0.0)[None])
        points = drawing.posed_vertices(dressed, body().skeleton, poses, 0, np.eye(3))
        grid = points[first : first + rows * columns].reshape(rows, columns, 3)
        assert np.abs(grid[:, 0] - grid[:, -1]).max() < 1e-3


def test_clothes_do_not_pop_where_detail_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    outfit = outfit_of("jacket", "trousers")
    begins = drawing._FINE_PX_PER_M[0]
    above = picture(outfit, walking(1.0, 0.5), 1.75 * (begins + 0.02))
    monkeypatch.setattr(drawing, "_FINE_PX_PER_M", (begins + 50, begins + 180))
    control = picture(outfit, walking(1.0, 0.5), 1.75 * (begins + 0.02))
    seen = control[..., 3] > 0
    change = np.abs(above.astype(int) - control)[seen]
    assert 0 < change.mean() < 1.5


def test_seams_are_as_dark_as_they_are_wide() -> None:
    """Over a band around a seam, whatever the size of a sample: no popping."""
    row = np.array([0, LEGS, -5.0, 0.002, 0, 0, 0], np.float32)
    across = np.linspace(0.15, 0.24, 901)
    shares = [np.mean([second(u, 0.0, row, sample) for u in across]) for sample in (0.001, 0.004, 0.01)]
    assert shares[0] > 0.03
    assert max(shares) < 1.1 * min(shares)
