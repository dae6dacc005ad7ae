"""Original and results in, one table and one report out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bodydouble.config import RunConfig
from bodydouble.config import preset as make_preset
from bodydouble.errors import OutputError
from bodydouble.evaluation.measures.builders import Workshop, referees_folder
from bodydouble.evaluation.measures.registry import choose
from bodydouble.evaluation.report.files import read_evaluation
from bodydouble.model_store import store_folder
from bodydouble.pipeline.evaluate_inputs import check_reports, name_results
from bodydouble.pipeline.evaluate_open import EvaluateOptions, OpenClip, known_people, open_clips
from bodydouble.pipeline.evaluate_pictures import ShownClip, make_gallery
from bodydouble.pipeline.evaluate_report import Report, anomaly_section, check_report, write_report
from bodydouble.pipeline.evaluate_run import EvaluationRun
from bodydouble.pipeline.evaluate_scene import SceneFiles
from bodydouble.pipeline.folder import disk_errors
from bodydouble.scene import Progress, SilentProgress
from bodydouble.scene.strict_files import write_bytes

WORK_ENDING: Final = ".work"
"""Behind the name of the report: what is kept between runs."""
_MARK: Final = "evaluation.json"
"""In the work folder, so that no other folder is ever taken for one."""


def evaluate(
    original: str | Path,
    results: Sequence[str | Path],
    output: str | Path,
    *,
    options: EvaluateOptions | None = None,
    preset: str = "cpu",
    config: RunConfig | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure what results leave of people and what they are still good for, beside the original.

    Args:
        original: a video, a folder of images, or a data set tree of either.
        results: the same made of it, by this program or elsewhere; ``NAME=PATH`` names a column.
        output: folder of the report; what is kept for another run lies beside it, in ``OUTPUT.work``.
        options: how to measure.
        preset: name of a configuration, for perception; ignored when ``config`` is given.
        config: the same in detail.
        progress: told how far it is; silent if None.

    Raises:
        UsageError: options that make no sense, or labels that clash.
        InputError: something cannot be read, does not fit, or the report cannot be written.
        MissingDependency: a package that perception needs is missing; those of measures are named in the table.
    """
    options = options or EvaluateOptions()
    output, shown = Path(output), progress or SilentProgress()
    named = name_results(results)
    names = choose(options.measures, quick=options.quick)
    resolved = config if config is not None else make_preset(preset)
    check_report(output, replace=options.overwrite or options.resume)
    section = anomaly_section(options.anomaly)
    work = output.with_name(output.name + WORK_ENDING)
    with ExitStack() as stack, disk_errors(output):
        clips = open_clips(Path(original), named, options, stack)
        known = known_people(options, [clip.name for clip in clips])
        _claim(work, options)
        run = EvaluationRun(options=options, names=names, work=work, config=resolved, known=known, progress=shown)
        scenes = {clip.name: run.scene_of(clip, is_tree=len(clips) > 1) for clip in clips}
        evaluation = run.measure(clips, scenes, named)
        workshop = Workshop(folder=run.referees, known=known)
        return write_report(
            evaluation,
            workshop,
            output,
            replace=options.overwrite or options.resume,
            gallery=lambda table, entries: make_gallery(
                evaluation, table, entries, _shown(clips, scenes), options.pictures, shown
            ),
            anomaly=section,
        )


def merge(
    reports: Sequence[str | Path],
    output: str | Path,
    *,
    overwrite: bool = False,
    referees: Path | None = None,
    anomaly: Path | None = None,
) -> Report:
    """Add the counts of reports on different clips of the same results; the new report has no pictures.

    Args:
        reports: folders of reports, or their ``results.json``.
        output: folder of the new report.
        overwrite: replace it.
        referees: folder of the weights of detectors and attackers.
        anomaly: folder of a table of anomaly detectors, which becomes a section of the page.

    Raises:
        UsageError: fewer than two reports.
        InputError: one cannot be read, or they do not add.
    """
    paths, output = [Path(report) for report in reports], Path(output)
    check_reports(paths)
    check_report(output, replace=overwrite)
    section = anomaly_section(anomaly)
    parts = [read_evaluation(path) for path in paths]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    workshop = Workshop(folder=referees_folder(referees, store_folder() / "referees"))
    with disk_errors(output):
        return write_report(total, workshop, output, replace=overwrite, anomaly=section)


def _claim(work: Path, options: EvaluateOptions) -> None:
    """Take the work folder, or see that it may be gone on with."""
    if work.exists():
        if not (work / _MARK).is_file():
            raise OutputError(f"this folder is needed for work and holds something else; move it away: {work}")
        if not options.resume:
            if not options.overwrite:
                raise OutputError(
                    f"there is work of an earlier run; go on with it by --resume, or start anew by --overwrite: {work}"
                )
            shutil.rmtree(work)
    elif not work.absolute().parent.is_dir():
        raise OutputError(f"the folder of the output does not exist; create it first: {work.absolute().parent}")
    work.mkdir(exist_ok=True)
    write_bytes(work / _MARK, b'{"format": "bodydouble-evaluation-work"}\n')


def _shown(clips: Sequence[OpenClip], scenes: Mapping[str, SceneFiles]) -> list[ShownClip]:
    return [
        ShownClip(
            name=clip.name,
            original=clip.source,
            results={label: source for label, (_, source) in clip.results.items()},
            scene=scenes[clip.name].scene,
            num_frames=clip.num_frames,
        )
        for clip in clips
    ]
