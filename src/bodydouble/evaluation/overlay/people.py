"""Words and colours for people, the same in the video and on the page."""

from __future__ import annotations

import colorsys
from typing import Final

import numpy as np

from bodydouble.scene import PersonTrack

RGB = tuple[int, int, int]

WARNING: Final = "NOT ANONYMIZED"
"""Stands in every frame of the video, on the page, and in the default names of both."""

_GOLDEN_TURN: Final = 0.6180339887498949
"""Steps of the golden ratio keep any number of hues apart."""
_SHADES: Final = ((0.85, 1.0), (0.55, 1.0), (0.95, 0.78))
"""Saturation and value, in turn, so that hues that come near each other still differ. None is dark: footage often is."""

_SHORT_REASONS: Final = {
    "skeleton missing": "no skeleton",
    "mean joint score": "weak joints",
    "never moves": "never moves",
    "motion without": "unexplained motion",
    "shadow of": "shadow alone",
}
"""Beginning of a reason as perception gives it, and what there is room for beside a box."""
_SHORT_LENGTH: Final = 22


def colour_of(track_id: int) -> RGB:
    """The colour of a track: the same in every frame, run and place.

    >>> colour_of(1), colour_of(1) == colour_of(2)
    ((116, 115, 255), False)
    """
    saturation, value = _SHADES[track_id % len(_SHADES)]
    red, green, blue = colorsys.hsv_to_rgb((0.05 + track_id * _GOLDEN_TURN) % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def hex_colour(rgb: RGB) -> str:
    """The colour as CSS spells it.

    >>> hex_colour((255, 0, 16))
    '#ff0010'
    """
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def shorten(reason: str) -> str:
    """A reason in so few words that they fit beside a box.

    >>> shorten("mean joint score below 0.35; never moves, and may be furniture")
    'weak joints, never moves'
    >>> shorten("something nobody has thought of yet"), shorten("")
    ('something nobody has t.', '')
    """
    found = []
    for part in filter(None, (part.strip() for part in reason.split(";"))):
        known = [short for beginning, short in _SHORT_REASONS.items() if part.startswith(beginning)]
        found.append(known[0] if known else part if len(part) <= _SHORT_LENGTH else f"{part[:_SHORT_LENGTH].strip()}.")
    return ", ".join(found)


def verdict_of(track: PersonTrack) -> str:
    """What becomes of a track: ``played``, ``painted out`` or ``partly painted out``."""
    if bool(np.all(track.play)):
        return "played"
    return "partly painted out" if bool(np.any(track.play)) else "painted out"
