"""Smoothing of noisy series over time."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

from bodydouble.generation.avatar.skeleton import Floats


def smooth(values: Floats, weights: Floats, step_s: float, time_constant_s: float) -> Floats:
    """Whittaker-Henderson smoothing (Eilers 2003): a curve near the values whose second differences are small.

    Args:
        values: (T,) or (T, C); ignored where the weight is 0.
        weights: (T,), at least one positive.
        step_s: seconds between values.
        time_constant_s: wiggles much shorter than this are removed.
    """
    count = len(values)
    table = np.where(weights[:, None] > 0, values.reshape(count, -1), 0.0)
    if count < 3 or weights.max() <= 0:
        mean = (weights[:, None] * table).sum(0) / max(weights.sum(), 1e-9)
        return np.asarray(np.broadcast_to(mean, table.shape).reshape(values.shape).copy())
    stiffness = (time_constant_s / step_s / 2) ** 4
    second = np.array([1.0, -2.0, 1.0])
    bands = np.zeros((3, count))
    for shift in range(3):
        for k in range(3 - shift):
            bands[2 - shift, shift + k : shift + k + count - 2] += stiffness * second[k] * second[k + shift]
    # Lines cost nothing in second differences, so little or distant evidence leaves the system singular to rounding. A
    # trace of weight everywhere, far above rounding and far below evidence, draws what nothing else decides to the mean.
    bands[2] += weights + 1e-9 * weights.max() + 1e-10 * stiffness
    mean = (weights[:, None] * table).sum(0) / weights.sum()
    off = np.where(weights[:, None] > 0, table - mean, 0.0)
    return np.asarray(solveh_banded(bands, weights[:, None] * off) + mean).reshape(values.shape)


def smooth_robust(
    values: Floats, weights: Floats, step_s: float, time_constant_s: float, *, spread: float, rounds: int = 4
) -> Floats:
    """As `smooth` for (T,) values, with what lies off by more than about ``spread`` counting less and less."""
    current = weights
    curve = np.full_like(values, _weighted_median(values, weights))
    for _ in range(rounds):
        current = weights / (1 + ((np.where(weights > 0, values, curve) - curve) / spread) ** 2)
        curve = smooth(values, current, step_s, time_constant_s)
    return curve


def _weighted_median(values: Floats, weights: Floats) -> float:
    used = weights > 0
    if not used.any():
        return 0.0
    order = np.argsort(values[used], kind="stable")
    sums = np.cumsum(weights[used][order])
    return float(values[used][order][int(np.searchsorted(sums, 0.5 * sums[-1]))])
