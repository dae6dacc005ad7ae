"""Are people still found: a detector's boxes on the result against its own boxes on the original.

AP50 as COCO computes it: within a frame the claims take, best score first, the free reference box that they overlap most,
from an intersection over union of 0.5 on; over all frames, precision is made falling and read at 101 recalls. What COCO
leaves to the order of the input, equal scores, is decided against the result: misses come first.

The reference is the same detector on the original, so nothing is said of whether it is right: a chair that it takes for a
person is to be found again as well. The original scores 1 against itself. People whom a tile of the detector cut, and whom
it saw whole in no other view, count neither as reference nor as claim: their boxes end where the tile does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.measures._tracks import (
    LEAST_TRACKS,
    RESAMPLES,
    RatioFigure,
    Timeline,
    people_at,
    percentiles,
)
from bodydouble.evaluation.measures.base import MAX_CASES, Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.remembered import LOOK_SCORE, PersonDetector
from bodydouble.seeds import derive_seed

MATCH_OVERLAP: Final[float] = 0.5
"""Intersection over union from which a person counts as found (AP50)."""
REFERENCE_SCORE: Final[float] = 0.3
"""Score from which the detector's boxes on the original are the reference (design, section 5: coverage)."""
_BELONGS_OVERLAP: Final[float] = 0.3
"""Intersection over union from which a box is a track's; only for resampling by tracks."""
_NOBODY: Final[int] = 0
"""Stands for all boxes of a clip that are no track's."""
_RECALLS: Final[npt.NDArray[np.float64]] = np.linspace(0.0, 1.0, 101)

Boxes = npt.NDArray[np.float64]


def greedy_matches(reference: Boxes, claims: Boxes, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """For each claim (m, 4) the row of the reference box (n, 4) that it finds, -1 for none; best scores choose first."""
    taken = np.full(len(claims), -1, dtype=np.int64)
    overlap = overlaps(reference, claims)
    for claim in np.argsort(-scores, kind="stable"):
        free = np.where(np.isin(np.arange(len(reference)), taken), -1.0, overlap[:, claim])
        if len(free) and free.max() >= MATCH_OVERLAP:
            taken[claim] = int(free.argmax())
    return taken


def average_precision(
    scores: npt.NDArray[np.float64],
    hits: npt.NDArray[np.bool_],
    references: float,
    weights: npt.NDArray[np.float64] | None = None,
) -> float:
    """Average precision at 101 recalls, 0 to 1.

    Args:
        scores: (n,) of all claims.
        hits: (n,): the claim finds somebody.
        references: how many there are to find, more than 0.
        weights: (n,): how often each claim counts; None is once.
    """
    order = np.lexsort((hits, -scores))
    weight = np.ones(len(scores)) if weights is None else weights[order]
    true = np.cumsum(weight * hits[order])
    false = np.cumsum(weight * ~hits[order])
    recall = true / references
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(true / (true + false))
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS - 1e-12, side="left")
    return float(np.append(falling, 0.0)[np.minimum(places, len(falling))].mean())


class DetectionKept:
    """AP50, and the share of people found again at the reference's own score."""

    name = "detection_kept"

    def __init__(self, detector: PersonDetector, *, min_height_px: float = 0.0, every: int = 1) -> None:
        """Set up.

        Args:
            detector: took no part in making the result; wrap it in `RememberingDetector`.
            min_height_px: reference boxes that are smaller are left out, and claims that are smaller as well.
            every: measure every how many frames.
        """
        self.detector = detector
        self.min_height_px = min_height_px
        self.every = every

    def start(self, clip: PairedClip) -> _Detection:
        """Begin with a clip."""
        return _Detection(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``utility.detection.ap50`` and ``utility.detection.found``, both 0 to 1."""
        references = np.array(tally.samples.get("cluster_reference", ()), dtype=np.float64)
        missing = "the detector finds nobody in the original"
        found = RatioFigure(
            key="utility.detection.found", label="people found again by a detector", group="utility", better="high",
            part="cluster_found", whole="cluster_reference", trials="cluster_reference", missing=missing,
            note=f"at a score of {REFERENCE_SCORE:g} in both",
        )  # fmt: skip
        return _precision_figure(tally, references, missing), found.read(tally)


def _precision_figure(tally: Tally, references: npt.NDArray[np.float64], missing: str) -> Figure:
    total = float(references.sum())
    key, label = "utility.detection.ap50", "detection kept, AP50"
    if total <= 0.0:
        return Figure(key=key, label=label, group="utility", better="high", value=None, note=missing)
    scores = np.array(tally.samples["score"], dtype=np.float64)
    hits = np.array(tally.samples["hit"], dtype=np.float64) > 0.0
    claims = np.array(tally.samples["cluster_claims"], dtype=np.int64)
    cluster = np.repeat(np.arange(len(claims)), claims)
    hit_sums = np.bincount(cluster, weights=hits * scores, minlength=len(claims))
    # Sorted by content, so that the order in which shards were added changes nothing.
    rank = np.argsort(np.lexsort((hit_sums, claims, references)))
    values = []
    rng = np.random.default_rng(derive_seed(0, "resampled tracks", tally.measure, key))
    for _ in range(RESAMPLES if len(claims) >= LEAST_TRACKS else 0):
        times = np.bincount(rng.integers(len(claims), size=len(claims)), minlength=len(claims))[rank].astype(np.float64)
        drawn = float(times @ references)
        if drawn > 0.0:
            values.append(average_precision(scores, hits, drawn, times[cluster]))
    return Figure(
        key=key,
        label=label,
        group="utility",
        better="high",
        value=average_precision(scores, hits, total),
        interval=percentiles(np.array(values)),
        trials=round(total),
        note=f"against the detector's own boxes on the original (score {REFERENCE_SCORE:g})",
    )


class _Detection:
    def __init__(self, measure: DetectionKept, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        self._claims: dict[int, list[tuple[float, bool]]] = {}
        self._reference: dict[int, int] = {}
        self._found: dict[int, int] = {}
        self._lost: dict[int, Case] = {}
        self._timeline = Timeline(clip.name, "utility.detection.found")

    def _look(self, rgb: npt.NDArray[np.uint8]) -> tuple[Boxes, npt.NDArray[np.float64]]:
        boxes, scores = self._measure.detector.find(rgb, score=LOOK_SCORE, halves=False)
        large = boxes[:, 3] - boxes[:, 1] >= self._measure.min_height_px
        return boxes[large].astype(np.float64), scores[large].astype(np.float64)

    def _tracks_of(self, frame_index: int, boxes: Boxes) -> npt.NDArray[np.int64]:
        """Track that each box, (n, 4), belongs to; ``_NOBODY`` for none."""
        people = people_at(self._clip.bundle, frame_index)
        if not people or not len(boxes):
            return np.full(len(boxes), _NOBODY, dtype=np.int64)
        overlap = overlaps(boxes, np.array([person.box_xyxy_px for person in people]))
        ids = np.array([person.track_id for person in people], dtype=np.int64)[overlap.argmax(axis=1)]
        return np.where(overlap.max(axis=1) >= _BELONGS_OVERLAP, ids, _NOBODY)

    def see(self, pair: FramePair) -> None:
        if pair.index % self._measure.every:
            return
        boxes, scores = self._look(pair.original_rgb)
        reference, sure = boxes[scores >= REFERENCE_SCORE], scores[scores >= REFERENCE_SCORE]
        claims, claim_scores = self._look(pair.result_rgb)
        matched = greedy_matches(reference, claims, claim_scores)
        for track, score, match in zip(
            self._tracks_of(pair.index, claims).tolist(), claim_scores.tolist(), matched.tolist(), strict=True
        ):
            self._claims.setdefault(track, []).append((score, match >= 0))
        found = np.zeros(len(reference), dtype=np.bool_)
        found[matched[(matched >= 0) & (claim_scores >= REFERENCE_SCORE)]] = True
        owners = self._tracks_of(pair.index, reference)
        for row, track in enumerate(owners.tolist()):
            self._reference[track] = self._reference.get(track, 0) + 1
            self._found[track] = self._found.get(track, 0) + int(found[row])
            if not found[row]:
                self._note(pair.index, track, float(sure[row]), reference[row])
        self._timeline.add(pair.index, float(np.count_nonzero(found)), float(len(found)))

    def _note(self, frame_index: int, track: int, score: float, box: Boxes) -> None:
        known = self._lost.get(track)
        if known is None or score > known.badness:
            left, top, right, bottom = (float(v) for v in box)
            self._lost[track] = Case(
                clip=self._clip.name,
                frame_index=frame_index,
                track_id=track if track != _NOBODY else None,
                badness=score,
                what=f"found in the original with a score of {score:.2f}, and no sure box of the result fits it",
                box_xyxy_px=(left, top, right, bottom),
            )

    def finish(self) -> Tally:
        clusters = sorted({*self._claims, *self._reference})
        claims = [self._claims.get(cluster, []) for cluster in clusters]
        worst = sorted(self._lost.values(), key=lambda case: (-case.badness, case.frame_index, case.track_id or 0))
        return Tally(
            measure=DetectionKept.name,
            samples={
                "score": tuple(score for rows in claims for score, _ in rows),
                "hit": tuple(float(hit) for rows in claims for _, hit in rows),
                "cluster_claims": tuple(float(len(rows)) for rows in claims),
                "cluster_reference": tuple(float(self._reference.get(cluster, 0)) for cluster in clusters),
                "cluster_found": tuple(float(self._found.get(cluster, 0)) for cluster in clusters),
            },
            cases=tuple(worst[:MAX_CASES]),
            series=self._timeline.series(),
        )
