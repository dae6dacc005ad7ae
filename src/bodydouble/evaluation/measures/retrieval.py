"""Ranking a gallery for each probe: rank-1 and average precision, and what a random order would give.

As Market-1501 scores it (Zheng et al. 2015, "Scalable Person Re-identification: A Benchmark", section 3.3): gallery
entries of the probe's own sighting are taken out before ranking; here a sighting stands for the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
"""(n, size); compared by Euclidean distance."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One probe against its gallery."""

    is_first_right: bool
    average_precision: float
    chance_first: float
    """Probability that the first of a random order is right."""
    chance_precision: float
    """Expected average precision of a random order."""
    first: int
    """Row of the gallery that came first."""


def average_precision(right_in_order: npt.NDArray[np.bool_]) -> float:
    """Mean, over the right entries of a ranking, of the share of right ones up to there; 0 without any."""
    places = np.flatnonzero(right_in_order)
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1))) if len(places) else 0.0


def expected_precision(right: int, count: int) -> float:
    """Expected average precision of a random order of ``count`` entries, ``right`` of which are right.

    By symmetry each place is right with probability right/count, and the places before it hold the others evenly.
    """
    if right == 0:
        return 0.0
    if count == 1:
        return 1.0
    harmonic = float(np.sum(1.0 / np.arange(1, count + 1)))
    return (harmonic + (right - 1) / (count - 1) * (count - harmonic)) / count


def rank(
    probe: npt.NDArray[np.float32],
    gallery: Features,
    is_right: npt.NDArray[np.bool_],
    is_in_play: npt.NDArray[np.bool_],
) -> Ranked | None:
    """Rank a gallery by distance to a probe.

    Args:
        probe: (size,).
        gallery: (n, size).
        is_right: (n,), the entry shows the probe's person.
        is_in_play: (n,), False for entries that are taken out.

    Returns:
        None where nothing right, or nothing wrong, is left: there is nothing to find.
    """
    rows = np.flatnonzero(is_in_play)
    right = is_right[rows]
    if not right.any() or right.all():
        return None
    # Squared distances, without the probe's own length; rounded, so that sums in another order stay ties.
    distances = np.round((np.einsum("ij,ij->i", gallery, gallery) - 2.0 * (gallery @ probe))[rows], 6)
    # Ties are broken against the attacker's luck: wrong ones first. Else the order of tracks would decide.
    order = np.lexsort((right, distances))
    return Ranked(
        is_first_right=bool(right[order[0]]),
        average_precision=average_precision(right[order]),
        chance_first=float(right.mean()),
        chance_precision=expected_precision(int(right.sum()), len(right)),
        first=int(rows[order[0]]),
    )


def unit(features: npt.NDArray[np.floating]) -> Features:
    """Rows (n, size) scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)
