"""Casting: who plays whom. Looks are drawn from the seed, the clip's name and the track's number.

One bit per track comes from the footage, and can be switched off: whether somebody has the height of a child.
"""

from bodydouble.casting.config import CastingConfig
from bodydouble.casting.draw import cast_tracks
from bodydouble.casting.report import BALANCE_FILE, balance, write_balance

__all__ = ["BALANCE_FILE", "CastingConfig", "balance", "cast_tracks", "write_balance"]
