"""One key plate of a camera that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
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
_CLOSE_SHARE: Final = 0.1
"""So many samples must show a pixel that only close outlines leave free; outlines may miss a part of somebody."""
_AGREEING_LEVELS: Final = 14
_AGREEING_SHARE: Final = 0.75
"""And this share of them must show the same colour, up to so many grey levels in any channel: somebody's rim changes."""
_ISLAND_SHARE: Final = 0.002
"""Islands of what was rarely seen that are smaller than this share of the picture are not believed."""
_ISLAND_RADIUS_SHARE: Final = 0.004
"""Nor are parts of them, and of coasts, that are narrower than twice this share of the height."""
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
        sure = trusted.copy()
        # Rarely free: either somebody stands there who was not found now and then, and the free samples show that
        # person as the others do, or the background comes into view and differs, or occupied samples differ among
        # themselves since people pass by, with generous outlines.
        rare = ~trusted & (counts >= few)
        if rare.any():
            close = [sample.outside_outlines for sample in samples]
            trusted[rare] = _comes_into_view(samples, tables, outside, rare, rgb[rare])
            trusted[rare] &= _agreed_on(samples, tables, close, rare, rgb[rare])
        _add_closely_seen(samples, tables, rgb, trusted)
        trusted = sure | _without_islands(trusted)
    plain = rgb.copy()
    untrusted = ~trusted
    if untrusted.any():
        everything = [np.ones_like(sample.outside_boxes) for sample in samples]
        plain[untrusted], _ = masked_median_at(pictures, everything, untrusted, tables)
    return KeyPicture(rgb=rgb, trusted=trusted, plain=plain)


def _without_islands(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what is narrow or small: a bag, or a leg, that was missed now and then rather than a gap between people."""
    height, width = seen.shape
    side = 2 * max(1, round(_ISLAND_RADIUS_SHARE * height)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # Beyond the picture nobody hides anything.
    framed = cv2.copyMakeBorder(seen.astype(np.uint8), side, side, side, side, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel)[side:-side, side:-side]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(opened))
    large = stats[:, cv2.CC_STAT_AREA] >= _ISLAND_SHARE * height * width
    large[0] = False
    return np.asarray(large[labels])


def _add_closely_seen(
    samples: list[Sample],
    tables: list[NDArray[np.uint8] | None],
    rgb: NDArray[np.uint8],
    trusted: NDArray[np.bool_],
) -> None:
    """Add, in place, what is seen right beside people: silhouettes are generous, and hide in a crowd half of what is seen.

    Outlines are close, so three things have to be true. The pixel is free in some samples, these agree, and those in
    which somebody covers it differ: nobody stands still at the place, whose rim or hat is outside the outline.
    """
    pictures, outside = [sample.rgb for sample in samples], [sample.outside_outlines for sample in samples]
    scarce = ~trusted
    if not scarce.any():
        return
    colours, counts = masked_median_at(pictures, outside, scarce, tables)
    enough = counts >= max(_TRUSTED_COUNT, _CLOSE_SHARE * len(samples))
    enough &= len(samples) - counts >= _TRUSTED_COUNT
    close = scarce.copy()
    close[scarce] = enough
    if not close.any():
        return
    colours = colours[enough]
    agreeing = _agreed_on(samples, tables, outside, close, colours)
    agreeing &= _comes_into_view(samples, tables, outside, close, colours)
    close[close] = agreeing
    rgb[close] = colours[agreeing]
    trusted |= close


def _agreed_on(
    samples: list[Sample],
    tables: list[NDArray[np.uint8] | None],
    outside: list[NDArray[np.bool_]],
    pixels: NDArray[np.bool_],
    colours: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Of chosen pixels (H, W) with colours (P, 3): whether nearly all samples that are free there show that, (P,)."""
    free = [mask[pixels] for mask in outside]
    differing = _share_that_differs(samples, tables, pixels, colours, free, _AGREEING_LEVELS)
    return np.asarray(differing <= 1.0 - _AGREEING_SHARE)


def _comes_into_view(
    samples: list[Sample],
    tables: list[NDArray[np.uint8] | None],
    outside: list[NDArray[np.bool_]],
    pixels: NDArray[np.bool_],
    colours: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Of chosen pixels (H, W) with colours (P, 3): whether occupied samples show something else, or many things, (P,)."""
    hidden = [~mask for mask in outside]
    occupied, _ = masked_median_at([sample.rgb for sample in samples], hidden, pixels, tables)
    change = np.abs(colours.astype(np.int16) - occupied.astype(np.int16)).max(axis=1)
    busy = _share_that_differs(samples, tables, pixels, colours, [mask[pixels] for mask in hidden], _TELLING_CHANGE)
    return np.asarray((change > _TELLING_CHANGE) | (busy >= _BUSY_SHARE))


def _share_that_differs(
    samples: list[Sample],
    tables: list[NDArray[np.uint8] | None],
    pixels: NDArray[np.bool_],
    colours: NDArray[np.uint8],
    counted: list[NDArray[np.bool_]],
    levels: int,
) -> NDArray[np.float64]:
    """Share of the counted samples of chosen pixels, (P,) each, that differ from colours (P, 3): (P,), 0 without any."""
    different, total = np.zeros(len(colours)), np.zeros(len(colours))
    for sample, table, here in zip(samples, tables, counted, strict=True):
        gap = np.abs(apply_table(sample.rgb[pixels], table).astype(np.int16) - colours.astype(np.int16)).max(axis=1)
        different += here & (gap > levels)
        total += here
    share: NDArray[np.float64] = different / np.maximum(total, 1.0)
    return share
