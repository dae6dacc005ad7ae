"""A video file as a source of frames.

Exact time stamps without holding frames. A demuxing pass is cheap but cannot be trusted to say which frames there will
be: AVI has no presentation times (and FFmpeg puts coding-order numbers on reordered H.264 frames there), edit lists
drop packets after demuxing, hidden VP8/VP9 references and packed B-frames are packets that show nothing, and a broken
packet is found only by decoding it. So opening decodes the whole clip once without converting or keeping a picture,
which costs about one per cent of what anonymizing it does, and finds a broken file before hours are spent on it. Every
later pass checks that the same stamps come out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bodydouble.errors import UnreadableVideo
from bodydouble.scene.footage import Frame
from bodydouble.scene.video import MAX_SIDE_PX, VideoGeometry
from bodydouble.video_io.codecs import IMAGE_SUFFIXES
from bodydouble.video_io.colour import Orientation, is_gray_format, orientation_of, to_rgb
from bodydouble.video_io.completeness import check_complete
from bodydouble.video_io.guard import read_reason, reading
from bodydouble.video_io.timing import are_strictly_increasing, frame_step_ticks, presentation_ticks

_FORMATS: Final = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,h264,hevc,mpegvideo,m4v,mjpeg"
"""Demuxers that may be probed: containers of one file. Playlists would make FFmpeg open other files and addresses."""
_ONE_FRAME_PER_PACKET: Final = frozenset({"h264", "hevc", "mjpeg", "ffv1", "rawvideo", "huffyuv", "utvideo", "prores"})
"""Codecs whose packets each show a frame in the containers above, so that a missing frame can be told."""

Packet = tuple[int | None, int | None]
"""Presentation and decoding stamp of a packet."""


@dataclass(frozen=True, kw_only=True)
class _Scan:
    """What one pass over all frames found out."""

    stored_ticks: tuple[int | None, ...]
    packet_dts: tuple[int | None, ...]
    width_px: int
    height_px: int
    pixel_format: str
    orientation: Orientation


class VideoFile:
    """A clip in a container file, decoded with PyAV.

    Pixels are not resampled: with a sample aspect ratio other than 1 the raster stays as stored and the ratio is handed
    to the sink. Several video streams: the first that is marked as default, else the first; cover pictures never count.
    Holds no open file between calls, so instances can be pickled and handed to workers without another pass.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and decode it once to learn its exact timing.

        Raises:
            UnreadableVideo: missing, no video, truncated, without frames, or with a frame that cannot be decoded.
        """
        self._path = path
        if path.suffix.lower() in IMAGE_SUFFIXES:
            raise UnreadableVideo(f"this is a single image; give a video, or the folder of images it is in: {path}")
        check_complete(path)
        with reading(path, "cannot open the video"):
            self._identity = _identity(path)
        with _opened(path) as container:
            self._stream_number = _footage_number(container, path)
            stream = container.streams.video[self._stream_number]
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            time_base = stream.time_base or 1 / rate
            has_pts = container.format.name != "avi"
            self._stored_aspect = stream.sample_aspect_ratio or Fraction(1)
            scan = _scan(container, stream, path)
        if not scan.stored_ticks:
            raise UnreadableVideo(_no_frames(path))
        self._orientation = scan.orientation
        self._stored_ticks = scan.stored_ticks
        self._size = (scan.width_px, scan.height_px)
        turned = scan.orientation.swaps_sides
        self._geometry = VideoGeometry(
            width_px=scan.height_px if turned else scan.width_px,
            height_px=scan.width_px if turned else scan.height_px,
            time_base=time_base,
            average_rate=rate,
            pts_ticks=presentation_ticks(
                scan.stored_ticks,
                scan.packet_dts,
                step_ticks=frame_step_ticks(rate, time_base),
                trust_stored=has_pts,
            ),
            is_gray=is_gray_format(scan.pixel_format),
        )
        self._can_seek = are_strictly_increasing(scan.stored_ticks)

    @property
    def path(self) -> Path:
        """Where the clip is."""
        return self._path

    @property
    def name(self) -> str:
        """File name without its folder."""
        return self._path.name

    @property
    def geometry(self) -> VideoGeometry:
        """Size and exact timing."""
        return self._geometry

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width of a pixel over its height, as shown."""
        return 1 / self._stored_aspect if self._orientation.swaps_sides else self._stored_aspect

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Decode frames ``start`` to ``stop`` (exclusive; None is the end), upright and in order.

        Raises:
            ValueError: the range is not within the clip.
            UnreadableVideo: a frame cannot be decoded, or the file is not the one that was opened.
        """
        last = self._geometry.num_frames if stop is None else stop
        if not 0 <= start <= last <= self._geometry.num_frames:
            raise ValueError(f"frames {start} to {last} are not within 0 to {self._geometry.num_frames}")
        return self._frames(start, last, lambda _: True)

    def picked(self, wanted: Callable[[int], bool]) -> Iterator[Frame]:
        """The frames whose index is wanted; all are decoded, as each may build on the one before, and checked.

        Raises:
            UnreadableVideo: as `frames`.
        """
        return self._frames(0, self._geometry.num_frames, wanted)

    def _frames(self, start: int, stop: int, wanted: Callable[[int], bool]) -> Iterator[Frame]:
        if start == stop:
            return
        with reading(self._path, "cannot open the video"):
            if _identity(self._path) != self._identity:
                raise UnreadableVideo(f"the file was changed after it was opened; start again: {self._path}")
        index = start
        try:
            for frame in self._decoded(start):
                if frame.pts != self._stored_ticks[index]:
                    raise _Fault("its time stamp differs from the one found when the clip was opened")
                _check_size(frame, self._size)
                if wanted(index):
                    rgb = self._orientation.apply(to_rgb(frame))
                    yield Frame(index=index, pts_ticks=self._geometry.pts_ticks[index], rgb=rgb)
                index += 1
                if index == stop:
                    return
            raise _Fault("the video ends before it")
        except _Fault as fault:
            raise _unreadable(index, fault, self._path) from fault

    def _decoded(self, start: int) -> Iterator[VideoFrame]:
        """Frames from ``start`` on, from the key frame before it where that is safe."""
        if start and self._can_seek:
            with _opened(self._path) as container:
                stream = container.streams.video[self._stream_number]
                found = self._sought(container, stream, start)
                if found is not None:
                    yield from found
                    return
        with _opened(self._path) as container:
            stream = container.streams.video[self._stream_number]
            yield from islice(_strictly_decoded(container, stream), start, None)

    def _sought(self, container: InputContainer, stream: VideoStream, start: int) -> Iterator[VideoFrame] | None:
        """Seek; None when the wanted frame does not come out flawlessly, and the clip is to be read from its start.

        A frame shown at or after a key frame refers to nothing before that key frame, so that it decodes to the same
        pixels as in a pass from the start; a container that marks other frames as key frames shows up as a fault.
        """
        target = self._stored_ticks[start]
        assert target is not None
        try:
            container.seek(target, stream=stream, backward=True)
            frames = _strictly_decoded(container, stream)
            for frame in frames:
                if frame.pts == target:
                    return chain([frame], frames)
                if frame.pts is None or frame.pts > target:
                    return None
        except (_Fault, av.FFmpegError):
            return None
        return None

    def close(self) -> None:
        """Nothing is held open; there for the contract."""

    def __enter__(self) -> VideoFile:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _Fault(Exception):
    """Why the frame that is due cannot be had; becomes ``UnreadableVideo`` where its index is known."""


def _unreadable(index: int, fault: _Fault, path: Path) -> UnreadableVideo:
    return UnreadableVideo(
        f"frame {index} cannot be decoded: {fault}; copy the file again, or cut the clip before this frame: {path}"
    )


def _no_frames(path: Path) -> str:
    return f"the video has no frames; check that the recording worked: {path}"


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    with reading(path, "not a readable video (mp4, mov, avi, mkv, webm, ...)"):
        # "file:" keeps a colon in a name from being taken as a protocol.
        try:
            container = av.open(f"file:{path.absolute()}", options={"format_whitelist": _FORMATS})
        except av.error.EOFError as error:  # a header with nothing after it
            raise UnreadableVideo(_no_frames(path)) from error
    with container:
        yield container


def _identity(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in ns; enough to notice a file that is replaced during a run."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _footage_number(container: InputContainer, path: Path) -> int:
    """Position, among the video streams, of the one that is the footage."""
    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    numbers = [n for n, stream in enumerate(container.streams.video) if not stream.disposition & pictures]
    if not numbers:
        found = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise UnreadableVideo(f"no video stream in the file (found: {found}); give a file with a picture: {path}")
    default = [n for n in numbers if container.streams.video[n].disposition & Disposition.default]
    return (default or numbers)[0]


def _strictly_decoded(
    container: InputContainer, stream: VideoStream, packets: list[Packet] | None = None
) -> Iterator[VideoFrame]:
    """Decode from where the container stands; a frame the decoder had to guess at is a fault, not a frame.

    Args:
        container: opened for reading.
        stream: one of its video streams.
        packets: is given the stamps of each packet that carries data and is not outside of an edit list.

    Raises:
        _Fault: a packet or a frame is broken.
    """
    stream.thread_type = "AUTO"
    try:
        for packet in container.demux(stream):
            if packet.size and packet.is_corrupt:
                raise _Fault("its data are cut short")
            if packets is not None and packet.size and not packet.is_discard:
                packets.append((packet.pts, packet.dts))
            for frame in packet.decode():
                if frame.is_corrupt:
                    raise _Fault("its data are damaged")
                yield frame
    except av.FFmpegError as error:
        raise _Fault(read_reason(error)) from error


def _check_size(frame: VideoFrame, size: tuple[int, int]) -> None:
    if (frame.width, frame.height) != size:
        raise _Fault(f"the picture changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} px")


def _scan(container: InputContainer, stream: VideoStream, path: Path) -> _Scan:
    """Decode everything once, keeping time stamps only."""
    ticks: list[int | None] = []
    packets: list[Packet] = []
    size = (0, 0)
    orientation = Orientation()
    pixel_format = ""
    try:
        for frame in _strictly_decoded(container, stream, packets):
            if not ticks:
                size = (frame.width, frame.height)
                if max(size) > MAX_SIDE_PX:
                    raise UnreadableVideo(f"frames are {size[0]}x{size[1]} px; at most {MAX_SIDE_PX} a side: {path}")
                orientation = orientation_of(frame, path)
                pixel_format = frame.format.name
            _check_size(frame, size)
            ticks.append(frame.pts)
        _check_nothing_lost(stream.codec_context.name, ticks, packets)
    except _Fault as fault:
        raise _unreadable(len(ticks), fault, path) from fault
    return _Scan(
        stored_ticks=tuple(ticks),
        packet_dts=tuple(dts for _, dts in packets),
        width_px=size[0],
        height_px=size[1],
        pixel_format=pixel_format,
        orientation=orientation,
    )


def _check_nothing_lost(codec: str, ticks: list[int | None], packets: list[Packet]) -> None:
    """Compare frames with packets, for codecs where each packet shows one.

    Frames before the first that can be decoded (a recording that begins between key frames) are shown by no player and
    are not missed.
    """
    if codec not in _ONE_FRAME_PER_PACKET or len(ticks) >= len(packets) or not ticks:
        return
    first = ticks[0]
    if first is not None and are_strictly_increasing(ticks):
        shown = set(ticks)
        if all(pts is not None and (pts < first or pts in shown) for pts, _ in packets):
            return
    raise _Fault(f"the file has data for {len(packets)} frames, but only {len(ticks)} come out of the decoder")
