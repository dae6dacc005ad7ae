"""What a data set is, whatever folders it came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError


class Footage(Protocol):
    """A video, read frame by frame."""

    @property
    def name(self) -> str:
        """Its name in the data set."""
        ...

    @property
    def identity(self) -> str:
        """Changes when the files do: path, sizes and times of change."""
        ...

    def frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        """RGB frames (H, W, 3), all of one size.

        Raises:
            UnreadableVideo: a video cannot be decoded.
            UnreadableImage: an image cannot be decoded, or is of another size than the first.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class TestVideo:
    """A test video with what is known about it."""

    __test__ = False

    footage: Footage
    labels: npt.NDArray[np.bool_]
    """(N,), True where a frame is abnormal; N is the number of frames."""
    read_masks: Callable[[], npt.NDArray[np.bool_]] | None = None
    """Reads which pixels are abnormal, (N, H, W); None where nobody has drawn them."""

    def __post_init__(self) -> None:
        if self.labels.ndim != 1 or not len(self.labels):
            raise InputError(f"labels of {self.footage.name} have shape {self.labels.shape}; expected one per frame")


@dataclass(frozen=True, kw_only=True)
class TrainingClips:
    """Videos that show nothing abnormal."""

    videos: tuple[Footage, ...]

    def __post_init__(self) -> None:
        _unique([video.name for video in self.videos], "training")


@dataclass(frozen=True, kw_only=True)
class TestClips:
    """Videos with labels."""

    __test__ = False

    videos: tuple[TestVideo, ...]

    def __post_init__(self) -> None:
        _unique([video.footage.name for video in self.videos], "test")


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Both halves."""

    kind: str
    """Which data set it is: ``avenue``, ``ucsd-ped1``, ``ucsd-ped2``, ``shanghaitech``, ``synth``."""
    training: TrainingClips
    testing: TestClips
    remarks: tuple[str, ...] = field(default=())
    """What a reader of figures has to know, such as videos that are missing."""


def _unique(names: list[str], what: str) -> None:
    if not names:
        raise InputError(f"there are no {what} videos")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{what} videos are there twice: {', '.join(twice)}")
