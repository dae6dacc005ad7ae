"""Runs that are interrupted, killed, repeated or mixed up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bodydouble
from bodydouble.config import preset
from bodydouble.config.toml import overlay
from bodydouble.ledger import read_ledger
from bodydouble.manifest import read_manifest
from bodydouble.scene import SilentProgress
from tests.integration.conftest import Flat, read_clip

Run = Callable[..., int]
SETTINGS = overlay(preset(), {"seed": 3, "output": {"codec": "lossless"}, "generation": {"window_frames": 8}})


class CtrlC(SilentProgress):
    """Interrupts at a step of a stage, as a user would."""

    def __init__(self, stage: str, after_steps: int) -> None:
        self.stage, self.left, self.on = stage, after_steps, False

    def start(self, stage: str, total: int) -> None:
        self.on = stage == self.stage

    def advance(self, steps: int = 1) -> None:
        if self.on:
            self.left -= steps
            if self.left < 0:
                raise KeyboardInterrupt


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError(f"{name} was called again")

    monkeypatch.setattr(name, never)


@pytest.fixture
def plain(clip: Path, weights: Path, flat: type[Flat], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The street, with weights and flat doubles in place."""
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(weights))
    return clip


@pytest.mark.parametrize(("stage", "steps"), [("people", 5), ("generation", 10), ("compositing", 18)])
def test_an_interrupted_run_goes_on_where_it_was(
    plain: Path, finished: Path, stage: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pieces of eight frames, so that the interruption in compositing comes after a finished piece.
    monkeypatch.setattr("bodydouble.video_io.video_sink.FRAMES_PER_SEGMENT", 8)
    monkeypatch.setattr("bodydouble.video_io.segments.FRAMES_PER_SEGMENT", 8)
    with pytest.raises(KeyboardInterrupt):
        bodydouble.anonymize(plain, config=SETTINGS, progress=CtrlC(stage, steps))
    output, folder = plain.with_name("street.bodydouble.mkv"), plain.with_name("street.bodydouble.run")
    assert not output.exists()
    assert {path.name for path in plain.parent.iterdir()} == {plain.name, folder.name}
    assert read_manifest(folder / "manifest.json").state == "interrupted"
    windows = {path: path.stat().st_mtime_ns for path in (folder / "performance").glob("*.npz")}
    if stage != "people":
        forbid(monkeypatch, "bodydouble.pipeline.run.run_perception")
    if stage == "generation":
        assert windows
    if stage == "compositing":
        forbid(monkeypatch, "bodydouble.pipeline.run.run_generation")
        assert len(read_ledger(folder / "ledger.jsonl")) == 2
    (result,) = bodydouble.anonymize(plain, config=SETTINGS, resume=True)
    assert result.output == output
    assert np.array_equal(read_clip(output), read_clip(finished / output.name))
    assert read_ledger(folder / "ledger.jsonl") == read_ledger(finished / folder.name / "ledger.jsonl")
    for path, written in windows.items():
        assert path.stat().st_mtime_ns == written
    manifest = read_manifest(folder / "manifest.json")
    assert manifest.state == "done"
    assert manifest.error == ""
    assert [record.name for record in manifest.stages] == ["perception", "generation", "compositing"]


def test_a_killed_process_goes_on(clip: Path, weights: Path, tmp_path: Path) -> None:
    """The real thing: SIGKILL at an arbitrary moment after perception, with the default generator switched off."""
    words = ["anonymize", str(clip), "--codec", "lossless", "--generation.backend", "paint-out", "--quiet"]
    command = [sys.executable, "-m", "bodydouble", *words]
    environment = {**os.environ, "BODYDOUBLE_WEIGHTS_DIR": str(weights)}
    folder = clip.with_name("street.bodydouble.run")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 300
        while process.poll() is None and not (folder / "scene" / "bundle.json").exists():
            assert time.monotonic() < limit
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    output = clip.with_name("street.bodydouble.mkv")
    assert not output.exists()
    assert read_manifest(folder / "manifest.json").state == "running"
    subprocess.run([*command, "--resume"], env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*command, "-o", str(tmp_path / "whole.mkv")], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    assert np.array_equal(read_clip(output), read_clip(tmp_path / "whole.mkv"))


def test_a_finished_run_is_left_as_it_is(
    done: Path, clip: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = done.stat().st_mtime_ns
    forbid(monkeypatch, "bodydouble.pipeline.run.run_perception")
    forbid(monkeypatch, "bodydouble.pipeline.run.run_compositing")
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3, "--resume") == 0
    assert done.stat().st_mtime_ns == before
    assert "2 replaced" in capsys.readouterr().out


def test_a_lost_result_is_made_again_from_what_is_there(
    done: Path, clip: Path, finished: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done.unlink()
    forbid(monkeypatch, "bodydouble.pipeline.run.run_perception")
    forbid(monkeypatch, "bodydouble.pipeline.run.run_generation")
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3, "--resume") == 0
    assert np.array_equal(read_clip(done), read_clip(finished / done.name))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "4"], "seed (3, now 4)"),
        (["--seed", "3", "--perception.people.score", "0.3"], "perception.people.score (0.15, now 0.3)"),
        (["--seed", "3", "--workers", "2"], None),
    ],
)
def test_only_the_same_run_is_resumed(
    done: Path, clip: Path, run: Run, capsys: pytest.CaptureFixture[str], words: list[str], message: str | None
) -> None:
    code = run("anonymize", clip, "--codec", "lossless", "--resume", *words)
    if message is None:
        assert code == 0, "where the work runs changes nothing"
        return
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "--overwrite" in error


def test_another_input_is_not_resumed(done: Path, clip: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    clip.write_bytes(clip.read_bytes() + b"\0")
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3, "--resume") == 2
    assert "input has changed" in capsys.readouterr().err


def test_other_weights_are_not_resumed(
    done: Path, clip: Path, run: Run, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = tmp_path / "weights"
    shutil.copytree(weights, other)
    (other / "person.onnx").write_bytes((other / "person.onnx").read_bytes() + b"\0")
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(other))
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3, "--resume") == 2
    assert "weights" in capsys.readouterr().err


def test_nothing_is_replaced_without_being_asked(
    done: Path, clip: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = done.read_bytes()
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert done.read_bytes() == before
    done.unlink()
    assert run("anonymize", clip, "--codec", "lossless", "--seed", 3) == 2
    assert "--resume" in capsys.readouterr().err
    assert not done.exists()


def test_a_folder_that_is_none_of_ours_is_left_alone(clip: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    precious = clip.with_name("street.bodydouble.run")
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    for words in ([], ["--overwrite"], ["--resume"]):
        assert run("anonymize", clip, *words) == 2
        assert "left alone" in capsys.readouterr().err
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_overwrite_and_resume_exclude_each_other(clip: Path, run: Run) -> None:
    assert run("anonymize", clip, "--overwrite", "--resume") == 2


def test_a_performance_of_another_scene_or_cast_is_not_mixed_in(
    done: Path, clip: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = clip.with_name("street.bodydouble.run") / "scene"
    performance = tmp_path / "performance"
    assert run("generate", scene, "-o", performance, "--seed", 1) == 0
    first = {path.name: path.read_bytes() for path in performance.glob("*.npz")}
    assert run("generate", scene, "-o", performance, "--seed", 2) == 2
    assert "another scene, configuration, seed" in capsys.readouterr().err
    assert run("generate", scene, "-o", performance, "--seed", 1) == 0
    assert {path.name: path.read_bytes() for path in performance.glob("*.npz")} == first
    assert run("generate", scene, "-o", performance, "--seed", 2, "--overwrite") == 0
    assert {path.name: path.read_bytes() for path in performance.glob("*.npz")} != first


def test_an_unfinished_performance_is_not_composited(
    done: Path, clip: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = clip.with_name("street.bodydouble.run")
    (folder / "performance" / "failures.json").unlink()
    assert run("composite", clip, folder / "scene", folder / "performance", "-o", tmp_path / "out.mp4") == 2
    assert "unfinished" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()
