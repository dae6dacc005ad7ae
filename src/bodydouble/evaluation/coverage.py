"""Is every person of the ground truth covered, by the definition of the design (section 5).

A ground-truth box is covered when in its inner part (60 % of the width, 90 % of the height, centred) fewer than 15 %
of the person pixels are unchanged. A person pixel differs from the clean plate by more than 20/255 in any channel;
an unchanged one differs from the result by less than 6/255 in every channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox
from bodydouble.scene import Frame

INNER_WIDTH: Final[float] = 0.6
INNER_HEIGHT: Final[float] = 0.9
PERSON_DIFFERS_BY_MORE_THAN: Final[int] = 20
UNCHANGED_DIFFERS_BY_LESS_THAN: Final[int] = 6
UNCOVERED_FROM_SHARE: Final[float] = 0.15


@dataclass(frozen=True, kw_only=True)
class CoverageCounts:
    """Counts that add up over boxes, frames and clips."""

    boxes: int = 0
    """Ground-truth boxes that count (flag 1)."""
    covered: int = 0
    """Those that are covered."""
    without_person_px: int = 0
    """Those in whose inner part nothing differs from the plate; neither covered nor measured."""

    def __add__(self, other: CoverageCounts) -> CoverageCounts:
        return CoverageCounts(
            boxes=self.boxes + other.boxes,
            covered=self.covered + other.covered,
            without_person_px=self.without_person_px + other.without_person_px,
        )

    @property
    def coverage(self) -> float:
        """Share of all boxes that are covered, 0 to 1; 1 without any box. A box without person pixels counts as not."""
        return self.covered / self.boxes if self.boxes else 1.0


@dataclass(frozen=True, kw_only=True)
class BoxChange:
    """One ground-truth box after compositing."""

    person_px: int
    unchanged_px: int

    @property
    def unchanged_share(self) -> float:
        """Share of the person pixels that are unchanged; 0 without person pixels."""
        return self.unchanged_px / self.person_px if self.person_px else 0.0

    @property
    def is_covered(self) -> bool:
        """True if there are person pixels and fewer than 15 % of them are unchanged."""
        return self.person_px > 0 and self.unchanged_px < UNCOVERED_FROM_SHARE * self.person_px


def inner_part(box: TruthBox, width_px: int, height_px: int) -> tuple[slice, slice]:
    """Rows and columns of the inner part of a box, cut to the frame; may be empty."""
    middle_x, middle_y = box.left_px + box.width_px / 2, box.top_px + box.height_px / 2
    left = round(middle_x - INNER_WIDTH * box.width_px / 2)
    right = round(middle_x + INNER_WIDTH * box.width_px / 2)
    top = round(middle_y - INNER_HEIGHT * box.height_px / 2)
    bottom = round(middle_y + INNER_HEIGHT * box.height_px / 2)
    rows = slice(min(max(top, 0), height_px), min(max(bottom, 0), height_px))
    return rows, slice(min(max(left, 0), width_px), min(max(right, 0), width_px))


def box_change(
    original: npt.NDArray[np.uint8], result: npt.NDArray[np.uint8], plate: npt.NDArray[np.uint8], box: TruthBox
) -> BoxChange:
    """Count person pixels and unchanged ones in a box; all pictures are (height, width, 3) of the whole frame."""
    part = inner_part(box, original.shape[1], original.shape[0])
    filmed = original[part].astype(np.int16)
    person = np.abs(filmed - plate[part]).max(axis=2, initial=0) > PERSON_DIFFERS_BY_MORE_THAN
    unchanged = np.abs(filmed - result[part]).max(axis=2, initial=0) < UNCHANGED_DIFFERS_BY_LESS_THAN
    return BoxChange(
        person_px=int(np.count_nonzero(person)),
        unchanged_px=int(np.count_nonzero(person & unchanged)),
    )


@dataclass(frozen=True, kw_only=True)
class UncoveredBox:
    """Where somebody is left in; for looking at it."""

    frame_index: int
    person_id: int
    unchanged_share: float


def coverage_of_clip(
    original: Iterable[Frame],
    result: Iterable[Frame],
    truth: GroundTruth,
    plate: npt.NDArray[np.uint8],
) -> tuple[CoverageCounts, list[UncoveredBox]]:
    """Coverage of a whole clip, streaming.

    Args:
        original: as filmed.
        result: lossless result, frame by frame the same.
        truth: boxes; those that do not count are passed over.
        plate: (height, width, 3), from `gt_plate`; not the pipeline's own.

    Returns:
        Counts, and the boxes that are not covered.

    Raises:
        InputError: the clips differ in length or size.
    """
    total, uncovered, made_frames = CoverageCounts(), [], iter(result)
    for filmed in original:
        made = next(made_frames, None)
        if made is None or not filmed.rgb.shape == made.rgb.shape == plate.shape:
            raise InputError(
                f"frame {filmed.index}: original {filmed.rgb.shape}, result {None if made is None else made.rgb.shape} "
                f"and plate {plate.shape} differ; measure on the whole lossless result of this clip"
            )
        for box in truth.at(filmed.index):
            if not box.counts:
                continue
            change = box_change(filmed.rgb, made.rgb, plate, box)
            total += CoverageCounts(
                boxes=1, covered=int(change.is_covered), without_person_px=int(change.person_px == 0)
            )
            if not change.is_covered:
                uncovered.append(
                    UncoveredBox(
                        frame_index=filmed.index,
                        person_id=box.person_id,
                        unchanged_share=change.unchanged_share,
                    )
                )
    if next(made_frames, None) is not None:
        raise InputError("the result has more frames than the original; measure on the whole result of this clip")
    return total, uncovered
