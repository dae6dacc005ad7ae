"""The whole table: train what is missing, score it, write it down, and go on where a kill left off."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.anomaly.table.checks import LabelCheck, check_labels
from bodydouble.anomaly.table.figures import UNTRAINED, Figures
from bodydouble.anomaly.table.plan import MARK, RUNS, TablePlan, write_mark
from bodydouble.anomaly.table.record import Job, Record, Test, check_same, made_of, read_record, write_record
from bodydouble.anomaly.table.report import AboutData, Report, make_report, write_report
from bodydouble.anomaly.table.variants import ORIGINAL, OpenVariants, digest_of, open_variants
from bodydouble.errors import OutputError, UsageError
from bodydouble.scene.footage import Progress, SilentProgress

WORK_ENDING: Final = ".work"
"""Behind the name of the table: checkpoints and frames made small. Not to be passed on; the table itself shows nobody."""


def run_table(
    plan: TablePlan,
    output: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Report:
    """Make the table.

    Args:
        plan: what is asked for.
        output: folder of the table; trainings go beside it, into ``OUTPUT.work``.
        resume: keep the finished runs of an earlier call, whatever detectors, variants and seeds it asked for.
        overwrite: begin anew.
        progress: told how far a training or scoring is.
        on_note: told, in words, which run begins and how long the rest may take.

    Returns:
        The report that was written.

    Raises:
        UsageError: options that make no sense, or finished runs that were made of something else.
        InputError: a data set cannot be read, or a variant is not the same clips.
        OutputError: the table is there already, or cannot be written.
        DetectorFailed: a training diverged or scores were constant (the others are done, the table is written without
            it), or the check of the labels failed.
    """
    progress, note = progress or SilentProgress(), on_note or (lambda text: None)
    if resume and overwrite:
        raise UsageError("overwrite and resume exclude each other: start anew, or go on with what is there")
    work = output.with_name(output.name + WORK_ENDING)
    _check_place(output, replace_it=resume or overwrite)
    footage = open_variants(
        plan.dataset, plan.variants, kind=plan.kind, labels_from=plan.labels_from, counts=work / "counts.json",
        progress=progress,
    )  # fmt: skip
    if overwrite and (output / MARK).is_file():
        for folder in (output, work):
            if folder.is_dir():
                shutil.rmtree(folder)
    table = _Table(plan, footage, output, work, progress, note)
    table.claim()
    table.run_all()
    return table.finish()


def _check_place(output: Path, *, replace_it: bool) -> None:
    if not output.absolute().parent.is_dir():
        raise OutputError(f"the folder of the output does not exist; create it first: {output.absolute().parent}")
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / MARK).is_file():
        raise OutputError(f"holds something else than a table; choose another name: {output}")
    if not replace_it:
        raise OutputError(
            f"there is a table already; --resume keeps its finished runs and does what is missing, --overwrite begins "
            f"anew: {output}"
        )


class _Table:
    """A table and where it stands."""

    def __init__(
        self,
        plan: TablePlan,
        footage: OpenVariants,
        output: Path,
        work: Path,
        progress: Progress,
        note: Callable[[str], None],
    ) -> None:
        self.plan, self.footage, self.output, self.work = plan, footage, output, work
        self.progress, self.note = progress, note
        self.figures = Figures(protocol=plan.protocol)
        self.failed: list[str] = []
        self.raw = digest_of(footage.original.testing)
        self.about = AboutData.of(footage.original)

    def claim(self) -> None:
        """Make the folder one of ours."""
        try:
            (self.output / RUNS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot be made ({error.strerror}): {self.output / RUNS}") from error
        write_mark(self.plan, self.about, self.output)

    def run_all(self) -> None:
        """Read what is finished, then do the rest, one training at a time."""
        jobs = self.plan.jobs()
        missing = []
        for job in jobs:
            path = self._path(job)
            if path.is_file():
                record = read_record(path, job)
                check_same(record, self._made_of(job), path)
                self.figures.records[job] = record
            else:
                missing.append(job)
        if len(missing) < len(jobs):
            self.note(f"{len(jobs) - len(missing)} of {len(jobs)} runs are finished already")
        for number, job in enumerate(missing):
            place = len(jobs) - len(missing) + number + 1
            left = self._left(missing[number:])
            self.note(f"run {place} of {len(jobs)}: {job.detector} on {job.variant}, seed {job.seed}{left}")
            try:
                record = self._run(job)
            except DetectorFailed as error:
                # The others may well work; what failed is said now, in the table, and by the exit code.
                self.failed.append(f"{job.name}: {error}")
                self.note(f"failed: {error}")
                continue
            write_record(self._path(job), record)
            # Read back, so that an unfinished table and a resumed one are made of the same numbers.
            self.figures.records[job] = read_record(self._path(job), job)
            self._write(())

    def finish(self) -> Report:
        """Write the table and say what failed."""
        checks: tuple[LabelCheck, ...] = ()
        if self.plan.label_check:
            for record in self.figures.records.values():
                checks += check_labels(record, self.footage.original.testing, self.plan.protocol)
        report = self._write(checks)
        if self.failed:
            raise DetectorFailed(
                f"{len(self.failed)} of {len(self.plan.jobs())} runs failed, the table is without them "
                f"({'; '.join(self.failed)}): {self.output}"
            )
        wrong = [f"{c.run} on {c.test}: {c.shuffled:.3f} and {c.as_scores:.3f}" for c in checks if not c.passed]
        if wrong:
            raise DetectorFailed(f"shuffled labels must score 0.5 and labels 1, but {'; '.join(wrong)}")
        return report

    def _path(self, job: Job) -> Path:
        return self.output / RUNS / f"{job.name}.json"

    def _tests(self, job: Job) -> tuple[Test, ...]:
        """Which test halves a run is scored on."""
        if job.variant == ORIGINAL:
            return ("raw",)
        if job.detector in UNTRAINED and ORIGINAL in self.footage.data:
            return ("own",)
        return ("raw", "own")

    def _made_of(self, job: Job) -> dict[str, object]:
        data = self.footage.data[job.variant]
        digests: dict[Test, str] = {
            test: self.raw if test == "raw" else digest_of(data.testing) for test in self._tests(job)
        }
        protocol = self.plan.protocol.resolved(job.detector)
        return made_of(job, self.plan.configs[job.detector], protocol, digest_of(data.training), digests)

    def _run(self, job: Job) -> Record:
        # Here, since both load torch, and a table of finished runs needs none.
        from bodydouble.anomaly.checkpoint import load_detector
        from bodydouble.anomaly.detectors import count_parameters
        from bodydouble.anomaly.evaluate import score
        from bodydouble.anomaly.train import train

        began = time.monotonic()
        data, config = self.footage.data[job.variant], self.plan.configs[job.detector]
        checkpoint = train(
            job.detector, config, data.training, self.work / job.name, seed=job.seed, progress=self.progress,
            cache=self.work / "frames",
        )  # fmt: skip
        tests = {
            test: score(
                checkpoint,
                self.footage.original.testing if test == "raw" else data.testing,
                protocol=self.plan.protocol,
                progress=self.progress,
                device=config.device,
                cache=self.work / "frames",
            ).terms
            for test in self._tests(job)
        }
        return Record(
            job=job,
            made_of=self._made_of(job),
            seconds=time.monotonic() - began,
            parameters=count_parameters(load_detector(checkpoint)[0]),
            tests=tests,
        )

    def _left(self, rest: Sequence[Job]) -> str:
        """How long these runs may take, from those of the same detector that are done."""
        own: dict[str, list[float]] = {}
        for job, record in self.figures.records.items():
            own.setdefault(job.detector, []).append(record.seconds)
        known = [sum(own[job.detector]) / len(own[job.detector]) for job in rest if job.detector in own]
        unknown = {job.detector: None for job in rest if job.detector not in own}
        if not known:
            return ""
        return f" (left: {_duration(sum(known))}{', not counting ' + ', '.join(unknown) if unknown else ''})"

    def _write(self, checks: tuple[LabelCheck, ...]) -> Report:
        report = make_report(
            self.figures,
            about=self.about,
            detectors=tuple(self.plan.configs),
            variants=tuple(variant.name for variant in self.plan.variants),
            seeds=self.plan.seeds,
            preset=self.plan.preset,
            configs=self.plan.configs,
            failed=tuple(self.failed),
            checks=checks,
        )
        write_report(report, self.output)
        return report


def _duration(seconds: float) -> str:
    """Some words for a duration.

    >>> [_duration(seconds) for seconds in (20, 200, 20_000)]
    ['about 20 s', 'about 3 min', 'about 5.6 h']
    """
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
