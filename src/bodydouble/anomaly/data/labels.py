"""Reading labels and masks: which frames, and which pixels, are abnormal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError

Labels = npt.NDArray[np.bool_]
Masks = npt.NDArray[np.bool_]


def as_labels(values: Any, *, where: str) -> Labels:
    """One row of 0 and 1 as booleans.

    Raises:
        InputError: another shape, or another value.
    """
    array = np.asarray(values)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise InputError(f"labels must be one row of 0 (normal) and 1 (abnormal): {where}")
    return array.astype(np.bool_)


def from_json(path: Path) -> dict[str, Labels]:
    """Labels by video: ``{"01": [0, 0, 1, …], …}``.

    Raises:
        InputError: something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is no JSON ({error}): {path}") from error
    if not isinstance(content, dict):
        raise InputError(f"must map names of videos to lists of 0 and 1: {path}")
    return {name: as_labels(values, where=f"{name} of {path}") for name, values in content.items()}


def from_npy(path: Path) -> npt.NDArray[Any]:
    """A plain array; nothing pickled is read.

    Raises:
        InputError: it is none.
    """
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"is no plain array ({error}): {path}") from error


def split(row: Labels, lengths: Mapping[str, int], *, where: str) -> dict[str, Labels]:
    """Cut labels of all videos, one after another, into those of each.

    Raises:
        InputError: they are not as many as the frames.
    """
    if len(row) != sum(lengths.values()):
        raise InputError(f"there are {len(row)} labels for {sum(lengths.values())} frames: {where}")
    ends = np.cumsum(list(lengths.values()))
    return dict(zip(lengths, np.split(row, ends[:-1]), strict=True))


def from_ucsd_list(path: Path, lengths: Iterable[int]) -> list[Labels]:
    """Labels of ``UCSDped1.m`` or ``UCSDped2.m``: a line ``TestVideoFile{end+1}.gt_frame = [61:180];`` per video.

    Args:
        path: the list.
        lengths: frames of each test video, in order.

    Raises:
        InputError: another number of videos, a range that makes no sense, or one beyond the end of its video.
    """
    rows = re.findall(r"gt_frame\s*=\s*\[([^\]]*)\]", path.read_text(encoding="utf-8", errors="replace"))
    counts = list(lengths)
    if len(rows) != len(counts):
        raise InputError(f"lists {len(rows)} test videos, but there are {len(counts)}: {path}")
    found = []
    for number, (row, count) in enumerate(zip(rows, counts, strict=True), start=1):
        labels = np.zeros(count, np.bool_)
        for part in re.split(r"[,\s]+(?!:)", re.sub(r"\s*:\s*", ":", row.strip())):
            match = re.fullmatch(r"(\d+)(?::(\d+))?", part)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 1 <= first <= last <= count:
                raise InputError(f"frames {part!r} of test video {number} make no sense; it has {count}: {path}")
            labels[first - 1 : last] = True
        found.append(labels)
    return found


def from_avenue_mat(path: Path) -> Masks:
    """Masks of one Avenue test video: ``volLabel`` of ``N_label.mat``, a cell per frame, or an array (H, W, N).

    Raises:
        InputError: something else.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        volume = loadmat(path)["volLabel"]
    except (KeyError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise InputError(f"holds no volLabel that can be read ({error}): {path}") from error
    frames = list(volume.reshape(-1)) if volume.dtype == object else list(np.moveaxis(volume, -1, 0))
    if not frames or any(f.ndim != 2 or f.shape != frames[0].shape for f in frames):
        raise InputError(f"volLabel must hold one picture of equal size per frame: {path}")
    return np.stack(frames) > 0


def from_packed(path: Path, key: str, width_px: int) -> Masks:
    """Masks packed to bits along the last axis, from an ``.npz``.

    Args:
        path: the archive.
        key: the array's name.
        width_px: width of the pictures.

    Raises:
        InputError: there is no such array, or it is not packed as expected.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            packed = archive[key]
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"holds no array {key!r} that can be read ({error}): {path}") from error
    if packed.ndim != 3 or packed.dtype != np.uint8 or packed.shape[2] != -(-width_px // 8):
        raise InputError(f"{key} must be bytes (N, H, {-(-width_px // 8)}), not {packed.dtype} {packed.shape}: {path}")
    return np.unpackbits(packed, axis=-1)[..., :width_px].astype(np.bool_)


def from_pictures(paths: tuple[Path, ...]) -> Masks:
    """Masks from one picture per frame; anything but black is abnormal."""
    from bodydouble.anomaly.data.frames import read_image

    return np.stack([read_image(path).any(-1) for path in paths])


def checked(masks: Callable[[], Masks], labels: Labels, *, name: str) -> Callable[[], Masks]:
    """Masks that are refused where they are not as many as the labels."""

    def read() -> Masks:
        found = masks()
        if len(found) != len(labels):
            raise InputError(f"{name} has {len(labels)} labels and {len(found)} masks")
        return found

    return read
