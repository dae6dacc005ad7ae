"""The draw: every attribute on its own, balanced over the tracks of a clip.

Balance without looking at the other tracks: the values of an attribute are shuffled once for each block of as many track
ids as there are values, and a track takes the value at its place in its block. Ids count from 1 without gaps, so over a
whole clip the counts of two values differ by one at most (by as many more as tracks are left out), and still a look
depends on seed, clip name and track id only. Shuffles of different attributes are independent, so no two attributes go
together more often than chance. What has to go together: skin with ethnicity, colours with what comes in them, for
children, occupation, hair and shoes with age, and beards and the hijab with gender (see `bodydouble.casting.palette`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np

from bodydouble.casting import palette
from bodydouble.casting.config import CastingConfig
from bodydouble.casting.palette import Shade
from bodydouble.casting.prompt import prompt_of
from bodydouble.casting.stature import children
from bodydouble.casting.wishes import AGE, Limits, Wishes
from bodydouble.scene import Appearance, Cast, SceneBundle
from bodydouble.scene.appearance import RGB
from bodydouble.seeds import derive_seed

_AGE_BANDS: Final[int] = 6
_CHILD_YEARS: Final = range(5, 12)
_SKIN_JITTER: Final[int] = 9
_CLOTH_JITTER: Final[int] = 7
_EVERYBODY: Final = 0
"""The track id that a uniform is drawn for; real ones start at 1."""

T = TypeVar("T")


def cast_tracks(bundle: SceneBundle, config: CastingConfig, seed: int) -> Cast:
    """Draw the looks of every track's double.

    Args:
        bundle: of it only ``clip_name``, the track ids and, unless ``config.child_height`` is off, one bit per track
            (see `bodydouble.casting.stature.children`) enter.
        config: limits on what may be drawn.
        seed: the run's root seed.
    """
    small = children(bundle) if config.child_height else frozenset()
    wishes = Wishes(pins=config.pin, exclude=config.exclude, occupations=config.occupations)
    parts = []
    for track in bundle.tracks:
        draw = _Draw(config, wishes, seed, bundle.clip_name, track.track_id)
        parts.append((track.track_id, draw.appearance(is_child=track.track_id in small)))
    return Cast(seed=seed, parts=tuple(parts))


class _Draw:
    """The draw of one track."""

    def __init__(self, config: CastingConfig, wishes: Wishes, seed: int, clip_name: str, track_id: int) -> None:
        self._config = config
        self._limits: Limits = wishes.limits(clip_name, track_id)
        self._occupations = wishes.occupations
        self._path = (seed, clip_name)
        self._track_id = track_id
        self._wearer = _EVERYBODY if config.uniform else track_id

    def appearance(self, *, is_child: bool) -> Appearance:
        age = self._age(is_child=is_child)
        is_minor = age < palette.ADULT_YEARS
        ethnicity, tones = self._value("ethnicity", palette.ETHNICITIES, _first)
        skin = palette.SKIN_TONES[self._balanced(f"skin of {ethnicity}", tones, self._track_id)]
        hair_colour, hair_rgb = self._hair(
            "hair_colour", palette.HAIR_COLOURS, palette.CHILD_HAIR_COLOURS, _first, is_minor=is_minor
        )
        hair_type = self._hair("hair_type", palette.HAIR_TYPES, palette.CHILD_HAIR_TYPES, str, is_minor=is_minor)
        gender = self._value("gender", palette.GENDERS, str)
        bearded = not is_minor and gender in palette.BEARDED_GENDERS
        facial_hair = self._fitting("facial_hair", palette.FACIAL_HAIR, () if bearded else ("beard", "moustache"))
        top, (top_colour, top_rgb) = self._garment("top", palette.TOPS)
        bottom, (bottom_colour, bottom_rgb) = self._garment("bottom", palette.BOTTOMS)
        shoes = self._shoes(is_minor=is_minor)
        shoes_colour, shoes_rgb = self._shade("shoes", shoes)
        veiled = gender in palette.HIJAB_GENDERS and facial_hair == "none" and age >= palette.HIJAB_YEARS
        covered = not {top, bottom} & set(palette.BARING)
        headwear = self._fitting("headwear", palette.HEADWEAR, () if veiled and covered else ("hijab",))
        headwear_colour, headwear_rgb = self._shade("headwear", headwear)
        bag = self._balanced("bag", self._limits.garments("bag", palette.BAGS), self._track_id)
        bag_colour, bag_rgb = self._shade("bag", bag)
        words = {
            "ethnicity": ethnicity,
            "gender": gender,
            "body_type": self._value("body_type", palette.BODY_TYPES, str),
            "height_class": self._value("height_class", palette.HEIGHT_CLASSES, str),
            "hair_colour": hair_colour,
            "hair_type": hair_type,
            "facial_hair": facial_hair,
            "occupation": self._occupation(is_minor=is_minor),
            "top": top, "bottom": bottom, "shoes": shoes,
            "top_pattern": self._pattern(),
            "headwear": headwear, "eyewear": self._value("eyewear", palette.EYEWEAR, str), "bag": bag,
        }  # fmt: skip
        return Appearance(
            **words,
            age_years=age,
            skin_rgb=self._vary("skin", skin, _SKIN_JITTER, self._track_id),
            hair_rgb=self._vary("hair", hair_rgb, _CLOTH_JITTER, self._track_id),
            top_rgb=self._vary("top", top_rgb, _CLOTH_JITTER, self._wearer),
            bottom_rgb=self._vary("bottom", bottom_rgb, _CLOTH_JITTER, self._wearer),
            shoes_rgb=self._vary("shoes", shoes_rgb, _CLOTH_JITTER, self._wearer),
            headwear_rgb=self._vary("headwear", headwear_rgb, _CLOTH_JITTER, self._track_id),
            bag_rgb=self._vary("bag", bag_rgb, _CLOTH_JITTER, self._track_id),
            prompt=prompt_of(
                words,
                age_years=age,
                colours={
                    "top": top_colour,
                    "bottom": bottom_colour,
                    "shoes": shoes_colour,
                    "headwear": headwear_colour,
                    "bag": bag_colour,
                },
            ),
        )

    def _balanced(self, attribute: str, values: Sequence[T], track_id: int) -> T:
        """The value at the track's place in its block's shuffle."""
        seed, clip_name = self._path
        block, place = divmod(track_id - 1, len(values))
        rng = np.random.default_rng(derive_seed(seed, "casting", clip_name, attribute, block))
        return values[int(rng.permutation(len(values))[place])]

    def _value(self, attribute: str, values: Sequence[T], name: Callable[[T], str]) -> T:
        return self._balanced(attribute, self._limits.kept(attribute, values, name), self._track_id)

    def _hair(
        self, attribute: str, values: Sequence[T], childs: Sequence[T], name: Callable[[T], str], *, is_minor: bool
    ) -> T:
        kept = self._limits.kept(attribute, childs, name) if is_minor else []
        return self._balanced(attribute, kept or self._limits.kept(attribute, values, name), self._track_id)

    def _fitting(self, attribute: str, values: Sequence[str], contrary: Sequence[str]) -> str:
        """The value drawn for the track, or if it cannot go with the rest of the look, another; a wish goes over that."""
        kept = (
            self._limits.garments(attribute, values)
            if attribute == "headwear"
            else self._limits.kept(attribute, values, str)
        )
        drawn = self._balanced(attribute, kept, self._track_id)
        others = [value for value in kept if value not in contrary]
        if drawn not in contrary or self._limits.pinned(attribute) is not None or not others:
            return drawn
        return self._balanced(f"{attribute}, drawn again", others, self._track_id)

    def _pattern(self) -> str:
        return self._balanced("top_pattern", self._limits.kept("top_pattern", palette.TOP_PATTERNS, str), self._wearer)

    def _shoes(self, *, is_minor: bool) -> str:
        shoes = self._balanced("shoes", self._limits.garments("shoes", palette.SHOES), self._wearer)
        if shoes != "heels" or not is_minor or self._limits.pinned("shoes") is not None:
            return shoes
        others = self._limits.garments("shoes", palette.CHILD_SHOES)
        return self._balanced("shoes of children", others, self._wearer) if others else shoes

    def _shade(self, attribute: str, garment: str) -> Shade:
        wearer = self._wearer if attribute == "shoes" else self._track_id
        return self._balanced(f"{attribute}_colour", self._limits.shades(attribute, garment), wearer)

    def _garment(self, attribute: str, words: Sequence[str]) -> tuple[str, Shade]:
        garment = self._balanced(attribute, self._limits.garments(attribute, words), self._wearer)
        shade = self._balanced(f"{attribute}_colour", self._limits.shades(attribute, garment), self._wearer)
        return garment, shade

    def _occupation(self, *, is_minor: bool) -> str:
        pinned = self._limits.pinned("occupation")
        if pinned is None and is_minor:
            return palette.CHILD_OCCUPATION
        return self._balanced("occupation", self._limits.occupations(self._occupations), self._track_id)

    def _age(self, *, is_child: bool) -> int:
        pinned = self._limits.pinned(AGE)
        if pinned is not None:
            return int(pinned)
        if is_child:
            return self._balanced("age of children", _CHILD_YEARS, self._track_id)
        edges = np.linspace(self._config.youngest_years, self._config.oldest_years + 1, _AGE_BANDS + 1)
        band = self._balanced("age", range(_AGE_BANDS), self._track_id)
        return int(np.floor(self._rng("age", self._track_id).uniform(edges[band], edges[band + 1])))

    def _vary(self, what: str, colour: RGB, spread: int, track_id: int) -> RGB:
        """A little lighter or darker, and a little off in each channel: no two of a kind are quite the same."""
        rng = self._rng(what, track_id)
        shift = rng.integers(-spread, spread + 1) + rng.integers(-spread // 3, spread // 3 + 1, 3)
        red, green, blue = (int(v) for v in np.clip(np.array(colour) + shift, 0, 255))
        return red, green, blue

    def _rng(self, what: str, track_id: int) -> np.random.Generator:
        """Of one number's own, so that no draw moves another."""
        seed, clip_name = self._path
        return np.random.default_rng(derive_seed(seed, "casting", clip_name, track_id, what))


def _first(value: tuple[str, object]) -> str:
    return value[0]
