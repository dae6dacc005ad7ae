"""The shipped networks keep their contract: names, shapes, ranges, sizes, and the same answer twice."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import bodydouble

WEIGHTS = Path(bodydouble.__file__).parent / "perception" / "weights"


def _session(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(WEIGHTS / name, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["people_finder.onnx", "person.onnx"])
def test_a_weight_file_is_small_and_described(name: str):
    assert (WEIGHTS / name).stat().st_size < 10_000_000
    assert f"`{name}`" in (WEIGHTS / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("size", [(32, 32), (64, 160), (288, 96)])
def test_the_finder_takes_any_multiple_of_32(size: tuple[int, int]):
    height, width = size
    rgb = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    session = _session("people_finder.onnx")
    scores, boxes = session.run(["scores", "boxes_xyxy_px"], {"rgb": rgb})
    assert scores.shape == (2, 1, height // 4, width // 4)
    assert boxes.shape == (2, 4, height // 4, width // 4)
    assert 0 <= scores.min() <= scores.max() <= 1
    assert np.all(boxes[:, 2] > boxes[:, 0])
    assert np.all(boxes[:, 3] > boxes[:, 1])
    again, _ = session.run(["scores", "boxes_xyxy_px"], {"rgb": rgb})
    assert np.array_equal(scores, again)


def test_the_person_network_answers_as_much_as_is_asked():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 128, 96, 3), np.uint8)
    session, names = _session("person.onnx"), ["person", "joint_heatmaps", "mask"]
    person, heat, mask = session.run(names, {"rgb": rgb, "detail": np.array(2)})
    assert person.shape == (3,)
    assert 0 <= person.min() <= person.max() <= 1
    assert heat.shape == (3, 18, 32, 24)
    assert np.isfinite(heat).all()
    assert mask.shape == (3, 1, 128, 96)
    assert 0 <= mask.min() <= mask.max() <= 1
    for detail, shapes in ((0, (0, 0)), (1, (3, 0))):
        less, fewer, none = session.run(names, {"rgb": rgb, "detail": np.array(detail)})
        assert (len(fewer), len(none)) == shapes
        assert np.array_equal(less, person)
        assert np.array_equal(fewer, heat[: shapes[0]])


def test_the_finder_sees_a_rendered_body_and_not_an_empty_wall():
    from bodydouble.body.model import BODY_TO_CAMERA, BodyModel
    from bodydouble.body.raster import rasterise

    body = BodyModel.load()
    rotvecs = np.zeros((1, len(body.bone_labels), 3), np.float32)
    for side, sign in (("L", 1), ("R", -1)):
        rotvecs[0, body.bone_index[f"upperarm01.{side}"]] = (0, 0.7 * sign, 0)
    points = body.pose(rotvecs, {}).vertices_m[0] @ BODY_TO_CAMERA.T * 70 + [96, 96, 0]
    drawn = rasterise(points.astype(np.float32), body.faces, height=192, width=192, cull_back_faces=True)
    palette = np.full((32, 3), (60, 60, 110), np.float32)
    palette[[1, 6, 11]], palette[[8, 9, 7]] = (210, 170, 150), (40, 40, 45)
    picture = np.full((192, 192, 3), (150, 148, 140), np.float32)
    picture[drawn.covered] = palette[body.face_parts[drawn.triangle[drawn.covered]]]
    wall = np.full_like(picture, 150)
    session = _session("people_finder.onnx")
    scores, boxes = session.run(None, {"rgb": np.stack([picture, wall]).astype(np.uint8)})
    assert scores[0].max() > 0.5 > 0.3 > scores[1].max()
    row, column = np.unravel_index(scores[0, 0].argmax(), scores.shape[2:])
    rows, columns = np.nonzero(drawn.covered)
    truth = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(boxes[0, :, row, column] - truth).max() < 0.12 * (truth[3] - truth[1])
