"""Pieces to one file with exact time stamps, without encoding again; sound is copied where it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from heapq import merge
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.video.stream import VideoStream

from bodydouble.errors import OutputError
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io.codecs import CONTAINER_OF_SUFFIX
from bodydouble.video_io.guard import reading, writing
from bodydouble.video_io.segments import SegmentStore, opened_segment
from bodydouble.video_io.timing import frame_step_ticks

_MATROSKA_TICK = Fraction(1, 1000)
"""FFmpeg's muxer always counts milliseconds."""
_LONGEST_TIMESCALE = 2**31 - 1
"""Time scales of MP4 are 32 bits wide; one bit is left out for readers that take them as signed."""

_Timed: TypeAlias = "tuple[float, int, av.Packet[Any]]"
"""Time in seconds, a number that settles ties, packet."""


def output_ticks(geometry: VideoGeometry, suffix: str) -> tuple[Fraction, tuple[int, ...]]:
    """Time base and stamps of the frames in the file to be written.

    MP4, MOV and M4V keep times exactly. MKV rounds to its millisecond. AVI numbers frames at a constant rate, and
    footage with other times does not go into it. A clip that begins before zero is moved to begin at zero, since
    players drop what is shown before; distances stay exact.

    Args:
        geometry: times of the source.
        suffix: of the file to be written, lower case.

    Raises:
        OutputError: the container cannot hold these times.
    """
    shift = min(0, geometry.pts_ticks[0]) if geometry.pts_ticks else 0
    ticks = tuple(tick - shift for tick in geometry.pts_ticks)
    base = geometry.time_base
    if suffix == ".avi":
        grid = 1 / geometry.average_rate
        exact = [tick * base / grid for tick in ticks]
        if any(value.denominator != 1 for value in exact):
            raise OutputError(
                "the frames do not follow at a constant rate, which is all that .avi can hold; write .mp4, .mov or .mkv"
            )
        return grid, tuple(int(value) for value in exact)
    if suffix == ".mkv":
        rounded = tuple(round(tick * base / _MATROSKA_TICK) for tick in ticks)
        if any(later <= earlier for earlier, later in pairwise(rounded)):
            raise OutputError("frames are less than a millisecond apart, which .mkv cannot hold; write .mp4 or .mov")
        return _MATROSKA_TICK, rounded
    if base.denominator > _LONGEST_TIMESCALE:
        raise OutputError(f"the time base {base} is too fine for {suffix}; write .mkv")
    return base, ticks


def check_times(path: Path, geometry: VideoGeometry) -> None:
    """See, before any work is done, that a file's container can hold the times of the frames.

    Raises:
        OutputError: it cannot.
    """
    try:
        output_ticks(geometry, path.suffix.lower())
    except OutputError as error:
        raise OutputError(f"{error}: {path}") from error


def join_segments(
    store: SegmentStore, geometry: VideoGeometry, partial: Path, suffix: str, audio_from: Path | None
) -> None:
    """Write all pieces into one file.

    Args:
        store: holds all pieces.
        geometry: exact times of the frames.
        partial: file to write.
        suffix: decides on the container (key of ``CONTAINER_OF_SUFFIX``).
        audio_from: file whose sound is copied; None drops sound.

    Raises:
        OutputError: the file cannot be written, or the sound does not fit into the container.
    """
    base, ticks = output_ticks(geometry, suffix)
    options = {}
    if suffix in (".mp4", ".m4v", ".mov"):
        # Its default of 1000 would round the empty edit in front of a clip that begins after zero.
        options["movie_timescale"] = str(base.denominator)
    with ExitStack() as stack:
        stack.enter_context(writing(partial))
        container = stack.enter_context(av.open(str(partial), "w", format=CONTAINER_OF_SUFFIX[suffix], options=options))
        with opened_segment(store, 0) as (template, _):
            stream = container.add_stream_from_template(template)
            annex_b = BitStreamFilterContext("h264_mp4toannexb", template, stream) if suffix == ".avi" else None
            extradata = template.codec_context.extradata
        stream.time_base = base
        video = _video_packets(store, stream, base, ticks, geometry.average_rate, extradata)
        if annex_b is not None:
            video = ((time, rank, out) for time, rank, packet in video for out in annex_b.filter(packet))
        sources: list[Iterator[_Timed]] = [video]
        if audio_from is not None:
            first_seconds = geometry.pts_ticks[0] * geometry.time_base if geometry.pts_ticks else Fraction(0)
            sources.extend(_audio_packets(stack, container, audio_from, shift_seconds=min(Fraction(0), first_seconds)))
        # Nearest in time first: muxers hold back packets of one stream until the other has caught up.
        for _, _, packet in merge(*sources, key=lambda item: item[:2]):
            container.mux(packet)


def _video_packets(
    store: SegmentStore,
    stream: VideoStream,
    base: Fraction,
    ticks: tuple[int, ...],
    rate: Fraction,
    extradata: bytes | None,
) -> Iterator[_Timed]:
    index = 0
    for number in range(store.num_needed):
        expected = index + store.frames_in(number)
        with opened_segment(store, number) as (segment, packets):
            if segment.codec_context.extradata != extradata:
                raise OutputError(f"a finished piece differs in kind; start without --resume: {store.path(number)}")
            for packet in packets:
                if index == expected:
                    break
                packet.time_base = base
                packet.pts = packet.dts = ticks[index]
                following = ticks[index + 1] if index + 1 < len(ticks) else None
                step = frame_step_ticks(rate, base) if following is None else following - ticks[index]
                packet.duration = step
                packet.stream = stream
                yield float(ticks[index] * base), 0, packet
                index += 1
        if index != expected:
            raise OutputError(f"a finished piece is incomplete; start without --resume: {store.path(number)}")


def _audio_packets(
    stack: ExitStack, container: OutputContainer, audio_from: Path, *, shift_seconds: Fraction
) -> list[Iterator[_Timed]]:
    """Add all sound streams of a file to the output; a file without sound adds none."""
    with reading(audio_from, "cannot read the sound", OutputError):
        source = stack.enter_context(av.open(f"file:{audio_from.absolute()}"))
    if not source.streams.audio:
        return []
    try:
        copies = {stream.index: container.add_stream_from_template(stream) for stream in source.streams.audio}
        for copy in copies.values():
            copy.metadata.clear()
    except (av.FFmpegError, ValueError) as error:
        names = ", ".join(stream.codec_context.name for stream in source.streams.audio)
        raise OutputError(f"sound ({names}) cannot be copied into this container; write .mkv or drop it") from error

    def packets() -> Iterator[_Timed]:
        for packet in source.demux(*source.streams.audio):
            if packet.dts is None or packet.time_base is None:
                continue
            shift = round(shift_seconds / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = copies[packet.stream_index]
            yield float(packet.dts * packet.time_base), 1, packet

    return [packets()]
