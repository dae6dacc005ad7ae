"""MoveNet as a referee for joints: crops land where they should, and real people have sensible joints."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bodydouble.errors import MissingDependency, MissingWeights
from bodydouble.evaluation.ground_truth import read_mot
from bodydouble.evaluation.movenet import INPUT_PX, MoveNet, square_crop
from bodydouble.evaluation.pose_agreement import agreement, summarise
from bodydouble.scene.skeleton import JOINT_INDEX
from bodydouble.video_io import open_source

MODEL = "models/movenet_singlepose_lightning_int8_4.tflite"


@pytest.mark.parametrize("box", [(100, 40, 140, 140), (-20, 30, 20, 130), (20, 20, 23, 26), (180, 150, 260, 230)])
def test_crops_are_centred_squares(box: tuple[int, int, int, int]):
    rgb = np.zeros((200, 220, 3), np.uint8)
    middle_x, middle_y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    rgb[max(middle_y - 1, 0) : middle_y + 1, max(middle_x - 1, 0) : middle_x + 1] = 255
    crop, left, top, side = square_crop(rgb, np.array(box, dtype=float))
    assert crop.shape == (INPUT_PX, INPUT_PX, 3)
    assert side == 1.25 * max(box[2] - box[0], box[3] - box[1])
    assert (left + side / 2, top + side / 2) == ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    if 0 < middle_x < 220 and 0 < middle_y < 200:
        rows, columns = np.nonzero(crop[:, :, 0] > 60)
        tolerance = 1.0 * INPUT_PX / side
        assert abs(rows.mean() + 0.5 - INPUT_PX / 2) <= tolerance
        assert abs(columns.mean() + 0.5 - INPUT_PX / 2) <= tolerance


def test_whoever_stands_beside_is_black():
    rgb = np.zeros((200, 220, 3), np.uint8)
    rgb[:, 80:120], rgb[:, 134:] = 100, 255
    # The box is 40 px wide and 100 tall: an eighth of its height stays on each side, and the crop reaches over 42 px.
    crop, left, top, side = square_crop(rgb, np.array([80.0, 50.0, 120.0, 150.0]))
    assert (left, top, side) == (37.5, 37.5, 125.0)
    assert crop.max() == 100
    assert (crop[:, INPUT_PX // 2] == 100).all()
    wide, *_ = square_crop(rgb, np.array([80.0, 50.0, 180.0, 90.0]))
    assert wide[INPUT_PX // 2].max() == 255, "who is in the box is seen"
    assert wide[0].max() == 0
    assert wide[-1].max() == 0


def test_without_its_runtime_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingDependency, match=r"bodydouble\[evaluate\]"):
        MoveNet(tmp_path / "model.tflite")


def test_without_the_model_the_message_names_it(tmp_path: Path):
    pytest.importorskip("ai_edge_litert", reason="extra evaluate is not installed")
    with pytest.raises(MissingWeights, match="absent"):
        MoveNet(tmp_path / "absent.tflite")


@pytest.mark.real_data
def test_people_stand_upright_and_mirroring_changes_little(real_data_dir: Path):
    pytest.importorskip("ai_edge_litert", reason="extra evaluate is not installed")
    network, clip = MoveNet(real_data_dir / MODEL), real_data_dir / "pets09_s2l1"
    truth = read_mot(clip / "gt.txt")
    results, upright = [], []
    with open_source(clip / "vtest.avi") as source:
        for frame in source.frames(0, 3):
            for box in truth.at(frame.index):
                corners = (box.left_px, box.top_px, box.left_px + box.width_px, box.top_px + box.height_px)
                joints, scores = network.joints(frame.rgb, np.array(corners))
                back, _ = network.joints(frame.rgb, np.array(corners), mirrored=True)
                assert np.isnan(joints[JOINT_INDEX["neck"]]).all()
                results.append(agreement(back, joints, scores))
                ankles, shoulders = (
                    np.mean([joints[JOINT_INDEX[f"{side}_{part}"]][1] for side in ("left", "right")])
                    for part in ("ankle", "shoulder")
                )
                upright.append(ankles - shoulders > 0.4 * box.height_px)
    assert np.mean(upright) >= 0.8
    agreed = summarise([result for result in results if result is not None])
    assert agreed.pck is not None
    assert agreed.pck > 0.7
