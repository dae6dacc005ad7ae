"""One key plate of a camera that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.plate.masked_median import masked_median, masked_median_at
from bodydouble.perception.plate.relight import apply_table
from bodydouble.perception.plate.samples import Sample

_TRUSTED_COUNT: Final = 3
"""A pixel seen free in fewer samples may show somebody who was not found in them."""
_TELLING_CHANGE: Final = 22
"""Difference, in any channel, between free and occupied samples that shows that free means free."""
_OFTEN_FREE: Final = 0.25
"""A pixel free in this share of the samples is believed without further evidence."""
_BUSY_SHARE: Final = 0.3
"""People come and go where this share of the occupied samples differs from the free ones; who stands still does not."""
_SAME_LIGHT_LEVELS: Final = 3.0
_SAME_LIGHT_FACTOR: Final = 2.5
"""Samples whose light does not fit the key's (a lamp that lights one corner) count only where no others are free. They
differ, once fitted, by more than this many grey levels and this many times what is usual."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KeyPicture:
    """What the samples show at a key."""

    rgb: NDArray[np.uint8]
    """(H, W, 3); without meaning where it is not trusted."""
    trusted: NDArray[np.bool_]
    """(H, W), really seen free of people."""
    plain: NDArray[np.uint8]
    """(H, W, 3), the same, and the plain median over all samples where nothing is trusted."""


def make_key(frame_index: int, samples: list[Sample]) -> KeyPicture:
    """The median over free samples, in the light of the sample nearest to a frame.

    Args:
        frame_index: of the key.
        samples: at least one.
    """
    reference = min(samples, key=lambda sample: (abs(sample.frame_index - frame_index), sample.frame_index))
    fits = [sample.fit_to(reference) for sample in samples]
    usual = float(np.median([fit.residual_levels for fit in fits]))
    limit = max(_SAME_LIGHT_LEVELS, _SAME_LIGHT_FACTOR * usual)
    tables = [fit.table for fit in fits]
    alike = [row for row, fit in enumerate(fits) if fit.residual_levels <= limit]
    few = min(_TRUSTED_COUNT, len(samples))
    picture = _median_key([samples[row] for row in alike], [tables[row] for row in alike], few)
    if len(alike) == len(samples) or picture.trusted.all():
        return picture
    # In other light, but free.
    other = _median_key(samples, tables, few)
    gained = other.trusted & ~picture.trusted
    rgb, plain = picture.rgb.copy(), picture.plain.copy()
    rgb[gained], plain[gained] = other.rgb[gained], other.rgb[gained]
    return KeyPicture(rgb=rgb, trusted=picture.trusted | gained, plain=plain)


def _median_key(samples: list[Sample], tables: list[NDArray[np.uint8] | None], few: int) -> KeyPicture:
    pictures = [sample.rgb for sample in samples]
    half, often = 0.5 * len(samples), _OFTEN_FREE * len(samples)
    rgb, counts = masked_median(pictures, [sample.outside_boxes for sample in samples], tables)
    trusted = counts >= max(half, few)
    if not trusted.all():
        scarce = ~trusted
        outside = [sample.outside_silhouettes for sample in samples]
        rgb[scarce], counts[scarce] = masked_median_at(pictures, outside, scarce, tables)
        trusted = counts >= max(often, few)
        # Rarely free: either somebody stands there who was not found now and then, and the free samples show that
        # person as the others do, or the background comes into view and differs, or occupied samples differ among
        # themselves since people pass by, with generous outlines.
        rare = ~trusted & (counts >= few)
        if rare.any():
            occupied, _ = masked_median_at(pictures, [~mask for mask in outside], rare, tables)
            change = np.abs(rgb[rare].astype(np.int16) - occupied.astype(np.int16)).max(axis=1)
            busy = _share_that_differs(samples, tables, rare, rgb[rare])
            trusted[rare] = (change > _TELLING_CHANGE) | (busy >= _BUSY_SHARE)
    plain = rgb.copy()
    untrusted = ~trusted
    if untrusted.any():
        everything = [np.ones_like(sample.outside_boxes) for sample in samples]
        plain[untrusted], _ = masked_median_at(pictures, everything, untrusted, tables)
    return KeyPicture(rgb=rgb, trusted=trusted, plain=plain)


def _share_that_differs(
    samples: list[Sample],
    tables: list[NDArray[np.uint8] | None],
    pixels: NDArray[np.bool_],
    colours: NDArray[np.uint8],
) -> NDArray[np.float64]:
    """Share of the occupied samples of chosen pixels that differ from given colours (P, 3): (P,), 0 without any."""
    different, occupied = np.zeros(len(colours)), np.zeros(len(colours))
    for sample, table in zip(samples, tables, strict=True):
        hidden = ~sample.outside_silhouettes[pixels]
        gap = np.abs(apply_table(sample.rgb[pixels], table).astype(np.int16) - colours.astype(np.int16)).max(axis=1)
        different += hidden & (gap > _TELLING_CHANGE)
        occupied += hidden
    share: NDArray[np.float64] = different / np.maximum(occupied, 1.0)
    return share
