"""``bodydouble config show`` and ``bodydouble config presets``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bodydouble.cli.options import RunOptions, parse
from bodydouble.config import PRESET_SUMMARIES, to_toml
from bodydouble.errors import UsageError

_HELP = """usage: bodydouble config show [OPTIONS]
       bodydouble config presets

  show     print the configuration that `anonymize` would use with the same options, as TOML for --config
  presets  list the presets"""


@dataclass(frozen=True, kw_only=True)
class Show(RunOptions):
    """Print the configuration that `anonymize` would use with the same options, as TOML for --config."""


def run(words: Sequence[str]) -> None:
    """Run the command.

    Raises:
        UsageError: neither ``show`` nor ``presets``.
    """
    match list(words):
        case ["show", *rest]:
            print(to_toml(parse(Show, "config show", rest).run), end="")
        case ["presets"]:
            width = max(map(len, PRESET_SUMMARIES))
            for name, summary in PRESET_SUMMARIES.items():
                print(f"{name:<{width}}  {summary}")
        case ["--help" | "-h"] | ["presets", "--help" | "-h"]:
            print(_HELP)
        case _:
            raise UsageError(f"config takes `show` or `presets`, got {' '.join(words)!r}")
