"""The files of a report, which appear together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble.errors import OutputError
from bodydouble.evaluation.measures.builders import Workshop
from bodydouble.evaluation.measures.registry import MeasureEntry, build_measures, entry_of
from bodydouble.evaluation.report.files import RESULTS_FILE, to_json
from bodydouble.evaluation.report.limits import limits_of
from bodydouble.evaluation.report.model import Evaluation
from bodydouble.evaluation.report.page import Gallery, render_page
from bodydouble.evaluation.report.table import Table, make_table, to_csv, to_latex
from bodydouble.evaluation.report.verdict import Verdict, judge, sentences
from bodydouble.pipeline.folder import check_free
from bodydouble.scene.strict_files import replacing

if TYPE_CHECKING:
    MakeGallery = Callable[[Table, Sequence[MeasureEntry]], Gallery]

PAGE: Final = "report.html"
_OURS: Final = frozenset({RESULTS_FILE, "table.csv", "table.tex", PAGE})


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report that was written."""

    folder: Path
    evaluation: Evaluation
    table: Table
    verdicts: tuple[Verdict, ...]
    shows_originals: bool
    """The page shows people as filmed."""

    @property
    def page(self) -> Path:
        """The page for people."""
        return self.folder / PAGE


def check_report(output: Path, *, replace: bool) -> None:
    """See, before any work is done, that a report can be written.

    Raises:
        OutputError: it exists and may not be replaced, its folder is missing, or something else is there.
    """
    check_free(output, overwrite=replace)
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"a report is a folder, and this is a file; choose another name: {output}")
    others = sorted(path.name for path in output.iterdir() if path.name not in _OURS)
    if others:
        raise OutputError(f"the folder holds something else ({others[0]}) and is left alone: {output}")


def anomaly_section(table: Path | None) -> str:
    """The section of a table of anomaly detectors, as HTML; empty if there is none.

    Args:
        table: folder that ``bodydouble anomaly table`` wrote, finished or not.

    Raises:
        InputError: it is none, or has no finished run.
    """
    if table is None:
        return ""
    from bodydouble.anomaly.table.page import render_section
    from bodydouble.anomaly.table.reopen import read_report

    return render_section(read_report(table))


def write_report(
    evaluation: Evaluation,
    workshop: Workshop,
    output: Path,
    *,
    replace: bool,
    gallery: MakeGallery | None = None,
    anomaly: str = "",
) -> Report:
    """Read the figures off the counts and write all files.

    Args:
        evaluation: what was counted.
        workshop: what measures share.
        output: folder of the report.
        replace: take the place of what is there.
        gallery: makes the pictures; none if None.
        anomaly: see `anomaly_section`.

    Raises:
        OutputError: it cannot be written.
    """
    check_report(output, replace=replace)
    measures, absent = build_measures(evaluation.measures, workshop)
    table = make_table(evaluation, measures, absent)
    entries = [entry_of(name) for name in evaluation.measures]
    nothing = Gallery(shown="none", note="A report that was added up has no pictures; look at its parts.")
    pictures = gallery(table, entries) if gallery is not None else nothing
    verdicts = judge(evaluation, table)
    figures = {
        label: [row.cells[number] for row in table.rows] for number, label in enumerate(table.labels)
    }  # fmt: skip
    texts = {
        RESULTS_FILE: to_json(
            evaluation, figures, verdict=sentences(verdicts), limits=limits_of(evaluation, table)
        ),
        "table.csv": to_csv(table),
        "table.tex": to_latex(table),
        PAGE: render_page(evaluation, table, entries, pictures, anomaly=anomaly),
    }  # fmt: skip
    with replacing(output) as temporary:
        temporary.mkdir()
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8")
    return Report(
        folder=output,
        evaluation=evaluation,
        table=table,
        verdicts=verdicts,
        shows_originals=pictures.shown == "originals",
    )
