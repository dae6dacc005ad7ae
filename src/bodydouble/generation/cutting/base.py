"""The contract of a cutter, and the table of those that exist."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.config import GenerationConfig


class Cutter(Protocol):
    """Finds a generated person on a background that was asked to be plain."""

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Which share of each pixel is the person's.

        Must treat every frame alone: which frames come together is a matter of memory.

        Args:
            rgb: (time, height, width, 3) generated pictures.

        Returns:
            (time, height, width) 0 to 1.
        """


def make_cutter(config: GenerationConfig) -> Cutter:
    """The cutter that a configuration names; its heavy imports happen here."""
    from bodydouble.generation.cutting.plain import PlainCutter

    return PlainCutter(config.cutting.threshold)
