"""Frames, and what hands them on or takes them; the contracts of ``video_io`` that other stages see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from bodydouble.scene.video import VideoGeometry


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One decoded frame."""

    index: int
    """0-based position among the frames that decode."""
    pts_ticks: int
    """Presentation time in ticks of the clip's time base."""
    rgb: npt.NDArray[np.uint8]
    """(height, width, 3) sRGB, rotation applied; grey sources have three equal channels."""


class FrameSource(Protocol):
    """A clip that can be read any number of times, front to back, in bounded memory."""

    @property
    def name(self) -> str:
        """File or folder name without its path."""

    @property
    def geometry(self) -> VideoGeometry:
        """Size and timing, with the exact number of frames."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Decode frames ``start`` to ``stop`` (exclusive; None is the end).

        Raises:
            UnreadableVideo: a frame cannot be decoded; its index is named.
            UnreadableImage: the same for a folder of images.
        """


@runtime_checkable
class PicksFrames(Protocol):
    """A source that is faster where not every frame is asked for, as it need not convert the others."""

    def picked(self, wanted: Callable[[int], bool]) -> Iterator[Frame]:
        """The frames of the clip whose index is wanted, in order; raises as ``FrameSource.frames``."""


def picked_frames(source: FrameSource, wanted: Callable[[int], bool]) -> Iterator[Frame]:
    """The frames of a clip whose index is wanted, in order."""
    if isinstance(source, PicksFrames):
        return source.picked(wanted)
    return (frame for frame in source.frames() if wanted(frame.index))


class FrameSink(Protocol):
    """Takes frames in order and puts the result under its final name only when told that it is complete."""

    def write(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Append a frame, (height, width, 3).

        Raises:
            OutputError: the frame cannot be written (disk full, ...).
        """

    def commit(self) -> None:
        """Finish the file and give it its final name."""

    def close(self) -> None:
        """Release everything; without ``commit`` nothing appears under the final name."""


class Progress(Protocol):
    """Told how far a stage is."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins; ``total`` counts its steps."""

    def advance(self, steps: int = 1) -> None:
        """Some steps are done."""

    def finish(self) -> None:
        """The stage is complete."""


class SilentProgress:
    """Shows nothing."""

    def start(self, stage: str, total: int) -> None:
        """Ignore."""

    def advance(self, steps: int = 1) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""
