"""People finder with RF-DETR (Robinson et al. 2025, arXiv 2511.09554) as it is in transformers from 5.9 on.

Preparing the picture and reading the answer are done here and not by the library's image processor, which needs
torchvision: the frame is resized to the checkpoint's square, whatever its proportions; scores are a sigmoid for each
query and class; boxes are centre and size, relative to the frame. No suppression: a query answers for one person.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import PeopleConfig
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.sorting import corners, detections_of
from bodydouble.perception.people.torch_use import checked_device, inference
from bodydouble.perception.torch_models import load_model

_MEAN: Final = (0.485, 0.456, 0.406)
"""Of ImageNet; used where the checkpoint names none."""
_STD: Final = (0.229, 0.224, 0.225)
_PERSON: Final = "person"


class RfDetrPeopleFinder:
    """Runs RF-DETR.

    Raises:
        MissingDependency: the device is not there.
        MissingWeights: the folder holds no RF-DETR, or one that knows no people.
    """

    def __init__(self, folder: Path, config: PeopleConfig, *, threads: int) -> None:
        self._config, self._threads = config, threads
        self._device = checked_device(config.rfdetr.device, "perception.people.rfdetr.device")
        self._model = _load(folder, self._device)
        labels = {str(name): int(index) for index, name in self._model.config.id2label.items()}
        if _PERSON not in labels:
            raise MissingWeights(f"the network knows {', '.join(sorted(labels)[:10])}, but no {_PERSON!r}: {folder}")
        self._person = labels[_PERSON]
        self._size_px, mean, std = _preparation(folder, self._model.config)
        self._mean = torch.tensor(mean, device=self._device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self._device).view(1, 3, 1, 1)

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        height, width = rgb.shape[:2]
        with inference(self._threads):
            answer = self._model(pixel_values=self.prepared(rgb))
            scores = answer.logits[0, :, self._person].sigmoid().float().cpu().numpy()
            relative = answer.pred_boxes[0].float().cpu().numpy()
        boxes = corners(relative[:, :2], relative[:, 2:]) * np.array([width, height] * 2, np.float32)
        return detections_of(boxes, scores, frame_size_px=(width, height), lowest_score=self._config.score)

    def prepared(self, rgb: NDArray[np.uint8]) -> torch.Tensor:
        """The network's input, (1, 3, side, side), of a frame (H, W, 3)."""
        picture = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None].to(self._device).float() / 255
        resized = torch.nn.functional.interpolate(
            picture, size=self._size_px, mode="bilinear", antialias=True, align_corners=False
        )
        return (resized - self._mean) / self._std


def _load(folder: Path, device: torch.device) -> Any:
    config = folder / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise MissingWeights(f"no folder in transformers' layout ({error}): {folder}") from error
    if kind != "rf_detr":
        raise MissingWeights(f"the network is of type {kind!r}, not 'rf_detr': {folder}")
    return load_model("RfDetrForObjectDetection", folder, device)


def _preparation(folder: Path, config: Any) -> tuple[tuple[int, int], list[float], list[float]]:
    """Height and width of the input, mean and standard deviation of its channels."""
    path = folder / "preprocessor_config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        size = data.get("size", {})
        side = config.backbone_config.image_size
        sides = side if isinstance(side, list | tuple) else (side, side)
        height, width = int(size.get("height", sides[0])), int(size.get("width", sides[1]))
        return (height, width), list(data.get("image_mean", _MEAN)), list(data.get("image_std", _STD))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise MissingWeights(f"how pictures are prepared cannot be read ({error}): {path}") from error
