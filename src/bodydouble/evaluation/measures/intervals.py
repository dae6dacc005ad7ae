"""Shares with an interval over people: parts and wholes per person go into a tally, a figure is read off their sums.

Frames and crops of one person depend on each other, so people are drawn, not frames (cluster bootstrap: Field and Welsh
2007, "Bootstrapping Clustered Data"; percentiles as in Efron and Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import percentiles, resampled
from bodydouble.evaluation.measures.base import Better, Case, Figure, Group, Series, Tally

_LEAST_PEOPLE: Final[int] = 3
"""With fewer people a resampled interval says nothing."""
_PART, _WHOLE, _CHANCE = "part", "whole", "chance"


@dataclass(kw_only=True)
class Shares:
    """Collects, of one clip, what became of each person; several keys side by side."""

    measure: str
    """Name of the tally."""
    counts: dict[str, float] = field(default_factory=dict)
    """Further sums that go into the tally."""
    cases: list[Case] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    _rows: dict[tuple[str, Hashable], list[float]] = field(default_factory=dict)

    def add(self, key: str, person: Hashable, part: float, whole: float = 1.0, chance: float | None = None) -> None:
        """Add to a person's share.

        Args:
            key: which share.
            person: whose; what belongs to one is drawn together.
            part: what counts, such as hits.
            whole: of how much, such as trials.
            chance: part that guessing would give on average, where that is known.
        """
        row = self._rows.setdefault((key, person), [0.0, 0.0, 0.0])
        row[0] += part
        row[1] += whole
        row[2] += np.nan if chance is None else chance

    def count(self, key: str, value: float = 1.0) -> None:
        """Add to a plain sum."""
        self.counts[key] = self.counts.get(key, 0.0) + value

    def tally(self) -> Tally:
        """All that was added, for sums over clips."""
        samples: dict[str, list[float]] = {}
        for (key, _), values in self._rows.items():
            for name, value in zip((_PART, _WHOLE, _CHANCE), values, strict=True):
                samples.setdefault(f"{key}:{name}", []).append(value)
        own = Tally(
            measure=self.measure,
            counts=self.counts,
            samples={name: tuple(values) for name, values in samples.items()},
            cases=tuple(self.cases),
            series=tuple(self.series),
        )
        # Adding puts the worst cases first and drops the others.
        return Tally(measure=self.measure) + own


def ratio_interval(
    parts: npt.NDArray[np.float64], wholes: npt.NDArray[np.float64], key: str
) -> tuple[float, float] | None:
    """95 % interval of ``sum(parts) / sum(wholes)``, people drawn with replacement; None with fewer than three.

    Args:
        parts: (people,).
        wholes: (people,), 0 or more.
        key: that draws are derived from; the order of people does not matter.
    """
    if len(parts) < _LEAST_PEOPLE:
        return None
    sums = resampled(np.stack([parts, wholes], axis=1), key)
    drawn = sums[:, 1] > 0
    return percentiles(sums[drawn, 0] / sums[drawn, 1])


def share_figure(
    tally: Tally, key: str, *, label: str, group: Group, better: Better, absent: str, note: str = ""
) -> Figure:
    """Read a share off a sum of tallies.

    Args:
        tally: of `Shares.tally`.
        key: as in `Shares.add`; also the figure's key.
        label: for people.
        group: where it stands in the table.
        better: which way is good.
        absent: the note where nothing was counted.
        note: the note otherwise.
    """
    parts, wholes, chances = (
        np.array(tally.samples.get(f"{key}:{name}", ()), dtype=np.float64) for name in (_PART, _WHOLE, _CHANCE)
    )
    whole = float(wholes.sum())
    if whole <= 0:
        return Figure(key=key, label=label, group=group, better=better, value=None, note=absent)
    interval = ratio_interval(parts, wholes, key)
    few = "" if interval is not None else f"no interval: {len(parts)} people are too few to resample"
    chance = float(chances.sum() / whole)
    return Figure(
        key=key,
        label=label,
        group=group,
        better=better,
        value=float(parts.sum() / whole),
        interval=interval,
        chance=None if np.isnan(chance) else chance,
        trials=round(whole),
        note="; ".join(text for text in (note, few) if text),
    )
