"""Named configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bodydouble.config.toml import overlay
from bodydouble.config.tree import RunConfig
from bodydouble.errors import MissingDependency, UsageError

DEFAULT_PRESET: Final = "cpu"


def _cpu() -> RunConfig:
    return RunConfig()


def _fast() -> RunConfig:
    """Fewer looks at each frame, at lower resolution, and a quarter of the samples per pixel of a double."""
    return overlay(
        RunConfig(),
        {
            "perception": {"people": {"working_pixels": 250_000, "coarse_looks": 1, "second_look": False}},
            "generation": {"avatar": {"supersampling": 2}},
        },
    )


_BUILDERS: Final[dict[str, Callable[[], RunConfig]]] = {"cpu": _cpu, "fast": _fast}

_NOT_YET: Final[dict[str, str]] = {
    "paper": "every component and threshold as published: diffusion on a GPU",
    "quality": "the best doubles: diffusion on a GPU",
}
"""Presets whose backends are not in this version. Asking for one is an error, never a quiet `cpu`."""

PRESET_SUMMARIES: Final[dict[str, str]] = {
    "cpu": "the default: rendered doubles, no GPU, nothing to download",
    "fast": "as cpu, with fewer looks at each frame and coarser doubles",
    **{name: f"{what} (not in this version)" for name, what in _NOT_YET.items()},
}
"""One line on every preset name, in the order in which they are shown."""


def preset(name: str = DEFAULT_PRESET) -> RunConfig:
    """The configuration of a preset.

    Raises:
        MissingDependency: the preset needs backends that this version does not have.
        UsageError: no such preset.
    """
    if name in _NOT_YET:
        raise MissingDependency(
            f"preset {name!r} ({_NOT_YET[name]}) needs backends that are not in this version; "
            f"available: {', '.join(_BUILDERS)}"
        )
    if name not in _BUILDERS:
        raise UsageError(f"unknown preset {name!r}; available: {', '.join(_BUILDERS)}")
    return _BUILDERS[name]()
