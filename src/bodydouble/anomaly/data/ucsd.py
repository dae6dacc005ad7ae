"""UCSD Ped1 and Ped2 (Mahadevan et al., CVPR 2010), as published or as the detectors' authors repacked them.

Published: ``Train/Train001/001.tif``, ``Test/Test001/001.tif``, labels in ``Test/UCSDped2.m``, masks of some videos in
``Test/Test001_gt/001.bmp``. Repacked: ``training/frames/01/001.jpg``, ``testing/frames/01/001.jpg``, labels in
``frame_labels.json`` or ``frame_labels_ped2.npy``.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from bodydouble.anomaly.data import labels
from bodydouble.anomaly.data.base import DataSet, TestClips, TrainingClips
from bodydouble.anomaly.data.frames import footage_in, images_in
from bodydouble.anomaly.data.layout import (
    Videos,
    check_sizes,
    count_remarks,
    first_folder,
    labels_of_files,
    size_px,
    test_videos,
)
from bodydouble.errors import InputError

TRAINING = ("Train", "training/frames", "training/videos")
TESTING = ("Test", "testing/frames", "testing/videos")

KINDS = {(238, 158): ("ucsd-ped1", (34, 36)), (360, 240): ("ucsd-ped2", (16, 12))}
"""Size in pixels to name, and number of training and test videos."""


def open_ucsd(root: Path, *, labels_from: Path | None = None) -> DataSet:
    """Open Ped1 or Ped2; which of them, the size of the frames tells.

    Args:
        root: the folder that holds ``Train`` and ``Test``, or ``training`` and ``testing``.
        labels_from: another folder of the same data set, for copies without labels.

    Raises:
        InputError: another layout, sizes or labels that do not fit.
    """
    training = footage_in(first_folder(root, TRAINING), skip="_gt")
    testing = footage_in(first_folder(root, TESTING), skip="_gt")
    size = size_px(testing[0])
    if size not in KINDS:
        raise InputError(f"frames are {size[0]}x{size[1]} px; UCSD Ped1 has 238x158 px and Ped2 360x240 px: {root}")
    kind, counts = KINDS[size]
    check_sizes((*training, *testing), size, kind)
    source = labels_from or root
    found = labels_of_files(source, testing)
    if found is None:
        found = _of_list(first_folder(source, TESTING), testing)
    masks = _masks(source, testing, size[0])
    sources = "frame_labels.json, frame_labels_*.npy, Test/UCSDped*.m, or a folder of masks Test/*_gt"
    return DataSet(
        kind=kind,
        training=TrainingClips(videos=training),
        testing=TestClips(videos=test_videos(testing, found, masks, root=source, sources=sources)),
        remarks=count_remarks(kind, training, testing, counts),
    )


def _of_list(folder: Path, testing: Videos) -> dict[str, labels.Labels] | None:
    lists = sorted(folder.glob("UCSDped*.m"))
    if not lists:
        return None
    lengths = [sum(1 for _ in video.frames()) for video in testing]
    rows = labels.from_ucsd_list(lists[0], lengths)
    return {video.name: row for video, row in zip(testing, rows, strict=True)}


def _masks(root: Path, testing: Videos, width_px: int) -> dict[str, partial[labels.Masks]]:
    """Readers of masks: folders ``Test001_gt``, or ``gt_masks_packed.npz`` with arrays ``Test001``."""
    packed = root / "gt_masks_packed.npz"
    found = {}
    for video in testing:
        folder = first_folder(root, TESTING) / f"{video.name}_gt"
        number = re.search(r"(\d+)$", video.name)
        if folder.is_dir() and images_in(folder):
            found[video.name] = partial(labels.from_pictures, images_in(folder))
        elif packed.is_file() and number:
            found[video.name] = partial(labels.from_packed, packed, f"Test{int(number[1]):03d}", width_px)
    return found
