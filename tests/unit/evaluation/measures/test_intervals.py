"""Shares that add up, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.evaluation.measures.base import Tally
from bodydouble.evaluation.measures.intervals import Shares, ratio_interval, share_figure


def figure(tally: Tally):
    return share_figure(tally, "a.b", label="x", group="privacy", better="low", absent="nothing", note="n")


def test_shares_are_sums_over_sums_not_means_of_means():
    shares = Shares(measure="m")
    for person, part, whole in (("p", 1.0, 1.0), ("q", 0.0, 99.0), ("p", 1.0, 1.0)):
        shares.add("a.b", person, part, whole, chance=0.5 * whole)
    got = figure(shares.tally())
    assert got.value == pytest.approx(2 / 101)
    assert (got.chance, got.trials) == (0.5, 101)
    assert got.interval is None
    assert got.note == "n; no interval: 2 people are too few to resample"


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(60):
        chances = rng.beta(3, 7, 40)
        parts = rng.binomial(10, chances).astype(float)
        low, high = ratio_interval(parts, np.full(40, 10.0), "k")
        covered += low <= 0.3 <= high
    assert covered >= 51


def test_people_are_drawn_not_frames():
    parts, wholes = np.array([100.0, 0.0, 100.0, 0.0]), np.full(4, 100.0)
    low, high = ratio_interval(parts, wholes, "k")
    assert (low, high) == (0.0, 1.0)
    assert ratio_interval(parts[::-1], wholes, "k") == (low, high)


def test_nothing_counted():
    assert figure(Tally(measure="m")).value is None
    assert figure(Tally(measure="m")).note == "nothing"
    shares = Shares(measure="m")
    shares.add("a.b", "p", 0.0, 0.0)
    assert figure(shares.tally()).value is None


def test_chance_is_unknown_if_it_is_for_anybody():
    shares = Shares(measure="m")
    shares.add("a.b", "p", 1.0, chance=0.5)
    shares.add("a.b", "q", 1.0)
    assert figure(shares.tally()).chance is None
