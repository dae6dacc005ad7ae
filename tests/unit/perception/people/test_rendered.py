"""The project's own finder: how it looks, told by networks whose answers are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.config import PeopleConfig, PerceptionConfig
from bodydouble.perception.networks import weights_folder
from bodydouble.perception.people.factory import make_finder
from bodydouble.perception.people.rendered import RenderedPeopleFinder
from bodydouble.perception.person import Joints, SeparateReaders
from bodydouble.perception.person_backends import make_rendered_reader, rendered_part


class Heights:
    """Takes white rectangles for people, 8 px beyond them; remembers the pictures it was shown."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        self.shapes.append(rgb.shape)
        white = rgb[0, :, :, 0] >= 128
        rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
        scores = np.zeros((1, 1, rgb.shape[1] // 4, rgb.shape[2] // 4), np.float32)
        boxes = np.zeros((1, 4, *scores.shape[2:]), np.float32)
        if len(rows):
            box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            row, column = (box[1] + box[3]) // 8, (box[0] + box[2]) // 8
            scores[0, 0, row, column], boxes[0, :, row, column] = 0.9, box
        return [scores, boxes]


def finder() -> tuple[RenderedPeopleFinder, Heights]:
    made = RenderedPeopleFinder(PeopleConfig(), folder=weights_folder(""), judge=None)
    network = Heights()
    made._network = network  # type: ignore[assignment]
    return made, network


def frame(height: int, top: int, left: int) -> npt.NDArray[np.uint8]:
    rgb = np.full((608, 736, 3), 90, np.uint8)
    rgb[top : top + height, left : left + height // 2] = 255
    return rgb


def test_coarser_looks_only_where_somebody_is_tall_enough() -> None:
    for height, looks in ((0, 1), (60, 1), (80, 2), (110, 3), (400, 4)):
        made, network = finder()
        made.find(frame(height, 100, 200))
        assert len(network.shapes) == looks, height
    made, network = finder()
    made.find(frame(80, 100, 200))
    assert network.shapes[1][1] * network.shapes[1][2] < network.shapes[0][1] * network.shapes[0][2] / 4


@pytest.mark.parametrize("place", [(0, 0), (100, 200), (408, 636), (170, 333)])
def test_a_look_at_a_part_answers_in_pixels_of_the_frame(place: tuple[int, int]) -> None:
    made, network = finder()
    top, left = place
    boxes, _ = made.candidates(frame(200, top, left))
    assert len(boxes) == len(network.shapes) == 4
    assert np.abs(boxes - [left, top, left + 100, top + 200]).max() < 3.5
    assert all(side % 32 == 0 for shape in network.shapes for side in shape[1:3])


class Poses:
    def joints(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> Joints:
        return Joints(xy_px=np.zeros((len(boxes), 18, 2), np.float32), scores=np.zeros((len(boxes), 18), np.float32))


def test_the_judge_is_the_reader_or_the_part_of_it_that_can_judge() -> None:
    config = PerceptionConfig()
    own = make_rendered_reader(config)
    assert rendered_part(own) is own
    mixed = SeparateReaders(silhouettes=own, poses=Poses())
    assert rendered_part(mixed) is own
    made = make_finder(config, mixed)
    assert isinstance(made, RenderedPeopleFinder)
    assert made._judge is own
    assert rendered_part(SeparateReaders(silhouettes=Poses(), poses=Poses())) is None  # type: ignore[arg-type]


def test_without_a_second_look_the_per_person_network_is_not_loaded() -> None:
    made = make_finder(PerceptionConfig(people=PeopleConfig(second_look=False)), None)
    assert isinstance(made, RenderedPeopleFinder)
    assert made._judge is None
