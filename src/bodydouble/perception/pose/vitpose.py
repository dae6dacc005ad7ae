"""ViTPose (Xu et al. 2022, "ViTPose: simple vision transformer baselines") through transformers 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import VitPoseConfig
from bodydouble.perception.crops import crop_of, cut
from bodydouble.perception.people.torch_use import checked_device, inference
from bodydouble.perception.person import Joints
from bodydouble.perception.pose.coco import NUM_KEYPOINTS, openpose_from_coco
from bodydouble.perception.pose.decode import peaks
from bodydouble.perception.torch_models import as_tensor, load_model


class VitPoseReader:
    """Joints by one of the ``VitPoseForPoseEstimation`` models with COCO's keypoints.

    The crop is the box grown by 1.25 and brought to the network's 3:4, black beyond the frame, as in training. Heat
    maps are read with the alignment of training too: their corner cells lie on the crop's corner pixels (Huang et al.
    2020, "The devil is in the details", unbiased data processing). Peaks are refined along rows and columns; pictures
    are not looked at a second time mirrored.

    Raises:
        MissingWeights: the folder holds no such model.
        MissingDependency: there is no such device.
    """

    def __init__(self, folder: Path, config: VitPoseConfig, *, threads: int, batch: int) -> None:
        self._device = checked_device(config.device, "perception.pose.vitpose.device")
        self._model: Any = load_model("VitPoseForPoseEstimation", folder, self._device)
        if self._model.config.num_labels != NUM_KEYPOINTS:
            raise MissingWeights(
                f"the model has {self._model.config.num_labels} keypoints, expected COCO's {NUM_KEYPOINTS}: {folder}"
            )
        height, width = self._model.config.backbone_config.image_size
        self._height_px, self._width_px = int(height), int(width)
        self._threads, self._batch = threads, batch

    def joints(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> Joints:
        """See ``PoseReader``."""
        size = {"width_px": self._width_px, "height_px": self._height_px}
        crops = [crop_of(box, **size) for box in boxes_xyxy_px]
        located = [np.zeros((0, NUM_KEYPOINTS, 2), np.float32)]
        levels = [np.zeros((0, NUM_KEYPOINTS), np.float32)]
        for start in range(0, len(crops), self._batch):
            part = crops[start : start + self._batch]
            heatmaps = self._heatmaps(np.stack([cut(rgb, crop, **size, black_outside=True) for crop in part]))
            cells, scores = peaks(heatmaps)
            rows, columns = heatmaps.shape[2:]
            step = np.array([(self._width_px - 1) / (columns - 1), (self._height_px - 1) / (rows - 1)])
            points = (cells * step + 0.5).astype(np.float32)
            located += [crop.to_frame(own)[None] for crop, own in zip(part, points, strict=True)]
            levels.append(scores)
        xy, scores = openpose_from_coco(np.concatenate(located), np.concatenate(levels))
        return Joints(xy_px=xy, scores=scores)

    def _heatmaps(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 17, rows, columns)."""
        with inference(self._threads):
            # Models with a mixture of experts ask which data set a picture is of; 0 is COCO.
            experts = {}
            if self._model.config.backbone_config.num_experts > 1:
                experts["dataset_index"] = torch.zeros(len(pictures), dtype=torch.long, device=self._device)
            output = self._model(pixel_values=as_tensor(pictures, self._device), **experts)
        heatmaps: NDArray[np.float32] = output.heatmaps.cpu().numpy()
        return heatmaps
