"""A clip, or a whole data set tree of clips, each a run of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from bodydouble.config import RunConfig
from bodydouble.config import preset as make_preset
from bodydouble.errors import BodyDoubleError, InputError, PolicyStop, UsageError, WorkerCrashed
from bodydouble.pipeline.folder import SUFFIX, run_folder_for
from bodydouble.pipeline.run import ClipRun, RunResult, run_clip
from bodydouble.scene import Progress, SilentProgress
from bodydouble.video_io import ClipJob, FootageTree, copy_companions, discover_footage

OnClip = Callable[["ClipRun", "RunResult | BodyDoubleError"], None]
"""Told what became of each clip, as soon as it is known."""

Run = TypeVar("Run")
Result = TypeVar("Result")

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
    on_note: Callable[[str], None] | None = None,
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
        on_note: told, in words, what happened to files of a tree that are no clips.

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
    tree = discover_footage(Path(input_path), Path(output) if output is not None else None, resolved.output.codec)
    runs = [
        ClipRun(job=job, run_folder=run_folder_of(job), config=resolved, overwrite=overwrite, resume=resume)
        for job in tree.jobs
    ]
    shown = progress or SilentProgress()
    return run_all_clips(
        tree, runs, lambda run: run_clip(run, shown), replace=overwrite or resume, on_clip=on_clip, on_note=on_note
    )


def run_all_clips(
    tree: FootageTree,
    runs: Sequence[Run],
    run_one: Callable[[Run], Result],
    *,
    replace: bool,
    on_clip: Callable[[Run, Result | BodyDoubleError], None] | None,
    on_note: Callable[[str], None] | None,
) -> tuple[Result, ...]:
    """Do the clips of an input one after the other, and copy its labels and masks.

    Args:
        tree: the input.
        runs: one per clip.
        run_one: does one.
        replace: copies of labels and masks may replace what is there.
        on_clip: told what became of each clip.
        on_note: told, in words, what happened to files that are no clips.

    Raises:
        BodyDoubleError: what `anonymize` raises; errors that concern one clip only after the last one.
    """
    results: list[Result] = []
    errors: list[BodyDoubleError] = []
    for run in runs:
        try:
            result = run_one(run)
        except _CONCERNS_ONE_CLIP as error:
            errors.append(error)
            if on_clip is not None:
                on_clip(run, error)
            continue
        results.append(result)
        if on_clip is not None:
            on_clip(run, result)
    if len(errors) < len(runs):
        copied = copy_companions(tree, overwrite=replace)
        if copied and on_note is not None:
            on_note(f"{copied} files of labels or masks were copied")
    if tree.withheld and on_note is not None:
        names = ", ".join(path.name for path in tree.withheld[:3])
        on_note(f"{len(tree.withheld)} files that may hold footage were not copied ({names}, ...)")
    if errors:
        worst = max(errors, key=lambda error: _SEVERITY.index(error.exit_code))
        if len(runs) > 1:
            worst.add_note(f"{len(errors)} of {len(runs)} clips have no result")
        raise worst
    return tuple(results)


def run_folder_of(job: ClipJob) -> Path:
    """Where the run folder of a clip goes: beside the output, or for a tree into a tree of its own beside that.

    A data set's readers list its folders, so nothing but clips may lie in the output tree.
    """
    if job.output_root is None:
        return run_folder_for(job.output)
    root = job.output_root
    return root.with_name(root.name + SUFFIX) / job.output.relative_to(root)
