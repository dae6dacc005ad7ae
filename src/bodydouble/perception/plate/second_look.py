"""Looking for people on a finished plate, where there should be none.

Whoever stands still for a whole clip and was missed in most frames is in the median. A plate has less noise and blur
than a frame and is looked at in parts as well, so that many who were missed are found on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import suppress
from bodydouble.perception.occupancy import around_people
from bodydouble.perception.people.base import PeopleFinder
from bodydouble.perception.person import SilhouetteReader

_TILE_SHARE: Final = 0.6
"""Width and height of each of the four overlapping parts, as a share of the picture's."""
_LEAST_TILE_PX: Final = 48
_SAME_OVERLAP: Final = 0.6


class PlateInspector:
    """Finds people on pictures of the background; remembers nothing."""

    def __init__(self, finder: PeopleFinder, reader: SilhouetteReader, score: float) -> None:
        """Use these networks.

        Args:
            finder: finds people.
            reader: tells their silhouettes.
            score: detections from this score on count, 0 to 1.
        """
        self._finder = finder
        self._reader = reader
        self._score = score

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Pixels of a picture (H, W, 3) that may show somebody, (H, W)."""
        _, silhouettes, _ = around_people(rgb, self.find(rgb), self._reader)
        return silhouettes

    def find(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Boxes (N, 4) of people on a picture (H, W, 3): the whole of it, and four parts."""
        height, width = rgb.shape[:2]
        views = [(0, 0, width, height)]
        tile_w, tile_h = round(_TILE_SHARE * width), round(_TILE_SHARE * height)
        if min(tile_w, tile_h) >= _LEAST_TILE_PX:
            views += [(x, y, x + tile_w, y + tile_h) for y in (0, height - tile_h) for x in (0, width - tile_w)]
        boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        for left, top, right, bottom in views:
            found = self._finder.find(np.ascontiguousarray(rgb[top:bottom, left:right]))
            shift = np.array([left, top, left, top], np.float32)
            sure = found.scores >= self._score
            boxes.append(found.boxes_xyxy_px[sure] + shift)
            scores.append(found.scores[sure])
        all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
        return all_boxes[suppress(all_boxes, all_scores, _SAME_OVERLAP)]
