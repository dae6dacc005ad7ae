"""Frames into a folder of images that appears only when it is complete, and can be resumed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import TracebackType

import numpy as np
import numpy.typing as npt

from bodydouble.errors import OutputError
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io.codecs import IMAGE_SUFFIXES
from bodydouble.video_io.guard import writing
from bodydouble.video_io.image_codec import encode_image
from bodydouble.video_io.output_paths import check_output, partial_path, publish, remove


def numbered_names(num_frames: int) -> tuple[str, ...]:
    """``000000.png`` and on, for frames that have no names of their own."""
    return tuple(f"{index:06d}.png" for index in range(num_frames))


def png_names(names: Sequence[str]) -> tuple[str, ...]:
    """The same names with the suffix ``.png``."""
    return tuple(str(PurePath(name).with_suffix(".png")) for name in names)


class ImageFolderSink:
    """Writes one image per frame, in the format of its name; png, tif and bmp hold exactly the RGB written.

    Grey sources are written with a single channel. With a work folder, images outlive the process: open the sink with
    ``resume=True`` and go on at ``next_frame_index``.
    """

    def __init__(
        self,
        path: Path,
        geometry: VideoGeometry,
        *,
        names: Sequence[str],
        jpeg_quality: int,
        overwrite: bool,
        work_dir: Path | None = None,
        resume: bool = False,
    ) -> None:
        """Check the output and prepare the folder.

        Args:
            path: final name of the folder; its parent must exist.
            geometry: size and number of the frames that will come.
            names: file name of each frame.
            jpeg_quality: 1 to 100, for names with .jpg.
            overwrite: replace an existing folder of images.
            work_dir: folder for the images until ``commit`` (made when absent, its parent must exist, nothing else may
                be in it); None takes one beside the output and deletes it on close.
            resume: go on with the images found in ``work_dir``.

        Raises:
            OutputError: the output exists or cannot be written, or the names do not fit.
        """
        check_output(path, overwrite=overwrite, as_folder=True)
        _check_names(names, geometry.num_frames, path)
        self._path = path
        self._geometry = geometry
        self._names = tuple(names)
        self._jpeg_quality = jpeg_quality
        self._overwrite = overwrite
        self._owns_folder = work_dir is None
        self._folder = work_dir or partial_path(path)
        if work_dir is None or not resume:
            remove(self._folder)
        with writing(self._folder, "cannot write temporary files"):
            self._folder.mkdir(exist_ok=True)
            for leftover in self._folder.glob(".*.partial"):
                leftover.unlink()
        self._next = self._num_there()

    def _num_there(self) -> int:
        count = 0
        while count < len(self._names) and (self._folder / self._names[count]).exists():
            count += 1
        return count

    @property
    def next_frame_index(self) -> int:
        """Index of the frame that is to be written next; more than 0 after resuming."""
        return self._next

    def write(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Append a frame, (height, width, 3).

        Raises:
            ValueError: it has another shape or type, or all frames are there already.
            OutputError: it cannot be written (disk full, ...).
        """
        expected = (self._geometry.height_px, self._geometry.width_px, 3)
        if rgb.shape != expected or rgb.dtype != np.uint8:
            raise ValueError(f"frame {self._next} is {rgb.dtype} {rgb.shape}; expected uint8 {expected}")
        if self._next >= len(self._names):
            raise ValueError(f"all {len(self._names)} frames have been written already")
        name = self._names[self._next]
        data = encode_image(
            rgb, Path(name).suffix.lower(), as_gray=self._geometry.is_gray, jpeg_quality=self._jpeg_quality
        )
        # An image under its name is a whole one, or resuming would take half an image for done.
        partial = self._folder / f".{name}.partial"
        with writing(partial):
            partial.write_bytes(data)
            partial.replace(self._folder / name)
        self._next += 1

    def commit(self) -> None:
        """Give the folder its final name.

        Raises:
            OutputError: frames are missing, or the folder cannot be written.
        """
        if self._next != len(self._names):
            raise OutputError(
                f"only {self._next} of {len(self._names)} frames were written; the output is not complete: {self._path}"
            )
        with writing(self._path):
            one_disk = self._folder.stat().st_dev == self._path.absolute().parent.stat().st_dev
        if one_disk:
            publish(self._folder, self._path, overwrite=self._overwrite)
            return
        # A rename works on one disk only; copy first, so that the name appears on a whole folder all the same.
        copy = partial_path(self._path)
        remove(copy)
        try:
            with writing(self._path):
                copy.mkdir()
                for name in self._names:
                    shutil.copyfile(self._folder / name, copy / name)
            publish(copy, self._path, overwrite=self._overwrite)
        finally:
            remove(copy)
        remove(self._folder)

    def close(self) -> None:
        """Release everything; without ``commit`` nothing appears under the final name."""
        if self._owns_folder:
            remove(self._folder)

    def __enter__(self) -> ImageFolderSink:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _check_names(names: Sequence[str], num_frames: int, path: Path) -> None:
    if len(names) != num_frames or num_frames == 0:
        raise OutputError(f"{len(names)} image names for {num_frames} frames; they must be as many, at least 1: {path}")
    for name in names:
        if PurePath(name).name != name or PurePath(name).suffix.lower() not in IMAGE_SUFFIXES:
            raise OutputError(f"{name!r} is no name of an image ({', '.join(sorted(IMAGE_SUFFIXES))}): {path}")
    lowered = [name.lower() for name in names]
    if len(set(lowered)) != len(names):
        twice = next(name for name in names if lowered.count(name.lower()) > 1)
        raise OutputError(f"two frames would be written to {twice!r}; rename one of the images of the source: {path}")
