"""The median of the first few free samples of every pixel, in the order in which they are handed in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.masked_median import masked_median


class NearestMedian:
    """Holds as many pictures as samples count, however many are handed in."""

    def __init__(self, size: tuple[int, ...], enough: int) -> None:
        """Start empty.

        Args:
            size: height and width.
            enough: how many samples of a pixel count.
        """
        height, width = size
        self._slots = np.zeros((enough, height, width, 3), np.uint8)
        self._counts = np.zeros((height, width), np.int32)

    def add(self, rgb: NDArray[np.uint8], free: NDArray[np.bool_]) -> None:
        """Take a sample (H, W, 3) where it is free (H, W) and fewer than enough came before."""
        enough = len(self._slots)
        for slot in range(enough):
            here = free & (self._counts == slot)
            self._slots[slot][here] = rgb[here]
            free = free & ~here
            self._counts[here] += 1

    @property
    def counts(self) -> NDArray[np.int32]:
        """Samples of each pixel so far (H, W), at most enough; not to be written to."""
        return self._counts

    def result(self) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Colours (H, W, 3), 0 where there was no sample, and numbers of samples (H, W)."""
        free = [self._counts > slot for slot in range(len(self._slots))]
        return masked_median(list(self._slots), free)
