"""Where a track leaps in size: nobody grows or shrinks so fast, so it went over from one person to another."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas
from bodydouble.perception.tracking.association import Border
from bodydouble.perception.tracking.base import Fragment

_SECONDS: Final = 0.4
_TIMES: Final = 1.7
"""Height and side of a square of the box's area both change by this factor. Whoever falls or crouches loses height, but not
area; who comes out from behind a thing up to the hips doubles in area, which is a factor of 1.4."""


def leaps(part: Fragment, border: Border, frames_per_second: float) -> list[int]:
    """Rows of a fragment to cut before.

    Boxes that reach the frame's border do not count: there people grow as fast as they come in.

    Args:
        part: boxes in reference pixels, with or without gaps.
        border: where the frame ends.
        frames_per_second: of the clip.
    """
    if len(part) < 2:
        return []
    height = np.log(np.maximum(part.boxes[:, 3] - part.boxes[:, 1], 1.0))
    side = 0.5 * np.log(np.maximum(areas(part.boxes), 1.0))
    reach = max(1, round(_SECONDS * frames_per_second))
    last = np.searchsorted(part.frames, part.frames + reach, side="right") - 1
    change = np.minimum(np.abs(height[last] - height), np.abs(side[last] - side))
    change[np.sign(height[last] - height) != np.sign(side[last] - side)] = 0.0
    rows = [
        row
        for row in np.flatnonzero(change > np.log(_TIMES)).tolist()
        if not any(border.touches(int(part.frames[end]), part.boxes[end]) for end in (row, int(last[row])))
    ]
    cuts: set[int] = set()
    for run in np.split(np.array(rows), np.flatnonzero(np.diff(rows) > 1) + 1) if rows else []:
        first = int(run[np.argmax(change[run])])
        cuts.add(first + 1 + _steepest(height[first : int(last[first]) + 1]))
    return sorted(cuts)


def _steepest(values: NDArray[np.float64]) -> int:
    """The step, 0 for that from the first to the second value, with the largest change."""
    return int(np.argmax(np.abs(np.diff(values))))
