"""Footage at a detector's size: resized once into one file per video, then read at random, or streamed in order."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.data.base import Footage
from bodydouble.errors import InputError
from bodydouble.scene.footage import Progress
from bodydouble.scene.strict_files import replacing

CACHE_VERSION = 1
"""Raised whenever resizing changes, so that older files are not used."""

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How frames are made smaller."""

    size_px: int
    channels: int
    resize: str

    @classmethod
    def of(cls, config: DetectorConfig) -> Scale:
        """What a detector wants."""
        return cls(size_px=config.size_px, channels=config.channels, resize=config.resize)

    def apply(self, rgb: Frames) -> Frames:
        """A frame (H, W, 3) to (S, S, C)."""
        grey_or_rgb = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if self.channels == 1 else rgb
        way = cv2.INTER_AREA if self.resize == "area" else cv2.INTER_LINEAR
        small = cv2.resize(grey_or_rgb, (self.size_px, self.size_px), interpolation=way)
        return np.asarray(small, np.uint8).reshape(self.size_px, self.size_px, self.channels)


def cached(videos: Sequence[Footage], scale: Scale, folder: Path, progress: Progress) -> list[Frames]:
    """All frames of videos, each (N, S, S, C) and mapped from a file, so that they need not fit into memory.

    A file is used again if the footage's files have not changed since; its name holds what it depends on.

    Args:
        videos: what to read.
        scale: the size.
        folder: where the files go; several data sets and detectors may share it.
        progress: told about each video.

    Raises:
        InputError: a video has no frames, or cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    progress.start("frames", len(videos))
    found = []
    for video in videos:
        key = f"{CACHE_VERSION}\0{video.identity}\0{scale}"
        path = folder / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.npy"
        if not path.is_file():
            frames = [scale.apply(frame) for frame in video.frames()]
            if not frames:
                raise InputError(f"the video {video.name} has no frames")
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, np.stack(frames))
        found.append(np.load(path, mmap_mode="r"))
        progress.advance()
    progress.finish()
    return found


def scaled(video: Footage, scale: Scale) -> Iterator[Frames]:
    """Frames of a video one by one, (S, S, C) each; nothing is kept."""
    return (scale.apply(frame) for frame in video.frames())


def windows(frames: Iterable[Frames], length: int, batch: int) -> Iterator[Frames]:
    """Every run of frames (S, S, C), in batches (B, length, S, S, C); at most ``batch + length`` frames are held."""
    held: deque[Frames] = deque(maxlen=length)
    ready: list[Frames] = []
    for frame in frames:
        held.append(frame)
        if len(held) == length:
            ready.append(np.stack(held))
        if len(ready) == batch:
            yield np.stack(ready)
            ready = []
    if ready:
        yield np.stack(ready)


def starts(videos: Sequence[Frames], length: int) -> npt.NDArray[np.int64]:
    """Every clip there is: (K, 2) of video and first frame.

    Raises:
        InputError: no video is long enough.
    """
    found = [(index, first) for index, frames in enumerate(videos) for first in range(len(frames) - length + 1)]
    if not found:
        raise InputError(f"no training video has the {length} frames of a clip")
    return np.array(found, np.int64)
