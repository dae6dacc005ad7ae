"""Rectangles of a frame; everything costly is done on them and never on whole frames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A rectangle in frame pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, xyxy_px: Iterable[float]) -> Window:
        """The smallest one around left, top, right and bottom; a row of boxes or of whole pixels."""
        left, top, right, bottom = xyxy_px
        return cls(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))

    @property
    def width(self) -> int:
        """Width in px; 0 or less when empty."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in px; 0 or less when empty."""
        return self.bottom - self.top

    @property
    def is_empty(self) -> bool:
        """True if there is no pixel in it."""
        return self.width <= 0 or self.height <= 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a frame."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin_px: int) -> Window:
        """Larger by a margin on every side."""
        return Window(self.left - margin_px, self.top - margin_px, self.right + margin_px, self.bottom + margin_px)

    def clipped(self, other: Window) -> Window:
        """The part that lies in another window."""
        return Window(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def joined(self, other: Window) -> Window:
        """The smallest window around both."""
        return Window(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def slices_in(self, outer: Window) -> tuple[slice, slice]:
        """Rows and columns of this window, to index an array that covers ``outer``."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )
