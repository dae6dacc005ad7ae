"""A rectangle of a frame, and whom it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodydouble.scene import PersonTrack


@dataclass(frozen=True, kw_only=True)
class Window:
    """A rectangle in frame pixels, inside the frame; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, box_xyxy_px: npt.NDArray[np.floating], size_px: tuple[int, int], margin_px: float = 0.0) -> Window:
        """The pixels that a box and its margin touch, clipped to a frame of ``size_px`` (width, height)."""
        width, height = size_px
        left, top, right, bottom = (float(v) for v in box_xyxy_px)
        x0, y0 = (int(np.clip(np.floor(v - margin_px), 0, limit)) for v, limit in ((left, width), (top, height)))
        x1, y1 = (int(np.clip(np.ceil(v + margin_px), 0, limit)) for v, limit in ((right, width), (bottom, height)))
        return cls(left=x0, top=y0, right=max(x0, x1), bottom=max(y0, y1))

    @property
    def is_empty(self) -> bool:
        """True if there is no pixel in it."""
        return self.right <= self.left or self.bottom <= self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a frame."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin_px: int, size_px: tuple[int, int]) -> Window:
        """Larger on every side, clipped to a frame of ``size_px`` (width, height)."""
        return Window(
            left=max(self.left - margin_px, 0),
            top=max(self.top - margin_px, 0),
            right=min(self.right + margin_px, size_px[0]),
            bottom=min(self.bottom + margin_px, size_px[1]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """One person in one frame."""

    track: PersonTrack
    step: int
    """Row of the track."""

    @property
    def box_xyxy_px(self) -> npt.NDArray[np.float32]:
        """(4,) left, top, right, bottom; may reach beyond the frame."""
        box: npt.NDArray[np.float32] = self.track.boxes_xyxy_px[self.step]
        return box

    @property
    def height_px(self) -> float:
        """Height of the box, at least 1."""
        return max(float(self.box_xyxy_px[3] - self.box_xyxy_px[1]), 1.0)

    @property
    def longer_side_px(self) -> float:
        """The longer side of the box, at least 1; of whoever lies, the length."""
        return max(float(self.box_xyxy_px[2] - self.box_xyxy_px[0]), self.height_px)
