"""``bodydouble synth``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from bodydouble.cli.options import parse_plain
from bodydouble.cli.progress import make_progress


@dataclass(frozen=True, kw_only=True)
class Synth:
    """Render a street with people who do not exist, and write the exact truth about them beside it."""

    output: tyro.conf.Positional[Path]
    """The clip: .mp4 (h264), or .mkv or .avi for lossless."""
    seed: int = 0
    """Decides place, light, people and what they do."""
    frames: int = 120
    """Length."""
    width_px: int = 640
    """Width; even for h264."""
    height_px: int = 360
    """Height; even for h264."""
    people: int = 6
    """How many people."""
    fps: int = 25
    """Frames a second."""
    codec: Literal["h264", "lossless"] = "h264"
    """How the clip is stored."""
    gray: bool = False
    """No colour."""
    overwrite: bool = False
    """Replace what is there."""
    quiet: bool = False
    """Show no progress."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command: Synth = parse_plain(Synth, "synth", words)
    from bodydouble.synth import render_street

    files = render_street(
        command.output,
        seed=command.seed,
        num_frames=command.frames,
        width_px=command.width_px,
        height_px=command.height_px,
        num_people=command.people,
        fps=command.fps,
        codec=command.codec,
        is_gray=command.gray,
        overwrite=command.overwrite,
        progress=make_progress(sys.stderr, quiet=command.quiet),
    )
    print(f"{files.video}: {command.frames} frames, {command.people} people")
    print(f"the truth about them: {files.truth}")
