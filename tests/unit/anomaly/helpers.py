"""Footage in memory and tiny settings, shared by the tests of detectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bodydouble.anomaly.config import DetectorConfig, FlowConfig, preset

TINY = {"size_px": 16, "widths": (2, 3, 4, 6), "batch_size": 2, "epochs": 2, "learning_rate": 1e-3, "threads": 1}


def tiny(detector: str, **changes: object) -> DetectorConfig:
    """The paper's settings of a detector at a size that trains in a moment."""
    base = preset(detector, "paper")
    values = {**TINY, **changes}
    if isinstance(base, FlowConfig):
        values.update(epochs=0, size_px=64)
    if detector == "lgn-net":
        values.update(lstm_layers=2, lstm_width=3)
    return replace(base, **values)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class InMemory:
    """A bright square that walks over noise; from ``fast_from`` on it runs."""

    name: str
    count: int = 24
    fast_from: int = 10_000
    seed: int = 0
    size: tuple[int, int] = (30, 41)

    @property
    def identity(self) -> str:
        return repr(self)

    def frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        rng = np.random.default_rng(self.seed)
        height, width = self.size
        ground = rng.integers(60, 90, (height, width, 3))
        at = 0
        for index in range(self.count):
            frame = ground + rng.integers(0, 3, (height, width, 3))
            at = (at + (7 if index >= self.fast_from else 1)) % (width - 8)
            frame[height // 3 : height // 3 + 10, at : at + 8] = 200
            yield frame.astype(np.uint8)
