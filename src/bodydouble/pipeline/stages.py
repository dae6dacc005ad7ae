"""The three stages over files. Each reads what the one before it wrote, so each can run alone, and later."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble import __version__
from bodydouble.config import RunConfig, to_mapping
from bodydouble.errors import BundleError, OutputError
from bodydouble.manifest import hash_path
from bodydouble.pipeline.policy import check_failures
from bodydouble.pipeline.windows import (
    CAST_FILE,
    FAILURES_FILE,
    Failure,
    GenerateWindows,
    frames_of,
    portions,
    write_failures,
)
from bodydouble.scene import FrameSource, Progress, SceneBundle
from bodydouble.scene.bundle_files import read_bundle, write_bundle
from bodydouble.scene.performance_files import PerformanceWriter, write_cast
from bodydouble.scene.strict_files import write_bytes

if TYPE_CHECKING:
    from bodydouble.perception.config import PerceptionConfig

MADE_FROM_FILE: Final = "made_from.json"
"""In a performance: what it was made from, so that windows of another scene or cast are never taken for its own."""


@dataclass(frozen=True, kw_only=True)
class GenerationOutcome:
    """What generation did."""

    num_windows: int
    """Windows in all, with those that an earlier run had made."""
    failures: tuple[Failure, ...]
    """Stretches in which nobody could play, or somebody else than asked for."""


def run_perception(
    source: FrameSource, config: PerceptionConfig, *, scene: Path, plate: Path, work: Path, progress: Progress
) -> SceneBundle:
    """Look at a clip; afterwards ``scene`` and ``plate`` are there. ``work`` is scratch, and removed.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        MissingWeights: a network's weights are missing.
    """
    from bodydouble.perception import perceive

    for folder in (plate, work):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir()
    bundle = perceive(
        source, config, work_dir=work, plate_dir=plate, producer=f"bodydouble {__version__}", progress=progress
    )
    write_bundle(bundle, scene)
    shutil.rmtree(work)
    return bundle


def run_generation(scene: Path, performance: Path, config: RunConfig, progress: Progress) -> GenerationOutcome:
    """Make the doubles of a scene, those that are not there yet. No footage is read.

    Raises:
        BundleError: the scene cannot be read.
        OutputError: the performance is of another scene or configuration, or cannot be written.
        PolicyStop: a window cannot be played and the policy is to stop.
        WorkerCrashed: a worker process died.
    """
    from bodydouble.casting import BALANCE_FILE, cast_tracks, write_balance
    from bodydouble.execution import resolve_workers, run_all
    from bodydouble.generation import SCRATCH_FOLDER, plan_windows, read_remarks

    bundle = read_bundle(scene)
    writer = PerformanceWriter(performance)
    _claim(performance, scene, config)
    cast = cast_tracks(bundle, config.casting, config.seed)
    write_cast(cast, performance / CAST_FILE)
    write_balance(cast, performance / BALANCE_FILE, {track.track_id for track in bundle.tracks if track.play.any()})
    plans = plan_windows(bundle, config.generation)
    missing = [plan for plan in plans if not writer.has(plan.track_id, int(frames_of(bundle, plan)[0]))]
    setup = GenerateWindows(scene=scene, performance=performance, config=config.generation, seed=config.seed)
    progress.start("generation", sum(plan.step_stop - plan.step_start for plan in missing))
    failures: list[Failure] = []
    workers = resolve_workers(config.execution.workers, len(missing))
    with closing(run_all(setup, portions(missing, workers), workers=workers)) as results:
        for played, failed in results:
            failures += failed
            check_failures(failures, config.policy)
            progress.advance(sum(plan.step_stop - plan.step_start for plan in played))
    failures += [Failure(**asdict(remark)) for remark in read_remarks(performance)]
    check_failures(failures, config.policy)
    write_failures(failures, performance)
    shutil.rmtree(performance / SCRATCH_FOLDER, ignore_errors=True)
    progress.finish()
    return GenerationOutcome(num_windows=len(plans), failures=tuple(failures))


def _claim(performance: Path, scene: Path, config: RunConfig) -> None:
    """Write down what a performance is made from, or see that it is the same as before."""
    settings = {"casting": to_mapping(config.casting), "generation": to_mapping(config.generation), "seed": config.seed}
    made_from = {
        "version": __version__,
        "scene_sha256": hash_path(scene),
        "settings_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
    }
    path = performance / MADE_FROM_FILE
    if path.exists():
        try:
            former = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"malformed ({error}); start anew by --overwrite: {path}") from error
        if former != made_from:
            raise OutputError(
                "the performance was begun with another scene, configuration, seed or version; "
                f"choose another folder or start anew by --overwrite: {performance}"
            )
    elif any(performance.iterdir()):
        raise OutputError(f"the folder is not empty and holds no performance; it is left alone: {performance}")
    else:
        write_bytes(path, (json.dumps(made_from, indent=1) + "\n").encode())
    (performance / FAILURES_FILE).unlink(missing_ok=True)
