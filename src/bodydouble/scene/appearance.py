"""Who plays: the looks of a double, drawn by casting, never measured on the person filmed."""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]
"""sRGB colour, 0 to 255 each."""


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """The looks of one double, in the order of the paper's prompts (section 3.3)."""

    ethnicity: str
    gender: str
    """``woman``, ``man`` or ``non-binary person``."""
    age_years: int
    body_type: str
    """``slim``, ``average``, ``athletic`` or ``heavy-set``."""
    height_class: str
    """``short``, ``medium`` or ``tall``."""
    hair_colour: str
    hair_type: str
    """``short``, ``medium``, ``long``, ``curly``, ``tied`` or ``bald``."""
    occupation: str
    top: str
    bottom: str
    shoes: str
    skin_rgb: RGB
    hair_rgb: RGB
    top_rgb: RGB
    bottom_rgb: RGB
    shoes_rgb: RGB
    prompt: str
    """The same in words, for generators that read text."""
    facial_hair: str = "none"
    """``none``, ``moustache`` or ``beard``. What follows came later: looks written before have the plainest of each."""
    top_pattern: str = "plain"
    """``plain``, ``striped``, ``checked`` or ``colour-block``."""
    headwear: str = "none"
    """``none``, ``cap``, ``hat``, ``beanie`` or ``hijab``."""
    headwear_rgb: RGB = (62, 64, 68)
    eyewear: str = "none"
    """``none``, ``glasses`` or ``sunglasses``."""
    bag: str = "none"
    """``none``, ``backpack`` or ``shoulder bag``."""
    bag_rgb: RGB = (48, 46, 46)

    @property
    def age_group(self) -> str:
        """``child`` (under 13), ``teenager`` (under 18), ``young adult`` (under 35), ``adult`` (under 65) or ``elder``."""
        limits = ((13, "child"), (18, "teenager"), (35, "young adult"), (65, "adult"))
        return next((name for limit, name in limits if self.age_years < limit), "elder")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who plays whom."""

    seed: int
    """The run's seed."""
    parts: tuple[tuple[int, Appearance], ...]
    """Pairs of track id and appearance, ordered by track id."""

    def appearance_of(self, track_id: int) -> Appearance:
        """The appearance of a track.

        Raises:
            KeyError: nobody was cast for the track.
        """
        for candidate, appearance in self.parts:
            if candidate == track_id:
                return appearance
        raise KeyError(track_id)
