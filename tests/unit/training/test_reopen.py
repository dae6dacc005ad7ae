"""A checkpoint made out of a shipped network answers as the network does, and trains on from there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="training needs scikit-image")
pytest.importorskip("onnx", reason="training needs onnx")

import onnx
from training.loop import to_input
from training.nets import Finder, PersonNet
from training.reopen import WEIGHTS, reopen
from training.train_person import Exported


def _pictures(count: int, height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 256, (count, height // 8, width // 8, 3), dtype=np.uint8)
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse])


def _answers(path: Path, inputs: dict[str, NDArray[np.generic]], outputs: list[str]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return [np.asarray(answer, np.float32) for answer in session.run(outputs, inputs)]


def _likeness(a: NDArray[np.float32], b: torch.Tensor) -> float:
    return float(np.corrcoef(a.ravel(), b.numpy().ravel())[0, 1])


def test_the_person_network_answers_as_shipped_and_its_layers_are_normalised() -> None:
    rgb = _pictures(16, 128, 96)
    net = PersonNet()
    reopen(net, onnx.load(WEIGHTS / "person.onnx"), to_input(torch.from_numpy(rgb)))
    shipped = _answers(
        WEIGHTS / "person.onnx", {"rgb": rgb, "detail": np.array(2)}, ["joint_heatmaps", "mask"]
    )  # fmt: skip
    with torch.no_grad():
        heat, mask, _ = Exported(net.eval())(to_input(torch.from_numpy(rgb)))
    # What is left is the rounding of activations to eight bits.
    assert _likeness(shipped[0], heat) > 0.97
    assert _likeness(shipped[1], mask) > 0.98
    # As training sees it, with statistics of the batch: nearly the same, so it goes on where it ended.
    with torch.no_grad():
        trained, _, _ = Exported(net.train())(to_input(torch.from_numpy(rgb)))
    assert np.corrcoef(trained.numpy().ravel(), heat.numpy().ravel())[0, 1] > 0.97


def test_the_finder_answers_as_shipped() -> None:
    rgb = _pictures(4, 96, 128)
    net = Finder()
    reopen(net, onnx.load(WEIGHTS / "people_finder.onnx"), to_input(torch.from_numpy(rgb)))
    scores, boxes = _answers(WEIGHTS / "people_finder.onnx", {"rgb": rgb}, ["scores", "boxes_xyxy_px"])
    with torch.no_grad():
        own_scores, own_boxes = net.eval()(to_input(torch.from_numpy(rgb)))
    assert _likeness(scores, own_scores) > 0.97
    assert _likeness(boxes, own_boxes) > 0.999


def test_a_file_of_another_network_is_refused() -> None:
    rgb = to_input(torch.from_numpy(_pictures(2, 96, 128)))
    with pytest.raises(ValueError, match=r"no layer|has shape"):
        reopen(Finder(), onnx.load(WEIGHTS / "person.onnx"), rgb)
    with pytest.raises(ValueError, match="has shape"):
        reopen(PersonNet(widths=(24, 40, 72, 128, 160)), onnx.load(WEIGHTS / "person.onnx"), rgb)
