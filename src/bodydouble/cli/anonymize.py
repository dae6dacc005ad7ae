"""``bodydouble anonymize``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bodydouble.cli.options import Input, RunOptions, parse
from bodydouble.errors import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.pipeline.run import ClipRun, RunResult


@dataclass(frozen=True, kw_only=True)
class Anonymize(RunOptions):
    """Replace every person of a clip, or of a data set tree, by a double who moves the same way."""

    input: Input
    """A video, a folder of images, or a data set tree of either."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="PATH")] = None
    """Result; without it NAME.bodydouble.mp4 beside the input. A tree comes out with the same names."""
    overwrite: bool = False
    """Replace an existing result and start anew."""
    resume: bool = False
    """Go on with what an earlier, unfinished run has done."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Anonymize, "anonymize", words)
    from bodydouble.pipeline import anonymize

    anonymize(
        command.input,
        command.output,
        config=command.run,
        overwrite=command.overwrite,
        resume=command.resume,
        progress=command.progress(),
        on_clip=tell_clip,
        on_note=print,
    )


def tell_clip(clip: ClipRun, outcome: RunResult | BodyDoubleError) -> None:
    """Say what became of a clip."""
    if isinstance(outcome, BodyDoubleError):
        if clip.in_tree:
            print(f"no result for {clip.job.source}: {outcome}")
        return
    people = describe_people(outcome.run_folder / "ledger.jsonl")
    print(f"{outcome.output}: {outcome.num_frames} frames, {people}, coverage {outcome.coverage:.1%}")
    print(f"what happened to whom: {outcome.run_folder}")


def describe_people(ledger: Path) -> str:
    """What became of people, in a few words."""
    from bodydouble.ledger import read_ledger

    actions = [entry.action for entry in read_ledger(ledger)]
    words = {
        "replaced": "replaced",
        "mixed": "partly replaced, partly painted out",
        "painted_out": "painted out",
        "obscured": "with the head obscured",
        "blurred": "blurred",
        "pixelated": "pixelated",
    }
    counts = [f"{actions.count(action)} {text}" for action, text in words.items() if action in actions]
    return f"{len(actions)} people" + (f" ({', '.join(counts)})" if counts else "")
