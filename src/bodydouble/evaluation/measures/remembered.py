"""Answers that are kept: the original is the same for every result that is measured against it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Value = TypeVar("Value")
Boxes = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

LOOK_SCORE: Final[float] = 0.05
"""Score from which detections are asked for; all measures ask for the same, so that a picture is looked at once. Claims
from here on enter curves of precision and recall."""


def digest_of(picture: npt.NDArray[np.uint8]) -> bytes:
    """Digest of a picture's size and content: equal for equal pictures, wherever they come from."""
    digest = hashlib.blake2b(repr(picture.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()


class Memo(Generic[Value]):
    """The last so many answers, by key."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The answer for a key, made by ``make`` where it is not known."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make()
        self._values[key] = value
        while len(self._values) > self._capacity:
            self._values.popitem(last=False)
        return value


class PersonDetector(Protocol):
    """Finds people in single pictures; `evaluation.referee.Referee` is one."""

    def find(self, rgb: npt.NDArray[np.uint8], *, score: float = ..., halves: bool = ...) -> tuple[Boxes, Scores]:
        """Boxes, (n, 4) in px, and scores, (n,), of the people who score at least ``score``.

        Without ``halves`` only of those who were seen whole, if the detector looks at parts of a picture that cut people.
        """


class RememberingDetector:
    """A detector that looks at each picture once. Hand the same one to every measure that asks a detector."""

    def __init__(self, detector: PersonDetector, *, capacity: int = 4096) -> None:
        """Wrap a detector.

        Args:
            detector: whose answers are kept.
            capacity: pictures whose answers are kept; a picture with 20 people takes half a kilobyte.
        """
        self._detector = detector
        self._memo: Memo[tuple[Boxes, Scores]] = Memo(capacity)

    def find(self, rgb: npt.NDArray[np.uint8], *, score: float = 0.3, halves: bool = True) -> tuple[Boxes, Scores]:
        """See ``PersonDetector``."""
        boxes, scores = self._memo.get(
            (digest_of(rgb), score, halves), lambda: self._detector.find(rgb, score=score, halves=halves)
        )
        return boxes.copy(), scores.copy()
