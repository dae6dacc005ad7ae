"""`bodydouble evaluate` from the command line to the report, with measures that ask no network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bodydouble
from bodydouble.anomaly.config import preset
from bodydouble.anomaly.table.plan import TablePlan, write_mark
from bodydouble.anomaly.table.record import write_record
from bodydouble.anomaly.table.report import AboutData
from bodydouble.anomaly.table.variants import Variant
from bodydouble.evaluation.report.files import read_evaluation
from tests.integration.conftest import NUM_FRAMES, frame_rgb, read_clip, write_clip
from tests.unit.anomaly_table.helpers import record

MEASURES = ("--measures", "outside_unchanged,pairwise_ssim,flicker,cost", "--quiet")
FILES = {"report.html", "results.json", "table.csv", "table.tex"}


@pytest.fixture
def footage(finished: Path, tmp_path: Path) -> Path:
    """The street, what a run made of it, and a flat grey version made elsewhere."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    frames = list(read_clip(tmp_path / "street.mkv"))
    write_clip(tmp_path / "gray.mkv", [np.full_like(rgb, 120) for rgb in frames])
    return tmp_path


def results(report: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((report / "results.json").read_text(encoding="utf-8"))
    return data


def value(report: Path, label: str, key: str) -> float | None:
    column = next(column for column in results(report)["columns"] if column["label"] == label)
    found: float | None = next(figure["value"] for figure in column["figures"] if figure["key"] == key)
    return found


def evaluate(run: Callable[..., int], folder: Path, *words: str | Path) -> int:
    return run("evaluate", folder / "street.mkv", *words, *MEASURES)


def write_table(folder: Path) -> None:
    """A table of one detector and two variants, as `bodydouble anomaly table` leaves it behind."""
    plan = TablePlan(
        dataset=folder,
        variants=(Variant(name="original", path=folder), Variant(name="ours", path=folder)),
        configs={"unet": preset("unet", "cpu")},
        preset="cpu",
        seeds=1,
    )
    about = AboutData(kind="synth", remarks=(), size="")
    (folder / "runs").mkdir(parents=True)
    write_mark(plan, about, folder)
    for made in (record("original", 0, raw=[1, 2, 3, 4]), record("ours", 0, raw=[1, 3, 2, 4], own=[4, 1, 2, 3])):
        write_record(folder / "runs" / f"{made.job.name}.json", made)
    (folder / "results.json").write_text('{"label_checks": [], "failed": []}')


def test_a_table_and_a_page(footage: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    report = footage / "report"
    code = evaluate(run, footage, footage / "street.bodydouble.mkv", f"flat={footage / 'gray.mkv'}", "-o", report)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert {path.name for path in report.iterdir()} == FILES
    assert f"the report: {report / 'report.html'}" in said.out
    data = results(report)
    assert [column["label"] for column in data["columns"]] == ["original", "street.bodydouble", "flat"]
    assert data["clips"][0]["num_frames"] == NUM_FRAMES
    assert data["clips"][0]["scene_from"].startswith("that of the run"), "nobody looked again"
    assert value(report, "original", "utility.outside.largest") == 0
    ours, flat = (value(report, label, "utility.outside.mean") for label in ("street.bodydouble", "flat"))
    assert ours is not None
    assert flat is not None
    assert ours < 1 < flat
    assert data["columns"][1]["ledger"]["people"] == {"replaced": 2}
    assert data["columns"][1]["method"]["seed"] == ["3"]
    assert data["columns"][2]["method"] == {}
    assert str(footage) not in (report / "report.html").read_text(encoding="utf-8"), "paths tell who measured"
    assert str(footage) not in (report / "results.json").read_text(encoding="utf-8")


def test_absent_weights_are_said_not_skipped(footage: Path, run: Callable[..., int]) -> None:
    report, empty = footage / "report", footage / "none"
    empty.mkdir()
    words = ("--measures", "detection_kept,coverage,cost", "--referees", empty, "-o", report, "--quiet")
    assert run("evaluate", footage / "street.mkv", footage / "street.bodydouble.mkv", *words) == 0
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "not measured, because the weights of the independent detector" in page
    assert "not measured, because there is no ground truth" in page
    assert "not measured, because the weights" in (report / "table.csv").read_text(encoding="utf-8")


def test_counts_are_kept_and_gone_on_with(
    footage: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = footage / "report"
    words = (footage / "street.bodydouble.mkv", "-o", report)
    assert evaluate(run, footage, *words) == 0
    before = (report / "results.json").read_bytes()
    assert evaluate(run, footage, *words) == 2, "the report exists"
    measured: list[str] = []
    from bodydouble.pipeline import evaluate_run

    real = evaluate_run.measure_clip
    monkeypatch.setattr(
        evaluate_run, "measure_clip", lambda work, *rest: (measured.append(work.name), real(work, *rest))[1]
    )
    assert evaluate(run, footage, *words, "--resume") == 0
    assert not measured, "nothing is counted twice"
    assert (report / "results.json").read_bytes() == before
    assert evaluate(run, footage, *words, "--overwrite") == 0
    assert measured
    assert (report / "results.json").read_bytes() == before
    measured.clear()
    frames = list(read_clip(footage / "street.bodydouble.mkv"))
    (footage / "street.bodydouble.mkv").unlink()
    write_clip(footage / "street.bodydouble.mkv", [rgb // 2 for rgb in frames])
    assert evaluate(run, footage, *words, "--resume") == 0
    assert measured, "another result is not taken for the former"
    assert (report / "results.json").read_bytes() != before
    assert "CHANGED" in (report / "report.html").read_text(encoding="utf-8")


def test_figures_do_not_depend_on_workers(footage: Path, run: Callable[..., int]) -> None:
    one, two = footage / "one", footage / "two"
    words = (footage / "street.bodydouble.mkv", footage / "gray.mkv")
    assert evaluate(run, footage, *words, "-o", one) == 0
    assert evaluate(run, footage, *words, "-o", two, "--workers", "2") == 0
    assert (one / "results.json").read_bytes() == (two / "results.json").read_bytes()
    assert (one / "table.csv").read_bytes() == (two / "table.csv").read_bytes()


def test_shards_add_to_the_whole(footage: Path, run: Callable[..., int]) -> None:
    half = NUM_FRAMES // 2
    for name, parts in (("all", ("a", "b")), ("one", ("a",)), ("two", ("b",))):
        for kind, shift in (("in", 0), ("out", 40)):
            folder = footage / name / kind
            folder.mkdir(parents=True)
            for part in parts:
                first = 0 if part == "a" else half
                clip = [np.clip(frame_rgb(first + i).astype(int) + shift, 0, 255).astype(np.uint8) for i in range(half)]
                write_clip(folder / f"{part}.mkv", clip)
                # Two clips make a tree; a tree of one would be a single clip with another name.
    for name in ("all", "one", "two"):
        folder = footage / name
        words = (folder / "in", f"brighter={folder / 'out'}", "-o", folder / "report", *MEASURES)
        assert run("evaluate", *words) == 0
    merged = footage / "merged"
    shards = (footage / "one" / "report", footage / "two" / "report")
    assert run("evaluate", "--merge", *shards, "-o", merged, "--quiet") == 0
    assert [clip.name for clip in read_evaluation(merged).clips] == ["a.mkv", "b.mkv"]
    assert (merged / "table.csv").read_text() == (footage / "all" / "report" / "table.csv").read_text()
    assert run("evaluate", "--merge", shards[0], shards[0], "-o", footage / "twice") == 2
    assert not (footage / "twice").exists()


def test_the_first_frames_only(footage: Path, run: Callable[..., int]) -> None:
    report = footage / "report"
    words = (footage / "street.bodydouble.mkv", "-o", report, "--max-frames", "5", "--scene")
    assert evaluate(run, footage, *words, footage / "street.bodydouble.run" / "scene") == 0
    clip = results(report)["clips"][0]
    assert (clip["num_frames"], clip["is_cut"], clip["scene_from"]) == (5, True, "given by --scene")


def test_originals_only_on_request(footage: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    words = (footage / "street.bodydouble.mkv", "-o")
    assert evaluate(run, footage, *words, footage / "careful") == 0
    careful = (footage / "careful" / "report.html").read_text(encoding="utf-8")
    assert "data:image/webp" not in careful, "coverage was not measured: no picture of anything"
    assert evaluate(run, footage, *words, footage / "open", "--show-originals") == 0
    assert "CONTAINS ORIGINAL FOOTAGE" in capsys.readouterr().err
    shown = (footage / "open" / "report.html").read_text(encoding="utf-8")
    assert "CONTAINS ORIGINAL FOOTAGE" in shown
    assert "data:image/webp" in shown


def test_a_table_of_anomaly_detectors_becomes_a_section(
    footage: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    table, report = footage / "table", footage / "report"
    write_table(table)
    result = footage / "street.bodydouble.mkv"
    assert evaluate(run, footage, result, "--anomaly", table, "-o", report) == 0, capsys.readouterr().err
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.count('id="anomaly"') == 1
    assert "trained on the variant, tested on the footage as filmed" in page
    # Of the four frames 1, 3, 2 and 4 rank: three of four pairs are right.
    assert "75.0" in page


@pytest.mark.parametrize(
    "wrong", ["missing", "no video", "short", "small", "label", "measure", "truth", "anomaly", "one"]
)
def test_bad_input_is_one_message_and_no_report(
    wrong: str, footage: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    frames = list(read_clip(footage / "street.mkv"))
    good, bad, report = footage / "street.bodydouble.mkv", footage / "bad.mkv", footage / "report"
    words: list[str | Path] = [bad]
    if wrong == "no video":
        bad.write_text("this is no video")
    elif wrong == "short":
        write_clip(bad, frames[:-1])
    elif wrong == "small":
        write_clip(bad, [rgb[::2, ::2].copy() for rgb in frames])
    elif wrong == "label":
        words = [f"original={good}"]
    elif wrong == "measure":
        words = [good, "--measures", "beauty"]
    elif wrong == "truth":
        words = [good, "--truth", footage / "nothing.txt"]
    elif wrong == "anomaly":
        words = [good, "--anomaly", footage]
    elif wrong == "one":
        words = []
    code = run("evaluate", footage / "street.mkv", *words, "-o", report, "--quiet")
    said = capsys.readouterr().err
    assert code == 2, said
    assert len(said.strip().splitlines()) == 1
    assert not report.exists()
    assert not list(footage.glob(".report*"))


def test_two_results_of_one_name_need_names(footage: Path, run: Callable[..., int]) -> None:
    result = footage / "street.bodydouble.mkv"
    assert evaluate(run, footage, result, result, "-o", footage / "report") == 2


def test_a_folder_of_something_else_is_left_alone(footage: Path, run: Callable[..., int]) -> None:
    report = footage / "report"
    report.mkdir()
    (report / "thesis.txt").write_text("years of work")
    assert evaluate(run, footage, footage / "street.bodydouble.mkv", "-o", report, "--overwrite") == 2
    assert (report / "thesis.txt").read_text() == "years of work"
    work = footage / "other.work"
    work.mkdir()
    (work / "thesis.txt").write_text("more work")
    assert evaluate(run, footage, footage / "street.bodydouble.mkv", "-o", footage / "other", "--overwrite") == 2
    assert (work / "thesis.txt").exists()


def test_from_python(footage: Path) -> None:
    from bodydouble.pipeline.evaluate_open import EvaluateOptions

    report = bodydouble.evaluate(
        footage / "street.mkv",
        [footage / "gray.mkv", footage / "street.bodydouble.mkv"],
        footage / "report",
        options=EvaluateOptions(measures=("pairwise_ssim",), pictures="none"),
    )
    assert report.page.is_file()
    cell = report.table.cell("temporal.ssim.pairs", "gray")
    assert cell is not None
    assert cell.value == pytest.approx(1.0), "one colour wins, which is why it is never read alone"
