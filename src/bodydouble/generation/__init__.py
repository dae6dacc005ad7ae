"""Generation: a scene bundle and a cast in, small RGBA pictures of the doubles out. No footage is ever read here."""

from bodydouble.generation.base import SCRATCH_FOLDER, CannotPlay, Generator, KeepsWork, make_generator
from bodydouble.generation.config import AnimateDiffConfig, AvatarConfig, CuttingConfig, GenerationConfig
from bodydouble.generation.fallback import Remark, read_remarks, with_fallback
from bodydouble.generation.plan import WindowPlan, plan_windows

__all__ = [
    "SCRATCH_FOLDER",
    "AnimateDiffConfig",
    "AvatarConfig",
    "CannotPlay",
    "CuttingConfig",
    "GenerationConfig",
    "Generator",
    "KeepsWork",
    "Remark",
    "WindowPlan",
    "make_generator",
    "plan_windows",
    "read_remarks",
    "with_fallback",
]
