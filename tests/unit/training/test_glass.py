"""People behind glass in training pictures: what the window's edges hide, and who counts as one to find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage", reason="training needs scikit-image")

from training import scenes
from training.backgrounds import Backgrounds
from training.glass import Pane
from training.shards import DrawnBody

SIZE = (144, 192)


class OneBody:
    """A library that holds one upright body in one colour."""

    def __init__(self, colour: int) -> None:
        rgba = np.zeros((100, 40, 4), np.uint8)
        rgba[..., :3], rgba[..., 3] = colour, 255
        joints = np.zeros((18, 3), np.float32)
        joints[:, :2] = np.linspace([5, 5], [35, 95], 18)
        self._body = DrawnBody(rgba=rgba, joints_px=joints, box_px=np.array([0, 0, 40, 100], np.float32))

    def draw(self, rng: np.random.Generator) -> DrawnBody:
        return self._body


@pytest.fixture(scope="module")
def places() -> Backgrounds:
    return Backgrounds(np.random.default_rng(1), Path("nowhere"), size_hw_px=(200, 260), count=4)


@pytest.mark.parametrize("seed", range(12))
def test_a_window_shows_only_what_is_between_its_edges(places: Backgrounds, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), 0.5, np.float32)
    pane = Pane(image, places, rng)
    before = image.copy()

    def everywhere(picture: np.ndarray) -> None:
        picture += 1.0

    seen, contrast = pane.inside(image, everywhere)
    assert seen.any()
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert seen.sum() == len(rows) * len(columns), "a rectangle"
    assert seen.sum() < image[..., 0].size
    np.testing.assert_array_equal(image[~seen], before[~seen])
    assert 0.5 < contrast <= 1.0, "less the brighter the street's reflection is"


def test_people_in_the_room_have_whole_boxes_and_hidden_legs(
    places: Backgrounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_GLASS", 1.0)
    monkeypatch.setattr(scenes, "_places", lambda height, width, rng: [])
    found = []
    for seed in range(60):
        made = scenes.make_scene(OneBody(250), places, np.random.default_rng(seed), SIZE)  # type: ignore[arg-type]
        assert made.rgb.shape == (*SIZE, 3)
        assert len(made.boxes_xyxy_px) == len(made.sure)
        found += made.boxes_xyxy_px.tolist()
    boxes = np.array(found)
    assert len(boxes) > 30
    assert (boxes >= 0).all()
    assert (boxes <= [SIZE[1], SIZE[0], SIZE[1], SIZE[0]]).all()


def test_who_can_hardly_be_told_from_the_room_is_nobody_to_find(
    places: Backgrounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_GLASS", 1.0)
    monkeypatch.setattr(scenes, "_places", lambda height, width, rng: [])
    monkeypatch.setattr(scenes, "LEAST_CONTRAST", 2.0)
    made = [scenes.make_scene(OneBody(250), places, np.random.default_rng(seed), SIZE) for seed in range(20)]  # type: ignore[arg-type]
    assert sum(len(scene.sure) for scene in made) > 5
    assert not any(scene.sure.any() for scene in made)
