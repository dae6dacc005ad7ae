"""Footage in, footage out: files, folders of images and data set trees; importing it loads neither PyAV nor OpenCV."""

from __future__ import annotations

from bodydouble.video_io.clips import ClipJob, FootageTree, discover_clips, discover_footage
from bodydouble.video_io.codecs import DEFAULT_CRF, DEFAULT_JPEG_QUALITY, Codec
from bodydouble.video_io.companions import copy_companions
from bodydouble.video_io.opening import open_job_sink, open_sink, open_source

__all__ = [
    "DEFAULT_CRF",
    "DEFAULT_JPEG_QUALITY",
    "ClipJob",
    "Codec",
    "FootageTree",
    "copy_companions",
    "discover_clips",
    "discover_footage",
    "open_job_sink",
    "open_sink",
    "open_source",
]
