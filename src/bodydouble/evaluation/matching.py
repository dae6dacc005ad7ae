"""Overlap of boxes and one-to-one matching, as the MOTChallenge kit does it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
"""(n, 4): left, top, right, bottom in px."""


def overlaps(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Intersection over union of each of ``first`` (n, 4) with each of ``second`` (m, 4): (n, m), 0 to 1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=2)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - common
    return np.asarray(common / np.maximum(union, 1e-9))


def match(overlap: npt.NDArray[np.float64], least: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs of rows and columns, one to one, with the largest sum of overlaps; none below ``least``.

    The Hungarian method on overlaps of which those below the limit count as 0 (TrackEval, preprocessing of MOTChallenge).
    """
    from scipy.optimize import linear_sum_assignment

    usable = np.where(overlap >= least, overlap, 0.0)
    rows, columns = linear_sum_assignment(-usable)
    kept = usable[rows, columns] > 0.0
    return np.asarray(rows[kept], dtype=np.int64), np.asarray(columns[kept], dtype=np.int64)


def found(reference: Boxes, claims: Boxes, least: float) -> npt.NDArray[np.bool_]:
    """(n,): which of the reference boxes (n, 4) have a claim (m, 4) of their own with at least this overlap."""
    hit = np.zeros(len(reference), dtype=np.bool_)
    hit[match(overlaps(reference, claims), least)[0]] = True
    return hit
