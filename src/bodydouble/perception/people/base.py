"""The contract of people finders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """People found in one frame."""

    boxes_xyxy_px: NDArray[np.float32]
    """(N, 4): whole bodies in frame pixels; may reach beyond the frame."""
    scores: NDArray[np.float32]
    """(N,): 0 to 1."""
    looks: NDArray[np.float32] | None = None
    """(N, NUM_LOOKS): colours, see ``tracking.looks``. Finders leave it out; it is added for tracking."""

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ValueError: boxes and scores do not belong together.
        """
        count = len(self.scores)
        if self.boxes_xyxy_px.shape != (count, 4) or self.scores.shape != (count,):
            raise ValueError(
                f"boxes have shape {self.boxes_xyxy_px.shape}, scores {self.scores.shape}; need (N, 4), (N,)"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> Detections:
        """No people."""
        return cls(boxes_xyxy_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))


class PeopleFinder(Protocol):
    """Looks at one frame at a time and remembers nothing."""

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB of any size, strongest first."""
