"""Runs of True."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.runs import runs_of_true


@pytest.mark.parametrize(
    ("flags", "runs"),
    [("", []), ("0", []), ("1", [(0, 1)]), ("0110", [(1, 3)]), ("1011", [(0, 1), (2, 4)]), ("111", [(0, 3)])],
)
def test_runs(flags: str, runs: list[tuple[int, int]]) -> None:
    assert runs_of_true(np.array([flag == "1" for flag in flags], bool)) == runs
