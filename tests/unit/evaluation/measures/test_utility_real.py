"""Utility with the real referees on a real street: a copy keeps everything, noise nothing, blur something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.evaluation.measures.detection_kept import DetectionKept
from bodydouble.evaluation.measures.motion_kept import MotionKept
from bodydouble.evaluation.measures.remembered import RememberingDetector
from bodydouble.evaluation.measures.tracking_kept import TrackingKept
from bodydouble.evaluation.movenet import MoveNet
from bodydouble.evaluation.referee import Referee
from bodydouble.scene import MaskStack
from tests.unit.evaluation.measures.street import Street, Walker, run, values

FRAMES = 4


@pytest.fixture(scope="module")
def street(real_data_dir: Path) -> Street:
    """The beginning of vtest with people where the ground truth has them."""
    folder = real_data_dir / "pets09_s2l1"
    capture = cv2.VideoCapture(str(folder / "vtest.avi"))
    pictures = [capture.read()[1][:, :, ::-1].copy() for _ in range(FRAMES)]
    capture.release()
    rows = [[float(v) for v in line.split(",")] for line in (folder / "gt.txt").read_text().splitlines()]
    people = sorted({int(row[1]) for row in rows if row[0] <= FRAMES})
    street = Street([Walker(left=10, top=10, step=0)] * len(people), FRAMES, width=768, height=576)
    tracks = []
    for track, person in zip(street.bundle.tracks, people, strict=True):
        boxes = {int(row[0]) - 1: row[2:6] for row in rows if int(row[1]) == person and row[0] <= FRAMES}
        corners = np.array([[x, y, x + w, y + h] for x, y, w, h in (boxes[index] for index in range(FRAMES))])
        windows = np.clip(corners.round(), 0, [768, 576, 768, 576]).astype(np.int32)
        masks = [np.ones((bottom - top, right - left), bool) for left, top, right, bottom in windows]
        tracks.append(
            replace(track, boxes_xyxy_px=corners.astype(np.float32), silhouettes=MaskStack.pack(windows, masks))
        )
    street.bundle = replace(street.bundle, tracks=tuple(tracks))
    street.frame = lambda index: pictures[index]
    return street


@pytest.fixture(scope="module")
def measures(real_data_dir: Path) -> list:
    models = real_data_dir / "models"
    detector = RememberingDetector(Referee(models / "yolox_nano_416x416.onnx", threads=1))
    pose = MotionKept(MoveNet(models / "movenet_singlepose_lightning_int8_4.tflite"))
    return [DetectionKept(detector), TrackingKept(detector), pose]


def noise(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (576, 768, 3)).astype(np.uint8)


@pytest.mark.real_data
def test_a_copy_keeps_everything_noise_nothing_and_blur_something(street: Street, measures: list):
    def figures(result) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for measure in measures:
            found |= values(measure, run(measure, street, result))
        return found

    def blurred(index: int) -> np.ndarray:
        return cv2.GaussianBlur(street.frame(index), (0, 0), 4)

    copy, nothing, some = figures(None), figures(noise), figures(blurred)
    for key in ("utility.detection.ap50", "utility.detection.found", "utility.tracking.idf1", "utility.motion.oks",
                "utility.motion.pck"):  # fmt: skip
        assert copy[key] == pytest.approx(1.0), key
        assert nothing[key] < 0.2, key
        assert nothing[key] < some[key] < 1.0, key
