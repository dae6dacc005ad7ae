"""Figures over seeds by hand; what the text makes of them; what the remarks notice."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import VideoTerms
from bodydouble.anomaly.table.checks import check_labels
from bodydouble.anomaly.table.curves import curves
from bodydouble.anomaly.table.figures import Cell, Figures, remarks
from bodydouble.anomaly.table.record import Job, Record
from bodydouble.anomaly.table.text import show, tex
from bodydouble.errors import InputError
from tests.unit.anomaly_table.helpers import LABELS, record, truth_of


def cell(figures: Figures, key: str, detector: str, variant: int) -> Cell:
    blocks = {block.key: block for block in figures.blocks(("unet", "flow"), ("original", "ours"), 3)}
    return next(row for row in blocks[key].rows if row.detector == detector).cells[variant]


def test_mean_deviation_and_change_by_hand() -> None:
    # With labels 0 0 1 1: the order 1 2 3 4 is right (1), 1 3 2 4 has one pair of four wrong (0.75), 4 3 2 1 all (0).
    figures = Figures(protocol=Protocol())
    right, nearly, wrong = [1, 2, 3, 4], [1, 3, 2, 4], [4, 3, 2, 1]
    for seed, (original, raw, own) in enumerate(
        [(right, nearly, wrong), (right, right, wrong), (nearly, nearly, right)]
    ):
        for made in (record("original", seed, raw=original), record("ours", seed, raw=raw, own=own)):
            figures.records[made.job] = made
    assert cell(figures, "micro-raw", "unet", 0).by_seed == {0: 100, 1: 100, 2: 75}
    changed = cell(figures, "micro-raw", "unet", 1)
    assert changed.by_seed == {0: 75, 1: 100, 2: 75}
    assert changed.mean == pytest.approx(250 / 3)
    assert changed.deviation == pytest.approx(np.std([75, 100, 75], ddof=1))
    assert changed.change == pytest.approx(-25 / 3)
    # On its own footage the original is the original.
    assert cell(figures, "micro-own", "unet", 0) == cell(figures, "micro-raw", "unet", 0)
    assert cell(figures, "micro-own", "unet", 1).by_seed == {0: 0, 1: 0, 2: 100}


def test_the_change_compares_seeds_that_both_have() -> None:
    figures = Figures(protocol=Protocol())
    for made in (record("original", 1, raw=[1, 2, 3, 4]), record("ours", 0, raw=[4, 3, 2, 1])):
        figures.records[made.job] = made
    assert cell(figures, "micro-raw", "unet", 1).change is None
    later = record("ours", 1, raw=[1, 3, 2, 4])
    figures.records[later.job] = later
    found = cell(figures, "micro-raw", "unet", 1)
    assert found.change == pytest.approx(-25)
    assert found.by_seed == {0: 0, 1: 75}


def test_who_learns_nothing_has_one_figure_on_raw_footage() -> None:
    figures = Figures(protocol=Protocol())
    for made in (
        record("original", 0, raw=[1, 2, 3, 4], detector="flow"),
        record("ours", 0, own=[4, 3, 2, 1], detector="flow"),
    ):
        figures.records[made.job] = made
    assert cell(figures, "micro-raw", "flow", 1).by_seed == {0: 100}
    assert cell(figures, "micro-raw", "flow", 1).change == 0
    assert cell(figures, "micro-own", "flow", 1).by_seed == {0: 0}


def test_a_run_that_scores_all_alike_is_an_empty_cell() -> None:
    figures = Figures(protocol=Protocol())
    made = record("original", 0, raw=[2, 2, 2, 2])
    figures.records[made.job] = made
    empty = cell(figures, "micro-raw", "unet", 0)
    assert empty.mean is None
    assert empty.deviation is None
    assert show(empty) == "–"


@pytest.mark.parametrize(
    ("by_seed", "change", "text"),
    [
        ({0: 91.24}, None, "91.2"),
        ({0: 90.0, 1: 92.0}, None, "91.0 ± 1.4"),
        ({0: 90.0, 1: 92.0}, -1.96, "91.0 ± 1.4 (−2.0)"),
        ({0: 90.0}, 0.04, "90.0 (±0.0)"),
        ({0: 90.0}, -0.04, "90.0 (±0.0)"),
        ({0: 100.0}, 3.0, "100.0 (+3.0)"),
    ],
)
def test_how_a_figure_is_shown(by_seed: dict[int, float], change: float | None, text: str) -> None:
    assert show(Cell(by_seed=by_seed, change=change)) == text


def test_latex_takes_any_name() -> None:
    assert tex("a_b & 5 % ± {x} −1") == r"a\_b \& 5 \% $\pm$ \{x\} $-$1"


def test_remarks_notice_what_lies_below_the_baselines_and_chance() -> None:
    figures = Figures(protocol=Protocol())
    for made in (
        record("original", 0, raw=[4, 3, 2, 1], detector="mpn"),
        record("original", 0, raw=[1, 3, 2, 4], detector="unet"),
        record("original", 0, raw=[1, 2, 3, 4], detector="flow"),
    ):
        figures.records[made.job] = made
    blocks = figures.blocks(("mpn", "unet", "flow"), ("original",), 1)
    said = remarks(blocks, ("original",), 1, "")
    assert any("below the plain U-Net (baseline) with 75.0: MPN (0.0)" in text for text in said)
    assert any("below the largest optical flow" in text and "100.0: MPN (0.0)" in text for text in said)
    assert any("below chance" in text and "MPN (0.0)" in text for text in said)
    assert any(text.startswith("One seed") for text in said)
    assert not any(text.startswith("Not finished") for text in said)
    # Two seeds asked for: flow has all it needs, the others do not.
    blocks = figures.blocks(("mpn", "unet", "flow"), ("original",), 2)
    assert "Not finished: 2 of 3 cells lack runs." in remarks(blocks, ("original",), 2, "")


def test_curves_shade_the_abnormal_frames_and_stay_in_their_frame() -> None:
    figures = Figures(protocol=Protocol())
    made = record("original", 0, raw=[1, 2, 3, 4])
    figures.records[made.job] = made
    (raw, own) = curves(figures, ("unet",), ("original",), 2)
    (curve,) = raw.curves
    # One frame has no score: five frames over 600 units, the last two abnormal.
    assert curve.abnormal == ((360.0, 240.0),)
    points = [tuple(map(float, pair.split(","))) for pair in curve.lines[0].points.split()]
    assert [x for x, _ in points] == [180, 300, 420, 540]
    assert points[0][1] == 100
    assert points[-1][1] == 0
    assert own.curves == raw.curves


def test_long_videos_are_drawn_with_few_points() -> None:
    figures = Figures(protocol=Protocol())
    count = 1501
    terms = VideoTerms(
        first=0, labels=np.arange(count) > 700, frame=np.arange(1.0, count + 1), patch=np.ones(count), feature=None
    )
    job = Job(seed=0, detector="unet", variant="original")
    figures.records[job] = Record(job=job, made_of={}, seconds=1, parameters=1, tests={"raw": {"a": terms}})
    line = curves(figures, ("unet",), ("original",), 1)[0].curves[0].lines[0]
    assert len(line.points.split()) == 200
    assert line.auc == pytest.approx(100)


def test_the_check_of_labels_passes_and_notices_a_shift() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 100 > 40
    made = record("original", 0, raw=rng.uniform(1, 2, 399), labels=labels[1:])
    (check,) = check_labels(made, truth_of(labels), Protocol())
    assert check.passed
    assert check.as_scores == 1
    assert abs(check.shuffled - 0.5) < 0.05
    # The run says that its scores begin at frame 1, but its labels are those from frame 0.
    shifted = record("original", 0, raw=rng.uniform(1, 2, 399), labels=labels[:-1])
    (check,) = check_labels(shifted, truth_of(labels), Protocol())
    assert check.as_scores < 1
    assert not check.passed


def test_the_check_of_labels_refuses_other_videos_and_frames() -> None:
    with pytest.raises(InputError, match="frames that a does not have"):
        check_labels(record("original", 0, raw=[1, 2, 3, 4]), truth_of(LABELS[:-1]), Protocol())
    with pytest.raises(InputError, match="other videos"):
        check_labels(record("original", 0, raw=[1, 2, 3, 4]), truth_of(LABELS, name="b"), Protocol())
