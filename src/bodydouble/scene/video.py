"""Size and timing of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MAX_SIDE_PX = 16384
"""Longest side of a frame that is accepted anywhere; larger values come from broken files."""


@dataclass(frozen=True, kw_only=True)
class VideoGeometry:
    """Size and exact timing of a clip, as it is shown (rotation already applied)."""

    width_px: int
    """Width of a frame, 1 to ``MAX_SIDE_PX``."""
    height_px: int
    """Height of a frame, 1 to ``MAX_SIDE_PX``."""
    time_base: Fraction
    """Seconds per tick of ``pts_ticks``."""
    average_rate: Fraction
    """Frames per second as the container states it (30000/1001 stays so); 25 for image folders."""
    pts_ticks: tuple[int, ...]
    """Presentation time of each frame that decodes, in ticks, strictly increasing; its length is the number of frames."""
    is_gray: bool = False
    """The source has one channel (frames are handed on as RGB with three equal channels)."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a side, the time base or the order of the time stamps is impossible.
        """
        for name in ("width_px", "height_px"):
            value = getattr(self, name)
            if not 1 <= value <= MAX_SIDE_PX:
                raise ValueError(f"{name} is {value}; allowed is 1 to {MAX_SIDE_PX}")
        if self.time_base <= 0 or self.average_rate <= 0:
            raise ValueError(f"time base {self.time_base} and rate {self.average_rate} must be positive")
        if any(b <= a for a, b in zip(self.pts_ticks, self.pts_ticks[1:], strict=False)):
            raise ValueError("time stamps must increase from frame to frame")

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.pts_ticks)

    def pts_seconds(self, frame_index: int) -> float:
        """Presentation time of a frame in seconds."""
        return float(self.pts_ticks[frame_index] * self.time_base)
