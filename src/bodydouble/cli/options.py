"""Options that commands share, and how words become a dataclass."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from bodydouble.config import RunConfig, preset, read_config
from bodydouble.scene import Progress

Command = TypeVar("Command", bound="RunOptions")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of every command that works by a configuration."""

    preset: str = "cpu"
    """Configuration to start from; `bodydouble config presets` lists them."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """TOML over the preset, such as the config.toml of a run folder; options given here go over both."""
    quiet: bool = False
    """Show no progress."""
    download: bool = False
    """Fetch weights that the chosen backends need and that are not here yet; without it nothing is ever fetched."""
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = dataclasses.field(default_factory=RunConfig)

    def progress(self) -> Progress:
        """How progress is to be shown."""
        from bodydouble.cli.progress import make_progress

        return make_progress(sys.stderr, quiet=self.quiet)


Output = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
Input = tyro.conf.Positional[Path]


def parse(command: type[Command], name: str, words: Sequence[str]) -> Command:
    """Turn words into a command; preset, file and single options are laid over one another in this order.

    Raises:
        UsageError: unknown preset, or a bad configuration file.
        MissingDependency: the preset is not in this version.
        MissingWeights: weights were to be fetched and cannot be.
        SystemExit: help was asked for (0), or the words make no sense (2).
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", default="cpu")
    first.add_argument("--config", type=Path)
    early, _ = first.parse_known_args([*words])
    base = preset(early.preset)
    if early.config is not None:
        base = read_config(early.config, base)
    parsed: Command = parse_plain(command, name, words, run=base)
    if parsed.download:
        from bodydouble.cli.models import fetch
        from bodydouble.pipeline.ready import missing_models

        fetch(missing_models(parsed.run), quiet=parsed.quiet)
    return parsed


def parse_plain(command: Any, name: str, words: Sequence[str], **defaults: Any) -> Any:
    """Turn words into a dataclass whose required fields have no default.

    Raises:
        SystemExit: help was asked for (0), or the words make no sense (2).
    """
    required = {
        field.name: tyro.MISSING
        for field in dataclasses.fields(command)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    return tyro.cli(
        command,
        prog=f"bodydouble {name}",
        args=list(words),
        default=command(**required, **defaults),
        config=(tyro.conf.FlagCreatePairsOff,),
    )
