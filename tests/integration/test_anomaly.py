"""``bodydouble anomaly`` from the command line, on drawn squares: they creep, and where something is abnormal, they run."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from bodydouble.anomaly import train as training
from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.anomaly.table.page import render_section
from bodydouble.anomaly.table.reopen import read_report
from bodydouble.anomaly.table.report import as_json
from bodydouble.cli import main
from bodydouble.errors import InputError
from bodydouble.scene import SilentProgress

TINY = [
    word
    for setting in (
        "size_px=16", "widths=2,3,4,6", "batch_size=2", "epochs=1", "clips_per_epoch=6", "save_every_steps=1",
        "precision=float32", "learning_rate=0.001",
    )
    for word in ("--set", setting)
]  # fmt: skip

TRAINING, TESTING, FRAMES = 2, 3, 24
FAST = slice(8, 18)
"""Abnormal frames of every test video."""


def draw(folder: Path, *, seed: int, fast: slice | None, blur: float = 0.0) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    ground = np.kron(rng.integers(60, 110, (9, 12)), np.ones((5, 5))).astype(np.uint8)
    at = 4.0
    for index in range(FRAMES):
        frame = ground.copy()
        at += 5.0 if fast is not None and fast.start <= index < fast.stop else 0.5
        left = int(at) % 48
        frame[16:32, left : left + 10] = 220
        frame = np.clip(frame + rng.normal(0, 1, frame.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index + 1:04d}.png"), cv2.GaussianBlur(frame, (0, 0), blur) if blur else frame)


def draw_dataset(root: Path, *, blur: float = 0.0, labels: bool = True) -> Path:
    """A data set in the layout of `bodydouble synth`."""
    for number in range(TRAINING):
        draw(root / "training" / "frames" / f"{number + 1:02d}", seed=number, fast=None, blur=blur)
    for number in range(TESTING):
        draw(root / "testing" / "frames" / f"{number + 1:02d}", seed=50 + number, fast=FAST, blur=blur)
    if labels:
        row = [int(FAST.start <= index < FAST.stop) for index in range(FRAMES)]
        (root / "frame_labels.json").write_text(json.dumps({f"{n + 1:02d}": row for n in range(TESTING)}))
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants of one data set; the anonymized one has no labels. Read only."""
    root = tmp_path_factory.mktemp("anomaly")
    draw_dataset(root / "data")
    draw_dataset(root / "blurred", blur=1.5, labels=False)
    return root


def call(*words: str | Path) -> int:
    return main(["anomaly", *map(str, words), "--quiet"])


def table(folders: Path, output: Path, *words: str | Path, detectors: str = "unet,flow", seeds: int = 2) -> int:
    variants = f"original,blurred={folders / 'blurred'}"
    return call(
        "table", "--dataset", folders / "data", "--variants", variants, "--detectors", detectors, "--seeds", seeds,
        *TINY, *(("--set", "flow.size_px=64") if "flow" in detectors else ()), "-o", output, *words,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(folders: Path) -> Path:
    """A finished table, with its labels checked. Read only."""
    output = folders / "table"
    assert table(folders, output, "--check-labels") == 0
    return output


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_train_then_score(folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, work = folders / "data", tmp_path / "mnad"
    words = ("train", "--dataset", data, "--detector", "mnad-pred", "--seed", "4", *TINY, "-o", work)
    assert call(*words) == 0
    assert "seed 4" in capsys.readouterr().out
    assert call("score", work / "final.safetensors", "--dataset", data, "-o", tmp_path / "scores") == 0
    told = capsys.readouterr().out
    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert f"{summary['micro_auc']:.4f}" in told
    assert summary["protocol_in_words"] in told
    # The figure once more, by another implementation, from the files alone.
    videos = [rows_of(tmp_path / "scores" / f"{name}.csv") for name in summary["videos"]]
    assert [len(rows) for rows in videos] == [FRAMES - 4] * TESTING
    assert [int(rows[0]["frame"]) for rows in videos] == [4] * TESTING
    labels = [[int(row["label"]) for row in rows] for rows in videos]
    assert all(row["label"] == str(int(8 <= int(row["frame"]) < 18)) for row in videos[0])
    scores = [[float(row["score"]) for row in rows] for rows in videos]
    assert summary["micro_auc"] == pytest.approx(roc_auc_score(np.ravel(labels), np.ravel(scores)), abs=1e-9)
    own = [roc_auc_score(*pair) for pair in zip(labels, scores, strict=True)]
    assert summary["macro_auc"] == pytest.approx(np.mean(own), abs=1e-9)


def test_options_of_the_protocol_change_the_figure_and_are_told(folders: Path, made: Path, tmp_path: Path) -> None:
    checkpoint = made.with_name("table.work") / "unet.original.seed0" / "final.safetensors"
    data = folders / "data"
    found = {}
    for name, words in {
        "plain": (),
        "smooth": ("--smoothing-sigma-frames", "2"),
        "patch": ("--frame-error", "patch"),
    }.items():
        assert call("score", checkpoint, "--dataset", data, "-o", tmp_path / name, *words) == 0
        found[name] = json.loads((tmp_path / name / "scores.json").read_text())
    assert len({content["micro_auc"] for content in found.values()}) == 3
    assert "smoothing sigma 2" in found["smooth"]["protocol_in_words"]
    assert found["patch"]["protocol"]["frame_error"] == "patch"


def test_running_squares_are_found(folders: Path, made: Path) -> None:
    """Flow needs no training, so it shows that labels, frames and scores belong together."""
    tables = json.loads((made / "results.json").read_text())["tables"]
    assert tables["micro-raw"]["rows"]["flow"]["original"]["mean"] > 95


def test_shuffled_labels_in_the_data_set_give_chance(folders: Path, made: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(folders / "data", data)
    truth = json.loads((data / "frame_labels.json").read_text())
    mixed = np.random.default_rng(1).permutation(np.concatenate(list(truth.values()))).reshape(len(truth), -1)
    (data / "frame_labels.json").write_text(json.dumps({n: row.tolist() for n, row in zip(truth, mixed, strict=True)}))
    checkpoint = made.with_name("table.work") / "flow.original.seed0" / "final.safetensors"
    assert call("score", checkpoint, "--dataset", data, "-o", tmp_path / "scores") == 0
    # 69 frames: one shuffle strays by 0.07. The tolerance of 0.05 is the table's, over twenty.
    assert json.loads((tmp_path / "scores" / "scores.json").read_text())["micro_auc"] == pytest.approx(0.5, abs=0.15)


def test_the_table_holds_what_the_single_commands_give(folders: Path, made: Path, tmp_path: Path) -> None:
    results = json.loads((made / "results.json").read_text())
    assert results["data_set"] == "synth"
    for test, data in (("raw", "data"), ("own", "blurred")):
        by_seed = results["tables"][f"micro-{test}"]["rows"]["unet"]["blurred"]["by_seed"]
        assert set(by_seed) == {"0", "1"}
        for seed, value in by_seed.items():
            checkpoint = made.with_name("table.work") / f"unet.blurred.seed{seed}" / "final.safetensors"
            scores = tmp_path / f"{test}{seed}"
            words = ("--dataset", folders / data, "--labels-from", folders / "data", "-o", scores)
            assert call("score", checkpoint, *words) == 0
            assert json.loads((scores / "scores.json").read_text())["micro_auc"] * 100 == pytest.approx(value, abs=1e-9)
    raw = results["tables"]["micro-raw"]["rows"]["unet"]
    own = results["tables"]["micro-own"]["rows"]["unet"]
    assert raw["original"] == own["original"]
    assert raw["blurred"]["by_seed"] != own["blurred"]["by_seed"]
    for row in (raw, own):
        values = [list(row[name]["by_seed"].values()) for name in ("original", "blurred")]
        assert row["blurred"]["mean"] == pytest.approx(np.mean(values[1]))
        assert row["blurred"]["deviation"] == pytest.approx(np.std(values[1], ddof=1))
        assert row["blurred"]["change_against_original"] == pytest.approx(np.mean(values[1]) - np.mean(values[0]))
    # Nothing is trained: one seed, and one figure on footage as filmed.
    flow = results["tables"]["micro-raw"]["rows"]["flow"]
    assert flow["original"]["by_seed"] == flow["blurred"]["by_seed"]
    assert list(flow["original"]["by_seed"]) == ["0"]


def test_the_labels_are_checked_through_the_command(made: Path) -> None:
    checks = json.loads((made / "results.json").read_text())["label_checks"]
    # Two seeds of unet and one of flow; flow on the original is raw, on the variant own.
    assert len(checks) == 2 * 3 + 2
    assert all(abs(check["shuffled"] - 0.5) <= 0.05 for check in checks)
    assert {check["as_scores"] for check in checks} == {1.0}


def test_the_table_is_written_three_ways_without_pictures(made: Path) -> None:
    cell = json.loads((made / "results.json").read_text())["tables"]["micro-raw"]["rows"]["unet"]["original"]
    shown = f"{cell['mean']:.1f} ± {cell['deviation']:.1f}"
    markdown, page = (made / "table.md").read_text(), (made / "table.html").read_text()
    latex = (made / "table.tex").read_text()
    assert shown in markdown
    assert shown in page
    assert shown.replace("±", r"$\pm$") in latex
    for text in (markdown, page, latex):
        assert "Quoted from the paper" in text
        assert "not measured here" in text
        assert "88.5" in text
        assert "normalisation per-video" in text
    assert page.count("<polyline") >= 2 * TESTING * 2
    assert "<img" not in page
    assert "<script" not in page
    assert "http" not in page
    assert {path.suffix for path in made.rglob("*") if path.is_file()} == {".md", ".html", ".tex", ".json"}
    assert sum(line.count("{") - line.count("}") for line in latex.splitlines() if not line.startswith("%")) == 0


class Kill(SilentProgress):
    """A kill in the middle of the n-th training, with no chance to save."""

    def __init__(self, trainings: int) -> None:
        self.left = trainings

    def start(self, stage: str, total: int) -> None:
        self.counts, self.steps = stage.startswith("training"), 0
        self.left -= self.counts

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        if self.counts and self.left < 0 and self.steps == 2:
            raise KeyboardInterrupt


def test_a_killed_table_ends_as_an_uninterrupted_one(
    folders: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "table"
    with monkeypatch.context() as patch:
        patch.setattr("bodydouble.cli.anomaly.make_progress", lambda stream, quiet: Kill(2))
        assert table(folders, output) == 130
    assert "--resume" in capsys.readouterr().err
    before = {path.name: path.stat().st_mtime_ns for path in (output / "runs").iterdir()}
    assert set(before) == {
        f"{name}.seed0.json" for name in ("unet.original", "unet.blurred", "flow.original", "flow.blurred")
    }
    unfinished = output.with_name("table.work") / "unet.original.seed1" / training.RUNNING
    assert unfinished.is_file()
    # What is finished so far can be read already.
    assert "Not finished" in (output / "table.md").read_text()
    assert table(folders, output) == 2
    assert "--resume" in capsys.readouterr().err
    assert table(folders, output, "--resume") == 0
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in (output / "runs").iterdir()}.items()
    assert not unfinished.exists()
    assert results_of(output) == results_of(made)
    work = [path.with_name("table.work") / "unet.original.seed1" / training.FINAL for path in (output, made)]
    first, second = map(load_file, work)
    assert all((first[name] == second[name]).all() for name in first)


def results_of(output: Path) -> object:
    return json.loads((output / "results.json").read_text())["tables"]


def test_resuming_a_finished_table_trains_nothing_and_may_ask_for_more(
    folders: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "table"
    shutil.copytree(made, output)

    def never(*args: object, **options: object) -> Path:
        raise AssertionError("a finished run is trained again")

    with monkeypatch.context() as patch:
        patch.setattr("bodydouble.anomaly.train.train", never)
        assert table(folders, output, "--resume", seeds=1) == 0
        # Another way of scoring is read off the same runs.
        assert table(folders, output, "--resume", "--normalisation", "global") == 0
    assert "normalisation global" in (output / "table.md").read_text()
    first, second = results_of(output), results_of(made)
    assert first["micro-raw"]["rows"] == second["micro-global-raw"]["rows"]  # type: ignore[index]
    assert table(folders, output, "--resume", seeds=3, detectors="unet") == 0
    assert len(list((output / "runs").iterdir())) == len(list((made / "runs").iterdir())) + 2


def test_runs_of_other_settings_or_footage_are_not_mixed_in(
    folders: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "table"
    shutil.copytree(made, output)
    assert table(folders, output, "--resume", "--set", "unet.learning_rate=0.002") == 2
    told = capsys.readouterr().err
    assert "learning_rate 0.001 (now 0.002)" in told
    assert told.count("\n") == 1
    data = tmp_path / "data"
    shutil.copytree(folders / "blurred", data)
    words = ("--dataset", folders / "data", "--variants", f"blurred={data}", "--detectors", "unet", "--seeds", 1)
    assert call("table", *words, *TINY, "-o", output, "--resume") == 2
    assert "training_footage" in capsys.readouterr().err


def test_what_fails_is_left_out_and_said(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = training.train

    def diverging(detector: str, *args: object, **options: object) -> Path:
        if detector == "unet":
            raise DetectorFailed("training of unet diverged")
        return real(detector, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("bodydouble.anomaly.train.train", diverging)
    output = tmp_path / "table"
    assert table(folders, output, seeds=1) == 1
    assert "2 of 4 runs failed" in capsys.readouterr().err
    text = (output / "table.md").read_text()
    assert "FAILED, not in the tables: unet.blurred.seed0: training of unet diverged" in text
    rows = results_of(output)["micro-own"]["rows"]  # type: ignore[index]
    assert rows["unet"]["original"]["mean"] is None
    assert rows["flow"]["blurred"]["mean"] is not None


def shorten(data: Path) -> None:
    (data / "testing" / "frames" / "02" / "0024.png").unlink()


def drop(data: Path) -> None:
    shutil.rmtree(data / "training" / "frames" / "02")


def add(data: Path) -> None:
    shutil.copytree(data / "training" / "frames" / "02", data / "training" / "frames" / "03")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (shorten, "02 has 23 frames and 24 labels"),
        (drop, "training clips missing: 02"),
        (add, "training clips too many: 03"),
        (shutil.rmtree, "the variant 'blurred' cannot be used: expected one of the folders"),
        (
            lambda data: (data / "training" / "frames" / "01" / "0001.png").unlink(),
            "training clip 01 has 23 frames, not 24",
        ),
    ],
)
def test_variants_that_do_not_fit(
    spoil: Callable[[Path], None], said: str, folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folders / "data", tmp_path / "data")
    shutil.copytree(folders / "blurred", tmp_path / "blurred")
    spoil(tmp_path / "blurred")
    assert table(tmp_path, tmp_path / "table") == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "table").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--detectors", "mnad"), "no detector 'mnad'; there are mnad-pred"),
        (("--variants", "original,ours"), "the variant 'ours' needs its folder: ours=DIR"),
        (("--variants", "original=DIR"), "takes no folder"),
        (("--variants", "a/b=DIR"), "cannot name a variant"),
        (("--variants", "original,original"), "named twice: original"),
        (("--variants", ","), "no variant is named"),
        (("--seeds", "0"), "0 seeds"),
        (("--set", "epoch=1"), "'epoch' is no setting of these detectors"),
        (("--set", "size_px=many"), "size_px cannot be 'many'"),
        (("--set", "flow.epochs=1"), "'epochs' is no setting of flow"),
        (("--set", "size_px"), "'size_px' sets nothing"),
        (("--set", "lntra.size_px=16"), "no detector 'lntra' is to be run"),
        (("--resume", "--overwrite"), "exclude each other"),
        (("--dataset", "nowhere"), "no such folder"),
    ],
)
def test_options_that_make_no_sense(
    words: tuple[str, ...], said: str, folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The last of an option that is given twice holds.
    plain = ("--dataset", folders / "data", "--variants", "original", "--detectors", "flow", "--seeds", 1)
    given = [word for pair in zip(plain[::2], plain[1::2], strict=True) if pair[0] not in words for word in pair]
    assert call("table", *given, "-o", tmp_path / "table", *words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "table").exists()


def test_nothing_foreign_is_replaced(
    folders: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letters" / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("dear")
    assert table(folders, letter.parent, "--overwrite") == 2
    assert "something else than a table" in capsys.readouterr().err
    checkpoint = made.with_name("table.work") / "flow.original.seed0" / "final.safetensors"
    words = ("score", checkpoint, "--dataset", folders / "data", "-o", letter.parent)
    assert call(*words) == 2
    assert call(*words, "--overwrite") == 2
    assert "not replaced" in capsys.readouterr().err
    assert letter.read_text() == "dear"


def test_training_twice_needs_a_word(folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("train", "--dataset", folders / "data", "--detector", "unet", *TINY, "-o", tmp_path / "unet")
    assert call(*words) == 0
    final = tmp_path / "unet" / training.FINAL
    before = final.stat().st_mtime_ns
    assert call(*words) == 2
    assert "--resume" in capsys.readouterr().err
    assert call(*words, "--resume") == 0
    assert final.stat().st_mtime_ns == before
    assert call(*words, "--resume", "--set", "epochs=2") == 2
    assert "another config" in capsys.readouterr().err
    assert call(*words, "--overwrite", "--set", "epochs=2") == 0
    assert final.stat().st_mtime_ns != before


def test_commands_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anomaly", "--help"]) == 0
    told = capsys.readouterr().out
    assert "lgn-net" in told
    assert main(["anomaly", "tabel"]) == 2
    assert "train, score, table" in capsys.readouterr().err
    assert main(["anomaly"]) == 2
    for command in ("train", "score", "table"):
        assert main(["anomaly", command, "--help"]) == 0


def test_a_table_is_read_back_without_its_footage(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "table"
    shutil.copytree(made, copy)
    report = read_report(copy)
    assert json.dumps(as_json(report)) == json.dumps(json.loads((made / "results.json").read_text()))
    assert render_section(report).strip() in (made / "table.html").read_text()
    # A partial one is shown as far as it goes.
    for path in (copy / "runs").glob("unet.blurred.*"):
        path.unlink()
    partial = read_report(copy)
    assert any("Not finished" in text for text in partial.remarks)
    assert "Not finished" in render_section(partial)


def test_what_is_no_table_is_said_in_one_message(made: Path, tmp_path: Path) -> None:
    def broken(name: str, text: str) -> Path:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        shutil.copytree(made, folder)
        (folder / name).write_text(text)
        return folder

    empty = tmp_path / "empty"
    shutil.copytree(made, empty)
    shutil.rmtree(empty / "runs")
    mark = json.loads((made / "table.json").read_text())
    cases = {
        "is no folder of `bodydouble anomaly table`": tmp_path / "nowhere",
        "table.json: Expecting": broken("table.json", "{"),
        "another version": broken("table.json", json.dumps({**mark, "format": "bodydouble-anomaly-table 1"})),
        "table.json: 'protocol'": broken("table.json", json.dumps({k: mark[k] for k in mark if k != "protocol"})),
        "results.json is no object": broken("results.json", "[]"),
        "results.json: 'label_checks'": broken("results.json", "{}"),
        "without a finished run": empty,
    }
    for words, folder in cases.items():
        with pytest.raises(InputError, match=re.escape(words)) as caught:
            read_report(folder)
        assert str(caught.value).endswith(str(folder))


def test_an_interrupted_scoring_promises_nothing(
    folders: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bodydouble.anomaly.evaluate.score", interrupt)
    checkpoint = made.with_name("table.work") / "unet.original.seed0" / "final.safetensors"
    assert call("score", checkpoint, "--dataset", folders / "data", "-o", tmp_path / "scores") == 130
    said = capsys.readouterr().err
    assert "the same command begins anew" in said
    assert "--resume" not in said
    assert not (tmp_path / "scores").exists()
