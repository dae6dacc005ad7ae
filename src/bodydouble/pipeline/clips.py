"""A clip, or a whole data set tree of clips, each a run of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble.config import RunConfig
from bodydouble.config import preset as make_preset
from bodydouble.errors import BodyDoubleError, InputError, PolicyStop, UsageError, WorkerCrashed
from bodydouble.pipeline.folder import SUFFIX, run_folder_for
from bodydouble.pipeline.run import ClipRun, RunResult, run_clip
from bodydouble.scene import Progress, SilentProgress

if TYPE_CHECKING:
    from bodydouble.video_io import ClipJob

OnClip = Callable[["ClipRun", "RunResult | BodyDoubleError"], None]
"""Told what became of each clip, as soon as it is known."""

_CONCERNS_ONE_CLIP: Final = (InputError, PolicyStop, WorkerCrashed)
"""Errors after which the other clips of a tree are worth trying; any other would meet them all the same way."""

_SEVERITY: Final = (InputError.exit_code, PolicyStop.exit_code, WorkerCrashed.exit_code)
"""Exit codes of those, the worst last."""


def anonymize(
    input_path: str | Path,
    output: str | Path | None = None,
    *,
    preset: str = "cpu",
    config: RunConfig | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    on_clip: OnClip | None = None,
) -> tuple[RunResult, ...]:
    """Replace every person by a double.

    Args:
        input_path: a video, a folder of images, or a data set tree of either.
        output: where the result goes; a video or folder beside the input if None. A tree keeps its layout and names.
        preset: name of a configuration; ignored when ``config`` is given.
        config: what to do in detail.
        seed: who plays whom; replaces that of the configuration.
        overwrite: replace existing results and run folders.
        resume: go on with what earlier runs have finished.
        progress: told how far it is; silent if None.
        on_clip: told what became of each clip.

    Returns:
        One result per clip, in the order of the clips' names.

    Raises:
        UsageError: options that make no sense, an unknown preset, or a run that cannot be resumed.
        InputError: the input cannot be used or the output not written. In a tree the other clips are done all the
            same, and the worst of the errors is raised after the last; the same holds for `PolicyStop`.
        PolicyStop: somebody could not be replaced, and the policy is to stop.
        MissingDependency: a package or weights are missing.
    """
    if overwrite and resume:
        raise UsageError("overwrite and resume exclude each other: start anew, or go on with what is there")
    resolved = config if config is not None else make_preset(preset)
    if seed is not None:
        resolved = dataclasses.replace(resolved, seed=seed)
    runs = plan_runs(
        Path(input_path), Path(output) if output is not None else None, resolved, overwrite=overwrite, resume=resume
    )
    results: list[RunResult] = []
    errors: list[BodyDoubleError] = []
    for run in runs:
        try:
            result = run_clip(run, progress or SilentProgress())
        except _CONCERNS_ONE_CLIP as error:
            errors.append(error)
            if on_clip is not None:
                on_clip(run, error)
            continue
        results.append(result)
        if on_clip is not None:
            on_clip(run, result)
    if errors:
        worst = max(errors, key=lambda error: _SEVERITY.index(error.exit_code))
        if len(runs) > 1:
            worst.add_note(f"{len(errors)} of {len(runs)} clips have no result")
        raise worst
    return tuple(results)


def plan_runs(
    input_path: Path, output: Path | None, config: RunConfig, *, overwrite: bool, resume: bool
) -> list[ClipRun]:
    """One run for a clip; for a tree one per clip, with the run folders in a tree of their own beside the output.

    The data set's readers list its folders, so nothing but clips may lie in the output tree.

    Raises:
        InputError: no clip is there.
    """
    from bodydouble.video_io import discover_clips

    jobs = discover_clips(input_path, output, config.output.codec)
    single = len(jobs) == 1 and jobs[0].source == input_path
    return [
        ClipRun(
            source=job.source,
            output=job.output,
            run_folder=run_folder_for(job.output) if single else _tree_folder(jobs, job),
            config=config,
            overwrite=overwrite,
            resume=resume,
            in_tree=not single,
        )
        for job in jobs
    ]


def _tree_folder(jobs: list[ClipJob], job: ClipJob) -> Path:
    """Run folder of a clip of a tree: ``out/01`` has ``out.bodydouble.run/01``."""
    root = _common_root([job.output for job in jobs])
    return root.with_name(root.name + SUFFIX) / job.output.relative_to(root)


def _common_root(outputs: list[Path]) -> Path:
    root = outputs[0].parent
    while not all(output.is_relative_to(root) for output in outputs):
        root = root.parent
    return root
