"""SAM 2 (Ravi et al. 2024, "SAM 2: segment anything in images and videos") through transformers 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.perception.config import Sam2Config
from bodydouble.perception.crops import Crop
from bodydouble.perception.geometry import grow, window
from bodydouble.perception.people.torch_use import checked_device, inference
from bodydouble.perception.person import SoftMask
from bodydouble.perception.torch_models import as_tensor, load_model

_AROUND_SHARE: Final = 0.3
"""How much around its box is kept of a person's mask, as a share of the box's mean side."""
_VIEW_SHARE: Final = 0.5
"""How much around its box is shown where each person gets a look of their own."""


class Sam2Reader:
    """Silhouettes by a ``Sam2Model``, prompted by each box; one mask per box.

    Joints are no prompt: the box says who is meant, and a joint on somebody in front would ask for them.

    Raises:
        MissingWeights: the folder holds no such model.
        MissingDependency: there is no such device.
    """

    def __init__(self, folder: Path, config: Sam2Config, *, threads: int) -> None:
        self._device = checked_device(config.device, "perception.silhouette.sam2.device")
        self._model: Any = load_model("Sam2Model", folder, self._device)
        height, width = self._model.config.vision_config.backbone_config.image_size
        self._height_px, self._width_px = int(height), int(width)
        self._view, self._threads = config.view, threads

    def masks(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> list[SoftMask]:
        """See ``SilhouetteReader``."""
        height, width = rgb.shape[:2]
        kept = [window(box, width, height) for box in grow(boxes_xyxy_px, _AROUND_SHARE)]
        found = [
            SoftMask(probabilities=np.zeros((0, 0), np.float32), crop=Crop(left_px=left, top_px=top, scale=1.0))
            for left, top, _, _ in kept
        ]
        inside = [row for row, box in enumerate(boxes_xyxy_px) if _has_pixels(window(box, width, height))]
        for view, rows in self._views(boxes_xyxy_px, inside, (width, height)):
            for row, logits in zip(rows, self._look(rgb, view, boxes_xyxy_px[rows]), strict=True):
                found[row] = SoftMask(probabilities=_sampled(logits, view, kept[row]), crop=found[row].crop)
        return found

    def _views(
        self, boxes: NDArray[np.float32], rows: list[int], size: tuple[int, int]
    ) -> list[tuple[tuple[int, int, int, int], list[int]]]:
        """Which parts of the frame are looked at, and for whom."""
        if not rows:
            return []
        if self._view == "frame":
            return [((0, 0, *size), rows)]
        return [(window(grow(boxes[row][None], _VIEW_SHARE)[0], *size), [row]) for row in rows]

    def _look(
        self, rgb: NDArray[np.uint8], view: tuple[int, int, int, int], boxes: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Logits (boxes, rows, columns) over the view."""
        left, top, right, bottom = view
        region = rgb[top:bottom, left:right]
        method = cv2.INTER_AREA if min(region.shape[:2]) > self._height_px else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(region, (self._width_px, self._height_px), interpolation=method), np.uint8)
        # The picture is brought to a square, so x and y have scales of their own. SAM 2 adds half a pixel itself.
        clipped = np.clip(boxes, [left, top, left, top], [right, bottom, right, bottom]) - [left, top, left, top]
        scale = np.array([self._width_px / (right - left), self._height_px / (bottom - top)] * 2)
        prompts = torch.from_numpy((clipped * scale - 0.5).astype(np.float32))[None].to(self._device)
        with inference(self._threads):
            output = self._model(
                pixel_values=as_tensor(picture[None], self._device), input_boxes=prompts, multimask_output=False
            )
        logits: NDArray[np.float32] = output.pred_masks[0, :, 0].cpu().numpy()
        return logits


def _has_pixels(place: tuple[int, int, int, int]) -> bool:
    return place[2] > place[0] and place[3] > place[1]


def _sampled(
    logits: NDArray[np.float32], view: tuple[int, int, int, int], place: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """Probabilities at the pixels of a window of the frame, from logits over a view; 0 outside of the view."""
    rows, columns = logits.shape
    s_x, s_y = columns / (view[2] - view[0]), rows / (view[3] - view[1])
    matrix = np.array(
        [[s_x, 0.0, s_x * (place[0] + 0.5 - view[0]) - 0.5], [0.0, s_y, s_y * (place[1] + 0.5 - view[1]) - 0.5]]
    )
    # Logits at the border go on for the half cell that lies beyond its centre.
    padded = np.pad(logits, 1, mode="edge")
    matrix[:, 2] += 1.0
    full = cv2.warpAffine(
        padded,
        matrix,
        (place[2] - place[0], place[3] - place[1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-60.0,
    )
    answer: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-np.clip(full, -60.0, 60.0)))).astype(np.float32)
    return answer
