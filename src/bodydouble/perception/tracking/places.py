"""Detections gathered by place instead of followed: for somebody who keeps still and is found only now and then.

A tracker that waits for seconds between two detections of somebody on a bench takes up whoever passes meanwhile, and
goes away with them. A place goes nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import iou
from bodydouble.perception.tracking.base import Fragment

_SAME_PLACE: Final = 0.6
"""Intersection over union of a detection with the mean box of a place, from which it is there."""


@dataclass(kw_only=True, eq=False)
class _Place:
    frames: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))

    def take(self, frame: int, box: NDArray[np.float64], score: float) -> None:
        """One more detection."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.scores.append(score)
        self.mean = self.mean + (box - self.mean) / len(self.frames)

    def as_fragment(self) -> Fragment:
        return Fragment(
            frames=np.array(self.frames, np.int64),
            boxes=np.stack(self.boxes),
            scores=np.array(self.scores, np.float32),
        )


class Places:
    """Gathers detections frame by frame; of every frame a place takes one."""

    def __init__(self, most_pause_frames: float) -> None:
        """Begin with none.

        Args:
            most_pause_frames: what is found again after longer than this is another visit to the place.
        """
        self._pause = most_pause_frames
        self._open: list[_Place] = []
        self._closed: list[_Place] = []

    def add(self, frame: int, boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> None:
        """Take the detections of the next frame: boxes (N, 4) in reference pixels, scores (N,)."""
        waiting = [place for place in self._open if frame - place.frames[-1] <= self._pause]
        self._closed += [place for place in self._open if frame - place.frames[-1] > self._pause]
        self._open = waiting
        if len(boxes) == 0:
            return
        means = np.array([place.mean for place in waiting]).reshape(-1, 4)
        overlap = iou(boxes, means) if len(means) else np.zeros((len(boxes), 0))
        taken: set[int] = set()
        for row in np.argsort(-scores, kind="stable").tolist():
            order = np.argsort(-overlap[row], kind="stable").tolist()
            at = next((k for k in order if k not in taken and overlap[row, k] >= _SAME_PLACE), None)
            if at is None:
                place = _Place()
                self._open.append(place)
            else:
                taken.add(at)
                place = waiting[at]
            place.take(frame, boxes[row], float(scores[row]))

    def finish(self) -> list[Fragment]:
        """What was found at each place, ordered by the first frame; pauses are not filled."""
        places = sorted(self._closed + self._open, key=lambda place: (place.frames[0], *place.boxes[0].tolist()))
        return [place.as_fragment() for place in places]
