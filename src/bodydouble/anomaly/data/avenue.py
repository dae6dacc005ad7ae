"""CUHK Avenue (Lu, Shi, Jia, ICCV 2013): the data set of the paper.

Published: ``training_videos/01.avi``, ``testing_videos/01.avi``, masks in ``testing_label_mask/1_label.mat`` (of the archive
``ground_truth_demo``). Repacked: ``training/frames/01/0000.jpg`` and so on, labels in ``frame_labels.json`` or
``frame_labels_avenue.npy``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bodydouble.anomaly.data import labels
from bodydouble.anomaly.data.base import DataSet, TestClips, TrainingClips
from bodydouble.anomaly.data.frames import footage_in
from bodydouble.anomaly.data.layout import (
    Videos,
    check_sizes,
    count_remarks,
    first_folder,
    labels_of_files,
    test_videos,
)

TRAINING = ("training_videos", "training/frames", "training/videos")
TESTING = ("testing_videos", "testing/frames", "testing/videos")
MASKS = ("testing_label_mask", "ground_truth_demo/testing_label_mask")
SIZE_PX = (640, 360)
COUNTS = (16, 21)
"""Training and test videos."""


def open_avenue(root: Path, *, labels_from: Path | None = None) -> DataSet:
    """Open Avenue, whole or in part.

    Args:
        root: the folder of both halves.
        labels_from: another folder of the same data set, for copies without labels.

    Raises:
        InputError: another layout, sizes or labels that do not fit.
    """
    training = footage_in(first_folder(root, TRAINING))
    testing = footage_in(first_folder(root, TESTING))
    check_sizes((*training, *testing), SIZE_PX, "Avenue")
    source = labels_from or root
    videos = test_videos(
        testing,
        labels_of_files(source, testing),
        _masks(source, testing),
        root=source,
        sources="frame_labels.json, frame_labels_*.npy, or testing_label_mask/N_label.mat",
    )
    return DataSet(
        kind="avenue",
        training=TrainingClips(videos=training),
        testing=TestClips(videos=videos),
        remarks=count_remarks("Avenue", training, testing, COUNTS),
    )


def _masks(root: Path, testing: Videos) -> dict[str, partial[labels.Masks]]:
    """Readers of masks: ``1_label.mat``, or ``masks/01.npz`` with packed bits."""
    found = {}
    for video in testing:
        for folder in MASKS:
            mat = root / folder / f"{video.name.lstrip('0')}_label.mat"
            if mat.is_file():
                found[video.name] = partial(labels.from_avenue_mat, mat)
        packed = root / "masks" / f"{video.name}.npz"
        if video.name not in found and packed.is_file():
            found[video.name] = partial(labels.from_packed, packed, "masks_packed", SIZE_PX[0])
    return found
