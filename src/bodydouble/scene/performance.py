"""What generation makes: small RGBA pictures per track and frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class Sprite:
    """One double in one frame."""

    left_px: int
    """Column of the frame of the picture's left edge; may be negative."""
    top_px: int
    """Row of the frame of the picture's top edge; may be negative."""
    rgba: npt.NDArray[np.uint8]
    """(height, width, 4): sRGB colour, not multiplied by alpha, and alpha; 0 to 255. Height or width 0 is allowed."""
    ground_y_px: float
    """Row at which the double touches the ground; decides who is in front."""

    def __post_init__(self) -> None:
        """Check the picture.

        Raises:
            ValueError: the picture is not (height, width, 4) uint8.
        """
        if self.rgba.ndim != 3 or self.rgba.shape[2] != 4 or self.rgba.dtype != np.uint8:
            raise ValueError(f"rgba must be (height, width, 4) uint8, got {self.rgba.shape} {self.rgba.dtype}")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackWindow:
    """Consecutive sprites of one track; the unit in which performances are generated, stored and resumed."""

    track_id: int
    frame_indices: npt.NDArray[np.int64]
    """(time,): source frames that are played, strictly increasing."""
    sprites: tuple[Sprite, ...]
    """One per frame index."""
