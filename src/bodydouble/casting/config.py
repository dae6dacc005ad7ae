"""What a user can say about the cast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CastingConfig:
    """Limits on the looks that are drawn."""

    exclude: tuple[str, ...] = ()
    """Words that no look may have, such as ``coat`` or ``red``; compared with whole values of attributes and colours."""
    pin: tuple[str, ...] = ()
    """Values that everybody has, as ``attribute=value``, such as ``top=jacket`` or ``top_colour=navy``."""
    youngest_years: int = 18
    """Lowest age drawn, 18 or more."""
    oldest_years: int = 79
    """Highest age drawn, at most 100."""
