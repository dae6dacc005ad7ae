"""``bodydouble anomaly``: train a detector, score by it, or make the paper's Table 1."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import tyro

from bodydouble.anomaly.config import DETECTORS, PresetName
from bodydouble.anomaly.protocol import Protocol
from bodydouble.cli.options import Output, parse_plain
from bodydouble.cli.progress import make_progress
from bodydouble.errors import Interrupted, OutputError, UsageError
from bodydouble.scene import Progress

Kind = Literal["auto", "avenue", "ucsd", "shanghaitech", "synth"]
Settings = Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(name="set", metavar="KEY=VALUE")]


@dataclass(frozen=True, kw_only=True)
class _OnDataSet:
    """Options of all three."""

    dataset: Path
    """Folder of the data set: CUHK Avenue, UCSD Ped1 or Ped2, ShanghaiTech, or what `bodydouble synth` rendered."""
    kind: Kind = "auto"
    """Which data set it is."""
    labels_from: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """The same data set with labels, where DATASET has none."""
    quiet: bool = False
    """Show no progress."""

    def progress(self) -> Progress:
        """How progress is to be shown."""
        return make_progress(sys.stderr, quiet=self.quiet)


@dataclass(frozen=True, kw_only=True)
class _Training(_OnDataSet):
    """Options of those that train."""

    preset: PresetName = "cpu"
    """cpu: minutes on two cores; paper: as the paper states it, for a GPU; official: as the detectors' authors have it."""
    settings: Settings = ()
    """Change a setting of the preset, such as epochs=3, or lntra.epochs=3 for one detector."""
    threads: int | None = None
    """Threads on the CPU."""
    device: str | None = None
    """cpu, cuda, cuda:1, mps."""


@dataclass(frozen=True, kw_only=True)
class Train(_Training):
    """Train a detector on footage without anomalies. OUTPUT/final.safetensors is the detector, log.csv its losses."""

    detector: str
    """mnad-pred, mnad-recon, lgn-net, mpn, lntra, or unet (a plain baseline) and flow (nothing to learn)."""
    output: Output
    """Folder of the training."""
    seed: int = 0
    """Decides weights and draws."""
    resume: bool = False
    """Go on where a killed training stands; the result is the same."""
    overwrite: bool = False
    """Begin anew."""


@dataclass(frozen=True, kw_only=True)
class Score(_OnDataSet):
    """Score the test half by a trained detector: a CSV for each video, scores.json with the areas under the curve."""

    checkpoint: tyro.conf.Positional[Path]
    """final.safetensors of a training."""
    output: Output
    """Folder of the scores."""
    overwrite: bool = False
    """Replace older scores."""
    device: str | None = None
    """Where to compute; by default where it was trained."""
    protocol: Annotated[Protocol, tyro.conf.arg(name="")] = field(default_factory=Protocol)


@dataclass(frozen=True, kw_only=True)
class Table(_Training):
    """Train detectors on each variant of a data set, test them on footage as filmed and on the variant: Table 1.

    The table is a folder: table.md, table.tex, table.html, results.json, and a file for every finished run. It holds no
    picture. Trainings lie beside it, in OUTPUT.work, and are not to be passed on.
    """

    variants: Annotated[str, tyro.conf.arg(metavar="original,NAME=DIR,...")]
    """Columns: "original" is DATASET itself; any other name needs the folder with the same clips, anonymized."""
    output: Output
    """Folder of the table."""
    detectors: Annotated[str, tyro.conf.arg(metavar="all|A,B")] = "all"
    """Rows; all: the paper's five and two baselines."""
    seeds: int = 3
    """How often each is trained."""
    check_labels: bool = False
    """Also put shuffled labels (must give 0.5) and labels as scores (must give 1) through the same files and figures."""
    resume: bool = False
    """Keep finished runs, go on with the unfinished one, do what is missing."""
    overwrite: bool = False
    """Begin anew; finished runs are deleted."""
    protocol: Annotated[Protocol, tyro.conf.arg(name="")] = field(default_factory=Protocol)


COMMANDS: Final = {"train": Train, "score": Score, "table": Table}


def run(words: Sequence[str]) -> None:
    """Run the command."""
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(_help())
        return
    if not words or words[0] not in COMMANDS:
        wrong = f"unknown command {words[0]!r}" if words else "a command is needed"
        raise UsageError(f"{wrong}; `bodydouble anomaly COMMAND` with one of: {', '.join(COMMANDS)}")
    command = parse_plain(COMMANDS[words[0]], f"anomaly {words[0]}", words[1:])
    if isinstance(command, Train):
        _train(command)
    elif isinstance(command, Score):
        _score(command)
    else:
        _table(command)


def _train(command: Train) -> None:
    from bodydouble.anomaly.overrides import configs

    if command.resume and command.overwrite:
        raise UsageError("--overwrite and --resume exclude each other: start anew, or go on with what is there")
    config = configs(
        [command.detector], command.preset, command.settings, threads=command.threads, device=command.device
    )[command.detector]
    from bodydouble.anomaly.checkpoint import load_detector
    from bodydouble.anomaly.data import open_dataset
    from bodydouble.anomaly.detectors import count_parameters
    from bodydouble.anomaly.train import FINAL, RUNNING, train

    if any((command.output / name).exists() for name in (FINAL, RUNNING)) and not (command.resume or command.overwrite):
        raise OutputError(
            f"there is a training already; --resume goes on with it, --overwrite begins anew: {command.output}"
        )
    data = open_dataset(command.dataset, command.kind, labels_from=command.labels_from)
    final = train(
        command.detector,
        config,
        data.training,
        command.output,
        seed=command.seed,
        progress=command.progress(),
        resume=command.resume,
    )
    detector, description = load_detector(final)
    losses = "" if len(description.log) < 2 else f", loss {description.log[-2]['total']:.4g} in the last epoch"
    print(
        f"{final}: {command.detector}, {count_parameters(detector):,} parameters, {description.epoch} epochs{losses}, "
        f"seed {command.seed}, on {data.kind}"
    )
    for remark in data.remarks:
        print(f"note: {remark}")


def _score(command: Score) -> None:
    from bodydouble.anomaly.score_files import check_place, write_scores

    check_place(command.output, overwrite=command.overwrite)
    from bodydouble.anomaly.data import open_dataset
    from bodydouble.anomaly.evaluate import score

    data = open_dataset(command.dataset, command.kind, labels_from=command.labels_from)
    try:
        scores = score(
            command.checkpoint,
            data.testing,
            protocol=command.protocol,
            progress=command.progress(),
            device=command.device,
        )
    except KeyboardInterrupt as error:
        # Scores depend on the videos before (a memory learns on), and all take less time than an epoch: no --resume.
        raise Interrupted("interrupted; nothing was written, the same command begins anew") from error
    write_scores(scores, command.output, remarks=data.remarks, overwrite=command.overwrite)
    macro = "none" if scores.macro_auc is None else f"{scores.macro_auc:.4f}"
    print(f"{scores.detector} on {data.kind}: micro AUC {scores.micro_auc:.4f}, macro AUC {macro}")
    print(f"protocol: {scores.protocol.described()}")
    if scores.without_auc:
        print(f"without an area of their own (all frames alike): {', '.join(scores.without_auc)}")
    for remark in data.remarks:
        print(f"note: {remark}")
    print(f"the scores: {command.output}")


def _table(command: Table) -> None:
    from bodydouble.anomaly.overrides import configs, detector_names
    from bodydouble.anomaly.table.plan import TablePlan
    from bodydouble.anomaly.table.run import run_table
    from bodydouble.anomaly.table.text import to_markdown
    from bodydouble.anomaly.table.variants import parse_variants

    plan = TablePlan(
        dataset=command.dataset,
        variants=parse_variants(command.variants, command.dataset),
        configs=configs(
            detector_names(command.detectors),
            command.preset,
            command.settings,
            threads=command.threads,
            device=command.device,
        ),
        preset=" ".join([command.preset, *command.settings]),
        seeds=command.seeds,
        kind=command.kind,
        labels_from=command.labels_from,
        protocol=command.protocol,
        label_check=command.check_labels,
    )
    report = run_table(
        plan,
        command.output,
        resume=command.resume,
        overwrite=command.overwrite,
        progress=command.progress(),
        on_note=None if command.quiet else _tell,
    )
    print(to_markdown(report))
    print(f"the table: {command.output / 'table.html'}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _help() -> str:
    lines = [f"  {name:<6} {(kind.__doc__ or '').split('. ')[0].splitlines()[0]}" for name, kind in COMMANDS.items()]
    return "\n".join(
        [
            "usage: bodydouble anomaly COMMAND [OPTIONS]",
            "",
            "What anonymization does to anomaly detectors.",
            "",
            *lines,
            "",
            f"detectors: {', '.join(DETECTORS)}",
            "",
            "`bodydouble anomaly COMMAND --help` lists the options of a command.",
        ]
    )
