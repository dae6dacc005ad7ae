"""The draw: every attribute on its own, balanced over the tracks of a clip.

Balance without looking at the other tracks: the values of an attribute are shuffled once for each block of as many
track ids as there are values, and a track takes the value at its place in its block. Any run of consecutive ids
therefore meets every value about equally often, and still a look depends on seed, clip name and track id only.
Shuffles of different attributes are independent, so no two attributes go together more often than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from bodydouble.casting import palette
from bodydouble.casting.config import CastingConfig
from bodydouble.casting.palette import Shade
from bodydouble.casting.prompt import prompt_of
from bodydouble.errors import ConfigError
from bodydouble.scene import Appearance, Cast, SceneBundle
from bodydouble.scene.appearance import RGB
from bodydouble.seeds import derive_seed

ATTRIBUTES: Final[tuple[str, ...]] = (
    "ethnicity", "gender", "body_type", "height_class", "hair_colour", "hair_type", "occupation", "top", "bottom",
    "shoes", "top_colour", "bottom_colour", "shoes_colour",
)  # fmt: skip
"""Attributes that can be pinned."""

_AGE_BANDS: Final[int] = 6
_SKIN_JITTER: Final[int] = 9
_CLOTH_JITTER: Final[int] = 7

T = TypeVar("T")


def cast_tracks(bundle: SceneBundle, config: CastingConfig, seed: int) -> Cast:
    """Draw the looks of every track's double.

    Args:
        bundle: only ``clip_name`` and the track ids are read.
        config: limits on what may be drawn.
        seed: the run's root seed.

    Raises:
        ConfigError: a pin names no attribute or no known value, or nothing is left to draw from.
    """
    _check(config)
    draws = (_Draw(config, seed, bundle.clip_name, track.track_id) for track in bundle.tracks)
    return Cast(seed=seed, parts=tuple((draw.track_id, draw.appearance()) for draw in draws))


class _Draw:
    """The draw of one track."""

    def __init__(self, config: CastingConfig, seed: int, clip_name: str, track_id: int) -> None:
        self.track_id = track_id
        self._config = config
        self._path = (seed, clip_name)
        self._jitter = np.random.default_rng(derive_seed(seed, "casting", clip_name, track_id))

    def appearance(self) -> Appearance:
        ethnicity, tones = self._value("ethnicity", palette.ETHNICITIES, [e for e, _ in palette.ETHNICITIES])
        skin = palette.SKIN_TONES[self._balanced(f"skin of {ethnicity}", tones)]
        hair_colour, hair_rgb = self._shade("hair_colour", palette.HAIR_COLOURS)
        top = self._word("top", palette.TOPS)
        bottom = self._word("bottom", palette.BOTTOMS)
        shoes = self._word("shoes", palette.SHOES)
        top_colour, top_rgb = self._shade("top_colour", palette.TOP_COLOURS)
        bottom_shades = palette.JEANS_COLOURS if bottom == "jeans" else palette.BOTTOM_COLOURS
        bottom_colour, bottom_rgb = self._shade("bottom_colour", bottom_shades)
        shoe_shades = palette.BOOT_COLOURS if shoes == "boots" else palette.SHOE_COLOURS
        shoes_colour, shoes_rgb = self._shade("shoes_colour", shoe_shades)
        words = {
            "ethnicity": ethnicity,
            "gender": self._word("gender", palette.GENDERS),
            "body_type": self._word("body_type", palette.BODY_TYPES),
            "height_class": self._word("height_class", palette.HEIGHT_CLASSES),
            "hair_colour": hair_colour,
            "hair_type": self._word("hair_type", palette.HAIR_TYPES),
            "occupation": self._word("occupation", palette.OCCUPATIONS),
            "top": top, "bottom": bottom, "shoes": shoes,
        }  # fmt: skip
        age = self._age()
        return Appearance(
            **words,
            age_years=age,
            skin_rgb=self._vary(skin, _SKIN_JITTER),
            hair_rgb=self._vary(hair_rgb, _CLOTH_JITTER),
            top_rgb=self._vary(top_rgb, _CLOTH_JITTER),
            bottom_rgb=self._vary(bottom_rgb, _CLOTH_JITTER),
            shoes_rgb=self._vary(shoes_rgb, _CLOTH_JITTER),
            prompt=prompt_of(words, age_years=age, colours=(top_colour, bottom_colour, shoes_colour)),
        )

    def _balanced(self, attribute: str, values: Sequence[T]) -> T:
        """The value at the track's place in its block's shuffle."""
        seed, clip_name = self._path
        block, place = divmod(self.track_id, len(values))
        rng = np.random.default_rng(derive_seed(seed, "casting", clip_name, attribute, block))
        return values[int(rng.permutation(len(values))[place])]

    def _value(self, attribute: str, values: Sequence[T], names: Sequence[str]) -> T:
        wanted = _pins(self._config).get(attribute)
        kept = [
            value
            for value, name in zip(values, names, strict=True)
            if (name == wanted if wanted is not None else name not in self._config.exclude)
        ]
        if not kept:
            raise ConfigError(
                f"casting: nothing is left to draw {attribute} from; pinned {wanted!r}, excluded "
                f"{list(self._config.exclude)}; known values: {sorted(set(names))}"
            )
        return self._balanced(attribute, kept)

    def _word(self, attribute: str, words: Sequence[str]) -> str:
        return self._value(attribute, words, words)

    def _shade(self, attribute: str, shades: Sequence[Shade]) -> Shade:
        return self._value(attribute, shades, [name for name, _ in shades])

    def _age(self) -> int:
        edges = np.linspace(self._config.youngest_years, self._config.oldest_years + 1, _AGE_BANDS + 1)
        band = self._balanced("age", range(_AGE_BANDS))
        return int(np.floor(self._jitter.uniform(edges[band], edges[band + 1])))

    def _vary(self, colour: RGB, spread: int) -> RGB:
        """A little lighter or darker, and a little off in each channel: no two of a kind are quite the same."""
        shift = self._jitter.integers(-spread, spread + 1) + self._jitter.integers(-spread // 3, spread // 3 + 1, 3)
        red, green, blue = (int(v) for v in np.clip(np.array(colour) + shift, 0, 255))
        return red, green, blue


def _pins(config: CastingConfig) -> dict[str, str]:
    pins = {}
    for entry in config.pin:
        attribute, equals, value = entry.partition("=")
        if not equals or attribute not in ATTRIBUTES or not value:
            raise ConfigError(f"casting.pin has {entry!r}; write attribute=value with one of {list(ATTRIBUTES)}")
        pins[attribute] = value
    return pins


def _check(config: CastingConfig) -> None:
    _pins(config)
    if not 18 <= config.youngest_years <= config.oldest_years <= 100:
        raise ConfigError(
            f"casting ages are {config.youngest_years} to {config.oldest_years}; allowed is 18 to 100, youngest first"
        )
