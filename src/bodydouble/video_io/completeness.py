"""Does a file end where its container says it does?

Demuxers read a truncated Matroska or MPEG-4 file up to the cut and then report an ordinary end (seen with FFmpeg 8 on
files cut at 60 %), so a clip could silently be short. The containers themselves state how long they are: boxes of
ISO 14496-12 section 4.2, RIFF chunks of the AVI format, the Segment element of RFC 9559 (EBML: RFC 8794). Only the
outermost level is walked: a handful of small reads, whatever the size of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bodydouble.errors import UnreadableVideo
from bodydouble.video_io.guard import reading

_MAX_TOP_LEVEL = 1_000_000
"""Outermost elements looked at; fragmented files have one pair per fragment."""
_EBML_ID = b"\x1a\x45\xdf\xa3"
_SEGMENT_ID = b"\x18\x53\x80\x67"
_BOXES_THAT_BEGIN_A_FILE = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})


def check_complete(path: Path) -> None:
    """Check that nothing is missing at the end of an MP4/MOV, AVI or Matroska/WebM file; others pass.

    Raises:
        UnreadableVideo: the file is empty, or shorter than its container says.
    """
    with reading(path, "cannot open the video"), path.open("rb") as file:
        actual = file.seek(0, 2)
        if actual == 0:
            raise UnreadableVideo(f"the file is empty (0 bytes); copy it again: {path}")
        file.seek(0)
        head = file.read(12)
        if head[4:8] in _BOXES_THAT_BEGIN_A_FILE:
            stated = _end_of_boxes(file, actual)
        elif head[:4] == b"RIFF":
            stated = _end_of_riff(file, actual)
        elif head[:4] == _EBML_ID:
            stated = _end_of_segment(file)
        else:
            stated = actual
    if stated > actual:
        raise UnreadableVideo(
            f"the file is truncated: it has {actual} bytes of the {stated} its container states; copy it again, or "
            f"keep what is left of it with `ffmpeg -i IN -c copy OUT`: {path}"
        )


def _end_of_boxes(file: BinaryIO, actual: int) -> int:
    """Where the last top-level box of an ISO base media file ends."""
    offset = 0
    for _ in range(_MAX_TOP_LEVEL):
        if actual - offset < 8:  # a few stray bytes at the end are padding that some cameras write
            break
        file.seek(offset)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:  # "extends to the end of the file"
            return actual
        if size < 8 or not head[4:8].isascii():  # no box any more: trailing data, not ours to judge
            return actual
        offset += size
    return offset


def _end_of_riff(file: BinaryIO, actual: int) -> int:
    """Where the last RIFF chunk ends (files above 1 GiB have several, OpenDML 1.02)."""
    offset = 0
    for _ in range(_MAX_TOP_LEVEL):
        file.seek(offset)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return min(offset, actual)
        size = int.from_bytes(head[4:8], "little")
        if size in (0, 0xFFFFFFFF):  # a recorder that was switched off; what can be decoded will be
            return actual
        offset += 8 + size
        if offset > actual:
            return offset
        offset += size % 2
    return offset


def _end_of_segment(file: BinaryIO) -> int:
    """Where the Segment of a Matroska file ends; 0 when it was streamed and states no size."""
    file.seek(4)
    header_size = _ebml_size(file)
    if header_size is None:
        return 0
    file.seek(header_size, 1)
    if file.read(4) != _SEGMENT_ID:
        return 0
    size = _ebml_size(file)
    return 0 if size is None else file.tell() + size


def _ebml_size(file: BinaryIO) -> int | None:
    """Read a variable-length size (RFC 8794 section 4); None for "unknown" or the end of the file."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big") - (1 << (7 * length))
    return None if value == (1 << (7 * length)) - 1 else value
