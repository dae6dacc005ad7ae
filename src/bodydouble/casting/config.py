"""What a user can say about the cast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bodydouble.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class CastingConfig:
    """Limits on the looks that are drawn."""

    list: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Cast list (TOML, see docs/casting.md). Read once, when the configuration is made: its content goes into the options
    below, so that a run's configuration and its hash hold the content and not the file's name."""
    exclude: tuple[str, ...] = ()
    """Words that no look may have, such as ``coat`` or ``red``; compared with whole values of attributes and colours.
    ``top_colour=red`` excludes red tops only."""
    pin: tuple[str, ...] = ()
    """Values that are set: ``top=jacket`` for everybody, ``3:top=jacket`` for track 3, ``street.mp4/3:top=jacket`` for
    track 3 of one clip. The narrower wins, then the later; pins win over what is excluded."""
    uniform: bool = False
    """Everybody in a clip wears the same outfit, which is drawn once."""
    occupations: tuple[str, ...] = ()
    """Occupations to draw from, in your own words; the built-in ones if empty."""
    child_height: bool = True
    """Whoever has the height of a child is played by a child. It is the only thing that casting takes from what was
    filmed; without it everybody is played by an adult."""
    youngest_years: int = 18
    """Lowest age of adults drawn, 18 or more."""
    oldest_years: int = 79
    """Highest age drawn, at most 100."""

    def __post_init__(self) -> None:
        """Take in the cast list, and check that every wish can be met.

        Raises:
            ConfigError: the cast list cannot be read, an option names no attribute or no known value, or nothing is left
                to draw from.
        """
        # Only where there is something to read or to check: command lines start faster without.
        if self.list is not None:
            from bodydouble.casting.cast_list import read_cast_list

            listed = read_cast_list(self.list)
            changes = {
                "list": None,
                "exclude": tuple(dict.fromkeys((*listed.exclude, *self.exclude))),
                "pin": tuple(dict.fromkeys((*listed.pin, *self.pin))),
                "uniform": listed.uniform or self.uniform,
                "occupations": self.occupations or listed.occupations,
            }
            for name, value in changes.items():
                object.__setattr__(self, name, value)
        if self.exclude or self.pin or self.occupations:
            from bodydouble.casting.wishes import Wishes

            Wishes(pins=self.pin, exclude=self.exclude, occupations=self.occupations)
        if not 18 <= self.youngest_years <= self.oldest_years <= 100:
            raise ConfigError(
                f"casting ages are {self.youngest_years} to {self.oldest_years}; allowed is 18 to 100, youngest first"
            )
