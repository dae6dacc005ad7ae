"""The main job on a tiny clip: who was there is gone, the rest is untouched, and it is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bodydouble
from bodydouble.config import PolicyConfig, RunConfig, read_config
from bodydouble.errors import PolicyStop
from bodydouble.ledger import read_ledger
from bodydouble.manifest import hash_path, read_manifest
from tests.integration.conftest import NUM_FRAMES, Flat, frame_rgb, read_clip, write_clip

Run = Callable[..., int]


def people_mask(frames: np.ndarray) -> np.ndarray:
    """(frames, height, width): where the original shows one of the two coloured people."""
    return np.asarray(np.ptp(frames.astype(np.int16), axis=-1) > 60)


def near(mask: np.ndarray, margin_px: int) -> np.ndarray:
    """The mask, grown by a margin in rows and columns."""
    grown = mask.copy()
    for axis in (1, 2):
        for shift in range(1, margin_px + 1):
            for sign in (-1, 1):
                grown |= np.roll(mask, sign * shift, axis=axis)
        mask = grown.copy()
    return grown


def test_nobody_is_left_and_the_rest_is_untouched(clip: Path, done: Path) -> None:
    before, after = read_clip(clip), read_clip(done)
    assert after.shape == before.shape == (NUM_FRAMES, 120, 160, 3)
    people = people_mask(before)
    assert people.sum() > 20_000
    change = np.abs(before.astype(int) - after).max(axis=-1)
    assert (change[people] >= 6).mean() > 0.99
    assert change[~near(people, 26)].max() == 0


def test_what_happened_is_written_down(clip: Path, done: Path) -> None:
    folder = clip.with_name("street.bodydouble.run")
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "ledger.jsonl", "config.toml", "scene", "plate", "performance",
    }  # fmt: skip
    entries = read_ledger(folder / "ledger.jsonl")
    assert [entry.action for entry in entries] == ["replaced", "replaced"]
    assert all(entry.frames >= 20 for entry in entries)
    manifest = read_manifest(folder / "manifest.json")
    assert manifest.state == "done"
    assert [stage.name for stage in manifest.stages] == ["perception", "generation", "compositing"]
    assert all(stage.frames_per_second > 0 for stage in manifest.stages)
    assert manifest.identity.input_sha256 == hash_path(clip)
    assert manifest.output_sha256 == hash_path(done)
    assert {weight.name for weight in manifest.weights} == {"people_finder.onnx", "person.onnx"}
    assert (manifest.seed, manifest.num_frames, manifest.num_tracks) == (3, NUM_FRAMES, 2)
    assert manifest.coverage == pytest.approx(1.0)
    assert read_config(folder / "config.toml").seed == 3


def test_no_path_of_the_user_is_in_what_travels(clip: Path, done: Path, finished: Path) -> None:
    files = [path for path in clip.with_name("street.bodydouble.run").rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert str(finished).encode() not in path.read_bytes(), path


def test_the_recorded_configuration_repeats_the_run_to_the_bit(clip: Path, done: Path, run: Run) -> None:
    config = clip.with_name("street.bodydouble.run") / "config.toml"
    again = clip.with_name("again.mkv")
    assert run("anonymize", clip, "-o", again, "--config", config) == 0
    assert np.array_equal(read_clip(again), read_clip(done))


def test_another_seed_casts_others(clip: Path, done: Path, run: Run) -> None:
    other = clip.with_name("other.mkv")
    assert run("anonymize", clip, "-o", other, "--codec", "lossless", "--seed", 4) == 0
    before, one, two = read_clip(clip), read_clip(done), read_clip(other)
    people = people_mask(before)
    assert (one != two).any(axis=-1)[people].mean() > 0.3
    assert np.array_equal(one[~near(people, 26)], two[~near(people, 26)])


def test_stages_alone_make_the_same_frames(clip: Path, done: Path, run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    assert run("perceive", clip, "-o", tmp_path / "s.zip", "--mot", tmp_path / "mot.txt") == 0
    assert len((tmp_path / "mot.txt").read_text().splitlines()) >= 40
    away = clip.rename(kept / "street.mkv")
    plate = (tmp_path / "s.plate").rename(kept / "plate")
    assert run("generate", tmp_path / "s.zip", "-o", tmp_path / "p", "--seed", 3) == 0
    windows = sorted((tmp_path / "p").glob("track_*.npz"))
    assert windows
    for window in windows:
        assert window.read_bytes() == (tmp_path / "street.bodydouble.run" / "performance" / window.name).read_bytes()
    out = tmp_path / "alone.mkv"
    words = (away, tmp_path / "s.zip", tmp_path / "p", "-o", out, "--plate", plate, "--seed", 3, "--codec", "lossless")
    assert run("composite", *words) == 0
    assert np.array_equal(read_clip(out), read_clip(done))
    assert read_ledger(tmp_path / "alone.mkv.ledger.jsonl") == read_ledger(
        tmp_path / "street.bodydouble.run" / "ledger.jsonl"
    )


def test_whoever_cannot_be_played_is_painted_out_with_the_reason(clip: Path, run: Run, flat: type[Flat]) -> None:
    flat.cannot_play = frozenset({1})
    assert run("anonymize", clip, "--codec", "lossless") == 0
    entries = read_ledger(clip.with_name("street.bodydouble.run") / "ledger.jsonl")
    assert [(entry.track_id, entry.action, entry.reason) for entry in entries] == [
        (1, "painted_out", "refused by the test"),
        (2, "replaced", ""),
    ]
    before, after = read_clip(clip), read_clip(clip.with_name("street.bodydouble.mkv"))
    assert (np.abs(before.astype(int) - after).max(axis=-1)[people_mask(before)] >= 6).mean() > 0.99


@pytest.mark.parametrize(
    ("words", "refused", "message"),
    [
        (["--on-failure", "stop"], frozenset({2}), "refused by the test"),
        (["--on-failure", "stop", "--perception.pose.filter-mean-score", "1.0"], frozenset(), "cannot be replaced"),
        (["--min-coverage", "1.0"], frozenset(), "coverage is 0.5000, below the limit of 1.0"),
    ],
)
def test_policy_stops_leave_no_final_file(
    clip: Path,
    run: Run,
    flat: type[Flat],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    refused: frozenset[int],
    message: str,
) -> None:
    flat.cannot_play = refused
    monkeypatch.setattr("bodydouble.compositing.audit.CoverageAudit.coverage", property(lambda self: 0.5))
    assert run("anonymize", clip, *words) == 3
    assert message in capsys.readouterr().err
    assert {path.name for path in clip.parent.iterdir()} == {"street.mkv", "street.bodydouble.run"}
    manifest = read_manifest(clip.with_name("street.bodydouble.run") / "manifest.json")
    assert manifest.state == "stopped"
    assert message in manifest.error
    assert (clip.with_name("street.bodydouble.run") / "ledger.jsonl").exists()


def test_a_stop_policy_that_nobody_breaks_lets_the_run_through(clip: Path, run: Run, flat: type[Flat]) -> None:
    assert run("anonymize", clip, "--on-failure", "stop", "--min-coverage", "0.99") == 0


def test_paint_out_and_stop_contradict_each_other(clip: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("anonymize", clip, "--on-failure", "stop", "--generation.backend", "paint-out") == 2
    assert "replaces nobody" in capsys.readouterr().err
    assert not clip.with_name("street.bodydouble.run").exists()


def test_a_clip_without_people_passes_through(tmp_path: Path, run: Run) -> None:
    clip = tmp_path / "empty.mkv"
    frames = [frame_rgb(index, empty=True) for index in range(8)]
    write_clip(clip, frames)
    assert run("anonymize", clip, "--codec", "lossless") == 0
    assert np.array_equal(read_clip(tmp_path / "empty.bodydouble.mkv"), np.stack(frames))
    assert (tmp_path / "empty.bodydouble.run" / "ledger.jsonl").read_text() == ""


def test_from_python(clip: Path, weights: Path, flat: type[Flat], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(weights))
    (result,) = bodydouble.anonymize(clip, seed=5)
    assert result.output == clip.with_name("street.bodydouble.mp4")
    assert (result.num_frames, result.num_tracks) == (NUM_FRAMES, 2)
    assert 0.99 <= result.coverage <= 1
    assert json.loads((result.run_folder / "manifest.json").read_text())["seed"] == 5
    flat.cannot_play = frozenset({1})
    stop = RunConfig(policy=PolicyConfig(on_failure="stop"))
    with pytest.raises(PolicyStop):
        bodydouble.anonymize(clip, config=stop, overwrite=True)
    assert result.output.exists(), "the earlier result stays until a new one is complete"
