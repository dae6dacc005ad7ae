"""Figures by result: what is written into the table, the CSV and the LaTeX file."""

from __future__ import annotations

import csv
import io
import math

import pytest

from bodydouble.evaluation.report.table import NOT_MEASURED, make_table, show_number, show_percent, to_csv, to_latex
from tests.unit.evaluation.report.fakes import by_name, make_evaluation


def test_every_figure_of_every_result_and_the_best_one_marked() -> None:
    table = make_table(make_evaluation(), by_name(), {})
    assert table.labels == ("original", "pixelated", "ours")
    assert [row.key for row in table.rows] == [measure.key for measure in by_name().values()]  # type: ignore[attr-defined]
    best = {row.key: {table.labels[number] for number in row.best} for row in table.rows}
    assert best["privacy.coverage.truth"] == {"ours"}
    assert best["privacy.reid.net.rank1"] == {"ours"}, "nearest to chance, not lowest or highest"
    assert best["temporal.ssim.pairs"] == {"pixelated"}
    cell = table.cell("privacy.reid.net.rank1", "pixelated")
    assert cell is not None
    assert cell.value == pytest.approx(0.7)


def test_the_original_is_never_the_best() -> None:
    table = make_table(make_evaluation(), by_name(), {})
    assert all(0 not in row.best for row in table.rows)


def test_one_result_alone_is_not_the_best_of_anything() -> None:
    table = make_table(make_evaluation(labels=("original", "ours")), by_name(), {})
    assert all(not row.best for row in table.rows)


def test_what_could_not_be_had_says_why() -> None:
    measures = by_name()
    del measures["weak"]
    table = make_table(make_evaluation(), measures, {"weak": "the coin is not there"})
    assert table.unmeasured == {"weak": "the coin is not there"}
    assert f"{NOT_MEASURED}the coin is not there" in to_csv(table)
    assert f"{NOT_MEASURED}the coin is not there" in to_latex(table)


def test_a_measure_without_a_tally_says_why_in_its_cell() -> None:
    from dataclasses import replace

    evaluation = make_evaluation()
    bare = replace(evaluation.columns[2], tallies={}, missing={"ssim": ("there is no ground truth",)})
    table = make_table(replace(evaluation, columns=(*evaluation.columns[:2], bare)), by_name(), {})
    cell = table.cell("temporal.ssim.pairs", "ours")
    assert cell is not None
    assert cell.value is None
    assert cell.note == f"{NOT_MEASURED}there is no ground truth"


def test_csv_has_numbers_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(make_table(make_evaluation(), by_name(), {})))))
    assert len(rows) == 5 * 3
    found = next(row for row in rows if row["key"] == "privacy.coverage.truth" and row["result"] == "ours")
    assert float(found["value"]) == 0.9995
    assert found["trials"] == "2000"


def test_latex_escapes_and_balances() -> None:
    evaluation = make_evaluation()
    text = to_latex(make_table(evaluation, by_name(), {}))
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\") and r"\multicolumn" not in line]
    assert {line.count(" & ") for line in body} == {4}
    assert r"\toprule" in text
    assert r"\bottomrule" in text
    assert r"\textbf{0.9995}" in text


def test_latex_of_hostile_labels() -> None:
    from dataclasses import replace

    evaluation = make_evaluation()
    renamed = replace(evaluation.columns[1], label="50%_blur & co\\")
    text = to_latex(make_table(replace(evaluation, columns=(renamed,)), by_name(), {}))
    assert r"50\%\_blur \& co\textbackslash{}" in text


@pytest.mark.parametrize("value", [0.99999, 0.9999999, 1e-5, 1e-9, 0.0004])
def test_nothing_is_rounded_to_what_it_is_not(value: float) -> None:
    assert float(show_number(value)) not in (0.0, 1.0)
    if value > 1e-6:
        assert show_percent(value) not in ("0 %", "100 %")


def test_not_a_number_is_a_dash() -> None:
    assert show_number(math.nan) == "–"
