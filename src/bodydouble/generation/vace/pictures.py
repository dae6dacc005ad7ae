"""Pictures of a run on disk, one file a window, so that memory does not grow with the length and kills cost one window."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.errors import OutputError
from bodydouble.generation.vace.spans import Span


class WindowPictures:
    """Generated windows, float16; read as one film in which neighbours are blended where they overlap."""

    def __init__(self, folder: Path, name: str, spans: Sequence[Span]) -> None:
        """Take an existing folder, a name that is unique in it, and the windows."""
        self._paths = [folder / f"{name}.window{number:04d}.npy" for number in range(len(spans))]
        self._spans = spans

    def has(self, number: int) -> bool:
        """True if a window is there, as a whole."""
        return self._paths[number].is_file()

    def write(self, number: int, pictures: NDArray[np.float32]) -> None:
        """Keep a window: (stop - start, height, width, 3), 0 to 1, NaN where the networks gave it.

        Raises:
            OutputError: it cannot be written.
        """
        path = self._paths[number]
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with partial.open("wb") as stream:
                np.save(stream, pictures.astype(np.float16))
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OutputError(f"pictures cannot be written ({error}): {path}") from error

    def tail(self, number: int, num_frames: int) -> NDArray[np.float32]:
        """The last frames of a window as it was generated."""
        return np.asarray(np.load(self._paths[number], mmap_mode="r")[-num_frames:], np.float32)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start, height, width, 3) of the run.

        Where two windows overlap, the later one fades in. One that holds NaN is left out of the blend there.
        """
        film: NDArray[np.float32] | None = None
        for number, span in enumerate(self._spans):
            low, high = max(start, span.start), min(stop, span.stop)
            if low >= high:
                continue
            part = np.load(self._paths[number], mmap_mode="r")[low - span.start : high - span.start].astype(np.float32)
            if film is None:
                film = np.zeros((stop - start, *part.shape[1:]), np.float32)
            share = np.clip((np.arange(low, high) - span.start + 1) / (span.known + 1), 0.0, 1.0)
            for row, frame in enumerate(range(low, high)):
                film[frame - start] = _blend(film[frame - start], part[row], float(share[row]))
        if film is None:
            raise IndexError(f"frames {start} to {stop} are not in the run")
        return film

    def remove(self) -> None:
        """Delete all windows."""
        for path in self._paths:
            path.unlink(missing_ok=True)


def _blend(earlier: NDArray[np.float32], later: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    if share >= 1.0 or not np.isfinite(earlier).all():
        return later
    if not np.isfinite(later).all():
        return earlier
    return np.asarray((1.0 - share) * earlier + share * later, np.float32)
