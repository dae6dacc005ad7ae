"""One double, ready to be laid over a frame: softened, lit, cut to the frame; and its contact shadow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.config import ShadowConfig
from bodydouble.compositing.kernels import lay
from bodydouble.compositing.sensor import Noise, NoisePiece
from bodydouble.compositing.windows import Window
from bodydouble.scene import Sprite

LEAST_ALPHA: Final[float] = 0.5 / 255.0
"""Less of a layer changes no pixel and is taken as nothing."""
_FOOT_SHARE: Final[float] = 0.05
"""Share of the height above the ground row that counts as foot: a shoe seen from eye level."""
_SHADOW_FLATNESS: Final[float] = 0.5
"""Height over width of the shadow's spread; the ground is seen at a slant."""
_SHADOW_SATURATION: Final[float] = 1.2
_FOOT_AT_MOST_SHARE: Final[float] = 0.2
_LEAST_SHADOW: Final[float] = 1.0 / 255.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Something to be laid over a frame."""

    window: Window
    """Inside the frame; may be empty."""
    colour: npt.NDArray[np.float32]
    """(height, width, 3): sRGB multiplied by alpha, 0 to 255."""
    alpha: npt.NDArray[np.float32]
    """(height, width), 0 to 1."""


def make_layer(sprite: Sprite, lit_rgb: npt.NDArray[np.uint8], blur_px: float, frame_window: Window) -> Layer:
    """Soften a sprite and cut it to the frame.

    Args:
        sprite: the double; may reach beyond the frame or lie outside it.
        lit_rgb: (height, width, 3): its colours in the light of its place.
        blur_px: standard deviation of the softening; 0 is none.
        frame_window: the whole frame.
    """
    height, width = sprite.rgba.shape[:2]
    margin = math.ceil(2.5 * blur_px)
    whole = Window(sprite.left_px, sprite.top_px, sprite.left_px + width, sprite.top_px + height).grown(margin)
    window = whole.clipped(frame_window)
    if window.is_empty or height == 0 or width == 0:
        empty = np.zeros((0, 0), dtype=np.float32)
        return Layer(window=Window(0, 0, 0, 0), colour=empty.reshape(0, 0, 1).repeat(3, axis=2), alpha=empty)
    picture = np.zeros((height + 2 * margin, width + 2 * margin, 4), dtype=np.float32)
    inner = picture[margin : margin + height, margin : margin + width]
    inner[:, :, 3] = sprite.rgba[:, :, 3] * np.float32(1.0 / 255.0)
    inner[:, :, :3] = lit_rgb * inner[:, :, 3:]
    if margin > 0:
        size = 2 * margin + 1
        picture = cv2.GaussianBlur(picture, (size, size), blur_px, borderType=cv2.BORDER_CONSTANT)
    cut = picture[window.slices_in(whole)]
    alpha = np.where(cut[:, :, 3] >= LEAST_ALPHA, cut[:, :, 3], np.float32(0.0))
    return Layer(window=window, colour=cut[:, :, :3], alpha=alpha)


def contact_shadow(sprite: Sprite, frame_window: Window, config: ShadowConfig) -> Layer | None:
    """Soft black layer under the feet of a double, made of its own footprint; None where there is nothing to draw.

    The footprint is the part of the double within a shoe's height of the ground row, blurred along the ground, so
    that each foot has its own shadow and a lifted foot has none.
    """
    alpha = sprite.rgba[:, :, 3]
    rows = np.flatnonzero(alpha.any(axis=1))
    if config.strength <= 0.0 or len(rows) == 0:
        return None
    height = int(rows[-1] - rows[0]) + 1
    reach = math.ceil(config.reach_share * height)
    if reach < 1:
        return None
    first = math.floor(sprite.ground_y_px - sprite.top_px - _FOOT_SHARE * height)
    first = max(0, first, int(rows[-1]) + 1 - math.floor(_FOOT_AT_MOST_SHARE * height))
    foot = alpha[first:]
    if foot.size == 0 or not foot.any():
        return None
    flat = max(1, round(reach * _SHADOW_FLATNESS))
    top, left = sprite.top_px + first, sprite.left_px
    whole = Window(left - reach, top - flat, left + foot.shape[1] + reach, top + foot.shape[0] + flat)
    window = whole.clipped(frame_window)
    if window.is_empty:
        return None
    print_ = np.zeros((whole.height, whole.width), dtype=np.float32)
    print_[flat:-flat, reach:-reach] = foot * np.float32(1.0 / 255.0)
    spread = cv2.GaussianBlur(
        print_, (2 * reach + 1, 2 * flat + 1), reach / 2.0, sigmaY=flat / 2.0, borderType=cv2.BORDER_CONSTANT
    )
    # Small feet must not cast a weaker shadow than large ones; and what is darkest lies hidden under the shoes.
    dark = np.minimum(spread * (_SHADOW_SATURATION / max(float(spread.max()), 1e-6)), 1.0) * np.float32(config.strength)
    dark = dark[window.slices_in(whole)]
    dark = np.where(dark >= _LEAST_SHADOW, dark, np.float32(0.0))
    return Layer(window=window, colour=np.zeros((*dark.shape, 3), dtype=np.float32), alpha=dark)


def lay_over(base: npt.NDArray[np.uint8], layer: Layer, piece: NoisePiece, noise: Noise) -> None:
    """Lay a layer over its window of a frame, in place; pixels where alpha is 0 keep their value to the bit.

    Args:
        base: (height, width, 3) the frame.
        layer: what is laid over it.
        piece: of noise, for its window.
        noise: how strong it is.
    """
    target = base[layer.window.slices]
    lay(target, layer.colour, layer.alpha, piece.tile, piece.places, np.array(noise.sigmas))
