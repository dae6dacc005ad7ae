"""``bodydouble perceive``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bodydouble.cli.options import Input, Output, RunOptions, parse


@dataclass(frozen=True, kw_only=True)
class Perceive(RunOptions):
    """Find the people of a clip. SCENE gets their geometry, SCENE.plate the background without them."""

    input: Input
    """A video or a folder of images."""
    output: Output
    """The scene: a folder, or one file when the name ends in .zip."""
    mot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write all tracks as MOTChallenge rows."""
    overwrite: bool = False
    """Replace what is there."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Perceive, "perceive", words)
    from bodydouble.pipeline import perceive
    from bodydouble.pipeline.single import plate_of

    bundle = perceive(
        command.input,
        command.output,
        mot=command.mot,
        config=command.run,
        overwrite=command.overwrite,
        progress=command.progress(),
    )
    print(f"{command.output}: {bundle.video.num_frames} frames, {len(bundle.tracks)} people")
    print(f"background without them: {plate_of(command.output)}")
