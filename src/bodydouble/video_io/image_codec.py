"""Single images in and out of bytes; the only place of this package where OpenCV and its BGR order appear."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import OutputError, UnreadableImage
from bodydouble.video_io.guard import reading
from bodydouble.video_io.image_header import ImageHeader

_16_BIT_TO_8 = 257
"""65535 / 255: white stays white."""
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})


def read_image(path: Path, header: ImageHeader) -> npt.NDArray[np.uint8]:
    """Decode an image to upright RGB.

    16-bit values are scaled to 8 bits, transparency is dropped, the orientation of the header is applied. Not every
    damage can be told: a jpg whose data are wrong but well-formed decodes to wrong pixels.

    Args:
        path: the file.
        header: what ``read_image_header`` said about it.

    Returns:
        (height, width, 3), three equal channels for a grey image.

    Raises:
        UnreadableImage: the data are damaged, truncated, of floating point, or of another size than the header states.
    """
    with reading(path, "cannot open the image", UnreadableImage):
        data = path.read_bytes()
    if path.suffix.lower() in _JPEG_SUFFIXES and b"\xff\xd9" not in data[-1024:]:
        # libjpeg fills what is missing with grey and only prints a warning; the end marker tells (T.81 B.1.1.3).
        raise UnreadableImage(f"the image is truncated; replace it: {path}")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableImage(f"the image is damaged ({error.err}); replace it: {path}") from error
    if pixels is None:
        raise UnreadableImage(f"the image is damaged; replace it: {path}")
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + _16_BIT_TO_8 // 2) // _16_BIT_TO_8).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise UnreadableImage(f"the image has values of type {pixels.dtype}; allowed are 8 and 16 bits: {path}")
    if pixels.shape[:2] != (header.height_px, header.width_px):
        raise UnreadableImage(
            f"the image decodes to {pixels.shape[1]}x{pixels.shape[0]} px, but its header states "
            f"{header.width_px}x{header.height_px}; replace it: {path}"
        )
    return _upright(_to_rgb(np.asarray(pixels, dtype=np.uint8)), header.orientation)


def _to_rgb(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """From OpenCV's (height, width[, channels]) with 1 to 4 channels."""
    if pixels.ndim == 2 or pixels.shape[2] <= 2:
        gray = pixels if pixels.ndim == 2 else pixels[:, :, 0]
        return np.repeat(gray[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, 2::-1])


def _upright(rgb: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Undo an Exif orientation (Exif 2.3 section 4.6.4, tag 274)."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def encode_image(rgb: npt.NDArray[np.uint8], suffix: str, *, as_gray: bool, jpeg_quality: int) -> bytes:
    """Encode an image in the format of a suffix, without metadata.

    Args:
        rgb: (height, width, 3).
        suffix: lower case, with the dot; png, tif and bmp are lossless.
        as_gray: write a single channel (BT.601 luma where the channels differ).
        jpeg_quality: 1 to 100.

    Raises:
        OutputError: the format cannot hold such an image.
    """
    if as_gray:
        equal = bool(np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]))
        pixels = np.ascontiguousarray(rgb[..., 0]) if equal else cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    else:
        pixels = np.ascontiguousarray(rgb[:, :, ::-1])
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if suffix in _JPEG_SUFFIXES else []
    try:
        done, data = cv2.imencode(suffix, pixels, options)
    except cv2.error as error:
        raise OutputError(f"an image of shape {rgb.shape} cannot be written as {suffix}: {error.err}") from error
    if not done:
        raise OutputError(f"an image of shape {rgb.shape} cannot be written as {suffix}")
    return data.tobytes()
