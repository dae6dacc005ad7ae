"""People finder with YOLOv8 of ultralytics (AGPL-3.0, installed by the extra ``yolov8`` and not otherwise).

The paper (section 3.1) detects with YOLOv8. Only the network is ultralytics' own: its predictor is not used, as it
wants a torchvision that matches PyTorch's build, and its automatic installing of packages, its downloads and its
usage statistics are switched off before it is imported. What it does to pictures is done here alike: resized in
proportion to the longer side, padded with grey to multiples of 32, RGB 0 to 1.

A ``.pt`` file is a Python pickle, which can run code: load only files whose origin you trust. Files of the store are
compared with the hash that their publisher states.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import PeopleConfig
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.letterbox import Letterbox
from bodydouble.perception.people.sorting import corners, detections_of
from bodydouble.perception.people.torch_use import checked_device, inference

_MULTIPLE_PX: Final = 32
_PERSON: Final = "person"
_QUIET: Final = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
"""Environment variables that ultralytics reads once, when it is imported."""


def quiet_ultralytics() -> None:
    """See that ultralytics neither installs packages, nor asks the network, nor talks; before it is first imported."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


class Yolov8PeopleFinder:
    """Runs a detection network of ultralytics with YOLOv8's head (also YOLOv5u, YOLO11 and YOLO12).

    Raises:
        MissingDependency: the device is not there.
        MissingWeights: the file cannot be loaded, is no such network, or knows no people.
    """

    def __init__(self, path: Path, config: PeopleConfig, *, threads: int) -> None:
        self._config, self._threads = config, threads
        self._device = checked_device(config.yolov8.device, "perception.people.yolov8.device")
        self._model = _load(path).to(self._device)
        names = {str(name): int(index) for index, name in self._model.names.items()}
        if _PERSON not in names:
            raise MissingWeights(f"the network knows {', '.join(sorted(names)[:10])}, but no {_PERSON!r}: {path}")
        self._person_row, self._rows = 4 + names[_PERSON], 4 + len(names)
        answer = self._answer(np.zeros((64, 64, 3), np.uint8))
        if answer.ndim != 2 or answer.shape[0] != self._rows:
            raise MissingWeights(
                f"the network answers with shape {answer.shape}; YOLOv8 with ({self._rows}, places): {path}"
            )

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        height, width = rgb.shape[:2]
        place = place_of(width, height, self._config.yolov8.input_px)
        answer = self._answer(place.draw(rgb))
        scores = answer[self._person_row]
        sure = scores >= self._config.score
        boxes = place.to_frame(corners(answer[:2, sure].T, answer[2:4, sure].T))
        return detections_of(
            boxes,
            scores[sure],
            frame_size_px=(width, height),
            lowest_score=self._config.score,
            overlap=self._config.nms_overlap,
        )

    def _answer(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(4 + classes, places): centre and size in input pixels, scores."""
        with inference(self._threads):
            tensor = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].to(self._device)
            output = self._model(tensor.float() / 255)
            first = output[0] if isinstance(output, list | tuple) else output
            answer: NDArray[np.float32] = first[0].float().cpu().numpy()
        return answer


def place_of(width_px: int, height_px: int, longer_side_px: int) -> Letterbox:
    """Where ultralytics puts a frame: in the middle of the smallest input with sides that are multiples of 32."""
    scale = longer_side_px / max(width_px, height_px)
    sides = (-(-max(1, round(side * scale)) // _MULTIPLE_PX) * _MULTIPLE_PX for side in (width_px, height_px))
    return Letterbox.fit(width_px, height_px, *sides, centred=True)


def _load(path: Path) -> Any:
    quiet_ultralytics()
    from ultralytics import YOLO

    if not path.is_file():
        # The library would try to download it.
        raise MissingWeights(f"perception.people.yolov8.weights names no file: {path}")
    try:
        whole = YOLO(str(path), task="detect")
        network = whole.model
        task = getattr(network, "task", whole.task)
    except Exception as error:
        # What it raises differs between versions, and loading a file of another kind may raise anything.
        raise MissingWeights(f"the network cannot be loaded ({error}): {path}") from error
    if not isinstance(network, torch.nn.Module) or task != "detect":
        raise MissingWeights(f"the file holds no detection network of ultralytics, but {task!r}: {path}")
    return network.float().eval()
