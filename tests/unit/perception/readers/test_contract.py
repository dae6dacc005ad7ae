"""Readers of any resolution are the same to the rest of perception."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.backends import BACKENDS
from bodydouble.errors import MissingDependency
from bodydouble.perception import perceive
from bodydouble.perception.config import PerceptionConfig, PoseConfig, SilhouetteConfig
from bodydouble.perception.crops import Crop, crop_of, cut
from bodydouble.perception.geometry import grow, window
from bodydouble.perception.looking import look_at, outline_at
from bodydouble.perception.networks import weights_folder
from bodydouble.perception.person import Joints, PersonReadings, RenderedPersonReader, SeparateReaders, SoftMask
from bodydouble.perception.person_backends import make_reader
from bodydouble.perception.silhouette.compose import compose
from bodydouble.perception.stages import Networks
from bodydouble.scene import SilentProgress
from tests.unit.perception.fakes import RED, ColourFinder, ColourReader, RectClip, coloured, walk


class FinerReader(ColourReader):
    """The colour reader with masks of another size; counts how often people are read."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.size = {"width_px": round(96 * factor), "height_px": round(128 * factor)}
        self.asked: list[npt.NDArray[np.float32]] = []

    def masks(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> list[SoftMask]:
        self.asked.append(boxes)
        crops = [crop_of(box, **self.size) for box in boxes]
        return [
            SoftMask(probabilities=coloured(cut(rgb, crop, **self.size)).astype(np.float32) * 0.9, crop=crop)
            for crop in crops
        ]


class WindowReader:
    """Colour at the frame's own resolution, right around the box: as silhouettes of other models come."""

    def masks(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> list[SoftMask]:
        found = []
        for left, top, right, bottom in (window(box, rgb.shape[1], rgb.shape[0]) for box in grow(boxes, 0.2)):
            own = coloured(rgb[top:bottom, left:right]).astype(np.float32) * 0.9
            found.append(SoftMask(probabilities=own, crop=Crop(left_px=left, top_px=top, scale=1.0)))
        return found


def red_person(top: int, bottom: int) -> npt.NDArray[np.uint8]:
    rgb = np.full((240, 160, 3), 120, np.uint8)
    rgb[top:bottom, 60:90] = RED
    return rgb


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_boxes_grow_alike_at_every_resolution(factor: float) -> None:
    boxes = np.array([[58, 80, 92, 160]], np.float32)
    reader = FinerReader(factor)
    inside = look_at(red_person(82, 158), boxes, reader)
    assert inside.boxes_xyxy_px.tolist() == boxes.tolist()
    assert len(reader.asked) == 1
    feet = look_at(red_person(82, 172), boxes, reader)
    np.testing.assert_allclose(feet.boxes_xyxy_px, [[58, 80, 92, 176]], atol=1e-4)
    np.testing.assert_allclose(reader.asked[-1], feet.boxes_xyxy_px)
    # Joints and silhouette are both of the longer box.
    assert feet.readings.masks[0].crop == crop_of(feet.boxes_xyxy_px[0], **reader.size)
    assert feet.readings.joints.xy_px[0, 0, 1] == pytest.approx(crop_of(feet.boxes_xyxy_px[0]).to_frame(
        np.array([50, 18], np.float32)
    )[1])  # fmt: skip
    head, masks = outline_at(red_person(66, 158), boxes, reader)
    np.testing.assert_allclose(head, [[58, 64, 92, 160]], atol=1e-4)
    assert masks[0].crop == crop_of(head[0], **reader.size)


def test_only_who_spills_is_read_again() -> None:
    rgb = red_person(82, 172)
    rgb[20:60, 110:130] = RED
    boxes = np.array([[109, 18, 131, 62], [58, 80, 92, 160]], np.float32)
    reader = FinerReader(1.0)
    look = look_at(rgb, boxes, reader)
    assert [len(asked) for asked in reader.asked] == [2, 1]
    assert look.boxes_xyxy_px[0].tolist() == boxes[0].tolist()
    assert look.readings.masks[0].crop == crop_of(boxes[0])
    assert len(look_at(rgb, np.zeros((0, 4), np.float32), reader).readings.masks) == 0


def test_silhouettes_that_end_at_the_box_are_not_grown() -> None:
    """CLIPSeg sees the box alone; nothing can run out of it."""
    box = np.array([[58, 80, 92, 160]], np.float32)
    full = SoftMask(probabilities=np.ones((80, 34), np.float32), crop=Crop(left_px=58, top_px=80, scale=1.0))

    class BoxOnly:
        def masks(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> list[SoftMask]:
            return [full]

    assert outline_at(red_person(60, 200), box, BoxOnly())[0].tolist() == box.tolist()


def test_thresholds_are_those_of_the_backend() -> None:
    mask = SoftMask(probabilities=np.full((80, 34), 0.37, np.float32), crop=Crop(left_px=58, top_px=80, scale=1.0))
    nothing = np.zeros((240, 160), bool)
    box = np.array([[58, 80, 92, 160]], np.float32)
    filled = {}
    for backend in ("rendered", "clipseg", "sam2"):
        config = SilhouetteConfig(backend=backend)  # type: ignore[arg-type]
        outline = compose(box, [mask], config, frame_size_px=(160, 240), moving=nothing)[0]
        corner = outline.mask[80 - outline.window_xyxy_px[1] + 1, 58 - outline.window_xyxy_px[0] + 1]
        # In the corner of the box, where the body's outline that stands in for nothing has no pixel.
        filled[backend] = bool(corner)
    assert filled == {"rendered": True, "clipseg": False, "sam2": False}
    assert SilhouetteConfig(backend="clipseg").thresholds() == (0.4, 0.4)


def test_two_backends_make_one_reader() -> None:
    class Poses:
        calls = 0

        def joints(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> Joints:
            Poses.calls += 1
            return ColourReader(0.6).joints(rgb, boxes)

    reader = SeparateReaders(silhouettes=WindowReader(), poses=Poses())
    boxes = np.array([[58, 80, 92, 160]], np.float32)
    reader.masks(red_person(82, 158), boxes)
    assert Poses.calls == 0, "the plate needs no joints"
    reading = reader.read(red_person(82, 158), boxes)
    assert Poses.calls == 1
    assert isinstance(reading, PersonReadings)
    assert reading.joints.scores[0, 0] == np.float32(0.6)


def test_whole_stage_with_silhouettes_at_the_frames_resolution(tmp_path: Path) -> None:
    clip = RectClip({RED: walk(0, 16, 10, 3)}, num_frames=16)
    readers = SeparateReaders(silhouettes=WindowReader(), poses=ColourReader())
    bundle = perceive(
        clip,
        PerceptionConfig(),
        work_dir=tmp_path / "work",
        plate_dir=tmp_path / "plate",
        producer="test",
        progress=SilentProgress(),
        networks=Networks(finder=ColourFinder(), reader=readers),
    )
    assert len(bundle.tracks) == 1
    track = bundle.tracks[0]
    assert track.play.all()
    for step in (0, 8, 15):
        canvas = np.zeros((120, 160), bool)
        track.silhouettes.paint(step, canvas)
        left, top, right, bottom = clip.people[RED][step]
        assert canvas[top:bottom, left:right].mean() > 0.97
        assert canvas.sum() < 1.3 * 16 * 44


class CountingNetwork:
    """Stands before the real network and counts its runs."""

    def __init__(self, network: object) -> None:
        self.network, self.people = network, 0

    def __call__(self, rgb: npt.NDArray[np.uint8], *, detail: int) -> object:
        self.people += len(rgb)
        return self.network(rgb, detail=detail)  # type: ignore[operator]


def test_default_reads_everybody_once() -> None:
    reader = make_reader(PerceptionConfig())
    assert isinstance(reader, RenderedPersonReader)
    counting = CountingNetwork(reader._network)
    reader._network = counting  # type: ignore[assignment]
    boxes = np.array([[58, 80, 92, 160], [-20, -10, 30, 90], [150, 200, 190, 300]], np.float32)
    reading = reader.read(red_person(82, 158), boxes)
    assert counting.people == 3
    assert reading.joints.xy_px.shape == (3, 18, 2)
    assert [mask.probabilities.shape for mask in reading.masks] == [(128, 96)] * 3
    empty = reader.read(red_person(82, 158), boxes[:0])
    assert empty.joints.xy_px.shape == (0, 18, 2)
    assert counting.people == 3


def test_parts_of_the_default_are_those_of_the_whole() -> None:
    reader = RenderedPersonReader(folder=weights_folder(""), batch=2)
    rgb, boxes = red_person(82, 158), np.array([[58, 80, 92, 160], [0, 0, 30, 90], [20, 9, 60, 99]], np.float32)
    whole = reader.read(rgb, boxes)
    np.testing.assert_array_equal(whole.joints.xy_px, reader.joints(rgb, boxes).xy_px)
    for one, two in zip(whole.masks, reader.masks(rgb, boxes), strict=True):
        np.testing.assert_array_equal(one.probabilities, two.probabilities)


@pytest.mark.parametrize(
    ("config", "extra"),
    [
        (PerceptionConfig(silhouette=SilhouetteConfig(backend="clipseg")), "transformers"),
        (PerceptionConfig(silhouette=SilhouetteConfig(backend="sam2")), "transformers"),
        (PerceptionConfig(pose=PoseConfig(backend="vitpose")), "transformers"),
        (PerceptionConfig(pose=PoseConfig(backend="rtmpose")), "rtmpose"),
    ],
)
def test_an_extra_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, config: PerceptionConfig, extra: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=re.escape(f"pip install 'bodydouble[{extra}]'")):
        make_reader(config)


def test_every_choice_is_in_the_table() -> None:
    names = {(backend.stage, backend.name) for backend in BACKENDS}
    for stage, config in (("perception.silhouette", SilhouetteConfig), ("perception.pose", PoseConfig)):
        for choice in get_args(get_type_hints(config)["backend"]):
            assert (stage, choice) in names
