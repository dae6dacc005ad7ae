"""People behind glass: seen to the chest or the knees, dim, with the street reflected on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.backgrounds import Backgrounds
from training.clutter import draw_thing
from training.figures import changed

Floats = NDArray[np.float32]

LEAST_CONTRAST: Final = 0.035
"""Mean difference in 0..1 that somebody must make to what is behind them, all channels, to count as one to find."""


class Pane:
    """A window front in a picture: ``inside`` draws what is behind it, then ``glaze`` lays the glass over."""

    def __init__(self, image: Floats, backgrounds: Backgrounds, rng: np.random.Generator) -> None:
        height, width = image.shape[:2]
        self._rng = rng
        self._tall_px = float(np.exp(rng.uniform(np.log(0.14), np.log(0.6)))) * height
        wide, self._sill_px = width * rng.uniform(0.35, 1.2), rng.uniform(0.35, 0.95) * height
        start = rng.uniform(-0.2, 1.0) * width - 0.3 * wide
        self._left_px, self._right_px = max(0.0, start), min(float(width), max(start + wide, 8.0))
        self._rows = slice(max(0, int(self._sill_px - self._tall_px)), int(self._sill_px))
        self._columns = slice(int(self._left_px), int(self._right_px))
        self._reflection = backgrounds.draw(height, width)
        self._reflected = np.float32(rng.uniform(0.0, 0.45))
        room = backgrounds.draw(height, width) * np.float32(rng.uniform(0.15, 0.9))
        image[self._rows, self._columns] = room[self._rows, self._columns]
        for _ in range(int(rng.integers(0, 5))):
            middle, foot, tall = self._spot()
            self.inside(image, partial(draw_thing, x=middle, y=foot, size=tall, rng=rng))

    def _spot(self) -> tuple[float, float, float]:
        tall = self._tall_px * float(np.exp(self._rng.uniform(np.log(0.7), np.log(2.2))))
        foot = self._sill_px + tall * float(self._rng.uniform(0.0, 0.55))
        return float(self._rng.uniform(self._left_px, self._right_px)), foot, float(np.clip(tall, 24, 420))

    def people(self) -> list[tuple[float, float, float]]:
        """Middle, foot line and height, in pixels, of those in the room, the farthest first; none at times."""
        count = int(self._rng.choice([0, 1, 2, 3, 5], p=[0.15, 0.3, 0.25, 0.2, 0.1]))
        return sorted((self._spot() for _ in range(count)), key=lambda spot: spot[1])

    def inside(self, image: Floats, draw: Callable[[Floats], object]) -> tuple[NDArray[np.bool_], float]:
        """Draw something in the room, in place, cut off at the window's edges.

        Returns:
            Where it is seen, ``(H, W)``, and by how much it differs there from what is behind it, glass laid over, 0..1.
        """
        before = image.copy()
        draw(image)
        seen = changed(before, image)
        outside = np.ones(seen.shape, bool)
        outside[self._rows, self._columns] = False
        image[outside] = before[outside]
        seen &= ~outside
        contrast = float(np.abs(image[seen] - before[seen]).mean()) if seen.any() else 0.0
        return seen, contrast * float(1 - self._reflected)

    def glaze(self, image: Floats) -> NDArray[np.bool_]:
        """Lay the glass and its frame over the room, in place; where the frame hides what is behind, ``(H, W)``."""
        rng, rows, columns = self._rng, self._rows, self._columns
        region = image[rows, columns]
        region += self._reflected * (self._reflection[rows, columns] - region)
        frame = np.zeros(image.shape[:2], np.uint8)
        thick = max(1, round(self._tall_px * rng.uniform(0.01, 0.08)))
        gap = max(6.0, self._tall_px * rng.uniform(0.4, 2.0))
        for x in np.arange(columns.start + gap * rng.uniform(0, 1), columns.stop, gap):
            cv2.line(frame, (round(x), rows.start), (round(x), rows.stop), 1, thick)
        if rng.random() < 0.4:
            y = round(rng.uniform(rows.start, rows.stop))
            cv2.line(frame, (columns.start, y), (columns.stop, y), 1, thick)
        cv2.rectangle(frame, (columns.start, rows.start), (columns.stop, rows.stop), 1, thick)
        hidden = np.asarray(frame > 0)
        image[hidden] = np.full(3, rng.uniform(0.05, 0.95)) if rng.random() < 0.6 else rng.uniform(0.02, 0.95, 3)
        return hidden
