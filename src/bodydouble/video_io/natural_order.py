"""Order of names as people count: 2 before 10."""

from __future__ import annotations

import re


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key by which ``2.jpg`` comes before ``10.jpg``; ties (``1``, ``01``) are broken by the name itself."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts), name
