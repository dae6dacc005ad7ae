"""Ground-truth boxes (MOTChallenge) and a clean plate that owes nothing to the pipeline."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError
from bodydouble.scene import Frame

_MOT_COLUMNS: Final[int] = 7
"""Frame, id, left, top, width, height, flag; further columns are the world position or class and visibility."""
_NO_SAMPLE: Final[int] = 1 << 14
"""Sorts behind every colour."""
_STRIP_ROWS: Final[int] = 16


@dataclass(frozen=True, kw_only=True)
class TruthBox:
    """One person in one frame."""

    person_id: int
    left_px: float
    top_px: float
    width_px: float
    height_px: float
    counts: bool
    """Flag 1; others are to be ignored when scoring, and yet are people."""


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """Boxes of a clip by 0-based frame index."""

    boxes: Mapping[int, tuple[TruthBox, ...]] = field(default_factory=dict)
    """Frames without a person have no entry."""

    def at(self, frame_index: int) -> tuple[TruthBox, ...]:
        """Boxes of a frame, 0-based."""
        return self.boxes.get(frame_index, ())

    @property
    def num_boxes(self) -> int:
        """Number of boxes that count."""
        return sum(box.counts for row in self.boxes.values() for box in row)


def read_mot(path: Path) -> GroundTruth:
    """Read a MOTChallenge ``gt.txt``; its frame 1 is frame 0 of the clip.

    Raises:
        InputError: the file cannot be read, or a line is malformed (it is named).
    """
    boxes: dict[int, list[TruthBox]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the ground truth ({error}): {path}") from error
    for number, row in enumerate(csv.reader(lines), start=1):
        if not row:
            continue
        try:
            if len(row) < _MOT_COLUMNS:
                raise ValueError(f"{len(row)} columns, expected at least {_MOT_COLUMNS}")
            left, top, width, height, flag = (float(value) for value in row[2:_MOT_COLUMNS])
            frame, person_id = int(row[0]), int(row[1])
            if frame < 1 or width <= 0 or height <= 0:
                raise ValueError(f"frame {frame}, {width}x{height} px; frames start at 1, sizes are positive")
        except ValueError as error:
            raise InputError(f"line {number} of the ground truth is malformed ({error}): {path}") from error
        box = TruthBox(
            person_id=person_id,
            left_px=left,
            top_px=top,
            width_px=width,
            height_px=height,
            counts=flag > 0,
        )
        boxes.setdefault(frame - 1, []).append(box)
    return GroundTruth(boxes={index: tuple(row) for index, row in boxes.items()})


def _free_of_people(shape: tuple[int, int], boxes: Iterable[TruthBox], margin_share: float) -> npt.NDArray[np.bool_]:
    free = np.ones(shape, dtype=np.bool_)
    for box in boxes:
        # Arms, bags and shadows reach beyond the box sideways and downwards.
        dx, dy = margin_share * box.height_px, 0.5 * margin_share * box.height_px
        left, right = int(box.left_px - dx), int(box.left_px + box.width_px + dx) + 1
        top, bottom = int(box.top_px - dy), int(box.top_px + box.height_px + dy) + 1
        free[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = False
    return free


def gt_plate(
    frames: Iterable[Frame], truth: GroundTruth, *, every: int = 8, margin_share: float = 0.12
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Clean plate of a static camera: per pixel the median of the sampled frames in which no box lies there.

    Args:
        frames: the clip as filmed.
        truth: all boxes, the ignored ones too.
        every: every how many frames a sample is taken; memory grows with the samples.
        margin_share: margin around boxes, as a share of their height (half of it upwards and downwards).

    Returns:
        rgb (height, width, 3), and (height, width) where at least three samples were free. Elsewhere ``rgb`` is the
        median of all samples.

    Raises:
        InputError: there is no frame.
    """
    samples, frees = [], []
    for frame in frames:
        if frame.index % every == 0:
            samples.append(frame.rgb)
            height, width = frame.rgb.shape[:2]
            frees.append(_free_of_people((height, width), truth.at(frame.index), margin_share))
    if not samples:
        raise InputError("a plate needs at least one frame; the clip has none")
    plate = np.empty_like(samples[0])
    count = np.sum(frees, axis=0)
    for top in range(0, plate.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        stack = np.stack([sample[rows] for sample in samples]).astype(np.int16)
        free = np.stack([mask[rows] for mask in frees]) | (count[rows] < 3)
        stack[~free] = _NO_SAMPLE
        stack.sort(axis=0)
        middle = (free.sum(axis=0) - 1) // 2
        plate[rows] = np.take_along_axis(stack, middle[None, :, :, None], axis=0)[0].astype(np.uint8)
    return plate, count >= 3
