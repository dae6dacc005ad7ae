"""The page: one HTML file that needs no network, and says all that it says without its script, too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bodydouble.evaluation.measures.registry import MeasureEntry
from bodydouble.evaluation.report.charts import DistributionChart, Timeline, distributions, timelines
from bodydouble.evaluation.report.limits import limits_of
from bodydouble.evaluation.report.model import Evaluation
from bodydouble.evaluation.report.strips import CELLS_PER_ROW, CasePicture, Strip
from bodydouble.evaluation.report.table import (
    DIRECTIONS,
    GROUP_TITLES,
    GROUPS,
    NOT_MEASURED,
    Row,
    Table,
    show_interval,
    show_number,
)
from bodydouble.evaluation.report.verdict import MOST_COVERED_FROM, Verdict, coverage_of, judge

Pictures = Literal["none", "results", "originals"]
"""What the page may show."""

ORIGINALS_WARNING: Final = "CONTAINS ORIGINAL FOOTAGE, DO NOT PUBLISH"
GRADES: Final = {"good": ("✓", "good"), "fair": ("~", "fair"), "bad": ("✗", "bad"), "unknown": ("?", "unknown")}
"""Sign and word: nothing is told by colour alone."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Pictures of the page."""

    shown: Pictures
    strips: Sequence[Strip] = ()
    cases: Sequence[CasePicture] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Columns without pictures, and why."""
    note: str = ""
    """Why there are fewer than one could wish, in words; empty if there is nothing to say."""


def withheld_columns(evaluation: Evaluation, table: Table, shown: Pictures) -> dict[str, str]:
    """Columns whose pictures would show people as filmed, and why they are left out.

    A result that leaves people visible is footage of them as much as the original is.
    """
    if shown == "originals":
        return {}
    if shown == "none":
        return {column.label: "pictures were not asked for" for column in evaluation.columns}
    withheld = {}
    for column in evaluation.columns:
        covered = coverage_of(table, column.label)
        if column.is_original:
            withheld[column.label] = "originals are shown only with --show-originals"
        elif covered is None or covered.value is None:
            withheld[column.label] = "whether people are covered in it was not measured"
        elif covered.value < MOST_COVERED_FROM:
            withheld[column.label] = f"it leaves people visible (coverage {show_number(covered.value)})"
    return withheld


def render_page(
    evaluation: Evaluation, table: Table, entries: Sequence[MeasureEntry], gallery: Gallery, *, anomaly: str = ""
) -> str:
    """Write the page.

    Args:
        evaluation: what was counted.
        table: figures read off it.
        entries: the measures of the evaluation.
        gallery: pictures.
        anomaly: a section with the id ``anomaly``, as HTML in which all that is not ours is escaped already; empty: none.

    Returns:
        HTML; everything that comes from file names, notes or manifests is escaped.
    """
    package = "bodydouble.evaluation.report"
    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = resources.files(package)
    style, script = (files.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.filters.update(number=show_number, interval=show_interval)
    return environment.get_template("page.html.j2").render(
        style=Markup(style),  # ours: it holds no text of the run
        script=Markup(script),
        script_sha256=digest,
        evaluation=evaluation,
        table=table,
        groups=[(group, GROUP_TITLES[group], table.of_group(group)) for group in GROUPS if table.of_group(group)],
        directions=DIRECTIONS,
        notes={row.key: _notes(row, table) for row in table.rows},
        not_measured=NOT_MEASURED,
        unmeasured=[(entry, table.unmeasured[entry.name]) for entry in entries if entry.name in table.unmeasured],
        entries=entries,
        verdicts=judge(evaluation, table),
        grades=GRADES,
        gallery=gallery,
        originals_warning=ORIGINALS_WARNING,
        per_row=CELLS_PER_ROW,
        cases=_cases(entries, gallery),
        distributions=_distributions(evaluation, entries),
        timelines=_timelines(evaluation, table),
        anomaly=Markup(anomaly),
        limits=limits_of(evaluation, table),
        labels=[column.label for column in evaluation.columns],
    )


def _notes(row: Row, table: Table) -> list[tuple[str, str]]:
    """Remarks on a figure: those that hold for all columns once, with no label before them."""
    if all(cell.value is None for cell in row.cells) and len({cell.note for cell in row.cells}) == 1:
        return []  # the row itself says why there is nothing
    notes = [(label, cell.note) for label, cell in zip(table.labels, row.cells, strict=True) if cell.note]
    if len(notes) == len(table.labels) and len({note for _, note in notes}) == 1:
        return [("", notes[0][1])]
    grouped: dict[str, list[str]] = {}
    for label, note in notes:
        grouped.setdefault(note, []).append(label)
    return [(", ".join(labels), note) for note, labels in grouped.items()]


def _cases(entries: Sequence[MeasureEntry], gallery: Gallery) -> list[tuple[MeasureEntry, list[CasePicture]]]:
    found = [(entry, [case for case in gallery.cases if case.plan.measure == entry.name]) for entry in entries]
    return [(entry, cases) for entry, cases in found if cases]


def _distributions(evaluation: Evaluation, entries: Sequence[MeasureEntry]) -> tuple[DistributionChart, ...]:
    return distributions(evaluation, [(entry.name, one) for entry in entries for one in entry.distributions])


def _timelines(evaluation: Evaluation, table: Table) -> tuple[Timeline, ...]:
    return timelines(evaluation, table)


def grade_line(verdict: Verdict) -> str:
    """Label, sign and headline, for the terminal."""
    return f"{verdict.label}: {GRADES[verdict.grade][0]} {verdict.headline}"
