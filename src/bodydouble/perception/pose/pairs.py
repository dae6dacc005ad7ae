"""Two legs where a network sees two places and cannot say which is the left one.

A network trained on squared errors gives the mean of what it thinks possible. Where left and right look alike, on small or
dark people, both maps of a pair show both places, each about half as high, and the highest of either is the same one: both
ankles land on one leg. The second place is there to be read.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import JOINT_INDEX

_PAIRS: Final = tuple(
    (JOINT_INDEX[f"right_{name}"], JOINT_INDEX[f"left_{name}"]) for name in ("knee", "ankle", "elbow", "wrist")
)
"""Limbs; shoulders and hips are too near to one another to be told apart by peaks. An ankle comes after its knee."""
_PARENT: Final = {
    JOINT_INDEX[f"{side}_{child}"]: JOINT_INDEX[f"{side}_{parent}"]
    for side in ("right", "left")
    for child, parent in (("ankle", "knee"), ("wrist", "elbow"))
}
_ONE_PLACE_CELLS: Final = 2
"""Peaks of a pair no farther apart than this, in rows and columns, are one place."""
_SECOND_SHARE: Final = 0.45
"""A second place is believed from this share of the first one's height: of two that are equally likely it is 1."""
_SECOND_LEAST: Final = 0.12
"""... and from this height, 0 to 1."""
_TANGLE: Final = 0.02
"""What a cell of distance between a joint and the one it hangs from is worth, in heights of the maps: shins do not cross."""


def parted(heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps in which two joints of a pair do not claim the same place where a second one is likely.

    Args:
        heatmaps: (N, 18, rows, columns), 0 to 1.

    Returns:
        The same where nothing is to be changed; else each of the pair keeps one of the two places, and the other is 0 in
        its map.
    """
    maps = heatmaps.copy()
    for person in range(len(maps)):
        for right, left in _PAIRS:
            _part(maps[person], right, left)
    return maps


def _part(maps: NDArray[np.float32], right: int, left: int) -> None:
    """Part one pair of one person in place; (18, rows, columns)."""
    first, other = (_peak(maps[joint]) for joint in (right, left))
    if np.abs(first - other).max() > _ONE_PLACE_CELLS:
        return
    total = maps[right] + maps[left]
    first = _peak(total)
    rest = total.copy()
    rest[_around(first)] = 0.0
    second = _peak(rest)
    height, second_height = (0.5 * float(total[tuple(place)]) for place in (first, second))
    if second_height < max(_SECOND_SHARE * height, _SECOND_LEAST) or not _is_peak(total, second):
        return
    as_seen = (
        maps[right][tuple(first)] + maps[left][tuple(second)] - _TANGLE * _stretch(maps, right, left, first, second)
    )
    crossed = (
        maps[right][tuple(second)] + maps[left][tuple(first)] - _TANGLE * _stretch(maps, right, left, second, first)
    )
    away_right, away_left = (second, first) if as_seen >= crossed else (first, second)
    maps[right][_around(away_right)] = 0.0
    maps[left][_around(away_left)] = 0.0


def _stretch(
    maps: NDArray[np.float32], right: int, left: int, at_right: NDArray[np.int64], at_left: NDArray[np.int64]
) -> float:
    """Cells between the joints of a pair, at given places, and those they hang from; 0 for knees and elbows."""
    if right not in _PARENT:
        return 0.0
    return float(
        np.linalg.norm(_peak(maps[_PARENT[right]]) - at_right) + np.linalg.norm(_peak(maps[_PARENT[left]]) - at_left)
    )


def _peak(one: NDArray[np.float32]) -> NDArray[np.int64]:
    """(2,) row and column of the highest cell."""
    return np.array(np.unravel_index(int(one.argmax()), one.shape), dtype=np.int64)


def _around(place: NDArray[np.int64]) -> tuple[slice, slice]:
    """The cells that are one place with a cell."""
    reach = _ONE_PLACE_CELLS
    return (
        slice(max(int(place[0]) - reach, 0), int(place[0]) + reach + 1),
        slice(max(int(place[1]) - reach, 0), int(place[1]) + reach + 1),
    )


def _is_peak(one: NDArray[np.float32], place: NDArray[np.int64]) -> bool:
    """Whether no neighbour is higher: the flank of another peak is no place of its own."""
    rows, columns = (slice(max(int(v) - 1, 0), int(v) + 2) for v in place)
    return bool(one[tuple(place)] >= one[rows, columns].max())
