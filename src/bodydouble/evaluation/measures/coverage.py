"""Coverage by ground truth: is everybody covered, box by box (the definition is in ``evaluation.coverage``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.claims import FrameClaims, claims_of
from bodydouble.evaluation.coverage import box_change
from bodydouble.evaluation.ground_truth import gt_plate
from bodydouble.evaluation.matching import match, overlaps
from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Series, Tally
from bodydouble.evaluation.measures.identities import SAME_PERSON_OVERLAP, xyxy
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.remembered import Memo
from bodydouble.scene import Frame

_KEY: Final[str] = "privacy.coverage.truth"
_MOST_SAMPLES: Final[int] = 100
"""Frames that the plate is the median of; memory is this many frames."""
_LEAST_STRIDE: Final[int] = 8

Footage = Callable[[PairedClip], Iterable[Frame]]
"""Opens the original of a clip, from its first frame."""


class Coverage:
    """Share of ground-truth boxes that are covered."""

    name: Final = "coverage"

    def __init__(self, footage: Footage) -> None:
        """Take what opens originals: a plate that owes nothing to the pipeline is made first, in a pass of its own."""
        self.footage = footage
        self._plates: Memo[npt.NDArray[np.uint8]] = Memo(1)

    def start(self, clip: PairedClip) -> _Boxes | _NoTruth:
        """Begin with a clip; one with a ground truth is read once here."""
        if clip.truth is None or not clip.truth.num_boxes:
            return _NoTruth("clips_without_truth")
        if not clip.bundle.camera.is_static:
            return _NoTruth("clips_that_move")
        # All results of a clip are measured one after another, or together.
        return _Boxes(clip, self._plates.get((clip.name, clip.bundle.video.num_frames), lambda: self._plate(clip)))

    def _plate(self, clip: PairedClip) -> npt.NDArray[np.uint8]:
        assert clip.truth is not None
        every = max(_LEAST_STRIDE, -(-clip.bundle.video.num_frames // _MOST_SAMPLES))
        return gt_plate(self.footage(clip), clip.truth, every=every)[0]

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Share of covered boxes."""
        empty = round(tally.counts.get("boxes_without_person_px", 0))
        moving = round(tally.counts.get("clips_that_move", 0))
        absent = "no ground truth"
        if moving:
            absent = "ground truth is only used where the camera stands still: a plate is made with it"
        return (
            share_figure(
                tally,
                _KEY,
                label="people covered, by ground truth: share of boxes",
                group="privacy",
                better="high",
                absent=absent,
                note=f"{empty} boxes in which nobody differs from the background count as not covered" if empty else "",
            ),
        )


class _NoTruth:
    def __init__(self, why: str) -> None:
        self._why = why

    def see(self, pair: FramePair) -> None:
        """Nothing is measured."""

    def finish(self) -> Tally:
        return Tally(measure=Coverage.name, counts={self._why: 1.0})


class _Boxes:
    def __init__(self, clip: PairedClip, plate: npt.NDArray[np.uint8]) -> None:
        self._clip = clip
        self._plate = plate
        self._claims = claims_of(clip.bundle, "everything")
        self._shares = Shares(measure=Coverage.name)
        self._line: list[tuple[int, float]] = []

    def see(self, pair: FramePair) -> None:
        assert self._clip.truth is not None
        boxes = [box for box in self._clip.truth.at(pair.index) if box.counts]
        if not boxes:
            return
        places = np.array([xyxy(box) for box in boxes], dtype=np.float64)
        tracks = track_ids_at(self._claims[pair.index], places)
        covered = 0
        for row, box in enumerate(boxes):
            change = box_change(pair.original_rgb, pair.result_rgb, self._plate, box)
            covered += change.is_covered
            self._shares.add(_KEY, f"{self._clip.name}:{box.person_id}", float(change.is_covered))
            self._shares.count("boxes_without_person_px", float(change.person_px == 0))
            if not change.is_covered and change.person_px:
                self._shares.cases.append(
                    Case(
                        clip=self._clip.name,
                        frame_index=pair.index,
                        track_id=tracks.get(row),
                        # The larger a person is seen, the more there is to recognise.
                        badness=change.unchanged_share + min(change.unchanged_px, 1_000_000) * 1e-7,
                        what=f"{change.unchanged_share:.0%} of person {box.person_id} of the ground truth (frame "
                        f"{pair.index}) is as filmed",
                        box_xyxy_px=xyxy(box),
                    )
                )
        self._line.append((pair.index, covered / len(boxes)))

    def finish(self) -> Tally:
        if self._line:
            frames, values = zip(*self._line, strict=True)
            self._shares.series.append(
                Series(clip=self._clip.name, key=_KEY, frame_indices=tuple(frames), values=tuple(values))
            )
        return self._shares.tally()


def track_ids_at(claims: FrameClaims, boxes_xyxy_px: npt.NDArray[np.float64]) -> dict[int, int]:
    """Track of the bundle that lies best on each box (n, 4), by its row; rows without one are absent."""
    rows, columns = match(overlaps(boxes_xyxy_px, claims.boxes_xyxy_px), SAME_PERSON_OVERLAP)
    return {int(row): int(claims.track_ids[column]) for row, column in zip(rows, columns, strict=True)}
