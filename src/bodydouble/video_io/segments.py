"""Short encoded pieces of a clip: what a killed run has finished is kept, and decodes to the same as without the kill.

A piece is encoded by an encoder of its own and always covers the same frames, so it does not matter in which run, or
after how many interruptions, it was made. Pieces know nothing of time (frame i of a piece has time i); the exact stamps
are put on when the pieces are joined.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from bodydouble.errors import OutputError
from bodydouble.video_io.colour import from_rgb, tag_encoder
from bodydouble.video_io.guard import writing
from bodydouble.video_io.output_paths import remove

FRAMES_PER_SEGMENT: Final = 250
"""Also the longest distance of key frames; x264's own default."""
_ENCODER_THREADS: Final = 4
"""Fixed, since the bits x264 writes depend on their number and results must not depend on the machine."""
_REPRODUCIBLE: Final = {"x264-params": "cpu-independent=1"}
_FORMAT_VERSION: Final = 2
_SETTINGS_NAME: Final = "segments.json"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How the pieces are encoded; pieces of another encoding are never joined to them."""

    codec: str
    """``h264`` or ``lossless``."""
    quality: int
    """crf; without meaning for ``lossless``."""
    width_px: int
    height_px: int
    rate: str
    """Frames per second as a fraction; a hint for the rate control and for players."""
    sample_aspect_ratio: str
    """Width over height of a pixel as a fraction."""
    num_frames: int
    """Of the whole clip."""

    @property
    def pixel_format(self) -> str:
        """What the encoder is fed with.

        4:2:0 needs even sides. Odd sizes are kept exactly, rather than cropped or padded, by writing 4:4:4.
        """
        if self.codec == "lossless":
            return "rgb24"
        return "yuv444p" if self.width_px % 2 or self.height_px % 2 else "yuv420p"

    @property
    def encoder(self) -> tuple[str, dict[str, str]]:
        """FFmpeg's name of the encoder, and its options.

        No B-frames: frames are then coded in the order they are shown, so that pieces can be joined by writing new time
        stamps, AVI can hold them, and no edit list is needed. x264 in RGB with a quantizer of 0 skips transform and
        quantization altogether (H.264 section 8.5.15), hence is exact.

        Without ``cpu-independent``, x264 decides by fast approximations that differ between processors, and that were
        seen to give another file from the same frames about once in 400 encodings on one and the same machine.
        """
        if self.codec == "lossless":
            return "libx264rgb", {"qp": "0", "preset": "veryfast", "bf": "0", **_REPRODUCIBLE}
        return "libx264", {"crf": str(self.quality), "preset": "medium", "bf": "0", **_REPRODUCIBLE}


class SegmentStore:
    """Finished pieces in a folder."""

    def __init__(self, folder: Path, encoding: Encoding, *, resume: bool) -> None:
        """Take over finished pieces, or begin anew.

        Args:
            folder: is made when absent; its parent must exist.
            encoding: how the pieces are made.
            resume: keep pieces that are there; without it they are deleted.

        Raises:
            OutputError: the folder cannot be written, or has pieces of another encoding.
        """
        self.folder = folder
        self.encoding = encoding
        settings = {"version": _FORMAT_VERSION, "frames_per_segment": FRAMES_PER_SEGMENT, **asdict(encoding)}
        if not resume:
            remove(folder)
        with writing(folder, "cannot write temporary files"):
            folder.mkdir(exist_ok=True)
            for partial in folder.glob("*.partial"):
                partial.unlink()
            self._check_settings(settings)

    def _check_settings(self, settings: dict[str, object]) -> None:
        path = self.folder / _SETTINGS_NAME
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(settings, indent=1), encoding="utf-8")
            partial.replace(path)
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OutputError(
                f"the record of what is encoded so far is damaged; start without --resume: {path}"
            ) from error
        if found != settings:
            wrong = sorted(key for key in settings if not isinstance(found, dict) or found.get(key) != settings[key])
            raise OutputError(
                f"what is encoded so far was made with another {', '.join(wrong)}; start without --resume: {path}"
            )

    @property
    def num_done(self) -> int:
        """Finished pieces without a gap, from the first on."""
        done = 0
        while self.path(done).exists():
            done += 1
        return done

    @property
    def num_needed(self) -> int:
        """Pieces of the whole clip."""
        return -(-self.encoding.num_frames // FRAMES_PER_SEGMENT)

    def path(self, number: int) -> Path:
        """Where a finished piece is."""
        return self.folder / f"{number:06d}.mp4"

    def frames_in(self, number: int) -> int:
        """Frames of a piece; the last one may be shorter."""
        return min(FRAMES_PER_SEGMENT, self.encoding.num_frames - number * FRAMES_PER_SEGMENT)


class SegmentWriter:
    """Encodes one piece under a temporary name."""

    def __init__(self, store: SegmentStore, number: int) -> None:
        """Open the encoder.

        Raises:
            OutputError: the file cannot be made, or the encoder refuses the size.
        """
        self._final = store.path(number)
        self._partial = self._final.with_suffix(".partial")
        self._encoding = store.encoding
        self._num_written = 0
        self._step = 1 / Fraction(store.encoding.rate)
        with writing(self._partial):
            self._container = av.open(str(self._partial), "w", format="mp4")
        try:
            with writing(self._partial, "cannot start the encoder"):
                self._stream = self._add_stream()
        except BaseException:
            self.abandon()
            raise

    def _add_stream(self) -> VideoStream:
        encoding = self._encoding
        name, options = encoding.encoder
        stream: VideoStream = self._container.add_stream(name, rate=Fraction(encoding.rate), options=options)  # type: ignore[assignment]
        context = stream.codec_context
        context.width, context.height = encoding.width_px, encoding.height_px
        context.pix_fmt = encoding.pixel_format
        context.time_base = self._step
        context.gop_size = FRAMES_PER_SEGMENT
        context.thread_count = _ENCODER_THREADS
        context.sample_aspect_ratio = Fraction(encoding.sample_aspect_ratio)
        if encoding.codec != "lossless":
            tag_encoder(context, height_px=encoding.height_px)
        return stream

    def write(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Append a frame.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._partial):
            frame = from_rgb(rgb, self._encoding.pixel_format)
            frame.pts, frame.time_base = self._num_written, self._step
            self._container.mux(self._stream.encode(frame))
        self._num_written += 1

    def finish(self) -> None:
        """Flush, and give the piece its name.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._partial):
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._partial.replace(self._final)

    def abandon(self) -> None:
        """Drop the piece; safe at any time."""
        # The trailer of a file that is thrown away: on a full disk it cannot be written, and that is no news.
        with suppress(av.FFmpegError, OSError):
            self._container.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def opened_segment(store: SegmentStore, number: int) -> Iterator[tuple[VideoStream, Iterator[av.Packet[VideoStream]]]]:
    """Open a finished piece for joining; yields its stream and its packets in order.

    Raises:
        OutputError: the piece is damaged.
    """
    path = store.path(number)
    with writing(path, "cannot read a finished piece"), av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = (packet for packet in container.demux(stream) if packet.size)
        yield stream, packets
