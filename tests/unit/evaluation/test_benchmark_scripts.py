"""The benchmark scripts start, and their parts that need no clip do what they say."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
COUNT_FRAMES = "import av, sys; print(sum(1 for _ in av.open(sys.argv[1]).decode(video=0)))"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if path.stem != "common")


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_there_are_scripts():
    assert {"bad_input_table", "contact_sheet", "coverage_vtest", "end_to_end"} <= set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_explain_themselves(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    module = load(name, monkeypatch)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code == 0
    assert f"benchmarks/{name}.py" in capsys.readouterr().out


def test_figures_come_with_their_origin(monkeypatch: pytest.MonkeyPatch):
    common = load("common", monkeypatch)
    origin = common.origin()
    assert set(origin) == {"when", "commit", "uncommitted_changes", "machine", "python", "versions"}
    assert origin["machine"]["cores"] >= 1
    assert origin["versions"]["numpy"] == np.__version__


def test_memory_is_that_of_the_child_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    common = load("common", monkeypatch)
    code = "import sys; x = bytearray(int(sys.argv[1]) << 20); x[::4096] = b'1' * len(x[::4096])"
    large, small = (common.run_measured([sys.executable, "-c", code, str(mib)], tmp_path / "log") for mib in (500, 1))
    assert large.exit_code == small.exit_code == 0
    assert large.peak_memory_mib > 500
    assert small.peak_memory_mib < 100
    failed = common.run_measured([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"], tmp_path / "log")
    assert failed.exit_code == 3
    assert (tmp_path / "log").read_text().strip() == "why"


def test_a_looped_clip_is_as_long_as_its_loops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    bad_inputs, end_to_end = load("bad_input_table", monkeypatch), load("end_to_end", monkeypatch)
    clip = bad_inputs.write_clip(tmp_path / "clip.mp4", 6)
    assert end_to_end.write_looped(clip, None, 3, tmp_path / "all.mp4") == 18
    assert end_to_end.write_looped(clip, 4, 2, tmp_path / "some.mp4") == 8
    probe = subprocess.run(
        [sys.executable, "-c", COUNT_FRAMES, str(tmp_path / "all.mp4")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert probe.stdout.strip() == "18"


def test_frames_to_look_at_are_spread_and_have_people(monkeypatch: pytest.MonkeyPatch):
    from bodydouble.testing import make_bundle

    contact_sheet = load("contact_sheet", monkeypatch)
    bundle = make_bundle(num_frames=24)
    frames = contact_sheet.most_people(bundle, 6)
    assert len(frames) == 6
    assert all(4 * i <= frame < 4 * (i + 1) for i, frame in enumerate(frames))
    assert contact_sheet.most_people(make_bundle(num_frames=3), 12) == [0, 1, 2]
