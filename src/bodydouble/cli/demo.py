"""``bodydouble demo``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bodydouble.cli.anonymize import describe_people
from bodydouble.cli.options import RunOptions, parse

_FETCHED, _EXCERPT, _RENDERED = "vtest.avi", "clip.mkv", "street.mp4"


@dataclass(frozen=True, kw_only=True)
class Demo(RunOptions):
    """Replace the people of a clip and show both side by side.

    Without --input a real clip is fetched through apt; where there is no apt, a street is rendered.
    """

    input: Annotated[Path | None, tyro.conf.arg(metavar="CLIP")] = None
    """Clip of your own; it is taken whole."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = Path("demo")
    """Folder for everything the demonstration makes."""
    frames: int = 150
    """Frames of the fetched clip to take, from its beginning; 0 takes all 795."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Demo, "demo", words)
    from bodydouble.demo.side_by_side import choose_frames, draw_side_by_side
    from bodydouble.pipeline import anonymize
    from bodydouble.pipeline.folder import make_parents
    from bodydouble.scene.bundle_files import read_bundle
    from bodydouble.video_io import open_source

    folder = command.output
    make_parents(folder / "any")
    clip = command.input if command.input is not None else _get_clip(folder, command.frames)
    output = folder / f"{clip.stem}.bodydouble.mp4"
    (result,) = anonymize(clip, output, config=command.run, overwrite=True, progress=command.progress())
    picture = folder / f"{clip.stem}.side_by_side.png"
    with open_source(clip) as original, open_source(result.output) as double:
        draw_side_by_side(original, double, choose_frames(read_bundle(result.run_folder / "scene"), 3), picture)
    people = describe_people(result.run_folder / "ledger.jsonl")
    rate = result.num_frames / max(result.seconds, 1e-9)
    print(f"{result.num_frames} frames in {result.seconds:.0f} s ({rate:.1f} frames a second); {people}")
    print(f"result:                {result.output}")
    print(f"original | double:     {picture}")
    print(f"what happened to whom: {result.run_folder}")


def _get_clip(folder: Path, num_frames: int) -> Path:
    """A clip in the folder: the real one where it can be fetched, else a rendered one."""
    from bodydouble.demo.excerpt import write_excerpt
    from bodydouble.demo.footage import CLIP, PACKAGE, NoClip, fetch_clip

    fetched = folder / _FETCHED
    if not fetched.is_file():
        print(f"fetching {CLIP} from the Debian package {PACKAGE} ...", file=sys.stderr)
        try:
            fetch_clip(fetched)
        except NoClip as reason:
            print(f"no real clip ({reason}); rendering a street instead ...", file=sys.stderr)
            return _render(folder)
    if num_frames <= 0:
        return fetched
    write_excerpt(fetched, folder / _EXCERPT, num_frames=num_frames)
    return folder / _EXCERPT


def _render(folder: Path) -> Path:
    from bodydouble.synth import render_street

    return render_street(folder / _RENDERED, num_frames=100, overwrite=True).video
