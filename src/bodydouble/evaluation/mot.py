"""Multi-object tracking scores against MOTChallenge ground truth.

The metrics themselves are those of ``trackers.eval`` (CLEAR: Bernardin and Stiefelhagen 2008; identity: Ristani et al.
2016), which follows the official TrackEval. What TrackEval does before them is done here: tracked boxes that match a
person to be ignored (flag 0) are taken out, then those people are, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.errors import InputError
from bodydouble.evaluation.claims import FrameClaims
from bodydouble.evaluation.ground_truth import GroundTruth, TruthBox
from bodydouble.evaluation.matching import match, overlaps

MATCH_OVERLAP: Final[float] = 0.5
"""Intersection over union from which a tracked box is the person's (MOTChallenge)."""


@dataclass(frozen=True, kw_only=True)
class MissedBox:
    """A person whom no track covers."""

    frame_index: int
    person_id: int
    best_overlap: float
    """Largest intersection over union with any tracked box of the frame, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class FalseBox:
    """A tracked box where nobody is, by the ground truth."""

    frame_index: int
    track_id: int
    best_overlap: float
    """Largest intersection over union with any person of the frame, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class MotScores:
    """Scores of one clip. Shares are 0 to 1; ``mota`` may be negative."""

    people_boxes: int
    """Ground-truth boxes that count."""
    tracked_boxes: int
    """Boxes of tracks that count."""
    ignored_boxes: int
    """Boxes of tracks left out because they match a person to be ignored."""
    recall: float
    precision: float
    mota: float
    idf1: float
    switches: int
    """Times a person goes on under another id."""
    fragments: int
    """Times a person is lost and found again, but for frames without any track (TrackEval counts so)."""
    missed: tuple[MissedBox, ...]
    """Who is not found, matched frame by frame without regard to ids."""
    false: tuple[FalseBox, ...]
    """Boxes that match nobody."""


def _corners(boxes: Sequence[TruthBox]) -> npt.NDArray[np.float64]:
    rows = [(b.left_px, b.top_px, b.left_px + b.width_px, b.top_px + b.height_px) for b in boxes]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _plain_misses(
    frame_index: int, people: Sequence[TruthBox], ids: npt.NDArray[np.int64], overlap: npt.NDArray[np.float64]
) -> tuple[list[MissedBox], list[FalseBox]]:
    rows, columns = match(overlap, MATCH_OVERLAP)
    found, used = set(rows.tolist()), set(columns.tolist())
    missed = [
        MissedBox(
            frame_index=frame_index,
            person_id=box.person_id,
            best_overlap=float(overlap[row].max(initial=0.0)),
        )
        for row, box in enumerate(people)
        if row not in found
    ]
    false = [
        FalseBox(
            frame_index=frame_index,
            track_id=int(track_id),
            best_overlap=float(overlap[:, column].max(initial=0.0)),
        )
        for column, track_id in enumerate(ids)
        if column not in used
    ]
    return missed, false


def score_tracks(truth: GroundTruth, claims: Sequence[FrameClaims]) -> MotScores:
    """Score the tracks of a clip, or of its beginning.

    Args:
        truth: boxes of the clip; those of frames beyond ``claims`` do not count.
        claims: one entry per frame, from frame 0 on.

    Raises:
        InputError: no person of the ground truth counts in these frames.
    """
    from trackers.eval import compute_clear_metrics, compute_identity_metrics

    person_ids, track_ids, similarities = [], [], []
    missed: list[MissedBox] = []
    false: list[FalseBox] = []
    ignored = 0
    for frame_index, claim in enumerate(claims):
        people = truth.at(frame_index)
        counts = np.array([box.counts for box in people], dtype=np.bool_)
        overlap = overlaps(_corners(people), claim.boxes_xyxy_px)
        rows, columns = match(overlap, MATCH_OVERLAP)
        kept = np.ones(len(claim.track_ids), dtype=np.bool_)
        kept[columns[~counts[rows]]] = False
        ignored += int(np.count_nonzero(~kept))
        counted = [box for box in people if box.counts]
        overlap = overlap[np.ix_(counts, kept)]
        person_ids.append(np.array([box.person_id for box in counted], dtype=np.int64))
        track_ids.append(claim.track_ids[kept])
        similarities.append(overlap)
        misses, extras = _plain_misses(frame_index, counted, claim.track_ids[kept], overlap)
        missed += misses
        false += extras
    people_boxes = sum(len(ids) for ids in person_ids)
    if people_boxes == 0:
        raise InputError("the ground truth has nobody who counts in these frames; nothing can be scored")
    clear = compute_clear_metrics(person_ids, track_ids, similarities, MATCH_OVERLAP)
    identity = compute_identity_metrics(person_ids, track_ids, similarities, MATCH_OVERLAP)
    return MotScores(
        people_boxes=people_boxes,
        tracked_boxes=sum(len(ids) for ids in track_ids),
        ignored_boxes=ignored,
        recall=float(clear["CLR_Re"]),
        precision=float(clear["CLR_Pr"]),
        mota=float(clear["MOTA"]),
        idf1=float(identity["IDF1"]),
        switches=int(clear["IDSW"]),
        fragments=int(clear["Frag"]),
        missed=tuple(missed),
        false=tuple(false),
    )
