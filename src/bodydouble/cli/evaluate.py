"""``bodydouble evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bodydouble.cli.options import Output, RunOptions, parse
from bodydouble.errors import UsageError

if TYPE_CHECKING:
    from bodydouble.pipeline.evaluate_open import EvaluateOptions
    from bodydouble.pipeline.evaluate_report import Report


@dataclass(frozen=True, kw_only=True)
class Evaluate(RunOptions):
    """Measure what results leave of people, and what they are still good for, beside the original.

    The report is a folder: report.html for people, results.json, table.csv and table.tex for programs and papers.
    """

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ORIGINAL RESULT [RESULT ...]")]
    """The original, then results made of it, here or elsewhere: videos, folders of images, or data set trees.
    NAME=PATH gives a column its name."""
    output: Output
    """Folder of the report. Scenes and counts are kept beside it in OUTPUT.work, for --resume."""
    scene: Annotated[Path | None, tyro.conf.arg(metavar="SCENE")] = None
    """What `bodydouble perceive` found in the original; by default that of a run folder beside a result, else
    perception looks now."""
    truth: Annotated[Path | None, tyro.conf.arg(metavar="FILE|FOLDER")] = None
    """Ground truth, MOTChallenge; for a tree a folder with NAME.txt or NAME/gt.txt."""
    identities: Annotated[Path | None, tyro.conf.arg(metavar="FILE|FOLDER")] = None
    """Who came in more than once: JSON {"groups": {"A": [1, 19]}} of ground-truth ids (without ground truth: of tracks)."""
    measures: Annotated[str, tyro.conf.arg(metavar="A,B")] = ""
    """Only these measures."""
    quick: bool = False
    """Only measures that ask no network."""
    max_frames: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Measure only the first N frames of each clip."""
    referees: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Weights of detectors and attackers that made no result; by default that of BODYDOUBLE_REFEREES. What is absent is
    named in the table."""
    anomaly: Annotated[Path | None, tyro.conf.arg(metavar="TABLE")] = None
    """Folder of `bodydouble anomaly table`, finished or not: its tables and curves become a section of report.html."""
    show_originals: bool = False
    """Show people AS FILMED in the report, beside the results. Never publish such a report."""
    no_pictures: bool = False
    """Show no pictures at all."""
    overwrite: bool = False
    """Replace the report, and begin anew."""
    resume: bool = False
    """Go on with what an earlier run has counted, and replace its report."""
    merge: bool = False
    """The inputs are reports on different clips: add their counts (never averages)."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Evaluate, "evaluate", words)
    from bodydouble.pipeline.evaluate import evaluate, merge

    if command.merge:
        tell(
            merge(
                command.inputs,
                command.output,
                overwrite=command.overwrite,
                referees=command.referees,
                anomaly=command.anomaly,
            )
        )
        return
    if len(command.inputs) < 2:
        raise UsageError("an original and at least one result are needed: ORIGINAL RESULT [RESULT ...] -o REPORT")
    original, *results = command.inputs
    report = evaluate(
        original,
        results,
        command.output,
        options=_options(command),
        config=command.run,
        progress=command.progress(),
    )
    tell(report)


def tell(report: Report) -> None:
    """Say what was found, and where it is."""
    for verdict in report.verdicts:
        print(f"{verdict.label}: {verdict.headline}")
        for finding in verdict.findings:
            print(f"  {finding.text}")
    print(f"the report: {report.page}")
    if report.shows_originals:
        print("WARNING: this report CONTAINS ORIGINAL FOOTAGE, do not publish it", file=sys.stderr)


def _options(command: Evaluate) -> EvaluateOptions:
    from bodydouble.pipeline.evaluate_open import EvaluateOptions

    if command.show_originals and command.no_pictures:
        raise UsageError("--show-originals and --no-pictures exclude each other")
    return EvaluateOptions(
        scene=command.scene,
        truth=command.truth,
        identities=command.identities,
        measures=tuple(name.strip() for name in command.measures.split(",") if name.strip()),
        quick=command.quick,
        seed=command.run.seed,
        max_frames=command.max_frames,
        workers=command.run.execution.workers,
        referees=command.referees,
        anomaly=command.anomaly,
        pictures="none" if command.no_pictures else "originals" if command.show_originals else "results",
        overwrite=command.overwrite,
        resume=command.resume,
    )
