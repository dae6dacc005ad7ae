"""The contract of a generator, and the table of those that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from bodydouble.errors import BodyDoubleError, ConfigError
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import Cast, SceneBundle, TrackWindow

SCRATCH_FOLDER: Final = "scratch"
"""In a performance: work in progress that lets a killed generator go on; removed when everything is played."""


class CannotPlay(BodyDoubleError):
    """A track, or a window of it, that no double can play. Whoever runs the generator paints the person out instead."""

    exit_code = 3

    def __init__(self, track_id: int, reason: str) -> None:
        super().__init__(f"track {track_id} cannot be played: {reason}; paint the person out")
        self.track_id = track_id
        self.reason = reason

    def __reduce__(self) -> tuple[type[CannotPlay], tuple[int, str]]:
        # The default would hand the message to __init__ when a worker process sends the error home.
        return type(self), (self.track_id, self.reason)


class Generator(Protocol):
    """Makes doubles. It is told geometry, timing, light and looks, and has no way to any picture of the footage."""

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        """Take the clip. Called once per process before `play`; must leave nothing random behind."""

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Make the sprites of one window.

        A pure function of what `prepare` was given and ``plan``: any process may take any plan in any order.

        Raises:
            CannotPlay: nobody can play this window; nothing else was made for it.
        """


@runtime_checkable
class KeepsWork(Protocol):
    """A generator that wants a place for work in progress, and for remarks on what it could not do."""

    def keep_in(self, folder: Path) -> None:
        """Take the folder of the performance; called before `Generator.prepare`, if at all."""


def make_generator(config: GenerationConfig) -> Generator:
    """The generator that a configuration names; its heavy imports happen here.

    Raises:
        ConfigError: a value is out of range.
    """
    if config.window_frames < 1:
        raise ConfigError(f"generation.window_frames is {config.window_frames}; allowed is 1 or more")
    if config.backend == "paint-out":
        from bodydouble.generation.paint_out import PaintOutGenerator

        return PaintOutGenerator()
    if config.backend == "avatar":
        from bodydouble.generation.avatar.generator import AvatarGenerator

        return AvatarGenerator(config.avatar)
    if config.backend == "animatediff":
        from bodydouble.generation.animatediff.generator import AnimateDiffGenerator

        return AnimateDiffGenerator(config)
    if config.backend == "vace":
        from bodydouble.generation.vace.generator import VaceGenerator

        return VaceGenerator(config)
    raise ConfigError(
        f"generation.backend is {config.backend!r}; allowed are 'avatar', 'animatediff', 'vace' and 'paint-out'"
    )
