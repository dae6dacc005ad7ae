"""What happened to whom, written while frames are made; can be taken up in the middle of a clip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bodydouble.errors import BundleError
from bodydouble.ledger import LedgerBuilder, LedgerEntry, write_ledger
from bodydouble.pipeline.windows import Failure
from bodydouble.scene import SceneBundle

if TYPE_CHECKING:
    from bodydouble.compositing import TrackOutcome

OUTCOMES_FILE = "outcomes.jsonl"


class Book:
    """What happened to whom: kept frame by frame on disk, so that it survives a kill, and summed up in the ledger."""

    def __init__(
        self, bundle: SceneBundle, failures: Iterable[Failure], ledger: Path, outcomes: Path, num_done: int
    ) -> None:
        from bodydouble.compositing import CoverageAudit

        self._bundle, self._ledger = bundle, ledger
        self._builder = LedgerBuilder()
        self._audit = CoverageAudit()
        self._failures: dict[int, list[Failure]] = {}
        for failure in failures:
            self._failures.setdefault(failure.track_id, []).append(failure)
        kept = list(_read_outcomes(outcomes, num_done))
        # Later frames were booked but not finished; they are done again.
        self._stream: IO[str] = outcomes.open("w", encoding="utf-8")
        for frame_index, frame_outcomes in kept:
            self.record(frame_index, frame_outcomes)

    @property
    def coverage(self) -> float:
        """Share of person-frames that are covered, 0 to 1."""
        return self._audit.coverage

    def record(self, frame_index: int, outcomes: Iterable[TrackOutcome]) -> None:
        """Take in a frame."""
        outcomes = tuple(outcomes)
        if not outcomes:
            return
        self._audit.add(outcomes)
        for outcome in outcomes:
            self._builder.record(outcome.track_id, frame_index, outcome.action, self._reason(outcome, frame_index))
        self._stream.write(json.dumps([frame_index, [asdict(outcome) for outcome in outcomes]]) + "\n")
        self._stream.flush()

    def _reason(self, outcome: TrackOutcome, frame_index: int) -> str:
        """The generator's reason, where compositing only saw that a double was missing, or cannot see who plays."""
        for failure in self._failures.get(outcome.track_id, ()):
            concerned = failure.first_frame <= frame_index <= failure.last_frame
            if concerned and (failure.instead == "avatar") == (outcome.action == "replaced"):
                return failure.reason
        return outcome.reason

    def _entries(self) -> list[LedgerEntry]:
        joint_scores = {track.track_id: track.mean_joint_score for track in self._bundle.tracks}
        return self._builder.entries(
            {
                track_id: {
                    "mean_joint_score": joint_scores[track_id],
                    "coverage": totals.coverage,
                    "unchanged_share": totals.unchanged_share,
                }
                for track_id, totals in self._audit.by_track.items()
            }
        )

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        write_ledger(self._entries(), self._ledger)


def _read_outcomes(path: Path, num_frames: int) -> Iterator[tuple[int, list[TrackOutcome]]]:
    """Outcomes of the first frames as an interrupted run left them.

    Raises:
        BundleError: the file is damaged.
    """
    from bodydouble.compositing import ChangeCounts, TrackOutcome

    if num_frames == 0 or not path.exists():
        return
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                if not line.endswith("\n"):  # the kill came while this was written; its frame cannot be finished
                    return
                frame_index, rows = json.loads(line)
                if frame_index >= num_frames:
                    return
                yield (
                    frame_index,
                    [TrackOutcome(**{**row, "change": ChangeCounts(**row["change"])}) for row in rows],
                )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"damaged ({error}); start anew by --overwrite: {path}") from error
