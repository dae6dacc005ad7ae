"""Solid black over the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bodydouble.baselines.config import ObscureConfig
from bodydouble.baselines.head import Ellipse, HeadShape, find_head
from bodydouble.baselines.region import silhouette_of
from bodydouble.baselines.window import Person, Window

Mask = npt.NDArray[np.bool_]


def obscure(original: npt.NDArray[np.uint8], people: Sequence[Person], config: ObscureConfig) -> npt.NDArray[np.uint8]:
    """Blacken heads.

    Args:
        original: (height, width, 3) as filmed.
        people: who is in it.
        config: settings.

    Returns:
        A new picture of the same shape.
    """
    result = original.copy()
    size = (original.shape[1], original.shape[0])
    for person in people:
        shape = find_head(person, size[1], face_only=config.part == "face")
        window, mask = draw_shape(shape, size)
        if config.setting == "paper" and mask.size > 0:
            mask = _of_the_person(mask, window, person, size)
        result[window.slices][mask] = 0
    return result


def draw_shape(shape: HeadShape, size_px: tuple[int, int]) -> tuple[Window, Mask]:
    """Window and mask of a shape, clipped to a frame of ``size_px`` (width, height)."""
    if not isinstance(shape, Ellipse):
        window = Window.around(np.array(shape.xyxy_px), size_px)
        return window, np.ones((window.bottom - window.top, window.right - window.left), dtype=np.bool_)
    x, y = shape.centre_xy_px
    reach = max(shape.half_axes_px)
    window = Window.around(np.array([x - reach, y - reach, x + reach, y + reach]), size_px)
    rows, columns = np.mgrid[window.top : window.bottom, window.left : window.right]
    right, down = columns + 0.5 - x, rows + 0.5 - y
    along = right * shape.up_xy[0] + down * shape.up_xy[1]
    across = right * -shape.up_xy[1] + down * shape.up_xy[0]
    # Half a pixel more: a head of two pixels is to be covered as well.
    half_across, half_along = (half + 0.5 for half in shape.half_axes_px)
    return window, (across / half_across) ** 2 + (along / half_along) ** 2 <= 1.0


def _of_the_person(mask: Mask, window: Window, person: Person, size_px: tuple[int, int]) -> Mask:
    """Those pixels of a mask that are in the silhouette; all of them where the silhouette has none there."""
    inner, silhouette = silhouette_of(person, size_px)
    full = np.zeros((size_px[1], size_px[0]), dtype=np.bool_)
    full[inner.slices] = silhouette
    own = mask & full[window.slices]
    return own if own.any() else mask
