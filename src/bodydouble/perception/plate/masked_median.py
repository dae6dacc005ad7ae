"""Median over samples of those in which a pixel was free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.relight import apply_table

_STRIPE_BYTES = 24_000_000


def masked_median_at(
    samples: Sequence[NDArray[np.uint8]],
    free: Sequence[NDArray[np.bool_]],
    pixels: NDArray[np.bool_],
    tables: Sequence[NDArray[np.uint8] | None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The same as `masked_median` for chosen pixels only.

    Args:
        samples: S pictures (H, W, 3).
        free: S masks (H, W).
        pixels: (H, W), which pixels are asked for.
        tables: as for `masked_median`.

    Returns:
        colours (P, 3) and numbers of free samples (P,), row by row.
    """
    gathered = [sample[pixels][None] for sample in samples]
    colours, counts = masked_median(gathered, [mask[pixels][None] for mask in free], tables)
    return colours[0], counts[0]


def masked_median(
    samples: Sequence[NDArray[np.uint8]],
    free: Sequence[NDArray[np.bool_]],
    tables: Sequence[NDArray[np.uint8] | None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The median colour of each pixel over the samples that are free there.

    Args:
        samples: S pictures (H, W, 3), S at least 1.
        free: S masks (H, W), True where nobody is.
        tables: S tables (256, 3) that bring the samples to one light, None for those that need none; None for all.

    Returns:
        colours (H, W, 3), 0 where no sample is free, and the number of free samples (H, W).
    """
    height, width = free[0].shape
    chosen = tables if tables is not None else [None] * len(samples)
    result = np.zeros((height, width, 3), np.uint8)
    counts = np.zeros((height, width), np.int32)
    rows = max(1, _STRIPE_BYTES // (len(samples) * max(width, 1) * 3))
    for top in range(0, height, rows):
        stop = min(height, top + rows)
        stack = np.stack([apply_table(s[top:stop], t) for s, t in zip(samples, chosen, strict=True)])
        open_ = np.stack([mask[top:stop] for mask in free])
        count = open_.sum(axis=0)
        # Occupied samples are sorted behind all free ones, the middle of the free ones is looked up.
        stack[~open_] = 255
        stack.sort(axis=0)
        low = np.maximum((count - 1) // 2, 0)[None, :, :, None]
        high = np.maximum(count // 2, 0)[None, :, :, None]
        high = np.minimum(high, np.maximum(count - 1, 0)[None, :, :, None])
        first = np.take_along_axis(stack, low, axis=0)[0].astype(np.uint16)
        second = np.take_along_axis(stack, high, axis=0)[0]
        middle = ((first + second + 1) >> 1).astype(np.uint8)
        middle[count == 0] = 0
        result[top:stop] = middle
        counts[top:stop] = count
    return result, counts
