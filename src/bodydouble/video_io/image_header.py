"""Size and channels of an image from its first bytes, so that a folder of ten thousand is checked before work begins.

Formats as specified in: PNG, W3C 2003 section 11.2.2; JPEG, ITU-T T.81 annex B.2.2 and, for the orientation, Exif 2.3
section 4.6; TIFF 6.0 sections 2 and 8; BMP, the DIB headers of Windows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bodydouble.errors import UnreadableImage
from bodydouble.video_io.guard import reading

_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_PHOTOMETRIC, _TIFF_ORIENTATION, _TIFF_SAMPLES = 256, 257, 262, 274, 277
_TIFF_PALETTE = 3
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers; the others of this range are tables."""


class _Malformed(Exception):
    """Not an image of the format its first bytes promise."""


@dataclass(frozen=True, kw_only=True)
class ImageHeader:
    """What the header of an image file says."""

    width_px: int
    """As stored, before ``orientation``."""
    height_px: int
    """As stored, before ``orientation``."""
    is_gray: bool
    """One channel, or a palette of greys."""
    orientation: int = 1
    """Exif orientation of a jpg, 1 (upright) to 8."""
    num_pages: int = 1
    """Pictures in the file, counted up to 2; a TIFF can hold several."""

    @property
    def shown_size_px(self) -> tuple[int, int]:
        """Width and height after turning the picture upright."""
        turned = self.orientation >= 5
        return (self.height_px, self.width_px) if turned else (self.width_px, self.height_px)


def read_image_header(path: Path) -> ImageHeader:
    """Read the header of a PNG, JPEG, TIFF or BMP file.

    Raises:
        UnreadableImage: the file cannot be opened, is of another format, or its header is damaged.
    """
    with reading(path, "cannot open the image", UnreadableImage), path.open("rb") as file:
        start = file.read(16)
        try:
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                header = _png(file)
            elif start.startswith(b"\xff\xd8"):
                header = _jpeg(file)
            elif start.startswith((b"II*\x00", b"MM\x00*")):
                header = _tiff(file, 0)
            elif start.startswith(b"BM"):
                header = _bmp(file)
            else:
                raise _Malformed("it does not begin like a png, jpg, tif or bmp file")
        except (_Malformed, struct.error) as error:
            raise UnreadableImage(
                f"not a usable image: {error}; replace it or take it out of the folder: {path}"
            ) from error
    if header.width_px < 1 or header.height_px < 1:
        raise UnreadableImage(f"the image states {header.width_px}x{header.height_px} px; replace it: {path}")
    return header


def _png(file: BinaryIO) -> ImageHeader:
    file.seek(16)
    width, height, _depth, colour_type = struct.unpack(">IIBB", file.read(10))
    return ImageHeader(width_px=width, height_px=height, is_gray=colour_type in (0, 4))


def _jpeg(file: BinaryIO) -> ImageHeader:
    file.seek(2)
    orientation = 1
    while True:
        marker = file.read(2)
        while len(marker) == 2 and marker == b"\xff\xff":  # fill bytes may precede a marker
            marker = marker[1:] + file.read(1)
        if len(marker) < 2 or marker[0] != 0xFF:
            raise _Malformed("the jpg has no frame header")
        if marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD7:  # markers without a length
            continue
        (length,) = struct.unpack(">H", file.read(2))
        begin = file.tell()
        if marker[1] in _JPEG_FRAMES:
            _precision, height, width, components = struct.unpack(">BHHB", file.read(6))
            return ImageHeader(width_px=width, height_px=height, is_gray=components == 1, orientation=orientation)
        if marker[1] == 0xE1 and file.read(6) == b"Exif\x00\x00":
            orientation = _exif_orientation(file, begin + 6)
        file.seek(begin + length - 2)


def _exif_orientation(file: BinaryIO, base: int) -> int:
    """Orientation of an Exif block; damaged metadata do not make a picture unusable, they are then not followed."""
    try:
        tags = _tiff_tags(file, base)[0]
    except (_Malformed, struct.error):
        return 1
    return tags.get(_TIFF_ORIENTATION, 1) if 1 <= tags.get(_TIFF_ORIENTATION, 1) <= 8 else 1


def _tiff(file: BinaryIO, base: int) -> ImageHeader:
    tags, next_page = _tiff_tags(file, base)
    if _TIFF_WIDTH not in tags or _TIFF_HEIGHT not in tags:
        raise _Malformed("the tif states no size")
    if tags.get(_TIFF_ORIENTATION, 1) != 1:
        # OpenCV mirrors such files by itself, but cannot turn them; upright ones are the only that all readers agree on.
        raise _Malformed(f"the tif is stored turned or mirrored (orientation {tags[_TIFF_ORIENTATION]}), not upright")
    return ImageHeader(
        width_px=tags[_TIFF_WIDTH],
        height_px=tags[_TIFF_HEIGHT],
        is_gray=tags.get(_TIFF_SAMPLES, 1) <= 2 and tags.get(_TIFF_PHOTOMETRIC, 1) != _TIFF_PALETTE,
        num_pages=2 if next_page else 1,
    )


def _tiff_tags(file: BinaryIO, base: int) -> tuple[dict[int, int], int]:
    """First value of each integer tag of the first directory, and the offset of the next one (0: none)."""
    file.seek(base)
    head = file.read(8)
    if head[:4] not in (b"II*\x00", b"MM\x00*"):
        raise _Malformed("the tif header is damaged")
    order = "<" if head[:2] == b"II" else ">"
    (offset,) = struct.unpack(order + "I", head[4:])
    file.seek(base + offset)
    (count,) = struct.unpack(order + "H", file.read(2))
    tags: dict[int, int] = {}
    for _ in range(count):
        tag, kind, _num_values, value = struct.unpack(order + "HHI4s", file.read(12))
        if kind == 3:
            (tags[tag],) = struct.unpack(order + "H", value[:2])
        elif kind == 4:
            (tags[tag],) = struct.unpack(order + "I", value)
    (following,) = struct.unpack(order + "I", file.read(4).ljust(4, b"\x00"))
    return tags, following


def _bmp(file: BinaryIO) -> ImageHeader:
    file.seek(14)
    (header_size,) = struct.unpack("<I", file.read(4))
    if header_size == 12:
        width, height, _planes, depth = struct.unpack("<HHHH", file.read(8))
        num_colours, entry_size = 0, 3
    else:
        width, height, _planes, depth = struct.unpack("<iiHH", file.read(12))
        file.seek(14 + 32)
        (num_colours,) = struct.unpack("<I", file.read(4))
        entry_size = 4
    is_gray = False
    if depth <= 8:
        num_colours = min(num_colours or 1 << depth, 256)
        file.seek(14 + header_size)
        palette = file.read(num_colours * entry_size)
        entries = [palette[i : i + 3] for i in range(0, len(palette), entry_size)]
        is_gray = bool(entries) and all(len(set(entry)) == 1 for entry in entries)
    return ImageHeader(width_px=width, height_px=abs(height), is_gray=is_gray)
