"""The words and colours that looks are drawn from.

Wardrobe colours are what people wear in the street: mostly muted, some bright. A colour that is named more than once is
drawn that much more often. All colours are sRGB, as a camera would see the cloth or skin under neutral light.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bodydouble.scene.appearance import RGB

Shade = tuple[str, RGB]
"""Name and colour."""

SKIN_TONES: Final[tuple[RGB, ...]] = (
    (226, 191, 167), (214, 175, 147), (200, 155, 122), (171, 122, 88), (126, 84, 60), (88, 58, 44),
)  # fmt: skip
"""Six tones, light to dark, spaced like the groups of the Monk skin tone scale (Monk 2022)."""

ETHNICITIES: Final[tuple[tuple[str, tuple[int, ...]], ...]] = (
    ("White European", (0, 1)),
    ("Black African", (4, 5)),
    ("East Asian", (0, 1, 2)),
    ("South Asian", (2, 3, 4)),
    ("Hispanic", (1, 2, 3)),
    ("Middle Eastern", (1, 2, 3)),
    ("Pacific Islander", (2, 3, 4)),
    ("Mixed-heritage", (1, 2, 3, 4)),
)
"""Words for the prompt, each with the rows of `SKIN_TONES` that it may be drawn with."""

GENDERS: Final[tuple[str, ...]] = ("woman", "man", "non-binary person")
BODY_TYPES: Final[tuple[str, ...]] = ("slim", "average", "athletic", "heavy-set")
HEIGHT_CLASSES: Final[tuple[str, ...]] = ("short", "medium", "tall")

HAIR_COLOURS: Final[tuple[Shade, ...]] = (
    ("black", (24, 20, 19)),
    ("dark brown", (47, 32, 24)),
    ("brown", (78, 53, 36)),
    ("auburn", (96, 48, 30)),
    ("blonde", (176, 140, 92)),
    ("grey", (128, 125, 122)),
    ("black", (30, 25, 23)),
    ("dark brown", (58, 40, 30)),
    ("white", (205, 201, 194)),
)
HAIR_TYPES: Final[tuple[str, ...]] = ("short", "medium", "long", "tied", "curly", "short", "curly", "bald")

CHILD_HAIR_COLOURS: Final[tuple[Shade, ...]] = tuple(s for s in HAIR_COLOURS if s[0] not in ("grey", "white"))
CHILD_HAIR_TYPES: Final[tuple[str, ...]] = tuple(kind for kind in HAIR_TYPES if kind != "bald")

FACIAL_HAIR: Final[tuple[str, ...]] = ("none", "none", "none", "none", "beard", "moustache", "beard", "none")
HEADWEAR: Final[tuple[str, ...]] = (
    "none", "none", "none", "none", "none", "none", "none", "none", "cap", "hat", "beanie", "hijab", "hijab",
)  # fmt: skip
EYEWEAR: Final[tuple[str, ...]] = ("none", "none", "none", "none", "glasses", "none", "glasses", "sunglasses")
BAGS: Final[tuple[str, ...]] = ("none", "none", "none", "none", "none", "backpack", "shoulder bag")

BEARDED_GENDERS: Final[tuple[str, ...]] = ("man", "non-binary person")
"""Who may be drawn with a beard or moustache, from 18 years on. Anybody can be given one in the cast list."""
HIJAB_GENDERS: Final[tuple[str, ...]] = ("woman", "non-binary person")
"""Who may be drawn with a hijab, from 13 years on and without a beard. Anybody can be given one in the cast list."""
HIJAB_YEARS: Final = 13
BARING: Final[tuple[str, ...]] = ("T-shirt", "shorts", "skirt", "dress")
"""Garments that bare arms or legs, which hardly anybody wears with a hijab."""
ADULT_YEARS: Final = 18

CHILD_OCCUPATION: Final = "pupil"
OCCUPATIONS: Final[tuple[str, ...]] = (
    "student", "teacher", "nurse", "engineer", "shop assistant", "office worker", "musician", "electrician",
    "librarian", "architect", "chef", "bus driver", "scientist", "gardener", "accountant", "postal worker",
)  # fmt: skip

TOPS: Final[tuple[str, ...]] = ("T-shirt", "shirt", "jumper", "hoodie", "jacket", "coat")
BOTTOMS: Final[tuple[str, ...]] = ("trousers", "jeans", "trousers", "jeans", "chinos", "shorts", "skirt", "dress")
SHOES: Final[tuple[str, ...]] = (
    "trainers", "leather shoes", "boots", "trainers", "leather shoes", "trainers", "heels", "boots",
)  # fmt: skip
TOP_PATTERNS: Final[tuple[str, ...]] = (
    "plain",
    "plain",
    "plain",
    "plain",
    "striped",
    "checked",
    "plain",
    "colour-block",
)

CHILD_SHOES: Final[tuple[str, ...]] = tuple(kind for kind in SHOES if kind != "heels")

_MUTED: Final[tuple[Shade, ...]] = (
    ("navy", (36, 44, 68)),
    ("black", (30, 30, 33)),
    ("charcoal", (62, 64, 68)),
    ("grey", (122, 124, 127)),
    ("beige", (183, 166, 138)),
    ("olive", (88, 88, 60)),
    ("burgundy", (96, 36, 46)),
    ("brown", (98, 74, 56)),
    ("slate blue", (82, 98, 122)),
    ("forest green", (44, 70, 56)),
)

TOP_COLOURS: Final[tuple[Shade, ...]] = (
    *_MUTED,
    ("white", (214, 212, 206)),
    ("light grey", (168, 168, 166)),
    ("navy", (44, 54, 80)),
    ("light blue", (142, 166, 192)),
    ("red", (156, 44, 42)),
    ("mustard", (180, 138, 56)),
    ("teal", (42, 106, 110)),
    ("dusty pink", (188, 140, 140)),
)

BOTTOM_COLOURS: Final[tuple[Shade, ...]] = (
    *_MUTED[:6],
    ("dark blue", (44, 54, 78)),
    ("black", (36, 36, 39)),
    ("khaki", (138, 124, 96)),
    ("dark grey", (76, 77, 80)),
    ("stone", (164, 154, 136)),
)

JEANS_COLOURS: Final[tuple[Shade, ...]] = (
    ("blue denim", (64, 82, 112)),
    ("dark denim", (42, 50, 70)),
    ("black denim", (38, 38, 42)),
    ("light denim", (112, 132, 158)),
    ("grey denim", (92, 94, 98)),
)

SHOE_COLOURS: Final[tuple[Shade, ...]] = (
    ("black", (28, 27, 27)),
    ("white", (202, 200, 195)),
    ("brown", (84, 58, 42)),
    ("grey", (104, 104, 106)),
    ("dark blue", (40, 46, 66)),
    ("black", (36, 35, 35)),
)

HEADWEAR_COLOURS: Final[tuple[Shade, ...]] = (
    *_MUTED[:8], ("white", (208, 206, 200)), ("red", (150, 46, 44)), ("dusty pink", (188, 146, 144)),
    ("teal", (46, 104, 108)),
)  # fmt: skip
BAG_COLOURS: Final[tuple[Shade, ...]] = (
    ("black", (34, 33, 34)), ("brown", (92, 64, 46)), ("navy", (40, 48, 70)), ("grey", (108, 108, 110)),
    ("olive", (84, 86, 60)), ("burgundy", (92, 38, 46)),
)  # fmt: skip

BOOT_COLOURS: Final[tuple[Shade, ...]] = SHOE_COLOURS[:1] + SHOE_COLOURS[2:4]

COLOURS_OF: Final[Mapping[str, tuple[Shade, ...]]] = {
    **dict.fromkeys(TOPS, TOP_COLOURS),
    **dict.fromkeys(BOTTOMS, BOTTOM_COLOURS),
    **dict.fromkeys(SHOES, SHOE_COLOURS),
    "jeans": JEANS_COLOURS,
    "boots": BOOT_COLOURS,
    **dict.fromkeys(HEADWEAR, HEADWEAR_COLOURS),
    **dict.fromkeys(BAGS, BAG_COLOURS),
    "none": (*HEADWEAR_COLOURS, *BAG_COLOURS),
}
"""The colours that each garment comes in. ``none`` stands for headwear and bags alike, and its colour is not seen."""


def _colour_names(garments: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for garment in garments for name, _ in COLOURS_OF[garment]))


VOCABULARY: Final[Mapping[str, tuple[str, ...]]] = {
    "ethnicity": tuple(name for name, _ in ETHNICITIES),
    "gender": GENDERS,
    "body_type": BODY_TYPES,
    "height_class": HEIGHT_CLASSES,
    "hair_colour": tuple(dict.fromkeys(name for name, _ in HAIR_COLOURS)),
    "hair_type": tuple(dict.fromkeys(HAIR_TYPES)),
    "occupation": OCCUPATIONS,
    "top": TOPS,
    "bottom": tuple(dict.fromkeys(BOTTOMS)),
    "shoes": tuple(dict.fromkeys(SHOES)),
    "facial_hair": tuple(dict.fromkeys(FACIAL_HAIR)),
    "top_pattern": tuple(dict.fromkeys(TOP_PATTERNS)),
    "headwear": tuple(dict.fromkeys(HEADWEAR)),
    "eyewear": tuple(dict.fromkeys(EYEWEAR)),
    "bag": tuple(dict.fromkeys(BAGS)),
    "top_colour": _colour_names(TOPS),
    "bottom_colour": _colour_names(BOTTOMS),
    "shoes_colour": _colour_names(SHOES),
    "headwear_colour": _colour_names(HEADWEAR[-4:]),
    "bag_colour": _colour_names(BAGS[-2:]),
}
"""Every word of every attribute, once."""
