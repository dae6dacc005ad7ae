"""Smoothing stays solvable however little there is to go by."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.generation.avatar.smooth import smooth, smooth_robust


@pytest.mark.parametrize("step_s", [0.1, 0.04, 1 / 240])
@pytest.mark.parametrize("weight", [1.0, 1e-3, 1e-7])
@pytest.mark.parametrize("seen", [(0,), (39,), (0, 1), (3, 30)])
def test_one_or_two_values_decide(step_s: float, weight: float, seen: tuple[int, ...]):
    values, weights = np.full(40, 5.0), np.zeros(40)
    weights[list(seen)] = weight
    for curve in (smooth(values, weights, step_s, 1.5), smooth_robust(values, weights, step_s, 1.5, spread=0.08)):
        np.testing.assert_allclose(curve, 5.0, atol=1e-3)


def test_a_line_stays_a_line():
    line = np.linspace(-2.0, 3.0, 60)
    np.testing.assert_allclose(smooth(line, np.ones(60), 0.04, 1.5), line, atol=1e-3)


def test_ignored_values_may_be_anything():
    values, weights = np.ones(20), np.ones(20)
    values[7], weights[7] = np.nan, 0.0
    np.testing.assert_allclose(smooth(values, weights, 0.04, 0.2), 1.0, atol=1e-6)
