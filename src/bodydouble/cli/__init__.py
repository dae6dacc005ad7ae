"""The command line. This file finds the command and imports nothing else: help must be there at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final

from bodydouble import __version__

COMMANDS: Final[dict[str, str]] = {
    "anonymize": "replace every person of a clip, or of a data set tree, by a double",
    "perceive": "find people: clip -> scene (geometry only) and plate (background without people)",
    "overlay": "show on the clip what was found in it; NOT anonymized, for your eyes only",
    "generate": "make the doubles of a scene: needs no footage",
    "composite": "put the doubles into the clip",
    "baseline": "obscure heads, blur or pixelate people instead: methods to compare with",
    "evaluate": "measure what results leave of people and what they are good for: one table, one report",
    "anomaly": "train anomaly detectors, score by them, or compare anonymized variants of a data set (Table 1)",
    "external": "have deface or DeepPrivacy2 do it, in their own environments, to compare with",
    "demo": "fetch or render a clip, replace its people, show both side by side",
    "synth": "render a street with people who do not exist, with exact ground truth",
    "models": "weights of others that backends can use: list them, fetch them",
    "doctor": "can a configuration run here, with which weights, in how much memory and time",
    "backends": "what can do the work of each stage, and whether it is installed",
    "config": "show the configuration that would be used; list the presets",
}
"""Commands and what they do; each is the module of the same name in this package, with a function ``run``."""

EXIT_CODES: Final[dict[int, str]] = {
    0: "done",
    1: "internal error",
    2: "bad usage or bad input; nothing was written under the final name",
    3: "stopped by policy; no final file",
    4: "an extra or weights are missing",
    130: "interrupted; --resume goes on",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: without the name of the program; those of this process if None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["--version"], ["-V"]):
        print(f"bodydouble {__version__}")
        return 0
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(_help())
        return 0
    if not words or words[0] not in COMMANDS:
        wrong = f"unknown command {words[0]!r}" if words else "a command is needed"
        print(f"bodydouble: {wrong}; commands: {', '.join(COMMANDS)}; `bodydouble --help` tells more", file=sys.stderr)
        return 2
    from bodydouble.cli.guard import run_guarded

    return run_guarded(lambda rest: importlib.import_module(f"bodydouble.cli.{words[0]}").run(rest), words[1:])


def _help() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "usage: bodydouble COMMAND [OPTIONS]",
            "",
            "Replaces every person in a video by a body double who moves the same way.",
            "",
            "  bodydouble anonymize street.mp4      -> street.bodydouble.mp4 and street.bodydouble.run/",
            "",
            "commands:",
            *(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()),
            "",
            "`bodydouble COMMAND --help` lists the options of a command. With --debug, or BODYDOUBLE_DEBUG=1,",
            "errors come with a traceback. `bodydouble --version` tells the version.",
            "",
            "exit codes:",
            *(f"  {code:<{width}}  {meaning}" for code, meaning in EXIT_CODES.items()),
        ]
    )
