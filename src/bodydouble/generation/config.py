"""Options of generation; one sub-config per backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class AvatarConfig:
    """The parametric body, rendered on the CPU."""

    supersampling: int = 4
    """Samples per pixel and axis for people of usual size, 1 to 8; lowered where a person is so large that a frame of
    samples would pass ``max_raster_side_px``."""
    max_raster_side_px: int = 1600
    """Longest side of the picture of samples; bounds time and memory for people who fill the frame."""
    joint_noise_m: float = 0.05
    """How far a joint that was found is taken to be off, in metres on the body; larger trusts the priors more."""


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """Who makes the doubles, and in what pieces."""

    backend: Literal["avatar", "paint-out"] = "avatar"
    """``avatar``: parametric body. ``paint-out``: nobody; people are replaced by the clean plate alone."""
    window_frames: int = 64
    """Frames per piece of work that is stored and resumed, 1 or more. It has no influence on the result."""
    avatar: AvatarConfig = field(default_factory=AvatarConfig)
    """Options of ``avatar``."""
