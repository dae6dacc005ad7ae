"""Generation: a scene bundle and a cast in, small RGBA pictures of the doubles out. No footage is ever read here."""

from bodydouble.generation.base import CannotPlay, Generator, make_generator
from bodydouble.generation.config import AvatarConfig, GenerationConfig
from bodydouble.generation.plan import WindowPlan, plan_windows

__all__ = [
    "AvatarConfig",
    "CannotPlay",
    "GenerationConfig",
    "Generator",
    "WindowPlan",
    "make_generator",
    "plan_windows",
]
