"""Things that fly: what moves, and that nobody explains, but is no part of a person who was missed.

Whatever moves unexplained is painted out, as it may be a person. A thing in the air is the exception, and only where
both its size and its way leave no doubt. People, and the parts of them that are seen behind other things, go up and down
with their steps, and on stairs; nothing of them but a fall or a leap moves as what is thrown does, and that is as large
as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = 0.45
"""Largest height and width, over the usual height of people."""
_FASTEST_ON_FOOT: Final = 0.7
"""Heights a second that a head goes up or down at most, on stairs at a run; about 1.2 m/s."""
_FEWEST_FRAMES: Final = 4
_ONE_WAY_SHARE: Final = 0.8
"""Share of the way that must be one rise and one fall after it."""
_GRAVITY_RANGE: Final = (3.5, 9.0)
"""Heights a second squared: 9.81 m/s2 over 1.7 m is 5.8."""
_FEWEST_FREE_FRAMES: Final = 5
_LEAST_FREE_SECONDS: Final = 0.3
"""The body is in the air for less in a step at a run."""
_MOST_OFF_SHARE: Final = 0.25
"""Largest root mean square distance from the parabola, over what it bends."""
_FARTHEST_SIDEWAYS: Final = 3.0
"""Largest way sideways over that up and down."""


class UsualHeight(Protocol):
    """How tall people are."""

    @property
    def usual(self) -> float:
        """Median height in pixels."""

    @property
    def slack(self) -> float:
        """Above 1 where little is known."""


def is_thrown(
    frames: Sequence[int],
    windows_xyxy_px: Sequence[tuple[int, int, int, int]],
    heights: UsualHeight,
    frames_per_second: float,
) -> bool:
    """Whether a moving region is a thing in the air; False in doubt.

    It is small whenever it is seen, and either falls as gravity makes it, or is faster up or down than a person on foot and
    rises at most once before it falls (papers).

    Args:
        frames: in which it was seen, increasing.
        windows_xyxy_px: around it in each.
        heights: of people in the clip.
        frames_per_second: of the clip.
    """
    if len(frames) < _FEWEST_FRAMES or heights.slack > 1.0:
        return False
    windows = np.array(windows_xyxy_px, np.float64)
    size = np.maximum(windows[:, 2] - windows[:, 0], windows[:, 3] - windows[:, 1])
    if size.max() > _LARGEST * heights.usual:
        return False
    middle = 0.5 * (windows[:, :2] + windows[:, 2:])
    seconds = np.diff(np.array(frames, np.float64)) / frames_per_second
    steps = np.diff(middle, axis=0)
    travelled = float(np.abs(steps[:, 1]).sum())
    # Typical speed, so that a region that jumps as two of them merge does not count as fast.
    speed = float(np.median(np.abs(steps[:, 1]) / seconds))
    if _falls_freely(np.array(frames) / frames_per_second, middle[:, 1] / heights.usual):
        return True
    top = int(np.argmin(middle[:, 1]))
    one_way = float(middle[0, 1] + middle[-1, 1] - 2.0 * middle[top, 1])
    return (
        speed > _FASTEST_ON_FOOT * heights.usual
        and one_way >= _ONE_WAY_SHARE * travelled
        and float(np.abs(steps[:, 0]).sum()) <= _FARTHEST_SIDEWAYS * travelled
    )


def _falls_freely(seconds: NDArray[np.float64], rows_heights: NDArray[np.float64]) -> bool:
    """Whether rows, in heights of people, follow the parabola of something on which nothing but gravity acts."""
    if len(seconds) < _FEWEST_FREE_FRAMES or float(np.ptp(seconds)) < _LEAST_FREE_SECONDS:
        return False
    when = seconds - seconds.mean()
    fit = np.polynomial.polynomial.polyfit(when, rows_heights, 2)
    off = float(np.sqrt(np.mean((np.polynomial.polynomial.polyval(when, fit) - rows_heights) ** 2)))
    # How far a parabola of this length departs from the straight way of somebody who walks.
    bend = float(fit[2]) * float(np.ptp(seconds)) ** 2 / 4.0
    return _GRAVITY_RANGE[0] <= 2.0 * fit[2] <= _GRAVITY_RANGE[1] and off <= _MOST_OFF_SHARE * bend
