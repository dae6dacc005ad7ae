"""Coverage without ground truth: a referee who never saw the pipeline says where people are (design, section 5).

Its boxes on the original are judged as ground-truth boxes are, against the clean plate that the pipeline kept. A person
whom the plate shows, because they stood still, does not differ from it: such boxes are counted apart and noted, and the
audit of plates looks for them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.evaluation.claims import claims_of
from bodydouble.evaluation.coverage import box_change
from bodydouble.evaluation.ground_truth import TruthBox
from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Series, Tally
from bodydouble.evaluation.measures.coverage import track_ids_at
from bodydouble.evaluation.measures.crops import spread
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.plates import REFEREE_SCORE
from bodydouble.evaluation.measures.remembered import PersonDetector

_KEY: Final[str] = "privacy.coverage.referee"
_LEAST_PERSON_SHARE: Final[float] = 0.02
"""Of the box: with less that differs from the plate nobody is there, but noise."""
MOST_FRAMES: Final[int] = 60
"""Looked at in a clip; each takes about a quarter of a second."""


class RefereeCoverage:
    """Share of a referee's boxes that are covered."""

    name: Final = "referee_coverage"

    def __init__(self, referee: PersonDetector, *, most_frames: int = MOST_FRAMES) -> None:
        """Take a referee.

        Args:
            referee: finds people in pictures; `evaluation.referee.Referee` looks at the picture and at 2x2 tiles of it,
                with score 0.3.
            most_frames: looked at in a clip, evenly spread.
        """
        self.referee = referee
        self.most_frames = most_frames

    def start(self, clip: PairedClip) -> _Detections:
        """Begin with a clip."""
        return _Detections(clip, self.referee, self.most_frames)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Share of covered boxes among those in which somebody differs from the plate."""
        plain = round(tally.counts.get("boxes_like_plate", 0))
        absent = "the referee saw nobody who differs from the plate"
        if tally.counts.get("clips_without_plate", 0):
            absent = "no clean plate was kept, so nobody can be told from the background"
        return (
            share_figure(
                tally,
                _KEY,
                label="people covered, where a referee sees them: share of boxes",
                group="privacy",
                better="high",
                absent=absent,
                note=f"{plain} further boxes look like the plate: things, or people who are on it" if plain else "",
            ),
        )


class _Detections:
    def __init__(self, clip: PairedClip, referee: PersonDetector, most_frames: int) -> None:
        self._clip = clip
        self._referee = referee
        self._claims = claims_of(clip.bundle, "everything")
        self._shares = Shares(measure=RefereeCoverage.name)
        self._frames = set(spread(clip.bundle.video.num_frames, most_frames).tolist()) if clip.plate else set()
        self._line: list[tuple[int, float]] = []
        if clip.plate is None:
            self._shares.count("clips_without_plate")

    def see(self, pair: FramePair) -> None:
        if pair.index not in self._frames or self._clip.plate is None:
            return
        plate = self._clip.plate.at(pair.index)[0]
        boxes, scores = self._referee.find(pair.original_rgb, score=REFEREE_SCORE)
        tracks = track_ids_at(self._claims[pair.index], boxes.astype(np.float64))
        judged = []
        for row, (left, top, right, bottom) in enumerate(boxes.astype(np.float64).tolist()):
            box = TruthBox(
                person_id=0, left_px=left, top_px=top, width_px=right - left, height_px=bottom - top, counts=True
            )
            change = box_change(pair.original_rgb, pair.result_rgb, plate, box)
            if change.person_px < max(1.0, _LEAST_PERSON_SHARE * box.width_px * box.height_px):
                self._shares.count("boxes_like_plate")
                continue
            judged.append(change.is_covered)
            track_id = tracks.get(row)
            self._shares.add(
                _KEY, f"{self._clip.name}:{'nobody' if track_id is None else track_id}", float(change.is_covered)
            )
            if not change.is_covered:
                known = "of no track" if track_id is None else f"of track {track_id}"
                self._shares.cases.append(
                    Case(
                        clip=self._clip.name,
                        frame_index=pair.index,
                        track_id=track_id,
                        badness=change.unchanged_share,
                        what=f"{change.unchanged_share:.0%} of somebody {known} whom the referee sees (score "
                        f"{scores[row]:.2f}) is as filmed",
                        box_xyxy_px=(left, top, right, bottom),
                    )
                )
        if judged:
            self._line.append((pair.index, float(np.mean(judged))))

    def finish(self) -> Tally:
        if self._line:
            frames, values = zip(*self._line, strict=True)
            self._shares.series.append(
                Series(clip=self._clip.name, key=_KEY, frame_indices=tuple(frames), values=tuple(values))
            )
        return self._shares.tally()
