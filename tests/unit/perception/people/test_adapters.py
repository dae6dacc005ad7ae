"""What the adapters of others' detectors share, YOLOX by toy exports and the real one, and the choice of a finder."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.perception.config import PeopleConfig, PerceptionConfig, Yolov8Config, YoloxConfig
from bodydouble.perception.geometry import iou
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.factory import make_finder
from bodydouble.perception.people.letterbox import GREY, Letterbox
from bodydouble.perception.people.sorting import detections_of
from bodydouble.perception.people.tiles import TiledFinder
from bodydouble.perception.people.yolox import YoloxPeopleFinder, grid_of

CONFIG = PeopleConfig(backend="yolox")


def export(path: Path, raw: np.ndarray, *, side: int | str = 64, channels: int = 3) -> Path:
    """A network that answers the same to every picture: ``raw`` plus nothing of it."""
    nodes = [
        helper.make_node("ReduceSum", ["images"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["raw", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, channels, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(raw[None].astype(np.float32), "raw"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def answer(*, decoded: bool, classes: int = 80, side: int = 64) -> np.ndarray:
    """One person, 16x32 px about (36, 40) of the input, and a stronger something else."""
    cells, strides = grid_of(side, side)
    raw = np.zeros((len(cells), 5 + classes), np.float32)
    raw[:, :2] = 0.5
    person, other = 2 * (side // 8) + 3, len(cells) - 1
    raw[person, :6] = (1.5, 3.0, np.log(2), np.log(4), 0.8, 0.5)
    if classes > 1:
        raw[other, [0, 1, 2, 3, 4, 6]] = (0.5, 0.5, 0.0, 0.0, 1.0, 1.0)
    if decoded:
        raw[:, :2] = (raw[:, :2] + cells) * strides
        raw[:, 2:4] = np.exp(raw[:, 2:4]) * strides
    return raw


@pytest.mark.parametrize("classes", [80, 1])
@pytest.mark.parametrize("decoded", [False, True])
def test_yolox_reads_raw_and_decoded_exports(tmp_path: Path, decoded: bool, classes: int) -> None:
    path = export(tmp_path / "toy.onnx", answer(decoded=decoded, classes=classes))
    found = YoloxPeopleFinder(path, CONFIG, threads=1).find(np.zeros((64, 128, 3), np.uint8))
    # The frame is twice as wide as the input and lies at its top left.
    np.testing.assert_allclose(found.boxes_xyxy_px, [[56, 48, 88, 112]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [0.4])


def test_yolox_input_of_open_size(tmp_path: Path) -> None:
    path = export(tmp_path / "toy.onnx", answer(decoded=False, side=96), side="side")
    config = replace(CONFIG, yolox=YoloxConfig(input_px=96))
    assert len(YoloxPeopleFinder(path, config, threads=1).find(np.zeros((96, 96, 3), np.uint8))) == 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (65, 63)])
def test_yolox_takes_frames_of_any_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = export(tmp_path / "toy.onnx", answer(decoded=False))
    found = YoloxPeopleFinder(path, CONFIG, threads=1).find(np.zeros((*shape, 3), np.uint8))
    assert np.isfinite(found.boxes_xyxy_px).all()


def test_yolox_score_limit_is_kept(tmp_path: Path) -> None:
    path = export(tmp_path / "toy.onnx", answer(decoded=False))
    assert (
        len(YoloxPeopleFinder(path, replace(CONFIG, score=0.41), threads=1).find(np.zeros((64, 64, 3), np.uint8))) == 0
    )


def test_what_is_no_yolox_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_bytes(b"not a network")
    with pytest.raises(MissingWeights, match="cannot be loaded"):
        YoloxPeopleFinder(tmp_path / "text.onnx", CONFIG, threads=1)
    with pytest.raises(MissingWeights, match=r"shape \(7, 85\)"):
        YoloxPeopleFinder(export(tmp_path / "a.onnx", np.zeros((7, 85))), CONFIG, threads=1)
    with pytest.raises(MissingWeights, match="takes one float"):
        YoloxPeopleFinder(export(tmp_path / "b.onnx", np.zeros((84, 85)), channels=1), CONFIG, threads=1)
    with pytest.raises(MissingWeights, match="multiples of 32"):
        YoloxPeopleFinder(export(tmp_path / "c.onnx", np.zeros((84, 85)), side=60), CONFIG, threads=1)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("size", [(768, 576), (33, 200), (7, 3)])
def test_letterbox_shows_the_frame_where_it_says(size: tuple[int, int], centred: bool) -> None:
    width, height = size
    place = Letterbox.fit(width, height, 416, 416, centred=centred)
    picture = place.draw(np.full((height, width, 3), (10, 20, 30), np.uint8))
    rows, columns = np.nonzero(picture[..., 0] != GREY)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    np.testing.assert_allclose(place.to_frame(box), [[0, 0, width, height]], atol=1e-3)
    assert tuple(picture[rows[0], columns[0]]) == (10, 20, 30)


def test_nonsense_of_a_network_goes() -> None:
    boxes = np.array(
        [[0, 0, 9, 9], [np.nan, 0, 9, 9], [0, 0, np.inf, 9], [-30, 0, -20, 9], [5, 5, 5, 9], [1, 0, 10, 9]], np.float32
    )
    scores = np.array([0.5, 0.9, 0.9, 0.9, 0.9, np.nan], np.float32)
    found = detections_of(boxes, scores, frame_size_px=(20, 20), lowest_score=0.1)
    assert found.boxes_xyxy_px.tolist() == [[0, 0, 9, 9]]


class WhitePatches:
    """Finds white patches of up to 40 px, as a network that wants people of a certain size."""

    def find(self, rgb: np.ndarray) -> Detections:
        count, _, stats, _ = cv2.connectedComponentsWithStats((rgb[..., 0] > 200).astype(np.uint8))
        rows = [row for row in stats[1:count] if max(row[2:4]) * 640 / max(rgb.shape) >= 40]
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in rows], np.float32).reshape(-1, 4)
        return Detections(boxes_xyxy_px=boxes, scores=np.linspace(0.9, 0.5, len(boxes), dtype=np.float32))


def test_tiles_find_the_small_and_keep_the_large_whole() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    people = [(20, 30, 40, 60), (600, 440, 615, 470), (300, 40, 390, 440)]  # The last is in every tile, cut by each.
    for left, top, right, bottom in people:
        frame[top:bottom, left:right] = 255
    assert len(WhitePatches().find(frame)) == 1
    found = TiledFinder(finder=WhitePatches(), nms_overlap=0.6).find(frame)
    assert sorted(map(tuple, found.boxes_xyxy_px.tolist())) == sorted(people)
    assert (np.diff(found.scores) <= 0).all()


def test_tiles_keep_parts_of_people_whom_nobody_saw_whole() -> None:
    class OnlyTiles:
        def find(self, rgb: np.ndarray) -> Detections:
            if rgb.shape[1] == 640:
                return Detections.none()
            return WhitePatches().find(rgb)

    frame = np.zeros((480, 640, 3), np.uint8)
    frame[40:440, 300:390] = 255
    found = TiledFinder(finder=OnlyTiles(), nms_overlap=0.6).find(frame)
    assert len(found) >= 1
    assert found.boxes_xyxy_px[:, 1].min() == 40
    assert found.boxes_xyxy_px[:, 3].max() == 440


def test_tiles_leave_tiny_frames_whole() -> None:
    assert len(TiledFinder(finder=WhitePatches(), nms_overlap=0.6).find(np.zeros((5, 9, 3), np.uint8))) == 0


def test_factory_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export(tmp_path / "toy.onnx", answer(decoded=False))
    people = replace(CONFIG, yolox=YoloxConfig(weights=str(path)))
    assert isinstance(make_finder(PerceptionConfig(people=people)), YoloxPeopleFinder)
    assert isinstance(make_finder(PerceptionConfig(people=replace(people, tiles=True))), TiledFinder)
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "none"))
    for backend, model in (("yolox", "yolox-s"), ("rfdetr", "rfdetr-medium")):
        with pytest.raises(MissingWeights, match=f"bodydouble models fetch {model}"):
            make_finder(PerceptionConfig(people=PeopleConfig(backend=backend)))  # type: ignore[arg-type]


def test_the_default_loads_no_other_library() -> None:
    code = (
        "import sys; from bodydouble.perception.people.factory import make_finder; "
        "from bodydouble.perception.config import PerceptionConfig; make_finder(PerceptionConfig()); "
        "bad = {'torch', 'transformers', 'ultralytics'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("side", [0, 31, 100, 8192, -32])
def test_sides_that_no_network_takes(side: int) -> None:
    with pytest.raises(ConfigError, match="multiple of 32"):
        YoloxConfig(input_px=side)
    with pytest.raises(ConfigError, match="multiple of 32"):
        Yolov8Config(input_px=side)


@pytest.mark.real_data
@pytest.mark.parametrize("tiles", [False, True])
def test_yolox_finds_the_people_of_a_frame(real_data_dir: Path, tiles: bool) -> None:
    capture = cv2.VideoCapture(str(real_data_dir / "pets09_s2l1" / "vtest.avi"))
    rgb = np.ascontiguousarray(capture.read()[1][:, :, ::-1])
    capture.release()
    weights = str(real_data_dir / "models" / "yolox_nano_416x416.onnx")
    people = replace(CONFIG, score=0.3, tiles=tiles, yolox=YoloxConfig(weights=weights))
    found = make_finder(PerceptionConfig(people=people)).find(rgb)
    rows = [line.split(",") for line in (real_data_dir / "pets09_s2l1" / "gt.txt").read_text().splitlines()]
    truth = np.array([[float(v) for v in row[2:6]] for row in rows if row[0] == "1" and row[6] == "1"])
    truth[:, 2:] += truth[:, :2]
    overlap = iou(truth, found.boxes_xyxy_px)
    assert (overlap.max(axis=1) >= 0.5).all()
    assert len(found) <= len(truth) + 2
    assert (np.diff(found.scores) <= 0).all()
