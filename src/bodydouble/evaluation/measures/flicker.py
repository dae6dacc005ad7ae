"""Does a person's colour flicker: what of the mean colour inside the silhouette changes from frame to frame and back.

The mean colour ``c`` inside the person's silhouette (pixels that are nobody else's) is a short series of three numbers a
frame. Its second difference, ``c[t] - (c[t-1] + c[t+1]) / 2``, takes out whatever changes steadily: light that falls off,
a person who walks into the shade. Flicker is the root of its mean square, in levels of 255. The original is measured with
the same pixels; the ratio tells how much more the result has. Whoever comes out from behind something changes colour
because other parts of them are seen; frames between which the visible silhouette changes its size by more than a quarter
are left out. A blackout wins these figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import Person, RatioFigure, TrackSums, people_at, silhouettes_at
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

MIN_PERSON_PX: Final[int] = 30
FLOOR_LEVELS: Final[float] = 0.1
"""Added, squared, to both sides of the ratio: less than this cannot be seen, and a still original would divide by 0."""

STEADY_SHARE: Final[float] = 0.75
"""Least share of the largest silhouette of three frames that the smallest must have."""

Colour = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    index: int
    area_px: int
    filmed: Colour
    made: Colour


class Flicker:
    """High-frequency change of the mean colour inside people."""

    name = "flicker"

    def __init__(self, *, min_height_px: float = 30.0) -> None:
        """Set up.

        Args:
            min_height_px: smaller people are left out.
        """
        self.min_height_px = min_height_px

    def start(self, clip: PairedClip) -> _Flicker:
        """Begin with a clip."""
        return _Flicker(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``temporal.flicker.levels`` (0 to 255) and ``temporal.flicker.ratio`` (1: as the original)."""
        missing = "nobody in three frames in a row with a silhouette of steady size"
        levels = RatioFigure(
            key="temporal.flicker.levels", label="flicker of people's colour, levels of 255", group="temporal",
            better="low", part="result", whole="triples", trials="triples", root=True, missing=missing,
            note="blackout wins this figure",
        )  # fmt: skip
        ratio = RatioFigure(
            key="temporal.flicker.ratio", label="flicker over the original's", group="temporal", better="low",
            part="result_floored", whole="original_floored", trials="triples", root=True, missing=missing,
            note="blackout wins this figure",
        )  # fmt: skip
        return levels.read(tally), ratio.read(tally)


class _Flicker:
    def __init__(self, measure: Flicker, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        self._sums = TrackSums(clip.name, ("result", "triples", "result_floored", "original_floored"))
        # Mean colours of original and result in the last two frames, by track.
        self._before: dict[int, list[_Seen]] = {}

    def see(self, pair: FramePair) -> None:
        owners = silhouettes_at(self._clip.bundle, pair.index)
        present: dict[int, list[_Seen]] = {}
        for person in people_at(self._clip.bundle, pair.index, min_height_px=self._measure.min_height_px):
            own = owners[person.rows, person.columns] == person.track_id
            if np.count_nonzero(own) < MIN_PERSON_PX:
                continue
            now = _Seen(
                index=pair.index,
                area_px=int(np.count_nonzero(own)),
                filmed=pair.original_rgb[person.rows, person.columns][own].mean(axis=0, dtype=np.float64),
                made=pair.result_rgb[person.rows, person.columns][own].mean(axis=0, dtype=np.float64),
            )
            rows = [row for row in self._before.get(person.track_id, []) if row.index >= pair.index - 2]
            rows.append(now)
            areas = [row.area_px for row in rows]
            if len(rows) == 3 and min(areas) >= STEADY_SHARE * max(areas):
                self._add(person, rows)
            present[person.track_id] = rows[-2:]
        self._before = present

    def _add(self, person: Person, rows: list[_Seen]) -> None:
        first, middle, last = rows
        original = float(np.mean((middle.filmed - (first.filmed + last.filmed) / 2) ** 2))
        result = float(np.mean((middle.made - (first.made + last.made) / 2) ** 2))
        self._sums.add(
            person.track_id,
            result=result,
            triples=1,
            result_floored=result + FLOOR_LEVELS**2,
            original_floored=original + FLOOR_LEVELS**2,
        )
        self._sums.note(
            person, middle.index, result**0.5, f"the mean colour jumps by {result**0.5:.1f} levels for one frame"
        )

    def finish(self) -> Tally:
        return self._sums.tally(Flicker.name)
