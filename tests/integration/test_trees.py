"""A data set tree comes out as it went in, clip by clip, whatever happens to single clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.manifest import read_manifest
from tests.integration.conftest import Flat, frame_rgb

Run = Callable[..., int]


def write_images(folder: Path, *, empty: bool) -> None:
    folder.mkdir(parents=True)
    for index in range(6):
        cv2.imwrite(str(folder / f"{index:04d}.png"), frame_rgb(index, empty=empty)[:, :, ::-1])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two clips in Avenue's layout, with labels beside them."""
    root = tmp_path / "avenue" / "training"
    write_images(root / "frames" / "01", empty=False)
    write_images(root / "frames" / "02", empty=True)
    (root / "labels.json").write_text("{}")
    return root


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_layout_and_names_are_kept_and_run_folders_stay_out(
    tree: Path, tmp_path: Path, run: Run, flat: type[Flat]
) -> None:
    output = tmp_path / "doubles" / "training"
    assert run("anonymize", tree, "-o", output) == 0
    assert names(output) == names(tree)
    runs = tmp_path / "doubles" / "training.bodydouble.run" / "frames"
    assert sorted(path.name for path in runs.iterdir()) == ["01", "02"]
    one = cv2.imread(str(output / "frames" / "01" / "0003.png"))
    assert np.any(one != cv2.imread(str(tree / "frames" / "01" / "0003.png")))
    two = cv2.imread(str(output / "frames" / "02" / "0003.png"))
    assert np.array_equal(two, cv2.imread(str(tree / "frames" / "02" / "0003.png")))


def test_one_bad_clip_does_not_cost_the_others(
    tree: Path, tmp_path: Path, run: Run, flat: type[Flat], capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "frames" / "01" / "0003.png").write_bytes(b"no picture")
    output = tmp_path / "out"
    assert run("anonymize", tree, "-o", output) == 2
    captured = capsys.readouterr()
    assert "0003.png" in captured.err
    assert "1 of 2 clips have no result" in captured.err
    assert "no result for" in captured.out
    assert not (output / "frames" / "01").exists()
    assert len(names(output / "frames" / "02")) == 6
    # Mended, the tree is completed, and what was done is not done again.
    (tree / "frames" / "01" / "0003.png").write_bytes((tree / "frames" / "01" / "0002.png").read_bytes())
    before = (output / "frames" / "02" / "0003.png").stat().st_mtime_ns
    assert run("anonymize", tree, "-o", output, "--resume") == 0
    assert (output / "frames" / "02" / "0003.png").stat().st_mtime_ns == before
    assert names(output) == names(tree)


def test_the_worst_end_decides(
    tree: Path, tmp_path: Path, run: Run, flat: type[Flat], capsys: pytest.CaptureFixture[str]
) -> None:
    write_images(tree / "frames" / "03", empty=False)
    (tree / "frames" / "02" / "0003.png").write_bytes(b"no picture")
    flat.cannot_play = frozenset({1})
    output = tmp_path / "out"
    assert run("anonymize", tree, "-o", output, "--on-failure", "stop") == 3
    assert "3 of 3 clips have no result" in capsys.readouterr().err
    assert names(output) == []
    runs = tmp_path / "out.bodydouble.run" / "frames"
    assert read_manifest(runs / "03" / "manifest.json").state == "stopped"
