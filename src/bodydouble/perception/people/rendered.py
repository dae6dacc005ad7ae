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
from bodydouble.perception.person import RenderedPersonReader
from bodydouble.scene.skeleton import BODY_JOINTS

_MULTIPLE = 32
"""The network halves its input five times."""
_LONGEST_SIDE_PX = 2048
"""Bounds work and memory for frames of extreme shape, such as 3x5000."""
_COARSE_FACTOR = 0.7
"""Size of each look relative to the one before."""
_COARSE_LEAST_PX = 49
"""Height, as that look shows it, from which people found by a coarser look count; smaller ones are seen better before."""
_CANDIDATE_SCORE = 0.2
"""Lowest score that gets a second look; below it even the best opinion would not reach the score of a detection."""
_CANDIDATE_OVERLAP = 0.75
"""Overlap above which two candidates are the same; which one is better is told by the second look."""
_MAX_SECOND_LOOKS = 64
"""Most candidates of a frame that get one, the strongest first."""
_WEIGHT_FOUND, _WEIGHT_PERSON, _WEIGHT_JOINTS, _OFFSET = 1.84, 0.37, 1.06, -2.40
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

    def __init__(self, config: PeopleConfig, *, folder: Path, judge: RenderedPersonReader | None) -> None:
        self._config, self._judge = config, judge
        self._lowest = config.score if judge is None else _CANDIDATE_SCORE
        self._network = Network(folder, "people_finder.onnx", outputs=("scores", "boxes_xyxy_px"), threads=1)

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        boxes, scores = self._candidates(rgb)
        if self._judge is not None and len(boxes):
            kept = suppress(boxes, scores, _CANDIDATE_OVERLAP)[:_MAX_SECOND_LOOKS]
            boxes = boxes[kept]
            opinion = self._judge.read(rgb, boxes)
            assert opinion.is_person is not None
            scores = joint_score(scores[kept], opinion.is_person, opinion.joints.scores)
        kept = suppress(boxes, scores, self._config.nms_overlap)
        kept = kept[scores[kept] >= self._config.score]
        return Detections(boxes_xyxy_px=boxes[kept], scores=scores[kept])

    def _candidates(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (N, 4) and scores (N,) of all looks."""
        height, width = rgb.shape[:2]
        full = working_scale(width, height, self._config)
        passes = [self._look(rgb, full)]
        for number in range(1, self._config.coarse_looks + 1):
            scale = full * _COARSE_FACTOR**number
            boxes, scores = self._look(rgb, scale)
            large = scale * (boxes[:, 3] - boxes[:, 1]) >= _COARSE_LEAST_PX
            passes.append((boxes[large], scores[large]))
        return np.concatenate([boxes for boxes, _ in passes]), np.concatenate([scores for _, scores in passes])

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
        peaks = (heat >= self._lowest) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
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


def joint_score(
    found: NDArray[np.float32], is_person: NDArray[np.float32], joints: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What both networks say together: probability of a person, (N,).

    A logistic regression, fitted to single frames of eight recorded clips (``benchmarks/second_look.py``): four numbers are
    all that recorded people have given to this project's networks.

    Args:
        found: (N,) scores of the finder.
        is_person: (N,) of the per-person network.
        joints: (N, 18) scores of the joints.
    """
    opinion = (
        _WEIGHT_FOUND * _logit(found)
        + _WEIGHT_PERSON * _logit(is_person)
        + _WEIGHT_JOINTS * joints[:, list(BODY_JOINTS)].mean(axis=1)
        + _OFFSET
    )
    return np.asarray(1 / (1 + np.exp(-opinion)), np.float32)


def _logit(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    p = np.clip(probability.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(p / (1 - p)))
