"""Can people still be followed: a tracker run on the result against the same tracker run on the original.

IDF1 (Ristani et al. 2016, "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking"): tracks of the
original and of the result are paired one to one so that they share as many boxes as possible (intersection over union of
at least 0.5); IDF1 is twice the shared boxes over all boxes of both. The tracker is ByteTrack (Zhang et al. 2022) of PyPI
``trackers``, behind the boxes of a detector that took no part in making the result, of people whom it saw whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.measures._tracks import RatioFigure
from bodydouble.evaluation.measures.base import MAX_CASES, Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.remembered import LOOK_SCORE, PersonDetector

MATCH_OVERLAP: Final[float] = 0.5
_LOST_SECONDS: Final[float] = 1.0
"""A track that finds no box goes on unseen for so long (ByteTrack: 30 frames at 30 frames/s)."""

Boxes = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TrackerSettings:
    """Thresholds for a detector whose scores of people in CCTV lie mostly between 0.3 and 0.8."""

    lowest_score: float = 0.1
    """Weaker boxes are not handed to the tracker (ByteTrack)."""
    strong_score: float = 0.4
    """Boxes from here on are matched first."""
    new_track_score: float = 0.4
    """A box that fits no track starts one from here on."""
    min_overlap: float = 0.1
    """Least intersection over union of a track and its next box."""
    min_frames: int = 2
    """Boxes in a row that make a track."""


class IdentityCounts:
    """Boxes that two sets of tracks share; memory grows with pairs of tracks that ever meet, not with frames."""

    def __init__(self) -> None:
        self._shared: dict[tuple[int, int], int] = {}
        self._reference: dict[int, int] = {}
        self._claims: dict[int, int] = {}

    def add(
        self, ids: npt.NDArray[np.int64], boxes: Boxes, claim_ids: npt.NDArray[np.int64], claim_boxes: Boxes
    ) -> None:
        """Add a frame: (n,) ids and (n, 4) boxes of the reference, (m,) and (m, 4) of the claims."""
        for counts, present in ((self._reference, ids), (self._claims, claim_ids)):
            for one in present.tolist():
                counts[one] = counts.get(one, 0) + 1
        for row, column in np.argwhere(overlaps(boxes, claim_boxes) >= MATCH_OVERLAP):
            pair = (int(ids[row]), int(claim_ids[column]))
            self._shared[pair] = self._shared.get(pair, 0) + 1

    def rows(self) -> list[tuple[int | None, int, int, int]]:
        """Id of a reference track (None: a claimed track that is no one's), shared boxes, its boxes, the claim's boxes.

        The pairing with the most shared boxes is the one with the fewest false ones, since every box of a pair that is
        not shared is false once on each side.
        """
        from scipy.optimize import linear_sum_assignment

        references, claims = sorted(self._reference), sorted(self._claims)
        row_of = {reference: row for row, reference in enumerate(references)}
        column_of = {claim: column for column, claim in enumerate(claims)}
        shared = np.zeros((len(references), len(claims)))
        for (reference, claim), count in self._shared.items():
            shared[row_of[reference], column_of[claim]] = count
        pairs = {int(r): int(c) for r, c in zip(*linear_sum_assignment(-shared), strict=True) if shared[r, c] > 0}
        rows: list[tuple[int | None, int, int, int]] = []
        for row, reference in enumerate(references):
            column = pairs.get(row)
            taken = 0 if column is None else self._claims[claims[column]]
            rows.append(
                (reference, 0 if column is None else int(shared[row, column]), self._reference[reference], taken)
            )
        free = sorted(set(range(len(claims))) - set(pairs.values()))
        rows += [(None, 0, 0, self._claims[claims[column]]) for column in free]
        return rows


class TrackingKept:
    """IDF1 of a tracker on the result against the same tracker on the original."""

    name = "tracking_kept"

    def __init__(self, detector: PersonDetector, *, settings: TrackerSettings | None = None) -> None:
        """Set up.

        Args:
            detector: took no part in making the result; wrap it in `RememberingDetector`.
            settings: of the tracker.
        """
        self.detector = detector
        self.settings = settings or TrackerSettings()

    def start(self, clip: PairedClip) -> _Tracking:
        """Begin with a clip."""
        return _Tracking(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``utility.tracking.idf1``, 0 to 1."""
        figure = RatioFigure(
            key="utility.tracking.idf1", label="tracking kept, IDF1", group="utility", better="high",
            part="shared", whole="mean_boxes", trials="reference",
            missing="the tracker follows nobody in the original or in the result",
            note="ByteTrack on the result against ByteTrack on the original, one detector behind both",
        )  # fmt: skip
        return (figure.read(tally),)


class _Tracker:
    def __init__(self, settings: TrackerSettings, frames_per_second: float) -> None:
        from trackers import ByteTrackTracker

        self._lowest = settings.lowest_score
        self._tracker: Any = ByteTrackTracker(
            # The library scales the buffer by rate / 30.
            lost_track_buffer=round(30 * _LOST_SECONDS),
            frame_rate=frames_per_second,
            track_activation_threshold=settings.new_track_score,
            minimum_consecutive_frames=settings.min_frames,
            minimum_iou_threshold=settings.min_overlap,
            high_conf_det_threshold=settings.strong_score,
        )

    def follow(
        self, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.int64], Boxes]:
        """Ids, (n,), and boxes, (n, 4), of the tracks in the next frame."""
        import supervision

        usable = scores >= self._lowest
        detections = supervision.Detections(
            xyxy=boxes[usable].astype(np.float64).reshape(-1, 4), confidence=scores[usable].astype(np.float64)
        )
        tracked = self._tracker.update(detections)
        if len(tracked) == 0:
            return np.zeros(0, dtype=np.int64), np.zeros((0, 4))
        ids = np.asarray(tracked.tracker_id, dtype=np.int64)
        return ids[ids >= 0], np.asarray(tracked.xyxy, dtype=np.float64)[ids >= 0]


class _Tracking:
    def __init__(self, measure: TrackingKept, clip: PairedClip) -> None:
        self._detector, self._clip = measure.detector, clip
        rate = float(clip.bundle.video.average_rate)
        self._filmed, self._made = _Tracker(measure.settings, rate), _Tracker(measure.settings, rate)
        self._counts = IdentityCounts()
        self._first: dict[int, tuple[int, tuple[float, float, float, float]]] = {}

    def see(self, pair: FramePair) -> None:
        ids, boxes = self._filmed.follow(*self._detector.find(pair.original_rgb, score=LOOK_SCORE, halves=False))
        made_ids, made_boxes = self._made.follow(*self._detector.find(pair.result_rgb, score=LOOK_SCORE, halves=False))
        self._counts.add(ids, boxes, made_ids, made_boxes)
        for one, (left, top, right, bottom) in zip(ids.tolist(), boxes.tolist(), strict=True):
            self._first.setdefault(one, (pair.index, (left, top, right, bottom)))

    def finish(self) -> Tally:
        rows, cases = self._counts.rows(), []
        for identity, shared, boxes, taken in rows:
            if identity is None:
                continue
            score = shared / (0.5 * (boxes + taken))
            frame_index, box = self._first[identity]
            cases.append(
                Case(
                    clip=self._clip.name,
                    frame_index=frame_index,
                    # The tracker's own ids are not those of the bundle.
                    track_id=None,
                    badness=1.0 - score,
                    what=f"somebody followed for {boxes} frames from here on is followed in the result for {shared}",
                    box_xyxy_px=box,
                )
            )
        cases.sort(key=lambda case: (-case.badness, case.frame_index))
        return Tally(
            measure=TrackingKept.name,
            samples={
                "shared": tuple(float(shared) for _, shared, _, _ in rows),
                "mean_boxes": tuple(0.5 * (boxes + taken) for _, _, boxes, taken in rows),
                "reference": tuple(float(boxes) for _, _, boxes, _ in rows),
            },
            cases=tuple(cases[:MAX_CASES]),
        )
