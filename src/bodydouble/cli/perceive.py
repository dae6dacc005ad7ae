"""``bodydouble perceive``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro

from bodydouble.cli.options import Input, Output, RunOptions, parse

_BESIDE_SCENE: Final = "SCENE.overlay.not-anonymized.html"
"""Stands for the default where ``--overlay`` comes without a name."""


@dataclass(frozen=True, kw_only=True)
class Perceive(RunOptions):
    """Find the people of a clip. SCENE gets their geometry, SCENE.plate the background without them."""

    input: Input
    """A video or a folder of images."""
    output: Output
    """The scene: a folder, or one file when the name ends in .zip."""
    mot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write all tracks as MOTChallenge rows; the last column is 0 where somebody is painted out, else -1."""
    overlay: Annotated[Path | None, tyro.conf.arg(metavar="[FILE.html]")] = None
    """Also draw what was found on the clip: a page and a video beside it. They show people AS FILMED; never share
    them. Without FILE.html they come beside SCENE. For a scene that is there already: `bodydouble overlay`."""
    overwrite: bool = False
    """Replace what is there."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    command = parse(Perceive, "perceive", name_overlay(words))
    from bodydouble.cli.overlay import tell
    from bodydouble.errors import OutputError
    from bodydouble.pipeline import perceive
    from bodydouble.pipeline.overlay import NAME_ENDING, OverlayFiles
    from bodydouble.pipeline.single import plate_of

    page = command.overlay
    if page == Path(_BESIDE_SCENE):
        page = command.output.with_name(f"{command.output.name.removesuffix('.zip')}{NAME_ENDING}")
    if page is not None and command.output.exists() and not command.overwrite:
        raise OutputError(
            "the scene exists; draw it by `bodydouble overlay INPUT SCENE -o FILE.html`, or perceive anew by --overwrite: "
            f"{command.output}"
        )
    bundle = perceive(
        command.input,
        command.output,
        mot=command.mot,
        overlay=page,
        config=command.run,
        overwrite=command.overwrite,
        progress=command.progress(),
    )
    print(f"{command.output}: {bundle.video.num_frames} frames, {len(bundle.tracks)} people")
    print(f"background without them: {plate_of(command.output)}")
    if page is not None:
        tell(OverlayFiles(page))


def name_overlay(words: Sequence[str]) -> list[str]:
    """Words in which ``--overlay`` always has a value: the next word only if that is the name of a page.

    >>> name_overlay(["--overlay", "street.mp4", "-o", "scene"])
    ['--overlay', 'SCENE.overlay.not-anonymized.html', 'street.mp4', '-o', 'scene']
    >>> name_overlay(["street.mp4", "--overlay", "look.html"])
    ['street.mp4', '--overlay', 'look.html']
    """
    named: list[str] = []
    for number, word in enumerate(words):
        named.append(word)
        following = words[number + 1] if number + 1 < len(words) else ""
        if word == "--overlay" and (following.startswith("-") or not following.lower().endswith(".html")):
            named.append(_BESIDE_SCENE)
    return named
