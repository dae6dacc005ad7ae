"""Plain words follow from figures by rules, also where they are bad news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bodydouble.evaluation.report.limits import limits_of
from bodydouble.evaluation.report.model import Evaluation
from bodydouble.evaluation.report.table import make_table
from bodydouble.evaluation.report.verdict import COVERAGE_KEYS, Leak, Verdict, judge, leaks_of, sentences
from tests.unit.evaluation.report import fakes


def verdict_of(label: str, evaluation: Evaluation | None = None) -> Verdict:
    evaluation = evaluation or fakes.make_evaluation()
    verdicts = judge(evaluation, make_table(evaluation, fakes.by_name(), {}))
    return next(verdict for verdict in verdicts if verdict.label == label)


def with_value(label: str, measure: str, value: float) -> Evaluation:
    evaluation = fakes.make_evaluation()
    columns = [
        replace(column, tallies={**column.tallies, measure: fakes.tally(measure, value, "street.mp4")})
        if column.label == label
        else column
        for column in evaluation.columns
    ]
    return replace(evaluation, columns=tuple(columns))


def test_good_news() -> None:
    verdict = verdict_of("ours")
    assert verdict.grade == "good"
    assert [finding.grade for finding in verdict.findings] == ["good", "good", "good"]
    assert "99.95 % of 2000 sightings" in verdict.findings[0].text


def test_bad_news_is_said_and_compared_with_pixelation() -> None:
    verdict = verdict_of("pixelated")
    assert verdict.grade == "bad"
    assert "keeps 75 %" in verdict.findings[1].text
    assert "From pixelated it gets 0.700" in verdict_of("ours").findings[1].text


def test_a_copy_of_the_original_is_bad_in_every_respect_but_use() -> None:
    evaluation = fakes.make_evaluation()
    copy = replace(evaluation.columns[0], label="copy")
    verdict = verdict_of("copy", replace(evaluation, columns=(*evaluation.columns, copy)))
    assert [finding.grade for finding in verdict.findings] == ["bad", "bad", "good"]


@pytest.mark.parametrize(
    ("value", "grade"), [(1.0, "good"), (0.999, "good"), (0.99, "fair"), (0.95, "fair"), (0.94, "bad")]
)
def test_coverage_limits(value: float, grade: str) -> None:
    assert verdict_of("ours", with_value("ours", "coverage", value)).findings[0].grade == grade


@pytest.mark.parametrize(
    ("rank1", "grade"), [(0.1, "good"), (0.05, "good"), (0.18, "good"), (0.25, "fair"), (0.34, "bad"), (0.9, "bad")]
)
def test_leak_limits(rank1: float, grade: str) -> None:
    assert verdict_of("ours", with_value("ours", "lookup", rank1)).findings[1].grade == grade


def test_a_leak_whose_interval_reaches_chance_is_not_called_certain() -> None:
    table = make_table(fakes.make_evaluation(), fakes.by_name(), {})
    cell = table.cell("privacy.reid.net.rank1", "ours")
    assert cell is not None
    row = next(row for row in table.rows if row.key == cell.key)
    unsure = Leak(row=row, figure=replace(cell, value=0.4, interval=(0.05, 0.9)), share=0.5, original=0.9)
    sure = replace(unsure, figure=replace(cell, value=0.4, interval=(0.2, 0.9)))
    assert not unsure.is_clear
    assert sure.is_clear


def test_an_attack_that_fails_on_the_original_is_no_success() -> None:
    evaluation = with_value("original", "lookup", 0.12)
    verdict = verdict_of("ours", evaluation)
    assert verdict.findings[1].grade == "unknown"
    assert verdict.grade == "unknown"
    assert "re-identification, coin" in verdict.findings[1].text, "the weak attack is named"
    leaks, weak = leaks_of(make_table(evaluation, fakes.by_name(), {}), "ours")
    assert not leaks
    assert len(weak) == 2


def test_what_was_not_measured_is_not_good() -> None:
    evaluation = fakes.make_evaluation()
    bare = replace(evaluation.columns[2], tallies={})
    verdict = verdict_of("ours", replace(evaluation, columns=(*evaluation.columns[:2], bare)))
    assert {finding.grade for finding in verdict.findings} == {"unknown"}
    assert verdict.grade == "unknown"


def test_sentences_name_every_result_once() -> None:
    evaluation = fakes.make_evaluation()
    lines = sentences(judge(evaluation, make_table(evaluation, fakes.by_name(), {})))
    assert [line.split(":")[0] for line in lines] == ["pixelated", "ours"]


def test_limits_are_honest_about_truth_size_and_origin() -> None:
    evaluation = fakes.make_evaluation()
    text = " ".join(limits_of(evaluation, make_table(evaluation, fakes.by_name(), {})))
    assert "no ground truth" in text
    assert "only 2 people" in text
    assert "pixelated" in text, "nothing is known of how it was made"
    assert "Blackout, blur and pixelation" in text


def test_the_keys_that_rules_read_are_those_of_the_measures() -> None:
    from bodydouble.evaluation.measures.base import Tally
    from bodydouble.evaluation.measures.coverage import Coverage
    from bodydouble.evaluation.measures.referee_coverage import RefereeCoverage

    measures = (Coverage(lambda clip: ()), RefereeCoverage(None))  # type: ignore[arg-type]
    keys = [figure.key for measure in measures for figure in measure.figures(Tally(measure=measure.name))]
    assert set(COVERAGE_KEYS) <= set(keys)
