"""Frames into a video file that appears only when it is complete, and can be resumed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from bodydouble.errors import OutputError
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io.codecs import CONTAINER_OF_SUFFIX
from bodydouble.video_io.joining import check_times, join_segments
from bodydouble.video_io.output_paths import check_output, partial_path, publish, remove
from bodydouble.video_io.segments import FRAMES_PER_SEGMENT, Encoding, SegmentStore, SegmentWriter


class VideoSink:
    """Encodes frames in pieces, and joins the pieces under the final name on ``commit``.

    With a work folder, finished pieces outlive the process: open the sink with ``resume=True`` and go on writing at
    ``next_frame_index``. The bits of the result do not depend on whether, and where, the run was interrupted.
    """

    def __init__(
        self,
        path: Path,
        geometry: VideoGeometry,
        *,
        codec: str,
        quality: int,
        overwrite: bool,
        audio_from: Path | None = None,
        work_dir: Path | None = None,
        resume: bool = False,
        sample_aspect_ratio: Fraction = Fraction(1),
    ) -> None:
        """Check the output and prepare the pieces.

        Args:
            path: final name; its suffix decides on the container. Its folder must exist.
            geometry: size and times of the frames that will come.
            codec: ``h264`` or ``lossless``.
            quality: crf for ``h264``.
            overwrite: replace an existing file.
            audio_from: file whose sound is copied; metadata never are.
            work_dir: folder for the pieces (made when absent, its parent must exist, nothing else may be in it);
                None takes one beside the output and deletes it on close.
            resume: go on with the pieces found in ``work_dir``.
            sample_aspect_ratio: width of a pixel over its height.

        Raises:
            OutputError: the output exists, cannot be written, or cannot hold such frames.
        """
        self._suffix = path.suffix.lower()
        if self._suffix not in CONTAINER_OF_SUFFIX:
            allowed = ", ".join(sorted(CONTAINER_OF_SUFFIX))
            found = repr(self._suffix) if self._suffix else "a name without suffix"
            raise OutputError(f"cannot write {codec} video into {found}; allowed: {allowed}: {path}")
        check_output(path, overwrite=overwrite, as_folder=False)
        if geometry.num_frames == 0:
            raise OutputError(f"there are no frames to write: {path}")
        check_times(path, geometry)
        self._path = path
        self._geometry = geometry
        self._overwrite = overwrite
        self._audio_from = audio_from
        self._partial = partial_path(path)
        self._owns_folder = work_dir is None
        remove(self._partial)
        self._store = SegmentStore(
            work_dir or path.with_name(f".{path.name}.pieces"),
            Encoding(
                codec=codec,
                quality=quality,
                width_px=geometry.width_px,
                height_px=geometry.height_px,
                rate=str(geometry.average_rate),
                sample_aspect_ratio=str(sample_aspect_ratio),
                num_frames=geometry.num_frames,
            ),
            resume=resume and work_dir is not None,
        )
        self._next = min(self._store.num_done * FRAMES_PER_SEGMENT, geometry.num_frames)
        self._writer: SegmentWriter | None = None

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
        if self._next >= self._geometry.num_frames:
            raise ValueError(f"all {self._geometry.num_frames} frames have been written already")
        number, offset = divmod(self._next, FRAMES_PER_SEGMENT)
        if self._writer is None:
            self._writer = SegmentWriter(self._store, number)
        self._writer.write(rgb)
        self._next += 1
        if offset + 1 == self._store.frames_in(number):
            self._writer.finish()
            self._writer = None

    def commit(self) -> None:
        """Join the pieces and give the file its final name.

        Raises:
            OutputError: frames are missing, or the file cannot be written.
        """
        if self._next != self._geometry.num_frames:
            raise OutputError(
                f"only {self._next} of {self._geometry.num_frames} frames were written; the output is not complete: "
                f"{self._path}"
            )
        try:
            join_segments(self._store, self._geometry, self._partial, self._suffix, self._audio_from)
            publish(self._partial, self._path, overwrite=self._overwrite)
        finally:
            remove(self._partial)
        remove(self._store.folder)

    def close(self) -> None:
        """Release everything; without ``commit`` nothing appears under the final name."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
        if self._owns_folder:
            remove(self._store.folder)

    def __enter__(self) -> VideoSink:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
