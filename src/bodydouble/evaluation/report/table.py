"""Figures by result: what the table, the CSV and the LaTeX file say."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bodydouble.evaluation.measures.base import Better, Figure, Group, Measure, Tally
from bodydouble.evaluation.report.model import Column, Evaluation

GROUPS: Final[tuple[Group, ...]] = ("privacy", "utility", "temporal", "cost")
"""In the order of the table."""
GROUP_TITLES: Final[dict[Group, str]] = {
    "privacy": "Privacy: who can still be recognized",
    "utility": "Utility: what the result is still good for",
    "temporal": "Over time: does it flicker or drift",
    "cost": "Cost",
}
DIRECTIONS: Final[dict[Better, tuple[str, str]]] = {
    "high": ("↑", "higher is better"),
    "low": ("↓", "lower is better"),
    "chance": ("≈", "as near to guessing as can be"),
}
"""Sign and words."""
NOT_MEASURED: Final = "not measured, because "


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure for every column."""

    key: str
    label: str
    group: Group
    better: Better
    chance: float | None
    """None where it is unknown, or differs from column to column."""
    cells: tuple[Figure, ...]
    """In the order of the columns."""
    best: frozenset[int]
    """Columns with the best value; the original never counts."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """All figures."""

    labels: tuple[str, ...]
    """Of the columns, the original first."""
    rows: tuple[Row, ...]
    """Grouped in the order of `GROUPS`, within a group as the measures have them."""
    unmeasured: Mapping[str, str]
    """Measures of which not even the figures' names can be told here, and why."""

    def cell(self, key: str, label: str) -> Figure | None:
        """A figure of a column, None where there is none of that key."""
        number = self.labels.index(label)
        return next((row.cells[number] for row in self.rows if row.key == key), None)

    def of_group(self, group: Group) -> tuple[Row, ...]:
        """Rows of a group."""
        return tuple(row for row in self.rows if row.group == group)


def make_table(evaluation: Evaluation, measures: Mapping[str, Measure], absent: Mapping[str, str]) -> Table:
    """Read all figures off the sums.

    Args:
        evaluation: what was counted.
        measures: those that can be had here, by name.
        absent: the others, with the reason.
    """
    columns = evaluation.columns
    rows: list[Row] = []
    for name in evaluation.measures:
        if name not in measures:
            continue
        by_column = [{figure.key: figure for figure in _figures(measures[name], column)} for column in columns]
        for key in dict.fromkeys(key for figures in by_column for key in figures):
            model = next(figures[key] for figures in by_column if key in figures)
            nothing = replace(model, value=None, interval=None, trials=0, note=f"{NOT_MEASURED}it does not apply here")
            rows.append(_row(tuple(figures.get(key, nothing) for figures in by_column), columns))
    ordered = tuple(row for group in GROUPS for row in rows if row.group == group)
    unmeasured = {name: absent[name] for name in evaluation.measures if name in absent}
    return Table(labels=tuple(column.label for column in columns), rows=ordered, unmeasured=unmeasured)


def _figures(measure: Measure, column: Column) -> tuple[Figure, ...]:
    tally = column.tallies.get(measure.name)
    why = "; ".join(column.missing.get(measure.name, ()))
    figures = measure.figures(tally if tally is not None else Tally(measure=measure.name))
    if tally is not None:
        return tuple(replace(figure, note=_joined(figure.note, why)) for figure in figures) if why else figures
    note = NOT_MEASURED + (why or "no clip was measured")
    return tuple(replace(figure, value=None, interval=None, trials=0, note=note) for figure in figures)


def _joined(note: str, why: str) -> str:
    return f"{note}; {why}" if note else why


def _row(cells: tuple[Figure, ...], columns: tuple[Column, ...]) -> Row:
    first = cells[0]
    chances = {cell.chance for cell in cells if cell.value is not None}
    scores = {
        number: -_distance_from_good(cell)
        for number, (cell, column) in enumerate(zip(cells, columns, strict=True))
        if cell.value is not None and math.isfinite(cell.value) and not column.is_original
    }
    best = max(scores.values(), default=0.0)
    return Row(
        key=first.key,
        label=first.label,
        group=first.group,
        better=first.better,
        chance=chances.pop() if len(chances) == 1 else None,
        cells=cells,
        # Where all results do equally well, or there is one only, nobody is the best.
        best=frozenset(number for number, score in scores.items() if score == best)
        if len(set(scores.values())) > 1
        else frozenset(),
    )


def _distance_from_good(figure: Figure) -> float:
    """Orders values of one figure: the smaller the better."""
    value = figure.value if figure.value is not None else math.inf
    if figure.better == "chance":
        return abs(value - (figure.chance or 0.0))
    return -value if figure.better == "high" else value


def show_number(value: float) -> str:
    """A value with three figures after the point up to 1, and three significant ones above.

    Nothing is rounded to a 0 or 1 that it is not: 0.9998 people covered is not everybody.

    >>> [show_number(value) for value in (1.0, 0.99987, 0.5, 0.00004, 0.0, 12.345, 4476.0)]
    ['1', '0.9999', '0.500', '0.00004', '0', '12.3', '4476']
    """
    if not math.isfinite(value):
        return "–"
    if value == round(value):
        return f"{value:.0f}"
    if abs(value) >= 1:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    for digits in range(3, 7):
        text = f"{value:.{digits}f}"
        if float(text) not in (-1.0, 0.0, 1.0):
            return text
    return f"{value:.1e}" if abs(value) < 0.5 else f"{value:.9f}".rstrip("0")


def show_percent(share: float) -> str:
    """A share of 0 to 1 in per cent; never 0 or 100 when it is not.

    >>> [show_percent(share) for share in (1.0, 0.9995, 0.97, 0.123456, 0.0004, 0.0)]
    ['100 %', '99.95 %', '97 %', '12.3 %', '0.04 %', '0 %']
    """
    percent = 100 * share
    for digits in range(1, 6):
        text = f"{percent:.{digits}f}"
        if float(text) not in (0.0, 100.0) or share in (0, 1):
            break
    return f"{text.rstrip('0').rstrip('.')} %"


def show_interval(interval: tuple[float, float]) -> str:
    """An interval as ``0.91 to 0.97``, with the digits of `show_number`."""
    return f"{show_number(interval[0])} to {show_number(interval[1])}"


def to_csv(table: Table) -> str:
    """One line per figure and column; numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["key", "label", "group", "better", "result", "value", "low", "high", "chance", "trials", "note"],
    )
    for row in table.rows:
        for label, cell in zip(table.labels, row.cells, strict=True):
            low, high = cell.interval or (None, None)
            numbers = [_plain(value) for value in (cell.value, low, high, cell.chance)]
            writer.writerow([row.key, row.label, row.group, row.better, label, *numbers, cell.trials, cell.note])
    for name, why in table.unmeasured.items():
        for label in table.labels:
            writer.writerow([name, name, "", "", label, "", "", "", "", 0, NOT_MEASURED + why])
    return text.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else repr(float(value))


_TEX_SPECIAL: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "–": "--", "…": r"\ldots{}", "×": r"$\times$",
    }
)  # fmt: skip
_TEX_ARROWS: Final[dict[Better, str]] = {"high": r"$\uparrow$", "low": r"$\downarrow$", "chance": r"$\approx$"}


def to_latex(table: Table) -> str:
    r"""A ``tabular`` for booktabs: a row per figure, the best result in bold, 95 % intervals in brackets."""
    lines = [
        "% Needs \\usepackage{booktabs}. Arrows: which way is better; $\\approx$: as near to chance as can be.",
        "% In brackets: 95 % intervals. Bold: best result (the original does not count).",
        rf"\begin{{tabular}}{{l{'r' * (len(table.labels) + 1)}}}",
        r"\toprule",
        " & ".join(["", *(label.translate(_TEX_SPECIAL) for label in table.labels), "chance"]) + r" \\",
    ]
    for group in GROUPS:
        rows = table.of_group(group)
        if not rows:
            continue
        lines += [r"\midrule", rf"\multicolumn{{{len(table.labels) + 2}}}{{l}}{{\emph{{{group}}}}} \\"]
        for row in rows:
            cells = [_tex_cell(cell, bold=number in row.best) for number, cell in enumerate(row.cells)]
            chance = "" if row.chance is None else show_number(row.chance)
            name = f"{row.label.translate(_TEX_SPECIAL)} {_TEX_ARROWS[row.better]}"
            lines.append(" & ".join([name, *cells, chance]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [f"% {name}: {NOT_MEASURED}{why}" for name, why in table.unmeasured.items()]
    return "\n".join(lines) + "\n"


def _tex_cell(cell: Figure, *, bold: bool) -> str:
    if cell.value is None:
        return "--"
    text = show_number(cell.value).replace("–", "--")
    text = rf"\textbf{{{text}}}" if bold else text
    if cell.interval is None:
        return text
    low, high = (show_number(value) for value in cell.interval)
    return rf"{text} {{\scriptsize [{low}, {high}]}}"
