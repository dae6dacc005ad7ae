"""``bodydouble baseline``: one subcommand per method."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro

from bodydouble.baselines import BlurConfig, ObscureConfig, PixelateConfig
from bodydouble.cli.options import Input, Output, RunOptions, parse
from bodydouble.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class _Baseline(RunOptions):
    """Options of all methods."""

    input: Input
    """A video, a folder of images, or a data set tree of either."""
    output: Output
    """Result. A tree comes out with the same names."""
    scene: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """What `bodydouble perceive` wrote for the clip, or the run folder of another run on it (for a tree: the folder of its
    run folders); people are then not looked for again."""
    overwrite: bool = False
    """Replace an existing result and start anew."""
    resume: bool = False
    """Go on with what an earlier, unfinished run has done."""


@dataclass(frozen=True, kw_only=True)
class Obscure(_Baseline):
    """Black over every head. A method to compare with: body, clothes and gait stay as filmed."""

    how: Annotated[ObscureConfig, tyro.conf.arg(name="")] = dataclasses.field(default_factory=ObscureConfig)


@dataclass(frozen=True, kw_only=True)
class Blur(_Baseline):
    """Gaussian blur over every person. A method to compare with: blur can be undone in part."""

    how: Annotated[BlurConfig, tyro.conf.arg(name="")] = dataclasses.field(default_factory=BlurConfig)


@dataclass(frozen=True, kw_only=True)
class Pixelate(_Baseline):
    """Blocks over every person. A method to compare with: colours of clothes and gait stay."""

    how: Annotated[PixelateConfig, tyro.conf.arg(name="")] = dataclasses.field(default_factory=PixelateConfig)


METHODS: Final[dict[str, type[Obscure | Blur | Pixelate]]] = {"obscure": Obscure, "blur": Blur, "pixelate": Pixelate}


def run(words: Sequence[str]) -> None:
    """Run the command."""
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(_help())
        return
    if not words or words[0] not in METHODS:
        wrong = f"unknown method {words[0]!r}" if words else "a method is needed"
        raise UsageError(f"{wrong}; `bodydouble baseline METHOD INPUT -o OUT` with one of: {', '.join(METHODS)}")
    command = parse(METHODS[words[0]], f"baseline {words[0]}", words[1:])
    from bodydouble.cli.anonymize import tell_clip
    from bodydouble.pipeline.baseline import baseline

    baseline(
        command.input,
        command.output,
        command.how,
        scene=command.scene,
        config=command.run,
        overwrite=command.overwrite,
        resume=command.resume,
        progress=command.progress(),
        on_clip=tell_clip,
        on_note=print,
    )


def _help() -> str:
    width = max(map(len, METHODS))
    lines = [f"  {name:<{width}}  {(kind.__doc__ or '').split('. ')[0]}" for name, kind in METHODS.items()]
    return "\n".join(
        [
            "usage: bodydouble baseline METHOD INPUT -o OUT [OPTIONS]",
            "",
            "What others do to people in videos, on the same people, to compare with. None of them anonymizes.",
            "",
            "methods:",
            *lines,
            "",
            "`bodydouble baseline METHOD --help` lists the options of a method.",
        ]
    )
