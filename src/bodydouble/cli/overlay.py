"""``bodydouble overlay``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bodydouble.cli.options import Input, Output, parse_plain
from bodydouble.cli.progress import make_progress

if TYPE_CHECKING:
    from bodydouble.pipeline.overlay import OverlayFiles


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Show on the clip what was found in it: boxes, ids, skeletons, silhouettes. Nothing is perceived again.

    The page and the video beside it show people AS THEY WERE FILMED. Keep them with the footage; never share them.
    """

    input: Input
    """The clip that the scene was made from."""
    scene: Input
    """What `bodydouble perceive` wrote, or the scene in a run folder."""
    output: Output
    """Page to write, NAME.html; the video becomes NAME.mp4."""
    plate: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Background without people; by default what `bodydouble perceive` wrote beside the scene."""
    overwrite: bool = False
    """Replace what is there."""
    quiet: bool = False
    """Show no progress."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command: Overlay = parse_plain(Overlay, "overlay", words)
    from bodydouble.pipeline.overlay import draw_overlay

    files = draw_overlay(
        command.input,
        command.scene,
        command.output,
        plate=command.plate,
        overwrite=command.overwrite,
        progress=make_progress(sys.stderr, quiet=command.quiet),
    )
    tell(files)


def tell(files: OverlayFiles) -> None:
    """Say what was written, and what it is."""
    print(f"what was found, drawn on the clip: {files.page}, {files.video}")
    print("WARNING: these two files are NOT ANONYMIZED, they show people as filmed; do not share them", file=sys.stderr)
