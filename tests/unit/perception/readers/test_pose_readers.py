"""Joints by models of others: the code that users run, on toys of the real classes, and geometry with known answers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from bodydouble.errors import MissingDependency, MissingWeights
from bodydouble.perception.config import PerceptionConfig, PoseConfig, RtmPoseConfig, VitPoseConfig
from bodydouble.perception.person import Joints, PoseReader, SeparateReaders
from bodydouble.perception.person_backends import make_reader
from bodydouble.perception.pose.coco import openpose_from_coco
from bodydouble.perception.pose.openpose_reader import OpenPoseReader
from bodydouble.perception.pose.vitpose import VitPoseReader
from bodydouble.scene import JOINT_NAMES
from tests.unit.perception.readers.toys import save_rtmpose, save_vitpose

COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
HARD_BOXES = np.array([[10, 5, 40, 90], [-30, -20, 25, 60], [100, 50, 200, 400], [500, 500, 540, 600], [7, 7, 7, 7]])
"""Inside, over the corner, over the border, wholly outside, empty."""
NOBODY = np.zeros((0, 4), np.float32)


def noise(height: int, width: int, *, grey: bool = False) -> npt.NDArray[np.uint8]:
    picture = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.repeat(picture[..., :1], 3, axis=2) if grey else picture


def poses(reader: object) -> PoseReader:
    assert isinstance(reader, SeparateReaders)
    return reader.poses


def check(joints: Joints, people: int) -> None:
    assert joints.xy_px.shape == (people, 18, 2)
    assert joints.scores.shape == (people, 18)
    assert joints.xy_px.dtype == joints.scores.dtype == np.float32
    assert np.isfinite(joints.xy_px).all()
    assert joints.scores.min(initial=0) >= 0
    assert joints.scores.max(initial=0) <= 1


def test_coco_joints_keep_their_names() -> None:
    xy = np.stack([np.arange(17), 100 + np.arange(17)], axis=1)[None].astype(np.float32)
    scores = np.linspace(0.1, 0.9, 17, dtype=np.float32)[None]
    joints, levels = openpose_from_coco(xy, scores)
    for index, name in enumerate(JOINT_NAMES):
        if name != "neck":
            assert joints[0, index].tolist() == xy[0, COCO_NAMES.index(name)].tolist(), name
            assert levels[0, index] == scores[0, COCO_NAMES.index(name)], name


def test_neck_is_between_the_shoulders_with_the_lower_score() -> None:
    xy, scores = np.zeros((1, 17, 2), np.float32), np.full((1, 17), 0.9, np.float32)
    xy[0, 5], xy[0, 6] = (10, 20), (30, 24)
    scores[0, 6] = 0.25
    joints, levels = openpose_from_coco(xy, scores)
    assert joints[0, 1].tolist() == [20, 22]
    assert levels[0, 1] == 0.25


def test_scores_are_brought_to_range() -> None:
    scores = np.array([[1.7, -0.2, np.nan, *[0.5] * 14]], np.float32)
    levels = openpose_from_coco(np.zeros((1, 17, 2), np.float32), scores)[1][0]
    assert (levels[0], levels[15], levels[14]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("experts", [1, 2])
def test_vitpose_as_users_load_it(tmp_path: Path, experts: int) -> None:
    folder = save_vitpose(tmp_path, experts=experts)
    config = PerceptionConfig(pose=PoseConfig(backend="vitpose", vitpose=VitPoseConfig(weights=str(folder))), threads=1)
    reader = make_reader(config)
    for rgb in (noise(97, 131), noise(97, 131, grey=True), noise(1, 1)):
        check(poses(reader).joints(rgb, HARD_BOXES.astype(np.float32)), 5)
    check(poses(reader).joints(noise(97, 131), NOBODY), 0)


def test_vitpose_does_not_depend_on_the_batch(tmp_path: Path) -> None:
    folder, rgb, boxes = save_vitpose(tmp_path), noise(97, 131), HARD_BOXES[:3].astype(np.float32)
    one, many = (VitPoseReader(folder, VitPoseConfig(), threads=1, batch=n).joints(rgb, boxes) for n in (1, 32))
    np.testing.assert_allclose(one.xy_px, many.xy_px, atol=0.05)
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-4)


class BrightestPlace:
    """Says that every keypoint is where the picture is bright, in heat maps aligned as in training."""

    config = SimpleNamespace(backbone_config=SimpleNamespace(num_experts=1))

    def __call__(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        bright = pixel_values[:, :1] * 0.229 + 0.485
        # Corner cells on corner pixels: unbiased data processing.
        maps = torch.nn.functional.interpolate(bright, size=(64, 48), mode="bilinear", align_corners=True)
        return SimpleNamespace(heatmaps=maps.expand(-1, 17, -1, -1))


@pytest.mark.parametrize("centre", [(150.5, 180.5), (68.0, 70.0), (231.0, 292.0)])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_vitpose_finds_a_blob_where_it_is(tmp_path: Path, centre: tuple[float, float], scale: float) -> None:
    """Also near the crop's corners, where another alignment of the heat maps would be a pixel and a half off."""
    reader = VitPoseReader(save_vitpose(tmp_path), VitPoseConfig(), threads=1, batch=8)
    reader._model, reader._height_px, reader._width_px = BrightestPlace(), 256, 192
    x, y = centre[0] * scale, centre[1] * scale
    rows, columns = np.mgrid[: round(400 * scale), : round(301 * scale)] + 0.5
    blob = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (6 * scale) ** 2))
    rgb = np.repeat(np.round(blob)[..., None], 3, axis=2).astype(np.uint8)
    box = np.array([[100, 79.6, 200, 284.4]], np.float32) * np.float32(scale)
    found = reader.joints(rgb, box)
    np.testing.assert_allclose(found.xy_px[0, 0], [x, y], atol=0.4 * scale)
    assert found.scores[0, 0] > 0.9


def test_vitpose_that_is_not_whole_or_another(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_vitpose(tmp_path / "a")
    tensors = load_file(folder / "model.safetensors")
    gone = sorted(tensors)[0]
    save_file({name: t for name, t in tensors.items() if name != gone}, folder / "model.safetensors", {"format": "pt"})
    for path in (folder, save_vitpose(tmp_path / "b", keypoints=21), tmp_path):
        with pytest.raises(MissingWeights, match=str(path)):
            VitPoseReader(path, VitPoseConfig(), threads=1, batch=8)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_vitpose_without_a_gpu_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match=r"perception\.pose\.vitpose\.device"):
        VitPoseReader(save_vitpose(tmp_path), VitPoseConfig(device="cuda"), threads=1, batch=8)


@pytest.mark.parametrize("backend", ["vitpose", "rtmpose", "openpose"])
def test_absent_weights_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path))
    with pytest.raises(MissingWeights) as caught:
        make_reader(PerceptionConfig(pose=PoseConfig(backend=backend)))  # type: ignore[arg-type]
    assert str(tmp_path) in str(caught.value)


@pytest.fixture
def rtmpose(tmp_path: Path) -> Path:
    pytest.importorskip("rtmlib", reason="extra rtmpose is not installed")
    return save_rtmpose(tmp_path / "rtmpose.onnx")


def rtmpose_reader(file: Path) -> PoseReader:
    return poses(
        make_reader(PerceptionConfig(pose=PoseConfig(backend="rtmpose", rtmpose=RtmPoseConfig(weights=str(file)))))
    )


def test_rtmpose_finds_a_red_pixel_to_the_pixel(rtmpose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = rtmpose_reader(rtmpose)
    assert capsys.readouterr().out == ""
    rgb = np.zeros((400, 301, 3), np.uint8)
    rgb[150, 160, 0] = 255
    # Blue must not count: the networks were trained on RGB.
    rgb[200, 100, 2] = 255
    # The crop of this box has one of its pixels for each of the frame.
    found = reader.joints(rgb, np.array([[100, 79.6, 200, 284.4]], np.float32))
    check(found, 1)
    np.testing.assert_allclose(found.xy_px[0], np.tile([160.5, 150.5], (18, 1)), atol=1e-3)
    assert found.scores[0].tolist() == [1.0] * 18


def test_rtmpose_small_people_and_hard_boxes(rtmpose: Path) -> None:
    reader = rtmpose_reader(rtmpose)
    rgb = np.zeros((90, 61, 3), np.uint8)
    rgb[40:43, 30:33, 0] = 255
    found = reader.joints(rgb, np.array([[20, 20, 40, 70]], np.float32))
    # The middle of the pixel in the middle; half a response is half a crop pixel.
    np.testing.assert_allclose(found.xy_px[0, 0], [31.5, 41.5], atol=1.2)
    for picture in (rgb, noise(97, 131), noise(97, 131, grey=True), noise(1, 1)):
        check(reader.joints(picture, HARD_BOXES.astype(np.float32)), 5)
        check(reader.joints(picture, NOBODY), 0)


def test_rtmpose_from_the_published_archive(rtmpose: Path, tmp_path: Path) -> None:
    archive = tmp_path / "rtmpose-m.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(rtmpose, "20230504/rtmpose/end2end.onnx")
        packed.writestr("20230504/rtmpose/pipeline.json", "{}")
    check(rtmpose_reader(archive).joints(noise(50, 40), HARD_BOXES[:1].astype(np.float32)), 1)


def test_rtmpose_that_is_none(rtmpose: Path, tmp_path: Path) -> None:
    garbage, empty = tmp_path / "garbage.onnx", tmp_path / "empty.zip"
    garbage.write_bytes(b"no network")
    with zipfile.ZipFile(empty, "w") as packed:
        packed.writestr("readme.txt", "")
    for file in (garbage, empty, save_rtmpose(tmp_path / "hands.onnx", keypoints=21), tmp_path):
        with pytest.raises(MissingWeights, match=str(file)):
            rtmpose_reader(file)


class OneBody:
    """Finds a body at a place of the picture, or nobody."""

    def __init__(self, place: tuple[float, float] | None) -> None:
        self.place, self.shapes = place, list[tuple[int, ...]]()

    def estimate(self, rgb_crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.shapes.append(rgb_crop.shape)
        body = np.zeros((18, 3), np.float32)
        if self.place is not None:
            body[:, :2], body[:, 2] = self.place, 0.7
        return body


def test_openpose_sees_the_box_alone() -> None:
    estimator = OneBody((3.25, 4.5))
    found = OpenPoseReader(estimator).joints(noise(97, 131), HARD_BOXES.astype(np.float32))
    # What lies beyond the frame is cut off; who lies wholly beyond is not looked for.
    assert estimator.shapes == [(85, 30, 3), (60, 25, 3), (47, 31, 3)]
    np.testing.assert_allclose(found.xy_px[:3, 0], [[13.25, 9.5], [3.25, 4.5], [103.25, 54.5]])
    np.testing.assert_allclose(found.scores[:, 5], [0.7, 0.7, 0.7, 0, 0])
    check(OpenPoseReader(estimator).joints(noise(9, 9), NOBODY), 0)


def test_openpose_that_finds_nobody_scores_nothing() -> None:
    found = OpenPoseReader(OneBody(None)).joints(noise(97, 131), HARD_BOXES[:1].astype(np.float32))
    assert found.scores.max() == 0
