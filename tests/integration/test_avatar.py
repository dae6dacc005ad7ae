"""The default generator in the pipeline: same doubles whoever makes them, others for another seed, no footage needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import bodydouble
from bodydouble.config import RunConfig, preset
from bodydouble.config.toml import overlay
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.performance_files import PerformanceReader


def config(*, seed: int, workers: int = 1, window_frames: int = 8) -> RunConfig:
    return overlay(
        preset(),
        {"seed": seed, "execution": {"workers": workers}, "generation": {"window_frames": window_frames}},
    )


def windows(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("track_*.npz"))}


@pytest.fixture(scope="module")
def scene(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene of the street alone: no clip and no plate anywhere near."""
    folder = tmp_path_factory.mktemp("travelled") / "scene"
    shutil.copytree(finished / "street.bodydouble.run" / "scene", folder)
    return folder


@pytest.fixture(scope="module")
def performance(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Doubles for seed 1, made by this process."""
    folder = tmp_path_factory.mktemp("performances") / "serial"
    outcome = bodydouble.generate(scene, folder, config=config(seed=1))
    assert outcome.num_windows == len(windows(folder)) == 6
    assert outcome.failures == ()
    return folder


def test_everybody_plays_in_every_frame(scene: Path, performance: Path) -> None:
    bundle, reader = read_bundle(scene), PerformanceReader(performance)
    for track in bundle.tracks:
        heights = track.boxes_xyxy_px[:, 3] - track.boxes_xyxy_px[:, 1]
        usual = np.abs(heights / np.median(heights) - 1) < 0.1
        assert usual.mean() > 0.6
        for step, frame in enumerate(track.frame_indices.tolist()):
            sprites = dict(reader.sprites_at(frame))
            box = track.boxes_xyxy_px[step]
            sprite = sprites[track.track_id]
            # The double covers a fair part of where the person was; these two are wider than anybody.
            inside = sprite.rgba[..., 3].astype(float).sum() / 255
            assert 0.15 < inside / ((box[2] - box[0]) * (box[3] - box[1])) < 1.2
            # Where the two cross, their boxes grow over each other and no longer end at the feet; doubles do not follow.
            if usual[step]:
                assert abs(sprite.ground_y_px - box[3]) < 0.1 * (box[3] - box[1])


def test_two_processes_make_the_same_to_the_bit(scene: Path, performance: Path, tmp_path: Path) -> None:
    bodydouble.generate(scene, tmp_path / "p", config=config(seed=1, workers=2))
    assert windows(tmp_path / "p") == windows(performance)


def test_another_seed_sends_others(scene: Path, performance: Path, tmp_path: Path) -> None:
    bodydouble.generate(scene, tmp_path / "p", config=config(seed=2, window_frames=64))
    one, two = PerformanceReader(performance), PerformanceReader(tmp_path / "p")
    colours = [
        [np.median(sprite.rgba[sprite.rgba[..., 3] > 250][:, :3], axis=0) for _, sprite in reader.sprites_at(12)]
        for reader in (one, two)
    ]
    assert np.abs(np.array(colours[0]) - np.array(colours[1])).max() > 10
