"""What the readers of single data sets share: where the halves lie, where labels may come from, what must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from bodydouble.anomaly.data import labels
from bodydouble.anomaly.data.base import TestVideo
from bodydouble.anomaly.data.frames import ImageFolder, VideoFile
from bodydouble.errors import InputError

Videos: TypeAlias = tuple[ImageFolder | VideoFile, ...]
LABELS = "frame_labels.json"
"""Labels by video; preferred where several kinds lie side by side."""


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """The first of these folders that exists.

    Raises:
        InputError: none does.
    """
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise InputError(f"expected one of the folders {', '.join(names)}: {root}")


def size_px(video: ImageFolder | VideoFile) -> tuple[int, int]:
    """Width and height of a video, from its first frame."""
    frames = video.frames()
    first = next(frames)
    return first.shape[1], first.shape[0]


def check_sizes(videos: Videos, expected: tuple[int, int], what: str) -> None:
    """Look at the first frame of every video.

    Raises:
        InputError: one is of another size than the data set's.
    """
    for video in videos:
        found = size_px(video)
        if found != expected:
            raise InputError(
                f"{video.name} is {found[0]}x{found[1]} px, but {what} is {expected[0]}x{expected[1]} px throughout"
            )


def count_remarks(what: str, training: Videos, testing: Videos, expected: tuple[int, int]) -> tuple[str, ...]:
    """What to say about videos that are missing or too many."""
    return tuple(
        f"{len(videos)} of the {whole} {half} videos of {what}: figures compare with no published ones"
        for half, videos, whole in (("training", training, expected[0]), ("test", testing, expected[1]))
        if len(videos) != whole
    )


def frame_counts(videos: Videos) -> dict[str, int]:
    """Frames of each video; a file is decoded to the end, since headers are not to be trusted."""
    return {
        video.name: len(video.paths) if isinstance(video, ImageFolder) else sum(1 for _ in video.frames())
        for video in videos
    }


def labels_of_files(root: Path, testing: Videos) -> dict[str, labels.Labels] | None:
    """Labels by video from ``frame_labels.json``, or from one ``frame_labels*.npy`` of all videos; None: neither.

    Raises:
        InputError: a test video has none, several files of the second kind, or counts differ.
    """
    if (root / LABELS).is_file():
        found = labels.from_json(root / LABELS)
        missing = [video.name for video in testing if video.name not in found]
        if missing:
            raise InputError(f"has no labels for {', '.join(missing)}: {root / LABELS}")
        return {video.name: found[video.name] for video in testing}
    rows = sorted(root.glob("frame_labels*.npy"))
    if len(rows) > 1:
        raise InputError(f"{', '.join(p.name for p in rows)}: keep one file of labels: {root}")
    if not rows:
        return None
    row = labels.as_labels(labels.from_npy(rows[0]), where=str(rows[0]))
    return labels.split(row, frame_counts(testing), where=str(rows[0]))


def test_videos(
    testing: Videos,
    found: Mapping[str, labels.Labels] | None,
    masks: Mapping[str, Callable[[], labels.Masks]],
    *,
    root: Path,
    sources: str,
) -> tuple[TestVideo, ...]:
    """Put videos, labels and masks together; without labels, a frame is abnormal where its mask has a pixel.

    Args:
        testing: the videos.
        found: labels by name; None: there are none.
        masks: readers of masks by name.
        root: where was looked, for messages.
        sources: where labels may come from, for messages.

    Raises:
        InputError: a video has neither, or labels and frames differ in number.
    """
    made = []
    for video in testing:
        if found is not None:
            truth = found[video.name]
        elif video.name in masks:
            truth = np.asarray(masks[video.name]().any((1, 2)), np.bool_)
        else:
            raise InputError(f"no labels for the test video {video.name}; expected {sources}: {root}")
        if isinstance(video, ImageFolder) and len(truth) != len(video.paths):
            raise InputError(f"{video.name} has {len(video.paths)} frames and {len(truth)} labels: {root}")
        reader = masks.get(video.name)
        made.append(
            TestVideo(
                footage=video,
                labels=truth,
                read_masks=None if reader is None else labels.checked(reader, truth, name=video.name),
            )
        )
    return tuple(made)
