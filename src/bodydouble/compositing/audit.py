"""Did every silhouette really change? Measured on each finished frame, without ground truth.

The rule is that of the design, section 5: a person pixel differs from the clean plate by more than 20/255 in any
channel; it is unchanged where original and result differ by less than 6/255 in every channel; a person is covered
when fewer than 15 % of the person pixels are unchanged. Here the silhouette stands in for the ground-truth box, so
the audit tells what compositing did, and nothing about people whom perception missed.

The rule trusts the plate. A plate that holds the person (who was missed in other frames) makes every pixel look like
background, so there is a second condition: at least half of the silhouette must look different from the original, or
be known background (see `bodydouble.compositing.background`), on which a silhouette lies by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.base import ChangeCounts, TrackOutcome

PERSON_DIFFERS_BY_MORE_THAN: Final[int] = 20
UNCHANGED_DIFFERS_BY_LESS_THAN: Final[int] = 6
COVERED_UNCHANGED_SHARE: Final[float] = 0.15
COVERED_SAME_SHARE: Final[float] = 0.5


def largest_difference(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Per pixel the largest difference of two pictures (height, width, 3) over the channels."""
    difference = cv2.absdiff(a, b)
    return np.maximum(np.maximum(difference[:, :, 0], difference[:, :, 1]), difference[:, :, 2])


def count_change(
    original: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.uint8],
    result: npt.NDArray[np.uint8],
    silhouette: npt.NDArray[np.bool_],
    background: npt.NDArray[np.bool_] | None = None,
) -> ChangeCounts:
    """Count person pixels and unchanged ones on a window.

    Args:
        original: (height, width, 3) as filmed.
        plate: (height, width, 3) clean plate.
        result: (height, width, 3) composited.
        silhouette: (height, width), not dilated.
        background: (height, width), pixels that show known background, which need not change; None where none is known.
    """
    person = silhouette & (largest_difference(original, plate) > PERSON_DIFFERS_BY_MORE_THAN)
    same = silhouette & (largest_difference(original, result) < UNCHANGED_DIFFERS_BY_LESS_THAN)
    return ChangeCounts(
        silhouette_px=int(np.count_nonzero(silhouette)),
        person_px=int(np.count_nonzero(person)),
        unchanged_px=int(np.count_nonzero(person & same)),
        same_px=int(np.count_nonzero(same if background is None else same & ~background)),
    )


def is_covered(change: ChangeCounts) -> bool:
    """True if fewer than 15 % of the person pixels are unchanged, and fewer than half of the whole silhouette.

    A person of whom no pixel is in the frame is covered.
    """
    if change.silhouette_px > 0 and change.same_px >= COVERED_SAME_SHARE * change.silhouette_px:
        return False
    return change.person_px == 0 or change.unchanged_px < COVERED_UNCHANGED_SHARE * change.person_px


@dataclass(frozen=True, kw_only=True)
class AuditTotals:
    """Sums over frames of one person, or of a whole clip."""

    frames: int = 0
    """Frames in which the person is present."""
    frames_covered: int = 0
    """Those in which the person is covered."""
    frames_without_person_px: int = 0
    """Those in which no pixel of the silhouette differs from the plate."""
    frames_plate_distrusted: int = 0
    """Those in which the plate looked like the person and was not used."""
    change: ChangeCounts = field(default_factory=ChangeCounts)
    """Sum of pixels."""

    def __add__(self, other: AuditTotals) -> AuditTotals:
        return AuditTotals(
            frames=self.frames + other.frames,
            frames_covered=self.frames_covered + other.frames_covered,
            frames_without_person_px=self.frames_without_person_px + other.frames_without_person_px,
            frames_plate_distrusted=self.frames_plate_distrusted + other.frames_plate_distrusted,
            change=self.change + other.change,
        )

    @property
    def coverage(self) -> float:
        """Share of frames in which the person is covered, 0 to 1; 1 when there is no frame."""
        return self.frames_covered / self.frames if self.frames else 1.0

    @property
    def unchanged_share(self) -> float:
        """Share of person pixels that are unchanged, 0 to 1; 0 when there is none."""
        return self.change.unchanged_px / self.change.person_px if self.change.person_px else 0.0


@dataclass(kw_only=True)
class CoverageAudit:
    """Accumulates frame by frame; memory grows with the number of tracks only."""

    by_track: dict[int, AuditTotals] = field(default_factory=dict)
    """Totals per track id."""

    def add(self, outcomes: Iterable[TrackOutcome]) -> None:
        """Take in the outcomes of one frame."""
        for outcome in outcomes:
            totals = AuditTotals(
                frames=1,
                frames_covered=int(is_covered(outcome.change)),
                frames_without_person_px=int(outcome.change.person_px == 0),
                frames_plate_distrusted=int(outcome.plate_distrusted),
                change=outcome.change,
            )
            self.by_track[outcome.track_id] = self.by_track.get(outcome.track_id, AuditTotals()) + totals

    @property
    def total(self) -> AuditTotals:
        """Totals of the clip."""
        return sum(self.by_track.values(), AuditTotals())

    @property
    def coverage(self) -> float:
        """Share of person-frames that are covered, 0 to 1; what ``--min-coverage`` is held against."""
        return self.total.coverage
