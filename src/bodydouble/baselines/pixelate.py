"""Blocks of one colour over whole people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.baselines.config import AUTHORS_CELLS, PAPER_REGION, PixelateConfig
from bodydouble.baselines.region import region_of
from bodydouble.baselines.window import Person, Window


def pixelate(
    original: npt.NDArray[np.uint8], people: Sequence[Person], config: PixelateConfig
) -> npt.NDArray[np.uint8]:
    """Turn people into blocks. Each is taken from the original, and where two overlap the larger blocks stay.

    Args:
        original: (height, width, 3) as filmed.
        people: who is in it.
        config: settings.

    Returns:
        A new picture of the same shape.
    """
    result = original.copy()
    size = (original.shape[1], original.shape[0])
    for person in sorted(people, key=lambda person: person.longer_side_px):
        if config.setting == "paper":
            _paper(original, result, person, size)
            continue
        window, mask = region_of(person, size, config.region)
        if not window.is_empty:
            side = max(round(config.block_share * person.longer_side_px), config.block_min_px)
            result[window.slices][mask] = mean_blocks(original, window, side, person)[mask]
    return result


def mean_blocks(original: npt.NDArray[np.uint8], window: Window, side_px: int, person: Person) -> npt.NDArray[np.uint8]:
    """The window in blocks that begin at the corner of the person's box, so that they move with the person.

    A block at the border of the frame is the mean of what the frame has of it.
    """
    origin_x, origin_y = round(float(person.box_xyxy_px[0])), round(float(person.box_xyxy_px[1]))
    rows = _starts(window.top, window.bottom, origin_y, side_px, original.shape[0])
    columns = _starts(window.left, window.right, origin_x, side_px, original.shape[1])
    part = original[rows[0] : rows[-1], columns[0] : columns[-1]].astype(np.float64)
    sums = np.add.reduceat(np.add.reduceat(part, rows[:-1] - rows[0], axis=0), columns[:-1] - columns[0], axis=1)
    heights, widths = np.diff(rows), np.diff(columns)
    means = np.rint(sums / (heights[:, None] * widths[None, :])[..., None]).astype(np.uint8)
    blocks = means.repeat(heights, axis=0).repeat(widths, axis=1)
    cut: npt.NDArray[np.uint8] = blocks[
        window.top - rows[0] : window.bottom - rows[0], window.left - columns[0] : window.right - columns[0]
    ]
    return cut


def _starts(first: int, last: int, origin: int, side: int, limit: int) -> npt.NDArray[np.int64]:
    """Edges of the blocks that a stretch of pixels touches, inside the frame; the last is where they end."""
    begin = origin + (first - origin) // side * side
    edges = np.arange(begin, last + side, side, dtype=np.int64)
    return np.unique(np.clip(edges, 0, limit))


def _paper(
    original: npt.NDArray[np.uint8], result: npt.NDArray[np.uint8], person: Person, size_px: tuple[int, int]
) -> None:
    """15 x 15 cells per box, shrunk bilinearly and enlarged again, on the person's pixels inside the box."""
    box = Window.around(person.box_xyxy_px, size_px)
    window, mask = region_of(person, size_px, PAPER_REGION)
    if box.is_empty or window.is_empty:
        return
    height, width = box.bottom - box.top, box.right - box.left
    cells = cv2.resize(original[box.slices], (AUTHORS_CELLS, AUTHORS_CELLS), interpolation=cv2.INTER_LINEAR)
    blocks = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    canvas = np.zeros((size_px[1], size_px[0]), dtype=np.bool_)
    canvas[window.slices] = mask
    inside = canvas[box.slices]
    result[box.slices][inside] = blocks[inside]
