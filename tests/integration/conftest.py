"""A tiny clip, weights that understand it, and the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.cli import main
from bodydouble.generation import CannotPlay, GenerationConfig, WindowPlan
from bodydouble.scene import Cast, SceneBundle, Sprite, TrackWindow, VideoGeometry
from bodydouble.video_io import open_sink, open_source
from tests.integration.colour_networks import PERSON_HEIGHT_PX, PERSON_WIDTH_PX, write_networks

NUM_FRAMES = 24
SIZE = (160, 120)
RATE = 10


def frame_rgb(index: int, *, empty: bool = False) -> npt.NDArray[np.uint8]:
    """A grey street; a red and a blue rectangle walk through it towards each other."""
    width, height = SIZE
    coarse = np.random.default_rng(7).integers(90, 150, (height // 4, width // 4)).repeat(4, axis=0).repeat(4, axis=1)
    rgb = np.repeat(coarse[..., None], 3, axis=2).astype(np.float64)
    if not empty:
        for colour, left, top in (((200, 30, 30), 20 + 4 * index, 40), ((30, 40, 210), 124 - 4 * index, 60)):
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
    """Some seconds of two people; read only."""
    path = tmp_path_factory.mktemp("clips") / "street.mkv"
    write_clip(path, [frame_rgb(index) for index in range(NUM_FRAMES)])
    return path


@pytest.fixture
def clip(street: Path, tmp_path: Path) -> Path:
    """The street in a folder of its own."""
    path = tmp_path / "street.mkv"
    path.write_bytes(street.read_bytes())
    return path


class Flat:
    """A generator that takes no time: a rectangle in a colour of the cast where the person's box was."""

    cannot_play: ClassVar[frozenset[int]] = frozenset()
    """Tracks that it refuses."""

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        self._tracks = {track.track_id: track for track in bundle.tracks}
        self._cast = cast

    def play(self, plan: WindowPlan) -> TrackWindow:
        if plan.track_id in self.cannot_play:
            raise CannotPlay(plan.track_id, "refused by the test")
        track = self._tracks[plan.track_id]
        steps = slice(plan.step_start, plan.step_stop)
        boxes = np.round(track.boxes_xyxy_px[steps]).astype(int)
        colour = (*self._cast.appearance_of(plan.track_id).top_rgb, 255)
        return TrackWindow(
            track_id=plan.track_id,
            frame_indices=track.frame_indices[steps],
            sprites=tuple(
                Sprite(
                    left_px=int(left + 4),
                    top_px=int(top),
                    rgba=np.full((bottom - top, right - left - 8, 4), colour, np.uint8),
                    ground_y_px=float(bottom),
                )
                for left, top, right, bottom in boxes
            ),
        )


@pytest.fixture
def flat(monkeypatch: pytest.MonkeyPatch) -> type[Flat]:
    """Doubles are rectangles; the class can be told whom to refuse."""

    class Own(Flat):
        pass

    monkeypatch.setattr("bodydouble.pipeline.windows.make_generator", lambda config: Own())
    return Own


@pytest.fixture
def run(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line with those weights, silent; returns the exit code."""
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(weights))

    def call(*words: str | Path) -> int:
        return main([str(word) for word in words])

    return call


@pytest.fixture(scope="session")
def finished(street: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the street, its lossless result (seed 3, flat doubles) and the run folder; read only."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copyfile(street, folder / "street.mkv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(weights))
        patch.setattr("bodydouble.pipeline.windows.make_generator", lambda config: Flat())
        assert main(["anonymize", str(folder / "street.mkv"), "--codec", "lossless", "--seed", "3", "--quiet"]) == 0
    return folder


@pytest.fixture
def done(finished: Path, clip: Path, flat: type[Flat]) -> Path:
    """The finished result, with the clip and the run folder beside it, in a folder of its own."""
    shutil.copytree(finished, clip.parent, dirs_exist_ok=True)
    return clip.with_name("street.bodydouble.mkv")
