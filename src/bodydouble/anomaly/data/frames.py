"""Reading footage: folders of images and video files. OpenCV's BGR stays in here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError, UnreadableImage, UnreadableVideo

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})
"""Suffixes of frames."""

VIDEOS = frozenset({".avi", ".mp4", ".mkv", ".mov", ".m4v", ".webm"})
"""Suffixes of video files."""


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which frame 2 comes before frame 10."""
    parts = re.split(r"([0-9]+)", path.stem)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p.lower()) for p in parts], path.name


def _identity(paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        state = path.stat()
        digest.update(f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Frames as images, in natural order of their names."""

    name: str
    paths: tuple[Path, ...]

    @property
    def identity(self) -> str:
        """See `Footage.identity`."""
        return _identity(self.paths)

    def frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        """See `Footage.frames`."""
        shape: tuple[int, ...] | None = None
        for path in self.paths:
            image = read_image(path)
            if shape is not None and image.shape != shape:
                raise UnreadableImage(
                    f"is {image.shape[1]}x{image.shape[0]} px, the first frame {shape[1]}x{shape[0]} px: {path}"
                )
            shape = image.shape
            yield image


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """Frames of a video file, decoded by OpenCV."""

    name: str
    path: Path

    @property
    def identity(self) -> str:
        """See `Footage.identity`."""
        return _identity([self.path])

    def frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        """See `Footage.frames`."""
        import cv2

        capture = cv2.VideoCapture(str(self.path))
        try:
            if not capture.isOpened():
                raise UnreadableVideo(f"cannot be opened as a video: {self.path}")
            count = 0
            while True:
                there, bgr = capture.read()
                if not there:
                    break
                count += 1
                yield cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
            if not count:
                raise UnreadableVideo(f"holds no frame that can be decoded: {self.path}")
        finally:
            capture.release()


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read an RGB image (H, W, 3).

    Raises:
        UnreadableImage: it cannot be decoded.
    """
    import cv2

    # imdecode, since imread prints a warning of its own and cannot take every path on every system.
    data = np.frombuffer(path.read_bytes(), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if bgr is None:
        raise UnreadableImage(f"cannot be decoded as an image: {path}")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def images_in(folder: Path) -> tuple[Path, ...]:
    """Images of a folder in natural order; hidden files (``._001.tif`` of the UCSD archive) are none."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGES and not p.name.startswith(".")]
    return tuple(sorted(found, key=natural_key))


def footage_in(folder: Path, *, skip: str = "") -> tuple[ImageFolder | VideoFile, ...]:
    """Videos of a folder: its sub-folders with images and its video files, in natural order.

    Args:
        folder: such as ``training/frames`` or ``training_videos``.
        skip: sub-folders whose names end so are no videos, such as ``_gt``.

    Raises:
        InputError: there are none, both kinds, or an empty sub-folder.
    """
    if not folder.is_dir():
        raise InputError(f"there is no such folder: {folder}")
    entries = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=natural_key)
    folders = [p for p in entries if p.is_dir() and not (skip and p.name.lower().endswith(skip))]
    files = [p for p in entries if p.is_file() and p.suffix.lower() in VIDEOS]
    if folders and files:
        raise InputError(f"holds video files and folders of frames; keep one kind: {folder}")
    if files:
        return tuple(VideoFile(name=path.stem, path=path) for path in files)
    found = tuple(ImageFolder(name=path.name, paths=images_in(path)) for path in folders)
    empty = [video.name for video in found if not video.paths]
    if empty:
        raise InputError(f"no frames in {', '.join(empty)}; expected images ({', '.join(sorted(IMAGES))}): {folder}")
    if not found:
        raise InputError(f"holds no videos and no folders of frames: {folder}")
    return found
