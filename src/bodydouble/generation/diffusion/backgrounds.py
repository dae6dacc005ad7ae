"""The plain background that a double is generated on."""

from __future__ import annotations

from typing import Final

from bodydouble.scene import Appearance

BACKGROUNDS: Final[dict[str, tuple[int, int, int]]] = {
    "white": (245, 245, 245),
    "grey": (150, 150, 150),
    "green": (70, 170, 80),
    "blue": (60, 110, 200),
}
"""Plain backgrounds that can be asked for, and about the colour they come out in."""


def background_for(appearance: Appearance, wanted: str) -> str:
    """Name of the plain background.

    Args:
        appearance: the look of the double.
        wanted: a name of `BACKGROUNDS`, or ``contrast``: the one whose nearest colour of the look is farthest away.
    """
    if wanted != "contrast":
        return wanted
    looks = (
        appearance.skin_rgb, appearance.hair_rgb, appearance.top_rgb, appearance.bottom_rgb, appearance.shoes_rgb,
    )  # fmt: skip

    def nearest(name: str) -> int:
        return min(sum((a - b) ** 2 for a, b in zip(BACKGROUNDS[name], look, strict=True)) for look in looks)

    return max(BACKGROUNDS, key=nearest)
