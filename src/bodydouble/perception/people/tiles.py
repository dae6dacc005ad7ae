"""Any finder looking also at overlapping parts of a frame, in which small people are larger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas, overlap_areas, suppress
from bodydouble.perception.people.base import Detections, PeopleFinder

_SHARE: Final = 0.6
"""Side of a tile relative to the frame's; two tiles share a fifth of the frame."""
_LEAST_PX: Final = 64
"""Frames with a shorter side are not cut."""
_EDGE_PX: Final = 2.0
"""A box that comes this close to the edge of a tile may be cut by it."""
_PART_SHARE: Final = 0.6
"""A cut box with this share of its area inside another box is a part of that person."""


@dataclass(frozen=True, kw_only=True)
class TiledFinder:
    """Looks at the frame and at its four corners."""

    finder: PeopleFinder
    """Looks at each part."""
    nms_overlap: float
    """Intersection over union above which the weaker of two boxes goes."""

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        height, width = rgb.shape[:2]
        whole = self.finder.find(rgb)
        if min(height, width) < _LEAST_PX:
            return whole
        found = [(whole.boxes_xyxy_px, whole.scores, np.zeros(len(whole), bool))]
        tile_w, tile_h = round(width * _SHARE), round(height * _SHARE)
        for top in (0, height - tile_h):
            for left in (0, width - tile_w):
                part = self.finder.find(np.ascontiguousarray(rgb[top : top + tile_h, left : left + tile_w]))
                boxes = part.boxes_xyxy_px
                cut = np.zeros(len(part), bool)
                # Where the frame goes on beyond the tile, what touches the tile's edge is a part of somebody.
                cut |= (boxes[:, 0] <= _EDGE_PX) & (left > 0)
                cut |= (boxes[:, 1] <= _EDGE_PX) & (top > 0)
                cut |= (boxes[:, 2] >= tile_w - _EDGE_PX) & (left + tile_w < width)
                cut |= (boxes[:, 3] >= tile_h - _EDGE_PX) & (top + tile_h < height)
                found.append((boxes + np.array([left, top, left, top], np.float32), part.scores, cut))
        boxes, scores, cut = (np.concatenate(rows) for rows in zip(*found, strict=True))
        return _joined(boxes, scores, cut, self.nms_overlap)


def _joined(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], cut: NDArray[np.bool_], overlap: float
) -> Detections:
    """Whole people first; parts only where nobody whole is."""
    whole = np.flatnonzero(~cut)
    whole = whole[suppress(boxes[whole], scores[whole], overlap)]
    parts = np.flatnonzero(cut)
    if len(whole) and len(parts):
        inside = overlap_areas(boxes[parts], boxes[whole]) / np.maximum(areas(boxes[parts]), 1e-9)[:, None]
        parts = parts[inside.max(axis=1) < _PART_SHARE]
    parts = parts[suppress(boxes[parts], scores[parts], overlap)]
    kept = np.concatenate([whole, parts])
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return Detections(boxes_xyxy_px=boxes[kept], scores=scores[kept])
