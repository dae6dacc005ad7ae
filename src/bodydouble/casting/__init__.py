"""Casting: who plays whom. Looks are drawn from the seed, the clip's name and the track's number, from nothing else."""

from bodydouble.casting.config import CastingConfig
from bodydouble.casting.draw import cast_tracks

__all__ = ["CastingConfig", "cast_tracks"]
