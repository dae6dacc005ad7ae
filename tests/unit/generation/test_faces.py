"""Heads close up: whiskers and hair thin out, lips stay free, faces differ, and nothing pops as a head grows."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.body.parts import Part
from bodydouble.generation.avatar import draw as drawing
from bodydouble.generation.avatar.character import with_character
from bodydouble.generation.avatar.chart import chart_of, places
from bodydouble.generation.avatar.complexion import paint_chart
from bodydouble.generation.avatar.draw import Framing, draw, lamp_of
from bodydouble.generation.avatar.features import (
    Features,
    features_of,
    hairline_m,
    is_inside_mouth,
    lip_borders_m,
    lip_density,
    whisker_density,
)
from bodydouble.generation.avatar.figure import Figure, figure_of
from bodydouble.generation.avatar.head import complexion_of
from bodydouble.generation.avatar.headwear import headwear_layers
from bodydouble.generation.avatar.mesh import Outfit, linear
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import NUM_ANGLES, forward
from bodydouble.generation.avatar.skull import COLUMNS, Skull, skull_of, turns
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Appearance, Light
from tests.unit.generation.looks import PLAIN, body_of

MAN = PLAIN
AGES = (7, 40, 75)


def body(age_years: int = 40) -> Physique:
    return body_of(dataclasses.replace(MAN, age_years=age_years))


@cache
def head(age_years: int = 40) -> tuple[Figure, Skull, Features]:
    figure = figure_of(BodyModel.load(), body(age_years))
    skull = skull_of(figure)
    return figure, skull, features_of(figure, skull)


def outfit_of(look: Appearance, seed: int = 5) -> Outfit:
    return dress(BodyModel.load(), body(look.age_years), look, seed)


def picture(outfit: Outfit, scale_px_per_m: float, *, age_years: int = 40) -> np.ndarray:
    """RGBA of a double from the front, around the head, in a frame of 0.36 m."""
    skeleton = body(age_years).skeleton
    size, eye_m = int(0.36 * scale_px_per_m), float(skeleton.joints_m[14, 2])
    sprite = draw(
        outfit, skeleton, forward(skeleton, np.zeros((1, NUM_ANGLES))), 0, lamp=lamp_of(Light()),
        frame_size_px=(size, size), config=AvatarConfig(), seed=5,
        framing=Framing(
            elevation_rad=np.zeros(1), scale_px_per_m=np.array([scale_px_per_m]),
            root_px=np.array([[size / 2, size / 2 + eye_m * scale_px_per_m]]),
        ),
    )  # fmt: skip
    frame = np.zeros((size, size, 4), np.uint8)
    top, left = max(sprite.top_px, 0), max(sprite.left_px, 0)
    part = sprite.rgba[top - sprite.top_px :, left - sprite.left_px :][: size - top, : size - left]
    frame[top : top + part.shape[0], left : left + part.shape[1]] = part
    return frame


@pytest.mark.parametrize("age_years", AGES)
@pytest.mark.parametrize("kind", ["beard", "moustache"])
def test_whiskers_grow_over_the_lip_and_leave_the_lips_free(kind: str, age_years: int) -> None:
    figure, _, face = head(age_years)
    points = figure.points[figure.within(Part.FACE)]
    density = whisker_density(face, points, kind, 0.0065)
    lips = lip_density(face, points, 0.0001) > 0.99
    # Only the border of the lip, less than a millimetre wide, has any.
    upper, _ = lip_borders_m(face, np.abs(points[:, 0]))
    inner = lips & (points[:, 2] < upper - 0.001 * face.size) & (np.abs(points[:, 0]) < 0.8 * face.mouth_corner[0])
    assert inner.sum() > 20
    assert density[inner].max() < 0.1
    over_lip = 0.5 * (face.upper_lip + face.under_nose) + [0.3 * face.mouth_corner[0], 0, 0]
    assert whisker_density(face, over_lip[None], kind, 0.0065)[0] > 0.9
    assert whisker_density(face, face.eyeball[None], kind, 0.0065)[0] == 0
    chin = whisker_density(face, face.chin[None], kind, 0.0065)[0]
    assert chin > 0.9 if kind == "beard" else chin == 0


def test_a_beard_thins_out_over_a_centimetre_at_the_cheek() -> None:
    _, _, face = head()
    turn = 0.8
    heights = np.linspace(face.between_lips[2] - 0.03, face.nose[2] + 0.01, 400)
    line = np.stack(
        [0 * heights + 0.075 * np.sin(turn), face.centre[1] - 0.075 * np.cos(turn) + 0 * heights, heights], 1
    )
    density = whisker_density(face, line, "beard", 0.0065)
    assert density[0] > 0.99
    assert density[-1] == 0
    assert (np.diff(density) <= 1e-9).all()
    assert 0.006 < np.ptp(heights[(density > 0.05) & (density < 0.95)]) < 0.02


def test_the_hairline_is_no_edge() -> None:
    """Rows of the picture lose their hair one after the other."""
    look = dataclasses.replace(MAN, hair_rgb=(0, 255, 0), facial_hair="none")
    outfit = outfit_of(look)

    def share_of_hair(scale: float) -> np.ndarray:
        frame = picture(outfit, scale).astype(int)
        middle = frame[:, int(0.42 * frame.shape[1]) : int(0.58 * frame.shape[1])]
        eyes = frame.shape[0] // 2
        return ((middle[..., 1] > middle[..., 0] + 30).mean(1))[int(0.4 * eyes) : int(0.85 * eyes)]

    near = share_of_hair(600.0)
    assert ((near > 0.1) & (near < 0.9)).sum() * 1000 / 600 > 8  # Millimetres.


def test_a_head_does_not_pop_where_detail_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    outfit = outfit_of(dataclasses.replace(MAN, facial_hair="beard"))
    begins = drawing._FINE_PX_PER_M[0]
    below, above = (picture(outfit, scale) for scale in (begins - 0.02, begins + 0.02))
    # The same two sizes, with the step of detail elsewhere.
    monkeypatch.setattr(drawing, "_FINE_PX_PER_M", (begins + 50, begins + 180))
    control = picture(outfit, begins + 0.02)
    assert np.array_equal(picture(outfit, begins - 0.02), below)
    seen = control[..., 3] > 0
    change = np.abs(above.astype(int) - control)[seen].mean()
    assert 0 < change < 1.5


@pytest.mark.parametrize("skin_rgb", [(226, 191, 167), (88, 58, 44)])
@pytest.mark.parametrize("facial_hair", ["none", "beard", "moustache"])
def test_the_chart_and_the_vertices_paint_one_face(skin_rgb: tuple[int, int, int], facial_hair: str) -> None:
    outfit = outfit_of(dataclasses.replace(MAN, skin_rgb=skin_rgb, facial_hair=facial_hair))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_FINE_PX_PER_M", (1e4, 2e4))
        coarse = picture(outfit, 300.0).astype(float)
    fine = picture(outfit, 300.0).astype(float)
    size = len(fine)
    face = np.s_[int(0.42 * size) : int(0.8 * size), int(0.36 * size) : int(0.64 * size), :3]
    assert np.abs(coarse[face].mean((0, 1)) - fine[face].mean((0, 1))).max() < 12
    # And the chart is worth its price: it has what vertices have not.
    assert np.abs(np.diff(fine[face], axis=0)).mean() > np.abs(np.diff(coarse[face], axis=0)).mean()


def test_eyes_have_white_iris_and_a_dark_lid_line_on_every_skin() -> None:
    figure, _, face = head()
    for skin_rgb in ((226, 191, 167), (88, 58, 44)):
        look = dataclasses.replace(MAN, skin_rgb=skin_rgb)
        paint = complexion_of(look, linear(skin_rgb), linear(look.hair_rgb), stubble=0.0, seed=3)
        chart = chart_of(figure, face)
        light = paint_chart(chart, face, paint).mean(-1)
        eye = light[chart.is_eye]
        assert chart.is_eye.sum() > 150
        assert np.percentile(eye, 85) > 4 * np.percentile(eye, 20)
        assert np.percentile(eye, 90) < 0.5  # The white of an eye lies in the shade of its lid.
        skin = np.median(light)
        rows, columns = np.nonzero(chart.is_eye)
        over = light[rows.min() - 3 : rows.min() + 2, columns.min() : columns.max()]
        assert over.min() < 0.5 * skin


def test_a_face_is_the_same_every_time_and_differs_between_people() -> None:
    look = dataclasses.replace(MAN, facial_hair="moustache")
    first, again, other = (picture(outfit_of(look, seed), 420.0) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("age_years", AGES)
def test_character_moves_noses_and_jaws_but_neither_eyes_nor_bodies(age_years: int) -> None:
    figure, _, face = head(age_years)
    moved = [with_character(figure, face, age_years, seed) - figure.points for seed in range(6)]
    ways = np.stack([np.linalg.norm(way, axis=1) for way in moved])
    assert ways[:, figure.eyeballs].max() == 0
    assert ways[:, figure.within(Part.TORSO, Part.HAND, Part.FOOT)].max() == 0
    assert ways.max() < 0.012
    chin = ways[:, np.linalg.norm(figure.points - face.chin, axis=1) < 0.004].mean(1)
    assert np.ptp(chin) > 0.001
    assert ways[:, figure.within(Part.FACE)].max(1).min() > 0.0015


@pytest.mark.parametrize("kind", ["cap", "hat", "beanie"])
def test_headwear_ends_in_a_smooth_line(kind: str) -> None:
    """Not in teeth as deep as the steps in which the skull is measured."""
    figure, skull, _ = head()
    crown = headwear_layers(figure, skull, kind, np.full(3, 0.3), 3)[0]
    edge = crown.vertices_m.reshape(-1, COLUMNS, 3)[-2, :, 2]
    around = turns()
    smooth = np.polynomial.polynomial.polyfit(np.cos(around), edge, 1)
    assert np.abs(np.polynomial.polynomial.polyval(np.cos(around), smooth) - edge).max() < 5e-4


def test_nothing_but_the_head_is_on_the_chart() -> None:
    figure, _, face = head()
    place = places(figure, face)
    inside = (place > 0).all(1) & (place < 1).all(1)
    assert inside.sum() > 2000
    assert not inside[figure.within(Part.HAND, Part.TORSO, Part.FOREARM)].any()
    # A face of the mesh that can be seen, not deep in mouth or throat, spans little of the chart: none sweeps across.
    radius = np.hypot(figure.points[:, 0], figure.points[:, 1] - face.centre[1])
    deep = is_inside_mouth(face, figure.points, figure.normals) | (radius < 0.05 * face.size)
    corners = place[figure.faces[inside[figure.faces].any(1) & ~deep[figure.faces].any(1)]]
    assert np.ptp(np.clip(corners[..., 0], 0, 1), axis=1).max() < 0.2


def test_hair_goes_back_at_temples_and_over_the_ears() -> None:
    straight, gone_back = hairline_m(np.deg2rad([0.0, 42.0, 110.0])), hairline_m(np.deg2rad([0.0, 42.0, 110.0]), 0.01)
    assert gone_back[1] - straight[1] == pytest.approx(0.01)
    assert gone_back[0] - straight[0] < 0.001
    assert straight[2] > hairline_m(np.deg2rad(90.0))  # Higher over the ear than the sideburn in front of it.
