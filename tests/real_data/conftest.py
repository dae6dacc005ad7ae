"""Excerpts of the recorded clips, written without loss, and runs of the default preset on them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bodydouble.config import RunConfig, preset
from bodydouble.pipeline import RunResult, anonymize
from bodydouble.scene import Frame, SceneBundle, VideoGeometry
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.video_io import open_sink, open_source


@dataclass(frozen=True, kw_only=True)
class Run:
    """A clip and what the pipeline made of it, without loss."""

    clip: Path
    result: RunResult

    @property
    def bundle(self) -> SceneBundle:
        return read_bundle(self.result.run_folder / "scene")

    def pictures(self) -> list[np.ndarray]:
        with open_source(self.result.output) as source:
            return [frame.rgb for frame in source.frames()]

    def filmed(self) -> list[np.ndarray]:
        with open_source(self.clip) as source:
            return [frame.rgb for frame in source.frames()]


def lossless(seed: int = 0, workers: int = 1) -> RunConfig:
    """The default preset with a lossless result."""
    config = preset()
    return dataclasses.replace(
        config,
        seed=seed,
        output=dataclasses.replace(config.output, codec="lossless"),
        execution=dataclasses.replace(config.execution, workers=workers),
    )


@pytest.fixture(scope="session")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, int, int], Path]:
    """Write frames ``first`` to ``first + count`` of a clip into a file of its own."""
    folder = tmp_path_factory.mktemp("excerpts")

    def write(clip: Path, first: int, count: int) -> Path:
        with open_source(clip) as source:
            geometry = source.geometry
            ticks = geometry.pts_ticks[first : first + count]
            part: VideoGeometry = dataclasses.replace(geometry, pts_ticks=tuple(t - ticks[0] for t in ticks))
            path = folder / f"{clip.stem}_{first}_{count}.mkv"
            with open_sink(path, part, codec="lossless", overwrite=True) as sink:
                for frame in source.frames(first, first + count):
                    sink.write(frame.rgb)
                sink.commit()
        return path

    return write


@pytest.fixture(scope="session")
def run_default(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run the default preset on a clip."""

    def run(clip: Path, *, seed: int = 0, workers: int = 1) -> Run:
        output = tmp_path_factory.mktemp("result") / "result.mkv"
        (result,) = anonymize(clip, output, config=lossless(seed, workers))
        return Run(clip=clip, result=result)

    return run


@pytest.fixture(scope="session")
def as_frames() -> Callable[[list[np.ndarray]], list[Frame]]:
    """Number pictures."""
    return lambda pictures: [Frame(index=i, pts_ticks=i, rgb=picture) for i, picture in enumerate(pictures)]


@pytest.fixture(scope="session")
def vtest_frames() -> int:
    """How many frames of vtest.avi are measured; all, unless BODYDOUBLE_VTEST_FRAMES asks for fewer while developing."""
    return int(os.environ.get("BODYDOUBLE_VTEST_FRAMES", "795"))
