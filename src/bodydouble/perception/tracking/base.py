"""What tracking hands from step to step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Fragment:
    """A stretch of one person's track; rows are time steps."""

    frames: NDArray[np.int64]
    """(time,): frame indices, strictly increasing; may have gaps before linking."""
    boxes: NDArray[np.float64]
    """(time, 4): left, top, right, bottom in reference pixels (camera motion removed)."""
    scores: NDArray[np.float32]
    """(time,): detection scores; 0 where the box was interpolated or extrapolated."""
    looks: NDArray[np.float32] | None = None
    """(time, NUM_LOOKS): see ``looks``; NaN where unknown. None once identities are settled: looks go no further."""
    weak: bool = False
    """Made of detections none of which could start a track; see ``weak``."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """(time,): True where the box comes from a detection."""
        seen: NDArray[np.bool_] = self.scores > 0
        return seen

    @property
    def mean_score(self) -> float:
        """Mean score of the detections, 0 if there are none."""
        seen = self.observed
        return float(self.scores[seen].mean()) if seen.any() else 0.0

    def part(self, rows: slice) -> Fragment:
        """The time steps of a slice."""
        looks = None if self.looks is None else self.looks[rows]
        return Fragment(
            frames=self.frames[rows], boxes=self.boxes[rows], scores=self.scores[rows], looks=looks, weak=self.weak
        )


def beyond(part: Fragment, reach_frames: int, num_frames: int) -> tuple[tuple[NDArray[np.float64], range], ...]:
    """The first box (4,) and the frames before it, the last box and the frames after it, all within the clip."""
    first, last = int(part.frames[0]), int(part.frames[-1])
    before = range(max(0, first - reach_frames), first)
    after = range(last + 1, min(num_frames, last + 1 + reach_frames))
    return (part.boxes[0], before), (part.boxes[-1], after)


def join(parts: list[Fragment]) -> Fragment:
    """Fragments of one person put together in time; where they share a frame, the detection with the best score stays."""
    frames = np.concatenate([part.frames for part in parts])
    boxes = np.concatenate([part.boxes for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    order = np.lexsort((-scores, frames))
    order = order[np.r_[True, np.diff(frames[order]) > 0]]
    known = [part.looks for part in parts if part.looks is not None]
    looks = np.concatenate(known)[order] if len(known) == len(parts) else None
    return Fragment(frames=frames[order], boxes=boxes[order], scores=scores[order], looks=looks)
