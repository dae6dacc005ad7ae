"""YOLOv8 of ultralytics at toy size: the real network, random weights. Needs the extra ``yolov8`` (AGPL-3.0)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

if "ultralytics" not in sys.modules:
    # As the adapter sets them, before anything of the library is loaded.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
ultralytics = pytest.importorskip("ultralytics", reason="extra yolov8 is not installed")

import torch  # noqa: E402

from bodydouble.errors import MissingWeights  # noqa: E402
from bodydouble.perception.config import PeopleConfig, PerceptionConfig, Yolov8Config  # noqa: E402
from bodydouble.perception.people.factory import make_finder  # noqa: E402
from bodydouble.perception.people.yolov8 import Yolov8PeopleFinder  # noqa: E402

TOY = {
    "nc": 3,
    "scales": {"n": [0.33, 0.125, 128]},
    "backbone": [
        [-1, 1, "Conv", [64, 3, 2]], [-1, 1, "Conv", [128, 3, 2]], [-1, 1, "C2f", [128, True]],
        [-1, 1, "Conv", [256, 3, 2]], [-1, 1, "Conv", [512, 3, 2]], [-1, 1, "Conv", [512, 3, 2]],
    ],
    "head": [[[3, 4, 5], 1, "Detect", ["nc"]]],
}  # fmt: skip


def network(names: dict[int, str]) -> torch.nn.Module:
    from ultralytics.nn.tasks import DetectionModel

    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = DetectionModel(dict(TOY, nc=len(names)), ch=3, nc=len(names), verbose=False)
        with torch.no_grad():
            # Random networks are sure of nothing; these are of everything, and not everywhere alike.
            for branch in model.model[-1].cv3:
                branch[-1].bias.fill_(0.0)
                branch[-1].weight.mul_(20)
    model.names = names
    return model.eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("yolov8") / "toy.pt"
    torch.save({"model": network({0: "car", 1: "person", 2: "dog"}), "train_args": {}}, path)
    return path


def config(**options: object) -> PeopleConfig:
    return PeopleConfig(backend="yolov8", yolov8=Yolov8Config(input_px=96), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(60, 100), (200, 90), (96, 96), (64, 33)])
def test_answers_are_the_library_s_own(weights: Path, shape: tuple[int, int]) -> None:
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils.nms import non_max_suppression
    from ultralytics.utils.ops import scale_boxes

    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    finder = Yolov8PeopleFinder(weights, config(score=0.3, nms_overlap=0.6), threads=1)
    found = finder.find(rgb)
    model = ultralytics.YOLO(str(weights)).model.float().eval()
    picture = LetterBox(new_shape=(96, 96), auto=True, stride=32)(image=np.ascontiguousarray(rgb))
    tensor = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].float() / 255
    with torch.no_grad():
        rows = non_max_suppression(model(tensor), 0.3, 0.6, classes=[1], max_det=1000, multi_label=True)[0]
    boxes = scale_boxes(tensor.shape[2:], rows[:, :4].clone(), (*shape, 3)).numpy()
    assert len(found) == len(rows) > 3
    np.testing.assert_allclose(found.scores, rows[:, 4], atol=1e-5)
    # The library clips boxes to the frame, and pads whole pixels.
    clipped = np.clip(found.boxes_xyxy_px, 0, [shape[1], shape[0]] * 2)
    np.testing.assert_allclose(clipped, boxes, atol=1.5)


def test_through_the_factory_and_frames_of_any_size(weights: Path) -> None:
    people = PeopleConfig(backend="yolov8", yolov8=Yolov8Config(weights=str(weights), input_px=64))
    finder = make_finder(PerceptionConfig(people=people, threads=1))
    for shape in ((1, 1), (3, 500), (77, 31)):
        assert np.isfinite(finder.find(np.zeros((*shape, 3), np.uint8)).boxes_xyxy_px).all()


def test_what_is_no_detector_of_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="names no file"):
        Yolov8PeopleFinder(tmp_path / "yolov8n.pt", config(), threads=1)
    assert not (tmp_path / "yolov8n.pt").exists(), "the library must not download it"
    (tmp_path / "text.pt").write_bytes(b"no network")
    with pytest.raises(MissingWeights, match="cannot be loaded"):
        Yolov8PeopleFinder(tmp_path / "text.pt", config(), threads=1)
    torch.save({"model": network({0: "car", 1: "dog"}), "train_args": {}}, tmp_path / "cars.pt")
    with pytest.raises(MissingWeights, match="car, dog, but no 'person'"):
        Yolov8PeopleFinder(tmp_path / "cars.pt", config(), threads=1)
