"""Baselines from the command line: over the same perception, records and trees as doubles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.ledger import read_ledger
from bodydouble.manifest import read_manifest
from bodydouble.scene.bundle_files import read_bundle
from tests.integration.conftest import NUM_FRAMES, frame_rgb, read_clip, write_clip

Run = Callable[..., int]


def equal_neighbours(rgb: np.ndarray, changed: np.ndarray) -> float:
    both = changed[:, :, 1:] & changed[:, :, :-1]
    return float((rgb[:, :, 1:] == rgb[:, :, :-1]).all(axis=3)[both].mean())


def test_every_method_over_the_scene_of_a_run(
    finished: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    street, runs = finished / "street.mkv", finished / "street.bodydouble.run"
    original = read_clip(street)
    results = {}
    actions = {"obscure": "obscured", "blur": "blurred", "pixelate": "pixelated"}
    for method, action in actions.items():
        output = tmp_path / f"{method}.mkv"
        words = ("--scene", runs, "--codec", "lossless", "--quiet")
        assert run("baseline", method, street, "-o", output, *words) == 0
        results[method] = read_clip(output)
        assert results[method].shape == original.shape
        folder = tmp_path / f"{method}.bodydouble.run"
        assert {entry.action for entry in read_ledger(folder / "ledger.jsonl")} == {action}
        manifest = read_manifest(folder / "manifest.json")
        assert manifest.state == "done"
        assert [stage.name for stage in manifest.stages] == ["baseline"]
        assert manifest.config["baseline"]["kind"] == action
        assert manifest.num_tracks == len(read_bundle(runs / "scene").tracks)
        assert not (folder / "work").exists()
    told = capsys.readouterr().out
    assert "pixelated" in told
    assert "coverage" in told
    # What is in the folder called blurred is blurred. (The red rectangle is flat: only its edges show it.)
    changed = {method: (result != original).any(axis=3) for method, result in results.items()}
    assert equal_neighbours(results["pixelate"], changed["pixelate"]) > 0.6
    assert equal_neighbours(results["blur"], changed["blur"]) < 0.4
    assert (results["obscure"][changed["obscure"]] == 0).all()
    assert changed["obscure"].mean() < 0.5 * changed["blur"].mean()
    near_somebody = np.zeros_like(changed["blur"])
    for track in read_bundle(runs / "scene").tracks:
        for step, index in enumerate(track.frame_indices):
            left, top, right, bottom = np.round(track.boxes_xyxy_px[step]).astype(int)
            near_somebody[index, max(top - 12, 0) : bottom + 12, max(left - 12, 0) : right + 12] = True
    for method, where in changed.items():
        assert not (where & ~near_somebody).any(), method


def test_it_looks_for_people_itself(clip: Path, tmp_path: Path, run: Run, finished: Path) -> None:
    output = tmp_path / "alone.mkv"
    assert run("baseline", "blur", clip, "-o", output, "--codec", "lossless", "--quiet") == 0
    folder = tmp_path / "alone.bodydouble.run"
    assert [stage.name for stage in read_manifest(folder / "manifest.json").stages] == ["perception", "baseline"]
    again = tmp_path / "again.mkv"
    words = ("--scene", finished / "street.bodydouble.run" / "scene", "--codec", "lossless", "--quiet")
    assert run("baseline", "blur", clip, "-o", again, *words) == 0
    assert np.array_equal(read_clip(output), read_clip(again))


def test_an_interrupted_run_goes_on_where_it_was(
    finished: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bodydouble.video_io.video_sink import VideoSink

    street, output = finished / "street.mkv", tmp_path / "o.mkv"
    words = ("baseline", "pixelate", street, "-o", output, "--scene", finished / "street.bodydouble.run")
    words = (*words, "--codec", "lossless", "--quiet")
    written = 0
    write = VideoSink.write

    def stop(self: VideoSink, rgb: np.ndarray) -> None:
        nonlocal written
        written += 1
        if written == 10:
            raise KeyboardInterrupt
        write(self, rgb)

    monkeypatch.setattr(VideoSink, "write", stop)
    assert run(*words) == 130
    assert not output.exists()
    assert read_manifest(tmp_path / "o.bodydouble.run" / "manifest.json").state == "interrupted"
    monkeypatch.setattr(VideoSink, "write", write)
    assert run(*words) == 2
    assert "--resume" in capsys.readouterr().err
    assert run(*words, "--block-share", "0.2", "--resume") == 2
    assert "block_share" in capsys.readouterr().err
    assert run(*words, "--resume") == 0
    assert sum(entry.frames for entry in read_ledger(tmp_path / "o.bodydouble.run" / "ledger.jsonl")) > 0
    straight = tmp_path / "straight.mkv"
    assert run(*words[:4], straight, *words[5:]) == 0
    assert np.array_equal(read_clip(output), read_clip(straight))
    assert run(*words) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(*words, "--overwrite") == 0


def test_trees_keep_their_layout_and_take_a_tree_of_scenes(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "ped" / "Test"
    for name, empty in (("Test001", False), ("Test002", True)):
        (root / name).mkdir(parents=True)
        for index in range(5):
            cv2.imwrite(str(root / name / f"{index:03d}.png"), frame_rgb(index, empty=empty)[:, :, ::-1])
    (root / "labels.txt").write_text("0")
    first, second = tmp_path / "blurred", tmp_path / "pixelated"
    assert run("baseline", "blur", root, "-o", first, "--quiet") == 0
    assert run("baseline", "pixelate", root, "-o", second, "--scene", f"{first}.bodydouble.run", "--quiet") == 0
    for output in (first, second):
        names = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
        assert names == sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        picture = cv2.imread(str(output / "Test002" / "003.png"))
        assert np.array_equal(picture, cv2.imread(str(root / "Test002" / "003.png")))
    assert not np.array_equal(
        cv2.imread(str(first / "Test001" / "003.png")), cv2.imread(str(second / "Test001" / "003.png"))
    )
    assert not (tmp_path / "pixelated.bodydouble.run" / "Test001" / "scene").exists()


@pytest.mark.parametrize("num_frames", [1, 2])
def test_short_clips(tmp_path: Path, run: Run, num_frames: int) -> None:
    clip = tmp_path / "short.mkv"
    write_clip(clip, [frame_rgb(index) for index in range(num_frames)])
    assert run("baseline", "obscure", clip, "-o", tmp_path / "o.mp4", "--quiet") == 0
    assert len(read_clip(tmp_path / "o.mp4")) == num_frames


def test_what_makes_no_sense_is_refused_before_anything_is_written(
    finished: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    street, runs = finished / "street.mkv", finished / "street.bodydouble.run"
    assert run("baseline") == 2
    assert "a method is needed" in capsys.readouterr().err
    assert run("baseline", "smear", street) == 2
    assert "obscure, blur, pixelate" in capsys.readouterr().err
    assert run("baseline", "--help") == 0
    assert "None of them anonymizes" in capsys.readouterr().out
    output = tmp_path / "o.mkv"
    assert run("baseline", "blur", street, "-o", output, "--scene", tmp_path) == 2
    assert "there is no scene for the clip" in capsys.readouterr().err
    other = tmp_path / "other.mkv"
    write_clip(other, [frame_rgb(index + 1) for index in range(NUM_FRAMES)])
    assert run("baseline", "blur", other, "-o", output, "--scene", runs) == 2
    assert "another clip of the same size and length" in capsys.readouterr().err
    write_clip(tmp_path / "less.mkv", [frame_rgb(index) for index in range(3)])
    assert run("baseline", "blur", tmp_path / "less.mkv", "-o", tmp_path / "l.mkv", "--scene", runs) == 2
    assert "3 frames" in capsys.readouterr().err
    assert run("baseline", "blur", street, "-o", output, "--sigma-share", "7") == 2
    assert not output.exists()


def test_a_least_coverage_is_held_against_baselines_too(
    finished: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    street, runs = finished / "street.mkv", finished / "street.bodydouble.run"
    output = tmp_path / "o.mkv"
    assert run("baseline", "obscure", street, "-o", output, "--scene", runs, "--min-coverage", "0.9", "--quiet") == 3
    assert "coverage" in capsys.readouterr().err
    assert not output.exists()
    assert json.loads((tmp_path / "o.bodydouble.run" / "manifest.json").read_text())["state"] == "stopped"


def test_a_scene_in_one_file_with_its_plate_beside_it(finished: Path, tmp_path: Path, run: Run) -> None:
    from bodydouble.scene.bundle_files import write_bundle

    runs = finished / "street.bodydouble.run"
    write_bundle(read_bundle(runs / "scene"), tmp_path / "s.zip")
    shutil.copytree(runs / "plate", tmp_path / "s.plate")
    words = ("--scene", tmp_path / "s.zip", "--quiet")
    assert run("baseline", "obscure", finished / "street.mkv", "-o", tmp_path / "o.mp4", *words) == 0
