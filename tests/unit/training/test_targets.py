"""What the networks are taught: hand-made examples, no renders, no training."""

import numpy as np
import pytest
import torch

pytest.importorskip("skimage", reason="training needs scikit-image")

from training.nets import Finder, PersonNet, decode_boxes
from training.nobody import FalseFinds
from training.scenes import Scene
from training.shards import Body, mirrored
from training.train_finder import iou, peaks, targets
from training.train_person import heat_maps, peak_xy_px
from training.train_person import loss_of as person_loss

from bodydouble.scene.skeleton import JOINT_INDEX


def _scene(boxes: list[list[float]], sure: list[bool], size: tuple[int, int] = (96, 128)) -> Scene:
    return Scene(
        rgb=np.zeros((*size, 3), np.uint8), boxes_xyxy_px=np.array(boxes, np.float32).reshape(-1, 4),
        sure=np.array(sure, bool),
    )  # fmt: skip


def test_the_peak_lies_in_the_cell_of_the_boxes_middle():
    made = targets(_scene([[40, 10, 60, 70]], [True]))
    row, column = np.unravel_index(made["heat"].argmax(), made["heat"].shape)
    assert (abs(row - 10) <= 1, abs(column - 12) <= 1) == (True, True)
    assert made["heat"].max() == 1
    assert np.array_equal(made["boxes"][:, row, column], [40, 10, 60, 70])


def test_nobody_gives_an_empty_map():
    made = targets(_scene([], []))
    assert made["heat"].max() == 0
    assert made["weight"].sum() == 0


def test_a_hidden_person_is_neither_taught_nor_forbidden():
    made = targets(_scene([[40, 10, 60, 70]], [False]))
    assert (made["heat"] == -1).any()
    assert made["weight"].sum() == 0


def test_a_hidden_person_does_not_erase_the_one_in_front():
    made = targets(_scene([[40, 10, 60, 70], [42, 12, 62, 72]], [True, False]))
    assert made["heat"].max() == 1


def test_boxes_are_decoded_around_their_cells():
    raw = torch.zeros(1, 5, 4, 6)
    boxes = decode_boxes(raw)[0, :, 2, 3]
    assert torch.allclose(boxes, torch.tensor([14 - 16.0, 10 - 40, 14 + 16, 10 + 40]))


def test_peaks_keep_the_best_of_overlapping_boxes():
    scores = np.zeros((4, 8), np.float32)
    scores[1, 1], scores[1, 3], scores[1, 6] = 0.6, 0.9, 0.5
    boxes = np.zeros((4, 4, 8), np.float32)
    boxes[:, 1, 1], boxes[:, 1, 3], boxes[:, 1, 6] = [0, 0, 10, 20], [1, 0, 11, 20], [40, 0, 50, 20]
    found, values = peaks(scores, boxes, lowest=0.3)
    assert np.allclose(values, [0.9, 0.5])
    assert found.shape == (2, 4)
    empty, _ = peaks(np.zeros((4, 8), np.float32), boxes, lowest=0.3)
    assert empty.shape == (0, 4)


def test_overlap_of_boxes_that_touch_is_zero():
    assert iou(np.array([0, 0, 2, 2.0]), np.array([2, 0, 4, 2.0])) == 0
    assert iou(np.array([0, 0, 2, 2.0]), np.array([0, 0, 2, 2.0])) == pytest.approx(1)


def test_joints_come_back_from_their_heat_maps():
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.uniform([8, 8], [88, 120], (3, 18, 2)), np.ones((3, 18, 1))], -1)
    points, height = peak_xy_px(heat_maps(torch.tensor(joints, dtype=torch.float32)))
    assert np.abs(points.numpy() - joints[..., :2]).max() < 1.8
    assert height.min() > 0.8


def test_a_joint_outside_has_no_peak():
    joints = torch.zeros(1, 18, 3)
    assert heat_maps(joints).max() == 0


def test_a_mirrored_body_swaps_sides_and_normals():
    pixels = np.zeros((4, 6, 5), np.uint8)
    pixels[1, 0] = [3, 228, 128, 10, 20]
    joints = np.zeros((18, 3), np.float32)
    joints[JOINT_INDEX["left_wrist"]] = [1, 2, 1]
    body = Body(pixels=pixels, joints_px=joints, box_px=np.array([0, 1, 2, 3], np.float32))
    other = mirrored(body)
    assert other.joints_px[JOINT_INDEX["right_wrist"]].tolist() == [5, 2, 1]
    assert other.pixels[1, 5].tolist() == [3, 28, 128, 10, 20]
    assert other.box_px.tolist() == [4, 1, 6, 3]
    twice = mirrored(other)
    assert np.array_equal(twice.pixels, pixels)
    assert np.array_equal(twice.joints_px, joints)


def test_the_networks_keep_their_contract():
    with torch.no_grad():
        scores, boxes = Finder().eval()(torch.zeros(2, 3, 64, 96))
        heat, mask, person = PersonNet().eval()(torch.zeros(1, 3, 128, 96))
    assert scores.shape == (2, 1, 16, 24)
    assert boxes.shape == (2, 4, 16, 24)
    assert heat.shape == (1, 18, 32, 24)
    assert mask.shape == (1, 1, 128, 96)
    assert 0 <= float(mask.min()) <= float(mask.max()) <= 1
    assert person.shape == (1,)
    assert 0 <= float(person) <= 1


def test_crops_without_a_person_teach_neither_joints_nor_masks():
    torch.manual_seed(0)
    rgb = torch.randint(0, 255, (3, 128, 96, 3), dtype=torch.uint8)
    batch = {
        "rgb": rgb, "joints": torch.full((3, 18, 3), 40.0), "mask": torch.full((3, 128, 96), 255, dtype=torch.uint8),
        "person": torch.tensor([1.0, 0.0, 1.0]),
    }  # fmt: skip
    net = PersonNet().eval()
    with torch.no_grad():
        first = person_loss(net, batch)
        batch["joints"][1], batch["mask"][1] = 90.0, 0
        second = person_loss(net, batch)
        batch["person"] = torch.tensor([1.0, 1.0, 1.0])
        third = person_loss(net, batch)
    assert {name: float(value) for name, value in first.items()} == {name: float(v) for name, v in second.items()}
    assert float(third["mask"]) != float(second["mask"])
    assert float(third["person"]) != float(second["person"])


def test_false_finds_are_taken_up_when_they_come(tmp_path):
    mistakes = FalseFinds(tmp_path / "false_finds.npy")
    assert len(mistakes) == 0
    np.save(tmp_path / "false_finds.npy", np.full((2, 128, 96, 3), 7, np.uint8))
    mistakes.refresh()
    assert len(mistakes) == 2
    assert mistakes.draw(np.random.default_rng(0)).shape == (128, 96, 3)
    assert len(FalseFinds.none()) == 0


def test_coordinates_stay_out_of_the_eight_bits():
    from onnx import TensorProto, helper
    from training.export_onnx import _answers

    nodes = [
        helper.make_node("Conv", ["rgb", "w"], ["a"], name="/down4/Conv"),
        helper.make_node("Conv", ["a", "v"], ["b"], name="/head/head.1/Conv"),
        helper.make_node("Add", ["b", "grid"], ["c"], name="/Add_7"),
        helper.make_node("Add", ["a", "a"], ["d"], name="/Add"),
    ]
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, None)],
    )  # fmt: skip
    assert _answers(helper.make_model(made)) == ["/head/head.1/Conv", "/Add_7"]
