"""What the figures say, in plain words, by rules that are written down here and tested.

Attacks are compared by what they still learn: 0 where an attacker does as well from the result as by guessing, 1 where the
result tells as much as the footage itself. An attack that learns little from the footage itself says nothing about a
result, and is named as weak instead of being counted as a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bodydouble.evaluation.measures.base import Figure
from bodydouble.evaluation.report.model import ORIGINAL, Column, Evaluation
from bodydouble.evaluation.report.table import Row, Table, show_number, show_percent

COVERAGE_KEYS: Final = ("privacy.coverage.truth", "privacy.coverage.referee")
"""Share of sightings of people who are covered; the first that was measured counts."""
NOT_OF_RESULTS: Final = ("privacy.gait.bundle.", "privacy.plate.")
"""Figures of what the generator is given, which are the same for every result; no attack on a result."""
UTILITY_KEYS: Final = ("utility.motion.oks", "utility.detection.ap50", "utility.tracking.idf1")
"""What a result is for; shares of 0 to 1."""

ALL_COVERED_FROM: Final = 0.999
"""One sighting in a thousand: at 25 frames a second, a person in view for 40 s is left in one frame."""
MOST_COVERED_FROM: Final = 0.95
STRONG_ATTACK_FROM: Final = 0.25
"""Least distance from chance on the original, as a share of the way to certainty, for an attack to say anything."""
HIDES_UP_TO: Final = 0.1
LEAKS_FROM: Final = 0.3
"""Share of what the footage tells an attacker that the result tells him too."""
KEPT_FROM: Final = 0.8
LOST_BELOW: Final = 0.5
"""Shares of poses, boxes or tracks."""

Grade = Literal["good", "fair", "bad", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What an attack still learns from a result."""

    row: Row
    figure: Figure
    share: float
    """0 as by guessing, 1 as from the footage itself; may be above 1."""
    original: float
    """What it gets from the footage."""

    @property
    def is_clear(self) -> bool:
        """More than guessing, also at the lower end of its interval; without an interval it counts as clear."""
        return self.figure.interval is None or self.figure.interval[0] > (self.figure.chance or 0.0)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence on one question."""

    question: Literal["covered", "recognized", "kept"]
    grade: Grade
    text: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is said about one result."""

    label: str
    findings: tuple[Finding, ...]

    @property
    def grade(self) -> Grade:
        """That of the privacy findings: the worst; unknown if one of them is unknown and none is bad."""
        grades = [finding.grade for finding in self.findings if finding.question != "kept"]
        return next((grade for grade in ("bad", "unknown", "fair") if grade in grades), "good")

    @property
    def headline(self) -> str:
        """A few words."""
        return {
            "good": "nobody measured is left in, and the attacks tried learn next to nothing",
            "fair": "better than nothing, with leaks",
            "bad": "people can be recognized, or are left in",
            "unknown": "not enough was measured to tell",
        }[self.grade]


def judge(evaluation: Evaluation, table: Table) -> tuple[Verdict, ...]:
    """One verdict per result, in the order of the columns."""
    return tuple(
        Verdict(
            label=column.label,
            findings=(_covered(table, column), _recognized(table, column, evaluation), _kept(table, column)),
        )
        for column in evaluation.results
    )


def sentences(verdicts: tuple[Verdict, ...]) -> tuple[str, ...]:
    """The same as plain lines, for ``results.json`` and the terminal."""
    return tuple(
        f"{verdict.label}: {verdict.headline}. {' '.join(finding.text for finding in verdict.findings)}"
        for verdict in verdicts
    )


def coverage_of(table: Table, label: str) -> Figure | None:
    """The figure that says how many people are covered; None if none was measured."""
    cells = (table.cell(key, label) for key in COVERAGE_KEYS)
    return next((cell for cell in cells if cell is not None and cell.value is not None), None)


def leaks_of(table: Table, label: str) -> tuple[tuple[Leak, ...], tuple[str, ...]]:
    """What attacks still learn from a result, clear leaks first, and the labels of attacks too weak on the original."""
    if ORIGINAL not in table.labels:
        return (), ()
    leaks, weak = [], []
    for row in table.of_group("privacy"):
        original, cell = table.cell(row.key, ORIGINAL), table.cell(row.key, label)
        if (
            row.better == "high"
            or row.key.startswith(NOT_OF_RESULTS)
            or not original
            or original.value is None
            or original.chance is None
        ):
            continue
        if not cell or cell.value is None or cell.chance is None:
            continue
        gain = original.value - original.chance
        if gain < STRONG_ATTACK_FROM * (1 - original.chance):
            weak.append(row.label)
            continue
        # Chance may differ where people are missing from the result.
        share = max(0.0, (cell.value - cell.chance) / gain)
        leaks.append(Leak(row=row, figure=cell, share=share, original=original.value))
    return tuple(sorted(leaks, key=lambda leak: (not leak.is_clear, -leak.share))), tuple(weak)


def _covered(table: Table, column: Column) -> Finding:
    cell = coverage_of(table, column.label)
    if cell is None or cell.value is None:
        return Finding(
            question="covered", grade="unknown", text="Whether everybody is covered was not measured."
        )  # fmt: skip
    sightings = f"{cell.trials} sightings of people" if cell.trials else "the sightings of people"
    if cell.value == 1:
        return Finding(question="covered", grade="good", text=f"All of {sightings} are covered.")
    share = f"{show_percent(cell.value)} of {sightings} are covered"
    if cell.value >= ALL_COVERED_FROM:
        return Finding(question="covered", grade="good", text=f"{share}; the others are among the worst cases below.")
    grade: Grade = "fair" if cell.value >= MOST_COVERED_FROM else "bad"
    left = f"{show_percent(1 - cell.value)} show somebody more or less as filmed"
    return Finding(question="covered", grade=grade, text=f"{share}; {left}.")


def _recognized(table: Table, column: Column, evaluation: Evaluation) -> Finding:
    leaks, weak = leaks_of(table, column.label)
    aside = f" Too weak on the footage itself to say anything: {', '.join(weak)}." if weak else ""
    if not leaks:
        text = "No attack was tried that works on the footage itself, so nothing is known about recognition."
        return Finding(question="recognized", grade="unknown", text=text + aside)
    worst = leaks[0]
    if worst.share <= HIDES_UP_TO:
        worst = max(leaks, key=lambda leak: leak.share)
    chance = "" if worst.figure.chance is None else f", guessing gives {show_number(worst.figure.chance)}"
    text = (
        f"The attack that learns most ({worst.row.label}) gets {_value(worst.figure)} where the footage gives it "
        f"{show_number(worst.original)}{chance}."
    )
    grade: Grade = "fair"
    if worst.share <= HIDES_UP_TO:
        grade = "good"
        text += " No attack keeps more than a tenth of what it learns from the footage."
    elif not worst.is_clear:
        text += " Its interval reaches down to guessing: there are too few people to tell."
    elif worst.share >= LEAKS_FROM:
        grade = "bad"
        text += f" It keeps {show_percent(min(worst.share, 1.0))} of what it learns from the footage."
    text += _against(table, column, evaluation, worst)
    unsure = [leak for leak in leaks if not leak.is_clear and leak.share > max(worst.share, HIDES_UP_TO)]
    if unsure:
        top = max(unsure, key=lambda leak: leak.share)
        grade = "fair" if grade == "good" else grade
        text += (
            f" {len(unsure)} more may learn more ({top.row.label} gets {_value(top.figure)}), but with so few people that "
            "may be luck."
        )
    return Finding(question="recognized", grade=grade, text=text + aside)


def _against(table: Table, column: Column, evaluation: Evaluation, worst: Leak) -> str:
    """The same attack on pixelation, which people know; empty where nobody pixelated."""
    other = next(
        (one.label for one in evaluation.results if one is not column and "pixel" in one.label.casefold()), None
    )
    cell = table.cell(worst.row.key, other) if other is not None else None
    if cell is None or cell.value is None:
        return ""
    return f" From {other} it gets {_value(cell)}."


def _kept(table: Table, column: Column) -> Finding:
    cells = [(row, row.cells[table.labels.index(column.label)]) for row in table.rows if row.key in UTILITY_KEYS]
    values = [(row.label, cell.value) for row, cell in cells if cell.value is not None]
    if not values:
        return Finding(question="kept", grade="unknown", text="What the result is still good for was not measured.")
    lowest = min(value for _, value in values)
    named = ", ".join(f"{label} {show_number(value)}" for label, value in values)
    if lowest >= KEPT_FROM:
        return Finding(question="kept", grade="good", text=f"It stays useful: {named}.")
    if lowest < LOST_BELOW:
        return Finding(question="kept", grade="bad", text=f"Much is lost: {named} (1 would be as good as the footage).")
    return Finding(question="kept", grade="fair", text=f"Some is lost: {named} (1 would be as good as the footage).")


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    if figure.interval is None:
        return show_number(figure.value)
    low, high = (show_number(bound) for bound in figure.interval)
    return f"{show_number(figure.value)} (95 %: {low} to {high})"
