"""What a report is made of: per result the sums of what was counted, and where the result came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bodydouble.errors import InputError
from bodydouble.evaluation.measures.base import Tally

ORIGINAL: Final = "original"
"""Label of the first column: the footage measured against itself, by which attacks are judged."""


@dataclass(frozen=True, kw_only=True)
class MeasuredClip:
    """A clip that was measured."""

    name: str
    num_frames: int
    """Frames that were measured."""
    width_px: int
    height_px: int
    num_tracks: int
    """People perception found in the original, each as often as they entered."""
    truth_boxes: int | None
    """Ground-truth boxes that count; None without ground truth."""
    scene_from: str
    """Where the scene of the original comes from, in words."""
    is_cut: bool = False
    """Only the first frames were measured."""


@dataclass(frozen=True, kw_only=True)
class LedgerSums:
    """What a run of ours did with people; adds over clips."""

    people: Mapping[str, int] = field(default_factory=dict)
    """Tracks by what was done with them (``replaced``, ``painted_out``, ``mixed``, ``kept``)."""
    frames: Mapping[str, int] = field(default_factory=dict)
    """Person-frames by what was done in them."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Person-frames by why nobody plays in them."""

    def __add__(self, other: LedgerSums) -> LedgerSums:
        return LedgerSums(
            people=_added(self.people, other.people),
            frames=_added(self.frames, other.frames),
            reasons=_added(self.reasons, other.reasons),
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """One result, or the original, summed over the clips."""

    label: str
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """By measure."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By measure: why it could not be applied, to all clips or to some of them."""
    method: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How the result was made, by topic (``preset``, ``seed``, ``weights``...), every value that occurs. Empty where the
    result was made elsewhere and nothing is known."""
    ledger: LedgerSums | None = None
    """None where there is no ledger."""

    @property
    def is_original(self) -> bool:
        """True for the footage measured against itself."""
        return self.label == ORIGINAL

    def __add__(self, other: Column) -> Column:
        """Add what was counted on other clips.

        Raises:
            ValueError: they are of different results.
        """
        if self.label != other.label:
            raise ValueError(f"the column {self.label!r} cannot be added to {other.label!r}")
        tallies = dict(self.tallies)
        for name, tally in other.tallies.items():
            tallies[name] = tallies[name] + tally if name in tallies else tally
        both = self.ledger is not None and other.ledger is not None
        return replace(
            self,
            tallies=tallies,
            missing=_joined(self.missing, other.missing),
            method=_joined(self.method, other.method),
            ledger=self.ledger + other.ledger if both and self.ledger and other.ledger else self.ledger or other.ledger,
        )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that ``results.json`` holds."""

    version: str
    """Of bodydouble."""
    seed: int
    measures: tuple[str, ...]
    """Names, in the order of the table."""
    clips: tuple[MeasuredClip, ...]
    """Ordered by name."""
    columns: tuple[Column, ...]
    """The original first."""

    def __add__(self, other: Evaluation) -> Evaluation:
        """Add the evaluation of other clips of the same results.

        Raises:
            InputError: they do not add: a clip is in both, or versions, seeds, measures or results differ.
        """
        twice = sorted({clip.name for clip in self.clips} & {clip.name for clip in other.clips})
        if twice:
            raise InputError(f"{len(twice)} clips are in both reports and would count twice: {', '.join(twice[:5])}")
        for what in ("version", "seed", "measures"):
            if getattr(self, what) != getattr(other, what):
                raise InputError(
                    f"reports with another {what} do not add: {getattr(self, what)!r} and {getattr(other, what)!r}"
                )
        labels = [column.label for column in self.columns]
        if set(labels) != {column.label for column in other.columns}:
            raise InputError(
                f"the reports are of different results and do not add: {', '.join(labels)} and "
                f"{', '.join(column.label for column in other.columns)}; name results alike by NAME=PATH"
            )
        added = {column.label: column for column in other.columns}
        return replace(
            self,
            clips=tuple(sorted(self.clips + other.clips, key=lambda clip: clip.name)),
            columns=tuple(column + added[column.label] for column in self.columns),
        )

    @property
    def original(self) -> Column | None:
        """The original's column, if it was measured."""
        return next((column for column in self.columns if column.is_original), None)

    @property
    def results(self) -> tuple[Column, ...]:
        """Columns other than the original."""
        return tuple(column for column in self.columns if not column.is_original)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))


def _joined(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(dict.fromkeys(one.get(key, ()) + other.get(key, ()))) for key in {**one, **other}}
