"""Clothes and hair: every word is a thing of its own, nothing gapes, and less detail looks the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.casting.palette import VOCABULARY
from bodydouble.generation.avatar.draw import Framing, draw, lamp_of
from bodydouble.generation.avatar.figure import figure_of
from bodydouble.generation.avatar.mesh import CELLS_M, Outfit
from bodydouble.generation.avatar.physique import Physique
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES, Floats, forward
from bodydouble.generation.avatar.wardrobe import BOTTOMS, TOPS, dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Appearance, Light
from tests.unit.generation.looks import PLAIN, body_of

MAGENTA, GREEN = (255, 0, 255), (0, 200, 0)
WORDS = ("top", "bottom", "shoes", "hair_type", "facial_hair", "top_pattern", "headwear", "eyewear", "bag")


def body(age_years: int = 40) -> Physique:
    return body_of(dataclasses.replace(PLAIN, age_years=age_years))


def outfit_of(look: Appearance) -> Outfit:
    return dress(BodyModel.load(), body(look.age_years), look, 5)


def picture(outfit: Outfit, angles: Floats, *, height_px: float = 180.0, age_years: int = 40) -> np.ndarray:
    """RGBA in a frame twice as high as the double."""
    skeleton = body(age_years).skeleton
    size = int(2 * height_px)
    sprite = draw(
        outfit, skeleton, forward(skeleton, angles[None]), 0, lamp=lamp_of(Light()), frame_size_px=(size, size),
        config=AvatarConfig(), seed=5,
        framing=Framing(
            elevation_rad=np.array([0.15]), scale_px_per_m=np.array([height_px / 1.75]),
            root_px=np.array([[size / 2, size / 2]]),
        ),
    )  # fmt: skip
    frame = np.zeros((size, size, 4), np.uint8)
    rows, columns = sprite.rgba.shape[:2]
    frame[sprite.top_px : sprite.top_px + rows, sprite.left_px : sprite.left_px + columns] = sprite.rgba
    return frame


def angles_of(**values: float) -> Floats:
    angles = np.zeros(NUM_ANGLES)
    for name, value in values.items():
        for side in (".L", ".R") if f"{name}.L" in ANGLE_INDEX else ("",):
            angles[ANGLE_INDEX[f"{name}{side}"]] = value
    return angles


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference of colour over alpha, per pixel of the first double, 0 to 255."""
    a, b = (p[..., :3].astype(float) * (p[..., 3:] / 255) for p in (first, second))
    silhouettes = np.abs(first[..., 3].astype(float) - second[..., 3]).sum()
    return float((np.abs(a - b).mean(-1).sum() + silhouettes) / (first[..., 3] > 0).sum())


@pytest.mark.parametrize("attribute", WORDS)
def test_every_word_looks_like_nothing_else(attribute: str) -> None:
    aslant = angles_of(yaw=0.7)
    base = dataclasses.replace(PLAIN, headwear="none")
    pictures = {
        word: picture(outfit_of(dataclasses.replace(base, **{attribute: word})), aslant)  # type: ignore[arg-type]
        for word in VOCABULARY[attribute]
    }
    small = {"eyewear": 0.06, "facial_hair": 0.04, "shoes": 0.06}.get(attribute, 0.5)
    for first in pictures:
        for second in pictures:
            if first < second:
                assert difference(pictures[first], pictures[second]) > small, (first, second)


def test_the_wardrobe_has_every_word_of_the_palette() -> None:
    assert set(TOPS) == set(VOCABULARY["top"])
    assert {*BOTTOMS, "skirt", "dress"} == set(VOCABULARY["bottom"])


def test_the_same_look_gives_the_same_pixels_in_every_level_of_detail() -> None:
    look = dataclasses.replace(
        PLAIN, top="coat", headwear="hat", bag="backpack", eyewear="glasses", facial_hair="beard"
    )
    walking = angles_of(yaw=2.0, leg_swing=0.3, knee=0.4)
    for height in (30.0, 90.0, 250.0):
        first, second = (picture(outfit_of(look), walking, height_px=height) for _ in range(2))
        assert np.array_equal(first, second)


@pytest.mark.parametrize("cell", [cell for cell in CELLS_M if cell])
def test_less_detail_keeps_the_silhouette_and_the_colours(cell: float) -> None:
    """At the largest scale that a level is used for, against all detail there is."""
    outfit = outfit_of(dataclasses.replace(PLAIN, hair_type="long", top="hoodie", bottom="shorts"))
    pose = angles_of(yaw=0.9, arm_out=0.4, elbow=0.8, leg_swing=0.3)
    height = 1.75 * 0.449 / cell
    assert outfit.at(height / 1.75) is outfit.level(cell)
    coarse = picture(outfit, pose, height_px=height)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outfit, "at", lambda _: outfit.level(0.0))
        fine = picture(outfit, pose, height_px=height)
    a, b = (p[..., 3] > 127 for p in (coarse, fine))
    assert (a & b).sum() / (a | b).sum() > 0.97
    both = a & b
    assert np.abs(coarse[both][:, :3].astype(float).mean(0) - fine[both][:, :3].mean(0)).max() < 5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("top", "bottom"), [("T-shirt", "shorts"), ("coat", "dress"), ("hoodie", "jeans")])
def test_clothes_leave_no_hole_in_the_body(top: str, bottom: str, seed: int) -> None:
    """Whatever the pose: where there is a body there is a double."""
    rng = np.random.default_rng(seed)
    pose = angles_of(yaw=float(rng.uniform(0, 6)), bend=0.3 * float(rng.random()))
    for side in "LR":
        for name, most in (("arm_swing", 0.9), ("arm_out", 0.9), ("elbow", 1.4), ("leg_swing", 0.6), ("knee", 1.0)):
            pose[ANGLE_INDEX[f"{name}.{side}"]] = most * float(rng.random())
    figure = figure_of(BodyModel.load(), body())
    naked = picture(Outfit([figure.skin(figure.faces, np.ones_like(figure.points))]), pose)[..., 3] > 127
    dressed = picture(outfit_of(dataclasses.replace(PLAIN, top=top, bottom=bottom)), pose)[..., 3] > 127
    # Toes apart, which shoes close up: a pixel here and there at edges.
    assert (naked & ~dressed).sum() < 0.006 * naked.sum()


@pytest.mark.parametrize("age_years", [8, 40])
@pytest.mark.parametrize("yaw", [0.0, 0.5, 3.1])
def test_no_skin_shows_through_cloth(age_years: int, yaw: float) -> None:
    look = dataclasses.replace(
        PLAIN, age_years=age_years, skin_rgb=MAGENTA, top_rgb=GREEN, bottom_rgb=GREEN, shoes_rgb=GREEN, shoes="boots"
    )
    pose = angles_of(yaw=yaw, arm_out=1.2, leg_swing=0.4, knee=0.5)
    frame = picture(outfit_of(look), pose, age_years=age_years)
    pink = (frame[..., 0] > frame[..., 1].astype(int) + 40) & (frame[..., 3] == 255)
    rows = np.flatnonzero((frame[..., 3] > 127).any(1))
    # Arms are held out: below the shoulders nothing but sleeves, cloth and boots is near the middle.
    middle = slice(150, 210)
    chest = rows[0] + int(0.36 * len(rows))
    assert pink[:chest].any()
    assert not pink[chest:, middle].any()


def test_a_hijab_covers_all_hair_and_a_cap_presses_it_flat() -> None:
    front = angles_of(yaw=0.6)
    look = dataclasses.replace(PLAIN, hair_rgb=MAGENTA, hair_type="long", gender="woman")

    def hair_px(**changes: str) -> int:
        frame = picture(outfit_of(dataclasses.replace(look, **changes)), front)  # type: ignore[arg-type]
        return int(
            ((frame[..., 0] > frame[..., 1].astype(int) + 60) & (frame[..., 2] > frame[..., 1].astype(int) + 60)).sum()
        )

    free, capped, covered = hair_px(), hair_px(headwear="cap"), hair_px(headwear="hijab")
    assert free > capped > 20
    assert covered < 12  # The brows have the colour of hair.
