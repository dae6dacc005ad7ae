"""Between the pixel formats of codecs and the upright RGB of everything else; the only user of swscale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from bodydouble.errors import UnreadableVideo

HD_HEIGHT_PX: Final = 720
"""From this height on, footage without a colour tag is taken as BT.709, below as BT.601 (what players do; ITU-R
BT.709 is for HDTV, BT.601 for the rest). The sink tags by the same rule, so nothing shifts for untagged footage."""

# swscale's short cuts differ between processors and take the nearest chroma sample; results must not depend on where
# they are made, so the exact integer path with interpolated chroma is asked for.
_SCALING: Final = int(
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INT
)
_UNSPECIFIED: Final = frozenset({2, 3})
"""AVCOL_SPC_UNSPECIFIED and AVCOL_SPC_RESERVED (libavutil/pixfmt.h)."""
_UNIT_OF_MATRIX: Final = 1 << 16
"""The display matrix is in 16.16 fixed point (ISO 14496-12 section 6.2.2)."""


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """How stored pixels are turned to be shown: a quarter-turn matrix with entries -1, 0, 1."""

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @property
    def swaps_sides(self) -> bool:
        """Width and height change places."""
        return self.a == 0

    def apply(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Turn (height, width, 3) pixels; a contiguous array comes back."""
        if self.swaps_sides:
            pixels = pixels.transpose(1, 0, 2)
        # A stored point (x, y) is shown at (a x + c y, b x + d y); a negative factor runs that axis backwards.
        if self.a + self.c < 0:
            pixels = pixels[:, ::-1]
        if self.b + self.d < 0:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


def orientation_of(frame: VideoFrame, path: Path) -> Orientation:
    """Read the display matrix of a decoded frame.

    Raises:
        UnreadableVideo: the matrix turns by something else than quarter turns and mirrorings.
    """
    # PyAV's stub takes the container for a dict of its keys; iterating it gives the items themselves.
    items: list[Any] = list(frame.side_data)
    for item in items:
        if item.type != SideDataType.DISPLAYMATRIX:
            continue
        matrix = np.frombuffer(bytes(item), dtype=np.int32).astype(np.float64) / _UNIT_OF_MATRIX
        scale = max(float(np.abs(matrix[[0, 1, 3, 4]]).max()), 1e-9)
        a, b, c, d = (round(float(value) / scale) for value in matrix[[0, 1, 3, 4]])
        if sorted((abs(a), abs(b))) != [0, 1] or abs(a) != abs(d) or abs(b) != abs(c) or _is_oblique(matrix, scale):
            raise UnreadableVideo(
                f"the video is to be shown turned by {frame.rotation} degrees; only quarter turns are supported: "
                f"re-encode it upright: {path}"
            )
        return Orientation(a=a, b=b, c=c, d=d)
    return Orientation()


def _is_oblique(matrix: npt.NDArray[np.float64], scale: float) -> bool:
    values = np.abs(matrix[[0, 1, 3, 4]]) / scale
    return bool(np.any(np.abs(values - np.round(values)) > 0.01))


def is_gray_format(name: str) -> bool:
    """Tell whether a pixel format has luma only (``gray``, ``gray10le``, ``monow``, ``ya8``, ...)."""
    return name.startswith(("gray", "mono", "ya8", "ya16"))


def to_rgb(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """Convert a decoded frame to RGB as stored (not turned yet).

    Tags of the stream decide on matrix and range; without a tag see ``HD_HEIGHT_PX``. More than 8 bits are rounded.

    Returns:
        (height, width, 3).
    """
    source = None
    if frame.colorspace in _UNSPECIFIED and not frame.format.is_rgb:
        source = Colorspace.ITU709 if frame.height >= HD_HEIGHT_PX else Colorspace.ITU601
    converted = frame.reformat(format="rgb24", src_colorspace=source, interpolation=_SCALING)
    return np.asarray(converted.to_ndarray(), dtype=np.uint8)


def tag_encoder(context: av.VideoCodecContext, *, height_px: int) -> None:
    """Write matrix, primaries, transfer and range of what ``from_rgb`` makes into an encoder."""
    hd = height_px >= HD_HEIGHT_PX
    context.color_range = ColorRange.MPEG
    context.colorspace = 1 if hd else 6  # AVCOL_SPC_BT709, AVCOL_SPC_SMPTE170M
    context.color_primaries = ColorPrimaries.BT709 if hd else ColorPrimaries.SMPTE170M
    context.color_trc = ColorTrc.BT709 if hd else ColorTrc.SMPTE170M


def from_rgb(rgb: npt.NDArray[np.uint8], pixel_format: str) -> VideoFrame:
    """Make a frame for an encoder.

    Args:
        rgb: (height, width, 3).
        pixel_format: ``rgb24`` leaves the values as they are; YUV formats are limited range, matrix by height.
    """
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    if pixel_format == "rgb24":
        return frame
    matrix = Colorspace.ITU709 if rgb.shape[0] >= HD_HEIGHT_PX else Colorspace.ITU601
    return frame.reformat(
        format=pixel_format, dst_colorspace=matrix, dst_color_range=ColorRange.MPEG, interpolation=_SCALING
    )
