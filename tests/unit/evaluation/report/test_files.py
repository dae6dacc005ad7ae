"""``results.json`` comes back as it was, and reports of shards add as counts."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodydouble.errors import BundleError, InputError
from bodydouble.evaluation.measures.base import Tally
from bodydouble.evaluation.report.files import read_evaluation, read_tally, to_json, write_tally
from bodydouble.evaluation.report.table import make_table
from tests.unit.evaluation.report import fakes


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(text, encoding="utf-8")
    return folder


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    evaluation = fakes.make_evaluation("straße/01.avi")
    table = make_table(evaluation, fakes.by_name(), {})
    figures = {label: [row.cells[i] for row in table.rows] for i, label in enumerate(table.labels)}
    text = to_json(evaluation, figures, verdict=("bad",), limits=("few",))
    again = read_evaluation(write(tmp_path / "r", text))
    assert to_json(again, figures, verdict=("bad",), limits=("few",)) == text
    assert json.loads(text)["columns"][2]["figures"][0]["value"] == 0.9995
    assert math.isnan(again.columns[1].tallies["ssim"].series[0].values[3]), "null is what could not be measured"


def test_shards_add_as_counts_not_as_averages() -> None:
    one, other = fakes.make_evaluation("a"), fakes.make_evaluation("b")
    small = Tally(measure="coverage", counts={"part": 0.0, "whole": 100.0})
    columns = tuple(replace(column, tallies={**column.tallies, "coverage": small}) for column in other.columns)
    total = one + replace(other, columns=columns)
    cell = make_table(total, fakes.by_name(), {}).cell("privacy.coverage.truth", "ours")
    assert cell is not None
    assert cell.value == pytest.approx(0.9995 * 2000 / 2100)
    assert cell.value != pytest.approx(0.9995 / 2)
    assert [clip.name for clip in total.clips] == ["a", "b"]
    assert total.columns[2].ledger is not None
    assert total.columns[2].ledger.frames == {"painted_out": 8, "replaced": 80}


def test_order_of_shards_does_not_matter() -> None:
    one, other = fakes.make_evaluation("a"), fakes.make_evaluation("b")
    tables = [make_table(total, fakes.by_name(), {}) for total in (one + other, other + one)]
    assert [[cell.value for cell in row.cells] for row in tables[0].rows] == [
        [cell.value for cell in row.cells] for row in tables[1].rows
    ]


def test_what_does_not_add() -> None:
    one = fakes.make_evaluation("a")
    with pytest.raises(InputError, match="count twice: a"):
        one + one
    with pytest.raises(InputError, match="different results"):
        one + fakes.make_evaluation("b", labels=("original", "ours"))
    with pytest.raises(InputError, match="another seed"):
        one + replace(fakes.make_evaluation("b"), seed=1)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "other"}', "\ud800".encode("utf-8", "replace").decode()])
def test_no_report(text: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"results\.json"):
        read_evaluation(write(tmp_path / "r", text))


def test_missing_report(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no report can be read"):
        read_evaluation(tmp_path / "nothing")


def test_tallies_come_back_also_numpy_and_nan(tmp_path: Path) -> None:
    tally = fakes.tally("ssim", 0.5, "c")
    odd = replace(tally, counts={"a": np.float64(0.1), "b": math.nan})  # type: ignore[dict-item]
    write_tally(odd, tmp_path / "t.json")
    again = read_tally(tmp_path / "t.json")
    assert again.counts["a"] == 0.1
    assert math.isnan(again.counts["b"])
    assert again.cases == tally.cases
    with pytest.raises(BundleError):
        read_tally(tmp_path / "other.json")
