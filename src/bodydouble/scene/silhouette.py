"""Binary masks of one person over time, packed to one bit a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskStack:
    """One mask per time step, each on its own window of the frame.

    Windows keep masks small: a person of 40x100 px costs 500 bytes a frame.
    """

    windows_xyxy_px: npt.NDArray[np.int32]
    """(time, 4): left, top, right, bottom of each window in frame pixels, inside the frame; right and bottom exclusive."""
    bits: tuple[npt.NDArray[np.uint8], ...]
    """Per time step the mask's pixels, row by row, packed by ``np.packbits`` (big bit order)."""

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ValueError: windows and bits do not belong together.
        """
        if self.windows_xyxy_px.ndim != 2 or self.windows_xyxy_px.shape[1] != 4:
            raise ValueError(f"windows_xyxy_px must be (time, 4), got {self.windows_xyxy_px.shape}")
        if len(self.bits) != len(self.windows_xyxy_px):
            raise ValueError(f"{len(self.bits)} masks for {len(self.windows_xyxy_px)} windows")
        for step, ((left, top, right, bottom), packed) in enumerate(zip(self.windows_xyxy_px, self.bits, strict=True)):
            if right < left or bottom < top or left < 0 or top < 0:
                raise ValueError(f"window {step} is [{left}, {top}, {right}, {bottom}]; it must lie in the frame")
            expected = (int(right - left) * int(bottom - top) + 7) // 8
            if packed.dtype != np.uint8 or packed.shape != (expected,):
                raise ValueError(f"mask {step} has shape {packed.shape} {packed.dtype}, expected ({expected},) uint8")

    def __len__(self) -> int:
        return len(self.bits)

    @classmethod
    def pack(cls, windows_xyxy_px: npt.NDArray[np.int32], masks: Sequence[npt.NDArray[np.bool_]]) -> MaskStack:
        """Pack masks; ``masks[i]`` has the height and width of window ``i``.

        Raises:
            ValueError: a mask does not have its window's size.
        """
        windows = np.asarray(windows_xyxy_px, dtype=np.int32).reshape(-1, 4)
        for step, (window, mask) in enumerate(zip(windows, masks, strict=True)):
            size = (int(window[3] - window[1]), int(window[2] - window[0]))
            if mask.shape != size:
                raise ValueError(f"mask {step} is {mask.shape}, its window is {size} (height, width)")
        return cls(windows_xyxy_px=windows, bits=tuple(np.packbits(mask.ravel()) for mask in masks))

    def mask(self, step: int) -> npt.NDArray[np.bool_]:
        """The mask of a time step on its window, (height, width) bool."""
        left, top, right, bottom = (int(v) for v in self.windows_xyxy_px[step])
        height, width = bottom - top, right - left
        return np.unpackbits(self.bits[step], count=height * width).reshape(height, width).astype(bool)

    def paint(self, step: int, canvas: npt.NDArray[np.bool_]) -> None:
        """Set the pixels of the mask of a time step in a full-frame bool canvas, in place."""
        left, top, right, bottom = (int(v) for v in self.windows_xyxy_px[step])
        canvas[top:bottom, left:right] |= self.mask(step)
