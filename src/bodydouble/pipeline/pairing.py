"""Originals and results on disk, clip by clip."""

from __future__ import annotations

from pathlib import Path

from bodydouble.evaluation.alignment import ClipPair, match_clips
from bodydouble.pipeline.folder import SUFFIX
from bodydouble.video_io import discover_clips


def pair_up(original: Path, result: Path) -> list[ClipPair]:
    """Find the result of every clip of an input.

    Both may be a video, a folder of images, or a data set tree of either; a folder of images may have become a video and
    the other way round. Run folders are no results. Whether the clips fit is for
    `bodydouble.evaluation.alignment.check_aligned` to say.

    Raises:
        InputError: nothing, or no footage, is there, or a clip has no result.
    """
    return match_clips(_clips(original), _clips(result))


def _clips(path: Path) -> dict[str, Path]:
    jobs = discover_clips(path, None)
    return {job.name: job.source for job in jobs if not any(part.endswith(SUFFIX) for part in job.name.split("/"))}
