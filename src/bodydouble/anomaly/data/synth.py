"""Rendered streets, in the layout of the others.

``training/videos`` or ``training/frames``, the same of ``testing``, labels in ``frame_labels.json``, masks in
``masks/NAME.npz`` as ``masks_packed``: (N, H, W/8) bytes, packed along the last axis.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bodydouble.anomaly.data import labels
from bodydouble.anomaly.data.base import DataSet, TestClips, TrainingClips
from bodydouble.anomaly.data.frames import footage_in
from bodydouble.anomaly.data.layout import check_sizes, first_folder, labels_of_files, size_px, test_videos

TRAINING = ("training/videos", "training/frames")
TESTING = ("testing/videos", "testing/frames")


def open_synth(root: Path, *, labels_from: Path | None = None) -> DataSet:
    """Open a data set of rendered streets; all its frames have one size.

    Args:
        root: the folder of both halves.
        labels_from: another folder of the same data set, for copies without labels.

    Raises:
        InputError: another layout, sizes or labels that do not fit.
    """
    training = footage_in(first_folder(root, TRAINING))
    testing = footage_in(first_folder(root, TESTING))
    size = size_px(testing[0])
    check_sizes((*training, *testing), size, "the first test video")
    source = labels_from or root
    masks = {
        video.name: partial(labels.from_packed, source / "masks" / f"{video.name}.npz", "masks_packed", size[0])
        for video in testing
        if (source / "masks" / f"{video.name}.npz").is_file()
    }
    videos = test_videos(testing, labels_of_files(source, testing), masks, root=source, sources="frame_labels.json")
    return DataSet(kind="synth", training=TrainingClips(videos=training), testing=TestClips(videos=videos), remarks=())
