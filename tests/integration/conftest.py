"""A tiny clip, weights that understand it, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.cli import main
from bodydouble.scene import VideoGeometry
from bodydouble.video_io import open_sink, open_source
from tests.integration.colour_networks import PERSON_HEIGHT_PX, PERSON_WIDTH_PX, write_networks

NUM_FRAMES = 40
SIZE = (160, 120)
RATE = 10


def frame_rgb(index: int, *, empty: bool = False) -> npt.NDArray[np.uint8]:
    """A grey street; a red and a blue rectangle walk through it towards each other."""
    width, height = SIZE
    coarse = np.random.default_rng(7).integers(90, 150, (height // 4, width // 4)).repeat(4, axis=0).repeat(4, axis=1)
    rgb = np.repeat(coarse[..., None], 3, axis=2).astype(np.float64)
    if not empty:
        for colour, left, top in (((200, 30, 30), 2 + 3 * index, 40), ((30, 40, 210), 140 - 3 * index, 60)):
            rgb[top : top + PERSON_HEIGHT_PX, max(left, 0) : max(left + PERSON_WIDTH_PX, 0)] = colour
    rgb += np.random.default_rng(1000 + index).normal(0, 1.5, rgb.shape)
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def write_clip(path: Path, frames: list[npt.NDArray[np.uint8]], *, codec: str = "lossless") -> None:
    geometry = VideoGeometry(
        width_px=frames[0].shape[1],
        height_px=frames[0].shape[0],
        time_base=Fraction(1, RATE),
        average_rate=Fraction(RATE),
        pts_ticks=tuple(range(len(frames))),
    )
    with open_sink(path, geometry, codec=codec) as sink:
        for rgb in frames:
            sink.write(rgb)
        sink.commit()


def read_clip(path: Path) -> npt.NDArray[np.uint8]:
    with open_source(path) as source:
        return np.stack([frame.rgb for frame in source.frames()])


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of networks that take colours for people."""
    folder = tmp_path_factory.mktemp("weights")
    write_networks(folder)
    return folder


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of two people; read only."""
    path = tmp_path_factory.mktemp("clips") / "street.mkv"
    write_clip(path, [frame_rgb(index) for index in range(NUM_FRAMES)])
    return path


@pytest.fixture
def clip(street: Path, tmp_path: Path) -> Path:
    """The street in a folder of its own."""
    path = tmp_path / "street.mkv"
    path.write_bytes(street.read_bytes())
    return path


@pytest.fixture
def run(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line with those weights, silent; returns the exit code."""
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(weights))

    def call(*words: str | Path) -> int:
        return main([str(word) for word in words])

    return call
