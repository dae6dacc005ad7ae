"""Generation, window by window, in any process and any order. Sees the bundle and the cast, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from bodydouble.errors import BundleError
from bodydouble.generation import CannotPlay, GenerationConfig, Generator, KeepsWork, WindowPlan, make_generator
from bodydouble.scene import SceneBundle
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.performance_files import PerformanceWriter, read_cast
from bodydouble.scene.strict_files import write_bytes

CAST_FILE: Final = "cast.json"
FAILURES_FILE: Final = "failures.json"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A stretch in which nobody could play, or somebody else than asked for."""

    track_id: int
    first_frame: int
    """0-based."""
    last_frame: int
    """0-based, inclusive."""
    reason: str
    instead: Literal["paint-out", "avatar"] = "paint-out"
    """What was done: the person is painted out there, or played by the avatar."""


Windows = tuple[WindowPlan, ...]
"""Of one track, handed to a worker together."""
_PORTIONS_PER_WORKER: Final = 2
"""A portion is no larger than would give each worker so many, or somebody alone would work on a long track at the end."""


@dataclass(frozen=True, kw_only=True)
class GenerateWindows:
    """Sets up a process for playing windows; small enough to be sent there."""

    scene: Path
    performance: Path
    config: GenerationConfig
    seed: int

    def __call__(self) -> Callable[[Windows], tuple[Failure, ...]]:
        """Read the files and prepare the generator.

        Raises:
            BundleError: the scene or the cast cannot be read.
            MissingDependency: the generator's packages are missing.
        """
        bundle = read_bundle(self.scene)
        generator = make_generator(self.config)
        if isinstance(generator, KeepsWork):
            generator.keep_in(self.performance)
        generator.prepare(bundle, read_cast(self.performance / CAST_FILE), self.config, self.seed)
        writer = PerformanceWriter(self.performance)

        def play(plans: Windows) -> tuple[Failure, ...]:
            played = [_play(generator, writer, bundle, plan) for plan in plans]
            return tuple(failure for failure in played if failure is not None)

        return play


def portions(plans: Sequence[WindowPlan], workers: int) -> list[Windows]:
    """Windows as they are handed out, the largest portions first, so that workers end about together.

    A worker makes a double, and fits its motion, for a whole track, whichever windows of it are asked for. So a track is
    shared out only where it is so long that others would wait for it.

    Args:
        plans: ordered by track and step.
        workers: processes; with one, each window is a portion, so that progress is seen and nothing is done twice.
    """
    if workers == 1:
        return [(plan,) for plan in plans]
    most = sum(_steps(plan) for plan in plans) / (_PORTIONS_PER_WORKER * workers)
    found: list[list[WindowPlan]] = []
    for plan in plans:
        here = found[-1] if found and found[-1][-1].track_id == plan.track_id else []
        if here and sum(_steps(other) for other in here) + _steps(plan) <= most:
            here.append(plan)
        else:
            found.append([plan])
    found.sort(key=lambda group: -sum(_steps(plan) for plan in group))
    return [tuple(group) for group in found]


def _steps(plan: WindowPlan) -> int:
    return plan.step_stop - plan.step_start


def frames_of(bundle: SceneBundle, plan: WindowPlan) -> Any:
    """(time,) source frames of a window."""
    track = next(track for track in bundle.tracks if track.track_id == plan.track_id)
    return track.frame_indices[plan.step_start : plan.step_stop]


def _play(generator: Generator, writer: PerformanceWriter, bundle: SceneBundle, plan: WindowPlan) -> Failure | None:
    frames = frames_of(bundle, plan)
    try:
        window = generator.play(plan)
    except CannotPlay as error:
        return Failure(
            track_id=plan.track_id, first_frame=int(frames[0]), last_frame=int(frames[-1]), reason=error.reason
        )
    if window.track_id != plan.track_id or not np.array_equal(window.frame_indices, frames):
        raise ValueError(
            f"{type(generator).__name__} was to play track {plan.track_id}, frames {frames[0]} to {frames[-1]}, "
            f"and returned track {window.track_id}, {len(window.frame_indices)} frames"
        )
    writer.write(window)
    return None


def write_failures(failures: Sequence[Failure], performance: Path) -> None:
    """Keep what could not be played beside the windows that were, for compositing and the ledger.

    Raises:
        OutputError: it cannot be written.
    """
    rows = [asdict(failure) for failure in sorted(failures, key=lambda f: (f.track_id, f.first_frame))]
    write_bytes(performance / FAILURES_FILE, (json.dumps(rows, indent=1) + "\n").encode())


def read_failures(performance: Path) -> tuple[Failure, ...]:
    """Read what could not be played.

    Raises:
        BundleError: generation was not finished, or the file is malformed.
    """
    path = performance / FAILURES_FILE
    try:
        return tuple(Failure(**row) for row in json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise BundleError(f"the performance is unfinished; run `bodydouble generate` again: {performance}") from error
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(f"malformed ({error}); generate the performance anew: {path}") from error
