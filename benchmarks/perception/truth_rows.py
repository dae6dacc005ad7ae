"""Bars against MOTChallenge ground truth: PETS09-S2L1 and TUD-Campus."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bodydouble.evaluation.claims import Claim, claims_of
from bodydouble.evaluation.ground_truth import GroundTruth, read_mot
from bodydouble.evaluation.mot import MotScores, score_tracks
from perception.clips import Perceived
from perception.table import Row

_BARS: dict[str, dict[str, float]] = {
    "pets": {"recall": 0.95, "precision": 0.92, "mota": 0.85, "idf1": 0.80},
    "tud": {"recall": 0.85},
}
_CLAIMS: dict[Claim, str] = {
    "people": "all tracks with a detected person (headline)",
    "played": "only frames in which a double plays",
    "everything": "movers without a detected person as well",
}


def _details(scores: MotScores, truth: GroundTruth) -> dict[str, Any]:
    missed = Counter(box.person_id for box in scores.missed)
    present = Counter(box.person_id for row in truth.boxes.values() for box in row if box.counts)
    return {
        "people_boxes": scores.people_boxes,
        "tracked_boxes": scores.tracked_boxes,
        "ignored_boxes": scores.ignored_boxes,
        "switches": scores.switches,
        "fragments": scores.fragments,
        "missed": len(scores.missed),
        "missed_but_touched": sum(box.best_overlap >= 0.3 for box in scores.missed),
        "missed_by_person": {str(k): [n, present[k]] for k, n in missed.most_common()},
        "false": len(scores.false),
        "false_but_touching": sum(box.best_overlap >= 0.3 for box in scores.false),
        "false_by_track": {str(k): n for k, n in Counter(b.track_id for b in scores.false).most_common()},
        "missed_boxes": [(b.frame_index, b.person_id, round(b.best_overlap, 2)) for b in scores.missed],
        "false_boxes": [(b.frame_index, b.track_id, round(b.best_overlap, 2)) for b in scores.false],
    }


def truth_rows(seen: Perceived) -> tuple[list[Row], dict[str, Any]]:
    """Rows of one clip with ground truth, and details to look for causes in."""
    assert seen.clip.truth is not None
    truth = read_mot(seen.clip.truth)
    rows: list[Row] = []
    record: dict[str, Any] = {}
    for claim, meaning in _CLAIMS.items():
        scores = score_tracks(truth, claims_of(seen.bundle, claim))
        bars = _BARS[seen.clip.group] if claim == "people" else {}
        figures = {"recall": scores.recall, "precision": scores.precision, "mota": scores.mota, "idf1": scores.idf1}
        touched = sum(box.best_overlap >= 0.3 for box in scores.missed)
        notes = {
            "recall": f"{len(scores.missed)} of {scores.people_boxes} missed ({touched} of them touched at IoU 0.3)",
            "precision": f"{len(scores.false)} of {scores.tracked_boxes} match nobody",
            "mota": f"{scores.switches} switches",
            "idf1": f"{len(seen.bundle.tracks)} tracks in all",
        }
        for name, value in figures.items():
            if claim == "people" or (name in _BARS[seen.clip.group]):
                how = f"{meaning}; IoU 0.5; {notes[name]}"
                rows.append(
                    Row(clip=seen.clip.name, what=f"{name}, {claim}", value=value, least=bars.get(name), how=how)
                )
        record[claim] = figures | _details(scores, truth)
    return rows, record
