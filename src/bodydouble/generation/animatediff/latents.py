"""Latents of a run on disk: one file for each finished denoising step, so that memory does not grow with the length."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.errors import OutputError


class LatentFile:
    """Latents of every frame of a run, float32, read and written a few frames at a time."""

    def __init__(self, path: Path, num_frames: int, shape: tuple[int, int, int]) -> None:
        self.path = path
        self._num_frames = num_frames
        self._shape = shape
        self._frame_bytes = 4 * shape[0] * shape[1] * shape[2]

    @property
    def is_whole(self) -> bool:
        """True if the file is there and has all frames."""
        return self.path.is_file() and self.path.stat().st_size == self._num_frames * self._frame_bytes

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """(frames, channels, height, width) of a stretch."""
        with self.path.open("rb") as stream:
            stream.seek(start * self._frame_bytes)
            data = stream.read((stop - start) * self._frame_bytes)
        return np.frombuffer(data, "<f4").astype(np.float32).reshape(stop - start, *self._shape)

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


class LatentWriter:
    """Writes the frames of a run in order; the file has its name only when `close` was reached without an error."""

    def __init__(self, target: LatentFile) -> None:
        self._target = target
        # Two processes that happen to make the same run must not write into one file.
        self._partial = target.path.with_name(f".{target.path.name}.{os.getpid()}.part")
        try:
            self._stream = self._partial.open("wb")
        except OSError as error:
            raise OutputError(f"latents cannot be written ({error.strerror}): {self._partial}") from error

    def append(self, latents: NDArray[np.float32]) -> None:
        """Write the next frames.

        Raises:
            OutputError: the file system refuses.
        """
        try:
            self._stream.write(np.ascontiguousarray(latents, "<f4").tobytes())
        except OSError as error:
            raise OutputError(f"latents cannot be written ({error.strerror}): {self._partial}") from error

    def __enter__(self) -> LatentWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._stream.close()
        if kind is None:
            self._partial.replace(self._target.path)
        else:
            self._partial.unlink(missing_ok=True)
