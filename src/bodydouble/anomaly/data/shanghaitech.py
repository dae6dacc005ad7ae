"""ShanghaiTech Campus (Liu et al., CVPR 2018).

``training/videos/01_001.avi`` (published) or ``training/frames/01_001/000.jpg``; ``testing/frames/01_0014/000.jpg``; labels
``testing/test_frame_mask/01_0014.npy``, masks ``testing/test_pixel_mask/01_0014.npy``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bodydouble.anomaly.data import labels
from bodydouble.anomaly.data.base import DataSet, TestClips, TrainingClips
from bodydouble.anomaly.data.frames import footage_in
from bodydouble.anomaly.data.layout import check_sizes, count_remarks, first_folder, labels_of_files, test_videos
from bodydouble.errors import InputError

TRAINING = ("training/frames", "training/videos")
TESTING = ("testing/frames", "testing/videos")
SIZE_PX = (856, 480)
COUNTS = (330, 107)
"""Training and test videos."""


def open_shanghaitech(root: Path, *, labels_from: Path | None = None) -> DataSet:
    """Open ShanghaiTech, whole or in part.

    Args:
        root: the folder of both halves.
        labels_from: another folder of the same data set, for copies without labels.

    Raises:
        InputError: another layout, sizes or labels that do not fit.
    """
    training = footage_in(first_folder(root, TRAINING))
    testing = footage_in(first_folder(root, TESTING))
    check_sizes((*training, *testing), SIZE_PX, "ShanghaiTech")
    source = labels_from or root
    pixels = source / "testing" / "test_pixel_mask"
    masks = {
        video.name: partial(_pixel_masks, pixels / f"{video.name}.npy")
        for video in testing
        if (pixels / f"{video.name}.npy").is_file()
    }
    found = labels_of_files(source, testing)
    if found is None:
        folder = source / "testing" / "test_frame_mask"
        there = {video.name: folder / f"{video.name}.npy" for video in testing}
        if all(path.is_file() for path in there.values()):
            found = {n: labels.as_labels(labels.from_npy(path), where=str(path)) for n, path in there.items()}
    videos = test_videos(
        testing, found, masks, root=source, sources="testing/test_frame_mask/NAME.npy or frame_labels.json"
    )
    return DataSet(
        kind="shanghaitech",
        training=TrainingClips(videos=training),
        testing=TestClips(videos=videos),
        remarks=count_remarks("ShanghaiTech", training, testing, COUNTS),
    )


def _pixel_masks(path: Path) -> labels.Masks:
    array = labels.from_npy(path)
    if array.ndim != 3:
        raise InputError(f"masks must be (N, H, W), not {array.shape}: {path}")
    return array > 0
