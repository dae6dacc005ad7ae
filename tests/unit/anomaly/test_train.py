"""Training is a function of its seed, whether it is killed or not; what cannot go on says so."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bodydouble.anomaly import checkpoint as files
from bodydouble.anomaly import train as training
from bodydouble.anomaly.clips import Scale, cached, scaled, starts, windows
from bodydouble.anomaly.config import DETECTORS
from bodydouble.anomaly.data import TrainingClips
from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.errors import ConfigError, InputError
from bodydouble.scene import SilentProgress
from tests.unit.anomaly.helpers import InMemory, tiny

FOOTAGE = TrainingClips(videos=(InMemory(name="a", count=20), InMemory(name="b", count=18, seed=1)))


class Killed(Exception):
    """What a kill looks like from inside."""


class KillAfter(SilentProgress):
    """Stops a training at a step, at once and without any chance to save."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def start(self, stage: str, total: int) -> None:
        self.counts = stage.startswith("training")

    def advance(self, steps: int = 1) -> None:
        if self.counts and steps:
            self.left -= steps
            if self.left < 0:
                raise Killed


class Counting(SilentProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: dict[str, list[int]] = {}

    def start(self, stage: str, total: int) -> None:
        self.now = stage
        self.stages[stage] = [total, 0]

    def advance(self, steps: int = 1) -> None:
        self.stages[self.now][1] += steps


def same(first: Path, second: Path) -> bool:
    a, b = load_file(first), load_file(second)
    return set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_killed_training_ends_as_an_uninterrupted_one(detector: str, tmp_path: Path) -> None:
    config = tiny(detector, clips_per_epoch=8, save_every_steps=3)
    whole = training.train(detector, config, FOOTAGE, tmp_path / "whole", seed=5)
    work = tmp_path / "killed"
    kills = 0
    # Twice four steps; after the first kill nothing is saved yet, after the others inside and at the end of an epoch.
    for steps in (1, 3, 1, 4):
        progress = KillAfter(steps + kills)
        try:
            training.train(detector, config, FOOTAGE, work, seed=5, progress=progress)
        except Killed:
            kills += 1
    assert kills >= (0 if detector == "flow" else 2)
    resumed = training.train(detector, config, FOOTAGE, work, seed=5)
    assert same(whole, resumed)
    if detector != "flow":
        assert (tmp_path / "whole" / training.LOG).read_text() == (work / training.LOG).read_text()
    assert not (work / training.RUNNING).exists()


@pytest.mark.parametrize("detector", ["mnad-pred", "lntra"])
def test_the_seed_decides(detector: str, tmp_path: Path) -> None:
    config = tiny(detector, epochs=1, clips_per_epoch=6)
    paths = [
        training.train(detector, config, FOOTAGE, tmp_path / name, seed=seed, cache=tmp_path / "cache")
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same(paths[0], paths[1])
    assert not same(paths[0], paths[2])


def test_the_loss_falls(tmp_path: Path) -> None:
    config = tiny("unet", epochs=6, learning_rate=1e-2, widths=(4, 6, 8, 12))
    training.train("unet", config, FOOTAGE, tmp_path, seed=0)
    with (tmp_path / training.LOG).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(n) for n in range(1, 7)]
    assert float(rows[-1]["total"]) < 0.5 * float(rows[0]["total"])


def test_mixed_precision_trains_too(tmp_path: Path) -> None:
    config = tiny("mnad-pred", epochs=1, clips_per_epoch=4, precision="bfloat16")
    tensors = load_file(training.train("mnad-pred", config, FOOTAGE, tmp_path, seed=0))
    assert all(t.isfinite().all() for t in tensors.values())
    assert {t.dtype for t in tensors.values() if t.is_floating_point()} == {torch.float32}


def test_a_complete_training_is_not_done_again(tmp_path: Path) -> None:
    config = tiny("unet", epochs=1, clips_per_epoch=4)
    path = training.train("unet", config, FOOTAGE, tmp_path, seed=0)
    made = path.stat().st_mtime_ns
    assert training.train("unet", config, FOOTAGE, tmp_path, seed=0) == path
    assert path.stat().st_mtime_ns == made
    for change in ({"seed": 1}, {"config": replace(config, learning_rate=1e-4)}):
        with pytest.raises(ConfigError, match=f"another {next(iter(change))}"):
            training.train("unet", dataset=FOOTAGE, work=tmp_path, **{"config": config, "seed": 0, **change})
    other = TrainingClips(videos=FOOTAGE.videos[:1])
    with pytest.raises(ConfigError, match="another footage"):
        training.train("unet", config, other, tmp_path, seed=0)
    training.train("unet", config, other, tmp_path, seed=0, resume=False)
    assert path.stat().st_mtime_ns != made


def test_a_loss_that_is_no_number_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "as_clips", lambda frames, device: torch.full((2, 5, 3, 16, 16), torch.nan))
    with pytest.raises(DetectorFailed, match=r"total is nan in epoch 1, step 1"):
        training.train("unet", tiny("unet"), FOOTAGE, tmp_path, seed=0)
    assert not (tmp_path / training.FINAL).exists()


def test_footage_that_is_too_short(tmp_path: Path) -> None:
    short = TrainingClips(videos=(InMemory(name="a", count=4),))
    with pytest.raises(InputError, match="5 frames of a clip"):
        training.train("unet", tiny("unet"), short, tmp_path, seed=0)
    with pytest.raises(InputError, match="has no frames"):
        training.train("unet", tiny("unet"), TrainingClips(videos=(InMemory(name="e", count=0),)), tmp_path, seed=0)


def test_progress_counts_every_step(tmp_path: Path) -> None:
    progress = Counting()
    training.train("unet", tiny("unet", clips_per_epoch=7), FOOTAGE, tmp_path, seed=0, progress=progress)
    assert progress.stages == {"frames": [2, 2], "training unet": [6, 6]}  # 2 epochs of 3 full batches


def test_threads_are_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    training.train("unet", tiny("unet", epochs=0, threads=before + 1), FOOTAGE, tmp_path, seed=0)
    assert torch.get_num_threads() == before


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(InputError, match="no checkpoint"):
        files.read(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no checkpoint"):
        files.read(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="no checkpoint"):
        files.read(path)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    config = tiny("lntra", epochs=1, clips_per_epoch=4)
    path = training.train("lntra", config, FOOTAGE, tmp_path, seed=9)
    detector, description = files.load_detector(path)
    assert (description.detector, description.config, description.seed) == ("lntra", config, 9)
    tensors = load_file(path)
    assert all(torch.equal(tensors[f"model.{name}"], value) for name, value in detector.state_dict().items())
    del tensors["model.encoder.0.weight"]
    with pytest.raises(InputError, match="do not fit"):
        files.restore(detector, tensors, where=path)


def test_frames_are_resized_once(tmp_path: Path) -> None:
    scale = Scale(size_px=16, channels=1, resize="area")
    video = InMemory(name="a", count=6)
    first = cached([video], scale, tmp_path, SilentProgress())[0]
    assert first.shape == (6, 16, 16, 1)
    files_there = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    cached([video], scale, tmp_path, SilentProgress())
    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == files_there
    cached([replace(video, seed=3)], scale, tmp_path, SilentProgress())
    cached([video], replace(scale, channels=3), tmp_path, SilentProgress())
    assert len(list(tmp_path.iterdir())) == 3


def test_streaming_gives_the_clips_of_the_cache(tmp_path: Path) -> None:
    scale = Scale(size_px=16, channels=3, resize="bilinear")
    video = InMemory(name="a", count=11)
    frames = cached([video], scale, tmp_path, SilentProgress())[0]
    streamed = list(windows(scaled(video, scale), 5, 3))
    assert [len(batch) for batch in streamed] == [3, 3, 1]
    expected = np.stack([frames[first : first + 5] for _, first in starts([frames], 5)])
    np.testing.assert_array_equal(np.concatenate(streamed), expected)
    assert not list(windows(scaled(InMemory(name="b", count=4), scale), 5, 3))


def test_bytes_become_minus_one_to_one() -> None:
    frames = np.zeros((2, 3, 4, 4, 1), np.uint8)
    frames[1] = 255
    clips = training.as_clips(frames, "cpu")
    assert clips.shape == (2, 3, 1, 4, 4)
    assert (float(clips[0].max()), float(clips[1].min())) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", [1, 1, 1, 1]),
        # (1 + cos(pi t)) / 2 at t = 0 and 1/2; from step to step at 0, 1/4, 1/2, 3/4.
        ("cosine", [1, 1, 0.5, 0.5]),
        ("cosine-steps", [1, 0.853553, 0.5, 0.146447]),
    ],
)
def test_how_the_learning_rate_falls(
    schedule: str, shares: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def noted(self: torch.optim.Adam, *rest: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    config = tiny("unet", epochs=2, clips_per_epoch=4, schedule=schedule, learning_rate=1e-2)
    training.train("unet", config, FOOTAGE, tmp_path, seed=0)
    assert rates == pytest.approx([1e-2 * share for share in shares], rel=1e-4)
