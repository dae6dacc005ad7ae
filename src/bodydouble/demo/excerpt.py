"""The beginning of a clip, for a demonstration that ends before patience does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bodydouble.video_io import open_sink, open_source


def write_excerpt(source_path: Path, target: Path, *, num_frames: int) -> int:
    """Write the first frames of a clip, without loss.

    Args:
        source_path: clip.
        target: file to write (``.mkv``); replaced when it is there.
        num_frames: how many, 1 or more; a shorter clip is taken whole.

    Returns:
        Number of frames written.

    Raises:
        UnreadableVideo: the clip cannot be read.
        OutputError: the file cannot be written.
    """
    with open_source(source_path) as source:
        geometry = dataclasses.replace(source.geometry, pts_ticks=source.geometry.pts_ticks[:num_frames])
        with open_sink(target, geometry, codec="lossless", overwrite=True) as sink:
            for frame in source.frames(0, geometry.num_frames):
                sink.write(frame.rgb)
            sink.commit()
    return geometry.num_frames
