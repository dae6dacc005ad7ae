"""The whole of a thing of which a part is known: up to its edges in the plate.

Few people pass behind a pillar in a short clip, and their limbs don't cover it. What is known of it grows over the plate
until it meets an edge, or places where bodies were seen: watershed by flooding from markers (Meyer 1992, "Color image
segmentation").
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

_LEAST_REACH_PX: Final[tuple[int, int]] = (12, 20)
"""A thing may be this much wider and higher, on each side, than what is known of it; or by as much as is known."""
_MOST_GROWTH: Final[float] = 12.0
"""What grows beyond so many times what was known has no edges there: it is left as it was."""
_SMOOTH: Final[tuple[int, float, float]] = (5, 20.0, 3.0)
"""Diameter in px and deviations in colour (1/255) and space (px) of the filter that takes noise away and leaves edges."""
_SMALLEST_PX: Final[int] = 6
_OTHER, _THING = 1, 2

_Mask = npt.NDArray[np.bool_]


def grown_to_edges(known: _Mask, elsewhere: _Mask, plate_rgb: npt.NDArray[np.uint8]) -> _Mask:
    """The whole thing, (height, width).

    Args:
        known: (height, width): pixels of one thing; not empty.
        elsewhere: (height, width): pixels that are certainly not of it.
        plate_rgb: (height, width, 3).
    """
    height, width = known.shape
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    beside, above = max(_LEAST_REACH_PX[0], len(columns)), max(_LEAST_REACH_PX[1], len(rows))
    place = (
        slice(max(0, int(rows[0]) - above), min(height, int(rows[-1]) + 1 + above)),
        slice(max(0, int(columns[0]) - beside), min(width, int(columns[-1]) + 1 + beside)),
    )
    part = known[place]
    if min(part.shape) < _SMALLEST_PX:
        return known
    markers = np.zeros(part.shape, dtype=np.int32)
    # Things stand upright: above and below what is known they may go on beyond the part that is looked at. OpenCV reads
    # no markers in the outermost pixels.
    markers[:, [1, -2]] = _OTHER
    markers[elsewhere[place]] = _OTHER
    markers[part] = _THING
    smooth = cv2.bilateralFilter(np.ascontiguousarray(plate_rgb[place]), *_SMOOTH)
    flooded = (cv2.watershed(smooth, markers) == _THING) | part
    if np.count_nonzero(flooded) > _MOST_GROWTH * np.count_nonzero(part):
        return known
    whole = known.copy()
    whole[place] = flooded
    return whole
