"""One person's silhouette in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Outline:
    """One person's silhouette in one frame."""

    window_xyxy_px: tuple[int, int, int, int]
    """Part of the frame that ``mask`` covers."""
    mask: NDArray[np.bool_]
    """(height, width) of the window."""
    motion_share: float
    """Share of the person's pixels that differ from the plate, NaN where nobody can tell."""
    kept: NDArray[np.bool_] | None = None
    """(height, width) of the window: what the person carries and is kept as filmed; None for nothing."""
