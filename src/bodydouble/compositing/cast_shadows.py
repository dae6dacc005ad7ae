"""The shadows that doubles cast where the sun of a clip is known: one layer of shade under all of them."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.body.cast_shadow import cast_shadow
from bodydouble.compositing.kernels import dim
from bodydouble.compositing.light import SRGB_TO_LINEAR
from bodydouble.compositing.windows import Window
from bodydouble.scene import Sprite, Sun
from bodydouble.scene.view import View

_PENUMBRA_SHARE: Final[float] = 0.01
"""Deviation of a shadow's soft edge over the height of who casts it: the sun is half a degree wide."""
_LEAST_SHADE: Final[float] = 1.0 / 255.0


def shade_of(
    sprite: Sprite, view: View, sun: Sun, blur_px: float, frame_window: Window
) -> tuple[Window, npt.NDArray[np.float32]] | None:
    """Where a double takes how much of the sun from the ground: a window in the frame, and on it 0 to 1.

    Args:
        sprite: the double.
        view: how the camera looks.
        sun: where its light comes from.
        blur_px: standard deviation of the footage's softness.
        frame_window: the whole frame.
    """
    alpha = np.ascontiguousarray(sprite.rgba[:, :, 3])
    cast = cast_shadow(alpha, (sprite.left_px, sprite.top_px), sprite.ground_y_px, view, sun.shadow_xz)
    if cast is None:
        return None
    sigma = max(math.hypot(blur_px, _PENUMBRA_SHARE * alpha.shape[0]), 0.3)
    margin = math.ceil(2.5 * sigma)
    own = Window(*cast[0])
    whole = own.grown(margin)
    window = whole.clipped(frame_window)
    # What lies beyond the border goes on there.
    kept = np.pad(cast[1], margin)
    inner = window.slices_in(whole)
    for side, at_border in enumerate(
        (own.top <= 0, own.bottom >= frame_window.bottom, own.left <= 0, own.right >= frame_window.right)
    ):
        if at_border:
            _continue(kept, side, margin)
    size = 2 * margin + 1
    soft = cv2.GaussianBlur(kept.astype(np.float32), (size, size), sigma, borderType=cv2.BORDER_CONSTANT)
    return window, np.asarray(soft[inner] * np.float32(1 / 255.0), np.float32)


def _continue(picture: npt.NDArray[np.uint8], side: int, margin: int) -> None:
    """Repeat the outermost row or column (top, bottom, left, right) into the margin."""
    turned = picture if side < 2 else picture.T
    if side % 2:
        turned[-margin:] = turned[-margin - 1]
    else:
        turned[:margin] = turned[margin]


def darken(result: npt.NDArray[np.uint8], shade: npt.NDArray[np.float32], darkness: float) -> npt.NDArray[np.bool_]:
    """Take a share of the linear light away, in place; pixels without shade keep their value to the bit.

    Args:
        result: (height, width, 3).
        shade: (height, width), 0 to 1.
        darkness: share that is taken where ``shade`` is 1.

    Returns:
        Where it wrote, (height, width).
    """
    taken = np.where(shade * darkness >= _LEAST_SHADE, shade * np.float32(darkness), np.float32(0.0))
    dim(result, np.asarray(taken, np.float32), SRGB_TO_LINEAR)
    return np.asarray(taken > 0.0)
