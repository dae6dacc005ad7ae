"""Does the clean plate show anybody? A referee, who never saw the pipeline, looks at it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import spread
from bodydouble.evaluation.measures.remembered import PersonDetector

MOST_PLATES: Final[int] = 40
"""Looked at in a clip; about a quarter of a second each."""
REFEREE_SCORE: Final[float] = 0.3
"""Lowest score of somebody whom the referee sees (design, section 5)."""
_SAME_PLACE: Final[float] = 0.5


class Plates:
    """People whom the referee sees on plates."""

    name: Final = "plates"

    def __init__(self, referee: PersonDetector) -> None:
        """Take a referee."""
        self.referee = referee

    def start(self, clip: PairedClip) -> _Audit:
        """Begin with a clip."""
        return _Audit(clip, self.referee)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """People per plate, and how many places they stand at."""
        plates, found = tally.counts.get("plates", 0.0), tally.counts.get("people", 0.0)
        note = "the referee also takes things for people: look at the cases" if found else ""
        if not plates:
            note = "no plate was kept"
        places = tally.counts.get("places", 0.0)
        rows = (
            ("people", "people on clean plates, by a referee: per plate", found / max(plates, 1.0)),
            ("places", "places on clean plates where a referee sees people", places),
        )
        return tuple(
            Figure(
                key=f"privacy.plate.{key}",
                label=label,
                group="privacy",
                better="low",
                value=value if plates else None,
                trials=round(plates),
                note=note,
            )
            for key, label, value in rows
        )


class _Audit:
    def __init__(self, clip: PairedClip, referee: PersonDetector) -> None:
        self._clip = clip
        self._referee = referee

    def see(self, pair: FramePair) -> None:
        """Plates do not come with the frames."""

    def finish(self) -> Tally:
        plate = self._clip.plate
        if plate is None:
            return Tally(measure=Plates.name)
        frames = [frame for frame in plate.key_frames if frame < self._clip.bundle.video.num_frames]
        places: list[npt.NDArray[np.float64]] = []
        cases: list[Case] = []
        chosen = spread(len(frames), MOST_PLATES)
        for row in chosen:
            boxes, scores = self._referee.find(plate.at(frames[row])[0], score=REFEREE_SCORE)
            for box, score in zip(boxes.astype(np.float64), scores, strict=True):
                if not places or overlaps(box[None], np.array(places)).max() < _SAME_PLACE:
                    places.append(box)
                left, top, right, bottom = box.tolist()
                cases.append(
                    Case(
                        clip=self._clip.name,
                        frame_index=frames[row],
                        track_id=None,
                        badness=float(score),
                        what=f"a referee takes something on the clean plate for a person (score {score:.2f})",
                        box_xyxy_px=(left, top, right, bottom),
                    )
                )
        counts = {"plates": float(len(chosen)), "people": float(len(cases)), "places": float(len(places))}
        own = Tally(measure=Plates.name, counts=counts, cases=tuple(cases))
        return Tally(measure=Plates.name) + own
