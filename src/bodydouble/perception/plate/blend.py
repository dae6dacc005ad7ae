"""Fitting together what was copied from several places: their changes from pixel to pixel are kept, their steps are not.

Method: Pérez et al. 2003, "Poisson image editing", equation 7, with a screening term as in Bhat et al. 2008, "Fourier
analysis of the 2D screened Poisson equation for gradient domain problems": where pieces from different places meet, and
where they meet what is known, colours are moved a little so that the change is that of the pieces. Large steps stay:
there an edge is more likely than a difference of tone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import cg

_Places = NDArray[np.int64]

_SCREENING: Final = 0.002
"""Weight of the copied colours against that of their changes: a step is spread over about 1 / sqrt(this) pixels."""
_EDGE_LEVELS: Final = 16.0
"""Steps larger than this many grey levels are held for edges more than for tone."""
_TOLERANCE: Final = 2e-3
_MOST_STEPS: Final = 300
"""Of the solver; it stops after fewer where it is exact to a fraction of a grey level."""


def blend(
    rgb: NDArray[np.uint8], hole: NDArray[np.bool_], known: NDArray[np.bool_], field: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Copy pixels into a hole and fit them to each other and to the rim.

    Args:
        rgb: (H, W, 3).
        hole: (H, W), pixels to be written.
        known: (H, W), pixels that are fitted to; others outside the hole are not read.
        field: (H, W, 2), row and column where each pixel of the hole comes from. All eight pixels around
            that place are known.

    Returns:
        (H, W, 3), as ``rgb`` outside the hole.
    """
    picture = rgb.astype(np.float32)
    copied = picture.copy()
    copied[hole] = picture[*field[hole].T]
    matrix, right_side = _equations(picture, hole, known, field, copied)
    preconditioner = diags_array(1.0 / matrix.diagonal())
    for channel in range(3):
        wanted = right_side[:, channel]
        if wanted.any():
            added, _ = cg(matrix, wanted, rtol=_TOLERANCE, maxiter=_MOST_STEPS, M=preconditioner)
            copied[..., channel][hole] += added.astype(np.float32)
    return copied


def _equations(
    picture: NDArray[np.float32],
    hole: NDArray[np.bool_],
    known: NDArray[np.bool_],
    field: NDArray[np.int32],
    copied: NDArray[np.float32],
) -> tuple[csr_array, NDArray[np.float64]]:
    """Normal equations for what is added to each pixel of the hole: matrix (N, N) and right sides (N, 3)."""
    count = int(hole.sum())
    number_of = np.full(hole.shape, -1, np.int64)
    number_of[hole] = np.arange(count)
    diagonal, right_side = np.full(count, _SCREENING), np.zeros((count, 3))
    rows, columns, entries = [np.arange(count)], [np.arange(count)], []
    for axis in (0, 1):
        one, two = _pairs(hole, hole | known, axis)
        # What is added changes by this much from the first pixel to the second.
        step = _change(picture, hole, field, one, two) - (copied[*two] - copied[*one])
        weight = 1.0 / (1.0 + (np.abs(step).max(axis=1) / _EDGE_LEVELS) ** 2)
        first, second = number_of[*one], number_of[*two]
        for own, other, sign in ((first, second, -1.0), (second, first, 1.0)):
            inside = own >= 0
            # No pixel is twice the first, or twice the second, of a pair along one axis.
            diagonal[own[inside]] += weight[inside]
            right_side[own[inside]] += sign * (weight[:, None] * step)[inside]
            both = inside & (other >= 0)
            rows.append(own[both])
            columns.append(other[both])
            entries.append(-weight[both])
    entries.insert(0, diagonal)
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((np.concatenate(entries), places), shape=(count, count)), right_side


def _pairs(hole: NDArray[np.bool_], open_: NDArray[np.bool_], axis: int) -> tuple[_Places, _Places]:
    """Neighbours along an axis, both of them open, one or both in the hole: rows and columns (2, N) of the two."""
    count = hole.shape[axis] - 1
    first, second = range(count), range(1, count + 1)
    either = hole.take(first, axis) | hole.take(second, axis)
    one = np.array(np.nonzero(either & open_.take(first, axis) & open_.take(second, axis)))
    two = one.copy()
    two[axis] += 1
    return one, two


def _change(
    picture: NDArray[np.float32], hole: NDArray[np.bool_], field: NDArray[np.int32], one: _Places, two: _Places
) -> NDArray[np.float32]:
    """The change (N, 3) from one pixel to the next where they come from; the mean if that is from two places."""
    total, count = np.zeros((one.shape[1], 3), np.float32), np.zeros((one.shape[1], 1), np.float32)
    step = two - one
    for place, sign in ((one, 1), (two, -1)):
        inside = hole[*place]
        origin = field[*place[:, inside]].T
        beside = origin + sign * step[:, inside]
        total[inside] += sign * (picture[*beside] - picture[*origin])
        count[inside] += 1.0
    return total / count
