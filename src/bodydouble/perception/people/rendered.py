"""People finder with the project's own network, which has seen rendered bodies only."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PeopleConfig
from bodydouble.perception.geometry import suppress
from bodydouble.perception.networks import Network
from bodydouble.perception.people.base import Detections

_MULTIPLE = 32
"""The network halves its input five times."""
_LONGEST_SIDE_PX = 2048
"""Bounds work and memory for frames of extreme shape, such as 3x5000."""
_COARSE_FACTOR = 0.35
"""Size of the coarse pass relative to the full one."""
_COARSE_LEAST_PX = 140
"""Height, at the full working size, from which people found by the coarse pass count."""
_MAX_CANDIDATES = 600
"""Peaks looked at per pass; more is noise."""


def working_scale(width_px: int, height_px: int, config: PeopleConfig) -> float:
    """Factor by which a frame is resized before the network sees it."""
    scale = (config.working_pixels / (width_px * height_px)) ** 0.5
    # Close to 1 a resize costs sharpness and time for nothing.
    scale = 1.0 if 0.9 <= scale <= 1.1 else min(scale, config.max_upscale)
    return min(scale, _LONGEST_SIDE_PX / max(width_px, height_px))


class RenderedPeopleFinder:
    """Runs ``people_finder.onnx`` at one or two sizes and joins the results.

    Raises:
        MissingWeights: the network is absent or cannot be loaded.
    """

    def __init__(self, config: PeopleConfig, *, folder: Path, threads: int) -> None:
        self._config = config
        self._network = Network(folder, "people_finder.onnx", outputs=("scores", "boxes_xyxy_px"), threads=threads)

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        height, width = rgb.shape[:2]
        scale = working_scale(width, height, self._config)
        passes = [self._look(rgb, scale)]
        if self._config.coarse_pass:
            boxes, scores = self._look(rgb, _COARSE_FACTOR * scale)
            # Small people are seen better at the full size; here they only add doubles.
            large = scale * (boxes[:, 3] - boxes[:, 1]) >= _COARSE_LEAST_PX
            passes.append((boxes[large], scores[large]))
        boxes = np.concatenate([boxes for boxes, _ in passes])
        scores = np.concatenate([scores for _, scores in passes])
        kept = suppress(boxes, scores, self._config.nms_overlap)
        return Detections(boxes_xyxy_px=boxes[kept], scores=scores[kept])

    def _look(self, rgb: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One pass of the network: boxes (N, 4) in frame pixels and scores (N,), not yet suppressed."""
        height, width = rgb.shape[:2]
        small_w, small_h = max(1, round(width * scale)), max(1, round(height * scale))
        picture = rgb
        if (small_w, small_h) != (width, height):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            picture = cv2.resize(rgb, (small_w, small_h), interpolation=method).astype(np.uint8)
        padded_w, padded_h = -(-small_w // _MULTIPLE) * _MULTIPLE, -(-small_h // _MULTIPLE) * _MULTIPLE
        padded = np.zeros((padded_h, padded_w, 3), np.uint8)
        padded[:small_h, :small_w] = picture
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        score_map, box_map = (output[0] for output in self._network(tensor))
        heat = score_map[0]
        peaks = (heat >= self._config.score) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        rows, columns = np.nonzero(peaks)
        scores = heat[rows, columns]
        strongest = np.argsort(-scores, kind="stable")[:_MAX_CANDIDATES]
        rows, columns, scores = rows[strongest], columns[strongest], scores[strongest]
        to_frame = np.array([width / small_w, height / small_h] * 2, np.float32)
        boxes = box_map[:, rows, columns].T * to_frame
        # Peaks in the padding, and boxes without extent, are not in the picture.
        inside = (np.minimum(boxes[:, 2], width) - np.maximum(boxes[:, 0], 0) >= 1) & (
            np.minimum(boxes[:, 3], height) - np.maximum(boxes[:, 1], 0) >= 1
        )
        return boxes[inside].astype(np.float32), scores[inside].astype(np.float32)
