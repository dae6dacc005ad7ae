"""Named configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bodydouble.config.toml import overlay
from bodydouble.config.tree import RunConfig
from bodydouble.errors import MissingDependency, UsageError
from bodydouble.model_store.packaged import SMALL_DIFFUSION

DEFAULT_PRESET: Final = "cpu"


def _cpu() -> RunConfig:
    return RunConfig()


def _fast() -> RunConfig:
    """Fewer looks at each frame, at lower resolution, and less than half of the samples per pixel of a double."""
    return overlay(
        RunConfig(),
        {
            "perception": {"people": {"working_pixels": 250_000, "coarse_looks": 1, "second_look": False}},
            "generation": {"avatar": {"supersampling": 2}},
        },
    )


def _paper() -> RunConfig:
    """Every component and threshold of the paper (sections 3.1 to 3.3 and 4.1), where it states one.

    It states no pose threshold, number of denoising steps or canvas: these are our defaults. Four things are ours on
    purpose, because the paper leaves people in (its section 3.3 says so): silhouettes are completed with motion, movers
    that nobody explains are painted out, so is whoever the sequence filter rejects, and the plate is ours: the paper's
    median over 90 frames shows whoever stands still (``--perception.plate.kind median``). Windows overlap by four frames
    where the paper begins anew every thirty. People are cut out by the plain background: BiRefNet brings code of its own,
    which nobody shall run unasked (``--generation.cutting.backend birefnet --generation.cutting.trust-remote-code``).
    """
    return overlay(
        RunConfig(),
        {
            "perception": {
                "people": {"backend": "yolov8"},
                "tracking": {"preset": "paper"},
                "silhouette": {"backend": "clipseg"},
                "pose": {
                    "backend": "openpose",
                    "filter_window_frames": 30,
                    "filter_missing_share": 0.2,
                    "filter_mean_score": 0.35,
                    "filter_bridge_share": 1.1,
                },
            },
            "generation": {
                "backend": "animatediff",
                "animatediff": {"sampler": "lightning", "window_frames": 30},
            },
        },
    )


def _diffusion_small() -> RunConfig:
    """The default in everything but the doubles: diffusion from skeletons and prompts, with networks of our own.

    On their own canvas, and in the few steps that they were trained for. Whom they fail at, the avatar plays.
    """
    return overlay(
        RunConfig(),
        {
            "generation": {
                "backend": "animatediff",
                "weights": SMALL_DIFFUSION,
                "fallback": "avatar",
                "animatediff": {
                    "sampler": "standard",
                    "steps": 6,
                    "guidance": 1.0,
                    "canvas_px": 64 * 128,
                    "shared_noise": 1.0,
                },
            },
        },
    )


_BUILDERS: Final[dict[str, Callable[[], RunConfig]]] = {
    "cpu": _cpu,
    "fast": _fast,
    "paper": _paper,
    "diffusion-small": _diffusion_small,
}

_NOT_YET: Final[dict[str, str]] = {
    "quality": "the best doubles: diffusion on a GPU",
}
"""Presets whose backends are not in this version. Asking for one is an error, never a quiet `cpu`."""

PRESET_SUMMARIES: Final[dict[str, str]] = {
    "cpu": "the default: rendered doubles, no GPU, nothing to download",
    "fast": "as cpu, with fewer looks at each frame and coarser doubles",
    "diffusion-small": "as cpu, but doubles of a small diffusion model of our own: experimental, soft, 64x128 px",
    "paper": "every component and threshold as published: diffusion, for a GPU (--device cuda --download)",
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
