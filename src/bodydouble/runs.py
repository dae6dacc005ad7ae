"""Runs of True in a row of flags: stretches of a clip in which something holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs_of_true(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last place of every run of True in ``flags`` (N,), in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
