"""Which pixels of a frame are one person's: the silhouette with a margin, or the box."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.baselines.config import RegionConfig
from bodydouble.baselines.window import Person, Window

Mask = npt.NDArray[np.bool_]


def silhouette_of(person: Person, size_px: tuple[int, int]) -> tuple[Window, Mask]:
    """Window and mask of a silhouette as the scene has it."""
    left, top, right, bottom = (int(v) for v in person.track.silhouettes.windows_xyxy_px[person.step])
    window = Window(left=left, top=top, right=min(right, size_px[0]), bottom=min(bottom, size_px[1]))
    return window, person.track.silhouettes.mask(person.step)


def region_of(person: Person, size_px: tuple[int, int], config: RegionConfig) -> tuple[Window, Mask]:
    """The pixels to change.

    Args:
        person: whose.
        size_px: width and height of the frame.
        config: how they are chosen.

    Returns:
        A window inside the frame and a mask on it; nothing is set where the person is outside the frame.
    """
    box = Window.around(person.box_xyxy_px, size_px)
    if config.shape == "box":
        return box, np.ones((box.bottom - box.top, box.right - box.left), dtype=np.bool_)
    inner, silhouette = silhouette_of(person, size_px)
    margin = max(round(config.margin_share * person.height_px), config.margin_min_px)
    trusted = _is_trusted(box, silhouette, config)
    window = joined(inner.grown(margin, size_px), box) if not trusted else inner.grown(margin, size_px)
    mask = np.zeros((window.bottom - window.top, window.right - window.left), dtype=np.uint8)
    if mask.size == 0:
        return window, mask.astype(np.bool_)
    if not inner.is_empty:
        mask[within(inner, window)] = silhouette
    grown = mask
    if margin > 0:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
        grown = np.asarray(cv2.dilate(mask, disc), dtype=np.uint8)
    if not trusted and not box.is_empty:
        grown[within(box, window)] = 1
    return window, grown.astype(np.bool_)


def _is_trusted(box: Window, silhouette: Mask, config: RegionConfig) -> bool:
    area = (box.right - box.left) * (box.bottom - box.top)
    return int(np.count_nonzero(silhouette)) >= config.min_silhouette_share * area


def joined(one: Window, other: Window) -> Window:
    """The smallest window around both; an empty one counts for nothing."""
    if one.is_empty or other.is_empty:
        return other if one.is_empty else one
    return Window(
        left=min(one.left, other.left),
        top=min(one.top, other.top),
        right=max(one.right, other.right),
        bottom=max(one.bottom, other.bottom),
    )


def within(inner: Window, outer: Window) -> tuple[slice, slice]:
    """Rows and columns of a window, which has pixels, in an array that covers one around it."""
    return (
        slice(inner.top - outer.top, inner.bottom - outer.top),
        slice(inner.left - outer.left, inner.right - outer.left),
    )
