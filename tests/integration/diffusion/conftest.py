"""Networks at toy size, and a street that was played with them."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bodydouble.generation import (
    GenerationConfig,
)
from bodydouble.scene import SceneBundle, TrackWindow
from bodydouble.testing.bundles import make_bundle
from bodydouble.testing.toy_diffusion import make_toy_diffusion
from tests.integration.diffusion.playing import config_for, play_all


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_diffusion(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def broken(toy: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(toy, tmp_path / "broken"))


@pytest.fixture(scope="module")
def street() -> SceneBundle:
    return make_bundle(num_frames=34)


@pytest.fixture
def config(toy: Path) -> Callable[..., GenerationConfig]:
    return functools.partial(config_for, toy)


@pytest.fixture(scope="module")
def played(toy: Path, street: SceneBundle) -> list[TrackWindow]:
    """The street, whole; generated once for all who only look at it."""
    return play_all(street, config_for(toy))
