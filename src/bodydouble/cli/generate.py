"""``bodydouble generate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bodydouble.cli.options import Input, Output, RunOptions, parse


@dataclass(frozen=True, kw_only=True)
class Generate(RunOptions):
    """Make the doubles of a scene. Needs no footage and no plate; an unfinished performance is completed."""

    scene: Input
    """What `bodydouble perceive` wrote."""
    output: Output
    """Folder for the performance."""
    overwrite: bool = False
    """Remove an existing performance first."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Generate, "generate", words)
    from bodydouble.pipeline import generate

    outcome = generate(
        command.scene, command.output, config=command.run, overwrite=command.overwrite, progress=command.progress()
    )
    print(f"{command.output}: {outcome.num_windows} windows, {len(outcome.failures)} of them cannot be played")
