"""People finder with the project's own network, which has seen rendered bodies only."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PeopleConfig
from bodydouble.perception.geometry import suppress, window
from bodydouble.perception.networks import Network
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.judging import Judge, second_scores

_MULTIPLE = 32
"""The network halves its input five times."""
_LONGEST_SIDE_PX = 2048
"""Bounds work and memory for frames of extreme shape, such as 3x5000."""
_COARSE_FACTOR = 0.7
"""Size of each look relative to the one before."""
_COARSE_LEAST_PX = 49
"""Height, as that look shows it, from which people found by a coarser look count; smaller ones are seen better before."""
_HINT_SCORE = 0.2
_HINT_PX = 65
"""A coarser look is worth it where this one shows something that tall; the coarser one would show it four pixels lower than
asked. Fitted: on single frames of eight clips nobody who is found at all was lost (``benchmarks/README.md``)."""
_CONTEXT_PX = 48
"""What a coarser look shows around such hints, at its own size."""
_CANDIDATE_SCORE = 0.2
"""Lowest score that gets a second look; below it even the best opinion would not reach the score of a detection."""
_CANDIDATE_OVERLAP = 0.75
"""Overlap above which two candidates are the same; which one is better is told by the second look."""
_MAX_SECOND_LOOKS = 64
"""Most candidates of a frame that get one, the strongest first."""
_MAX_CANDIDATES = 600
"""Peaks looked at per pass; more is noise."""


def working_scale(width_px: int, height_px: int, config: PeopleConfig) -> float:
    """Factor by which a frame is resized before the network sees it."""
    scale = (config.working_pixels / (width_px * height_px)) ** 0.5
    # Close to 1 a resize costs sharpness and time for nothing.
    scale = 1.0 if 0.9 <= scale <= 1.1 else min(scale, config.max_upscale)
    return min(scale, _LONGEST_SIDE_PX / max(width_px, height_px))


class RenderedPeopleFinder:
    """Runs ``people_finder.onnx`` at several sizes, joins the results, and asks the per-person network about each.

    May be called by several threads at once.

    Args:
        config: sizes and thresholds.
        folder: with the network.
        judge: gives the second opinion; None goes by the finder alone.

    Raises:
        MissingWeights: the network is absent or cannot be loaded.
    """

    def __init__(self, config: PeopleConfig, *, folder: Path, judge: Judge | None) -> None:
        self._config, self._judge = config, judge
        self._lowest = config.score if judge is None else _CANDIDATE_SCORE
        self._network = Network(folder, "people_finder.onnx", outputs=("scores", "boxes_xyxy_px"), threads=1)

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        boxes, scores = self.candidates(rgb)
        if self._judge is not None and len(boxes):
            boxes, scores = distinct(boxes, scores)
            scores = second_scores(rgb, boxes, scores, self._judge, lowest=self._config.score)
        kept = suppress(boxes, scores, self._config.nms_overlap)
        kept = kept[scores[kept] >= self._config.score]
        return Detections(boxes_xyxy_px=boxes[kept], scores=scores[kept])

    def candidates(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (N, 4) and the finder's scores (N,) of all looks at a frame, (H, W, 3); many of them of the same people."""
        height, width = rgb.shape[:2]
        scale = working_scale(width, height, self._config)
        boxes, scores = self._look(rgb, scale, np.array([0, 0, width, height], np.float32))
        passes = [(boxes, scores)]
        for _ in range(self._config.coarse_looks):
            hints = boxes[(scores >= _HINT_SCORE) & (scale * (boxes[:, 3] - boxes[:, 1]) >= _HINT_PX)]
            if len(hints) == 0:
                break
            scale *= _COARSE_FACTOR
            around = np.r_[hints[:, :2].min(axis=0), hints[:, 2:].max(axis=0)]
            around += np.array([-1, -1, 1, 1], np.float32) * _CONTEXT_PX / scale
            boxes, scores = self._look(rgb, scale, around)
            large = scale * (boxes[:, 3] - boxes[:, 1]) >= _COARSE_LEAST_PX
            passes.append((boxes[large], scores[large]))
        return np.concatenate([boxes for boxes, _ in passes]), np.concatenate([scores for _, scores in passes])

    def _look(
        self, rgb: NDArray[np.uint8], scale: float, around_xyxy_px: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One pass of the network over a part of the frame: boxes (N, 4) in frame pixels and scores (N,), not suppressed."""
        height, width = rgb.shape[:2]
        small_w, small_h = max(1, round(width * scale)), max(1, round(height * scale))
        picture = rgb
        if (small_w, small_h) != (width, height):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            picture = cv2.resize(rgb, (small_w, small_h), interpolation=method).astype(np.uint8)
        to_frame = np.array([width / small_w, height / small_h] * 2, np.float32)
        left, top, right, bottom = window(around_xyxy_px / to_frame, small_w, small_h)
        # The network looks at every pixel from the same side whatever part is shown.
        left, top = left // _MULTIPLE * _MULTIPLE, top // _MULTIPLE * _MULTIPLE
        padded_w, padded_h = -(-(right - left) // _MULTIPLE) * _MULTIPLE, -(-(bottom - top) // _MULTIPLE) * _MULTIPLE
        part = picture[top : top + padded_h, left : left + padded_w]
        padded = np.zeros((padded_h, padded_w, 3), np.uint8)
        padded[: part.shape[0], : part.shape[1]] = part
        score_map, box_map = (output[0] for output in self._network(padded[None]))
        heat = score_map[0]
        peaks = (heat >= self._lowest) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        rows, columns = np.nonzero(peaks)
        scores = heat[rows, columns]
        strongest = np.argsort(-scores, kind="stable")[:_MAX_CANDIDATES]
        rows, columns, scores = rows[strongest], columns[strongest], scores[strongest]
        boxes = (box_map[:, rows, columns].T + np.array([left, top] * 2, np.float32)) * to_frame
        # Peaks in the padding, and boxes without extent, are not in the picture.
        inside = (np.minimum(boxes[:, 2], width) - np.maximum(boxes[:, 0], 0) >= 1) & (
            np.minimum(boxes[:, 3], height) - np.maximum(boxes[:, 1], 0) >= 1
        )
        return boxes[inside].astype(np.float32), scores[inside].astype(np.float32)


def distinct(
    boxes: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of candidates those that get a second look, strongest first: boxes (K, 4) and scores (K,)."""
    kept = suppress(boxes, scores, _CANDIDATE_OVERLAP)[:_MAX_SECOND_LOOKS]
    return boxes[kept], scores[kept]
