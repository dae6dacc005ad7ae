"""``bodydouble composite``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bodydouble.cli.options import Input, Output, RunOptions, parse


@dataclass(frozen=True, kw_only=True)
class Composite(RunOptions):
    """Put the doubles into the clip."""

    input: Input
    """The clip that the scene was made from."""
    scene: Input
    """What `bodydouble perceive` wrote."""
    performance: Input
    """What `bodydouble generate` wrote."""
    output: Output
    """The result."""
    plate: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Background without people; by default what `bodydouble perceive` wrote beside the scene."""
    overwrite: bool = False
    """Replace an existing result."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Composite, "composite", words)
    from bodydouble.pipeline import composite

    coverage = composite(
        command.input,
        command.scene,
        command.performance,
        command.output,
        plate=command.plate,
        config=command.run,
        overwrite=command.overwrite,
        progress=command.progress(),
    )
    print(f"{command.output}: coverage {coverage:.1%}")
