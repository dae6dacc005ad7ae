"""Names, suffixes and ranges of what can be written; imports nothing heavy."""

from __future__ import annotations

from typing import Final, Literal, get_args

from bodydouble.errors import OutputError

Codec = Literal["h264", "lossless", "png"]
"""``h264``: small, plays everywhere. ``lossless``: decodes to exactly the RGB written. ``png``: a folder of images."""

CODECS: Final[tuple[str, ...]] = get_args(Codec)

IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})
"""Suffixes (lower case) of images that are read and written."""

VIDEO_SUFFIXES: Final = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".asf"),
        *(".flv", ".3gp", ".ogv", ".mxf", ".mj2", ".vob", ".divx"),
    }
)
"""Suffixes (lower case) that mark a file of a data set tree as footage; a single file given by name may have any."""

CONTAINER_OF_SUFFIX: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}
"""Containers that are written. WebM is not among them: it takes neither H.264 nor lossless RGB."""

IGNORED_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__macosx", "@eadir"})
"""Lower-case names that file managers leave in folders; they are neither footage nor labels."""

DEFAULT_CRF: Final = 18
"""x264's constant rate factor at which its authors call the result "more or less visually lossless"."""

DEFAULT_JPEG_QUALITY: Final = 95
"""Of 1 to 100; 95 keeps the coding error of a second pass below what an anomaly detector reacts to."""

FOLDER_RATE: Final = 25
"""Frames per second of a folder of images, which states none."""


def is_ignored(name: str) -> bool:
    """Tell whether a directory entry is hidden or a file manager's litter."""
    return name.startswith(".") or name.lower() in IGNORED_NAMES


def checked_quality(codec: str, quality: int | None, *, jpeg: bool) -> int:
    """Resolve and check the quality knob.

    Args:
        codec: what is written.
        quality: crf for ``h264`` (0 best to 51), JPEG quality for images with kept names (1 to 100 best), ignored by
            what is lossless; None takes the default.
        jpeg: the output is a folder of images whose names (and so formats) are kept.

    Raises:
        OutputError: the codec is unknown or the quality out of range.
    """
    if codec not in CODECS:
        raise OutputError(f"unknown codec {codec!r}; allowed: {', '.join(CODECS)}")
    low, high, default = (1, 100, DEFAULT_JPEG_QUALITY) if jpeg else (0, 51, DEFAULT_CRF)
    if quality is None:
        return default
    if (jpeg or codec == "h264") and not low <= quality <= high:
        what = "JPEG quality" if jpeg else "h264 quality (crf, lower is better)"
        raise OutputError(f"{what} is {quality}; allowed is {low} to {high}")
    return quality
