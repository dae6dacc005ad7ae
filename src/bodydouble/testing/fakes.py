"""Stand-ins for the ends of the pipeline: a finder that knows the truth, a sink in memory, a progress that remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from bodydouble.seeds import derive_seed
from bodydouble.testing.walkers import WalkerClip

Found = TypeVar("Found")


class FakeFinder(Generic[Found]):
    """Finds the people of a `WalkerClip` by knowing its frames; errors are added on demand, the same ones every time.

    Give it the type that the stage under test expects, such as ``FakeFinder(clip, Detections)``: it is called with
    ``boxes_xyxy_px`` (N, 4) float32 and ``scores`` (N,) float32.
    """

    def __init__(
        self,
        clip: WalkerClip,
        result: Callable[..., Found],
        *,
        miss_share: float = 0.0,
        jitter_px: float = 0.0,
        score: float = 0.9,
        seed: int = 0,
    ) -> None:
        """Remember every frame of the clip by its checksum.

        Args:
            clip: whose people are found.
            result: makes what `find` returns.
            miss_share: share of sightings that are missed, 0 to 1.
            jitter_px: standard deviation of the boxes' edges.
            score: of every box.
            seed: decides what is missed, and by how much boxes are off.
        """
        self._result = result
        self._score = score
        self._boxes: dict[bytes, npt.NDArray[np.float32]] = {}
        rng = np.random.default_rng(derive_seed(seed, "testing", "finder"))
        for frame in clip.frames():
            rows = [(track, track.step_of(frame.index)) for track in clip.bundle.tracks]
            boxes = np.array([t.boxes_xyxy_px[step] for t, step in rows if step is not None], np.float32).reshape(-1, 4)
            kept = boxes[rng.random(len(boxes)) >= miss_share]
            jittered = kept + rng.normal(0, jitter_px, kept.shape) if jitter_px else kept
            self._boxes[_checksum(frame.rgb)] = np.asarray(jittered, np.float32)

    def find(self, rgb: npt.NDArray[np.uint8]) -> Found:
        """People in a frame of the clip.

        Raises:
            ValueError: the frame is none of the clip's; it was changed on its way.
        """
        boxes = self._boxes.get(_checksum(rgb))
        if boxes is None:
            raise ValueError(f"a frame of {rgb.shape} is none of the clip's: something has changed it on its way")
        return self._result(boxes_xyxy_px=boxes.copy(), scores=np.full(len(boxes), self._score, np.float32))


class MemorySink:
    """A `FrameSink` that keeps copies of what it is given."""

    def __init__(self) -> None:
        self.frames: list[npt.NDArray[np.uint8]] = []
        """What was written, in order."""
        self.is_committed = False
        self.is_closed = False

    def write(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Append a frame.

        Raises:
            ValueError: after `close` or `commit`, or a frame of another size.
        """
        if self.is_closed or self.is_committed:
            raise ValueError("a frame was written after the end")
        if self.frames and rgb.shape != self.frames[0].shape:
            raise ValueError(f"frame {len(self.frames)} is {rgb.shape}, the first was {self.frames[0].shape}")
        self.frames.append(rgb.copy())

    def commit(self) -> None:
        """Remember that the result is complete."""
        self.is_committed = True

    def close(self) -> None:
        """Remember the end."""
        self.is_closed = True


class RecordingProgress:
    """A `Progress` that remembers stages, and complains when they are told in a wrong order."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        """Name, announced steps and steps done of each finished stage."""
        self._current: tuple[str, int] | None = None
        self._done = 0

    def start(self, stage: str, total: int) -> None:
        """A stage begins.

        Raises:
            ValueError: the one before has not finished.
        """
        if self._current is not None:
            raise ValueError(f"stage {stage!r} starts before {self._current[0]!r} has finished")
        self._current, self._done = (stage, total), 0

    def advance(self, steps: int = 1) -> None:
        """Some steps are done.

        Raises:
            ValueError: no stage has begun.
        """
        if self._current is None:
            raise ValueError("progress without a stage")
        self._done += steps

    def finish(self) -> None:
        """The stage is complete.

        Raises:
            ValueError: no stage has begun.
        """
        if self._current is None:
            raise ValueError("the end of a stage that has not begun")
        self.stages.append((*self._current, self._done))
        self._current = None


def _checksum(rgb: npt.NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(rgb).tobytes(), digest_size=16).digest()
