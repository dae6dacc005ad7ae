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
    """The clip: .mp4 (h264), or .mkv or .avi for lossless. With --train-clips or --test-clips the folder of a data set
    for anomaly detection."""
    seed: int = 0
    """Decides place, light, people and what they do."""
    frames: int = 120
    """Length, of each clip."""
    width_px: int = 640
    """Width; even for h264."""
    height_px: int = 360
    """Height; even for h264."""
    people: int = 6
    """How many people; in a data set the difficulty says so."""
    train_clips: int = 0
    """Clips of a data set with ordinary traffic only."""
    test_clips: int = 0
    """Clips of a data set in which something unusual happens, with labels per frame and pixel."""
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    """Of a data set: how crowded and noisy it is, and how unusual the events are."""
    resume: bool = False
    """Keep the clips of a data set that an interrupted run has finished."""
    fps: int = 25
    """Frames a second."""
    codec: Literal["h264", "lossless"] = "h264"
    """How the clip is stored; a data set is PNG."""
    gray: bool = False
    """No colour."""
    overwrite: bool = False
    """Replace what is there."""
    quiet: bool = False
    """Show no progress."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command: Synth = parse_plain(Synth, "synth", words)
    if command.train_clips or command.test_clips:
        _render_dataset(command)
        return
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


def _render_dataset(command: Synth) -> None:
    from bodydouble.synth import DatasetPlan, render_dataset

    plan = DatasetPlan(
        seed=command.seed,
        train_clips=command.train_clips,
        test_clips=command.test_clips,
        frames=command.frames,
        width_px=command.width_px,
        height_px=command.height_px,
        fps=command.fps,
        difficulty=command.difficulty,
        gray=command.gray,
    )
    out = render_dataset(
        command.output,
        plan,
        overwrite=command.overwrite,
        resume=command.resume,
        progress=make_progress(sys.stderr, quiet=command.quiet),
    )
    print(f"{out}: {plan.train_clips} clips to train with, {plan.test_clips} to test with, {plan.frames} frames each")
