"""What the user wants of a cast, checked: which values may be drawn for whom."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bodydouble.casting import palette
from bodydouble.errors import ConfigError

AGE: Final = "age_years"
ATTRIBUTES: Final[tuple[str, ...]] = (*palette.VOCABULARY, AGE)
"""Attributes that can be pinned."""

YOUNGEST_PIN_YEARS: Final = 4
OLDEST_YEARS: Final = 100

_PIN: Final = re.compile(r"(?:(?:(?P<clip>[^/]+)/)?(?P<track>\d{1,9}):)?(?P<attribute>[a-z_]+)=(?P<value>.+)")
_OCCUPATION: Final = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+){0,4}")
_LONGEST_OCCUPATION: Final = 40

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A value that is set: for everybody, for a track of every clip, or for a track of one clip."""

    attribute: str
    value: str
    track_id: int | None = None
    clip_name: str | None = None

    @property
    def reach(self) -> int:
        """0 for everybody, 1 for a track, 2 for a track of a clip."""
        return (self.track_id is not None) + (self.clip_name is not None)


def parse_pin(text: str) -> Pin:
    """Read ``attribute=value``, ``TRACK:attribute=value`` or ``CLIP/TRACK:attribute=value``.

    Raises:
        ConfigError: it is none of these, or names no known attribute or value.
    """
    match = _PIN.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"casting.pin has {text!r}; write attribute=value for everybody, 3:attribute=value for track 3, or "
            "street.mp4/3:attribute=value for track 3 of one clip"
        )
    track = match["track"]
    if track is not None and int(track) < 1:
        raise ConfigError(f"casting.pin has {text!r}; track ids start at 1")
    pin = Pin(
        attribute=match["attribute"],
        value=match["value"],
        track_id=None if track is None else int(track),
        clip_name=match["clip"],
    )
    check_value(pin.attribute, pin.value, f"casting.pin has {text!r}")
    return pin


def check_value(attribute: str, value: str, where: str) -> None:
    """See that an attribute can have a value.

    Raises:
        ConfigError: beginning with ``where``; what is close, or all that is allowed, is named.
    """
    if attribute not in ATTRIBUTES:
        raise ConfigError(f"{where}; there is no attribute {attribute!r}: {_instead(attribute, ATTRIBUTES)}")
    if attribute == AGE:
        if not value.isascii() or not value.isdigit() or not YOUNGEST_PIN_YEARS <= int(value) <= OLDEST_YEARS:
            raise ConfigError(f"{where}; {AGE} is a whole number from {YOUNGEST_PIN_YEARS} to {OLDEST_YEARS}")
    elif attribute == "occupation":
        check_occupation(value, where)
    elif value not in palette.VOCABULARY[attribute]:
        raise ConfigError(f"{where}; {attribute} cannot be {value!r}: {_instead(value, palette.VOCABULARY[attribute])}")


def check_occupation(value: str, where: str) -> None:
    """See that words can stand in a prompt.

    Raises:
        ConfigError: there is anything but a few words in it.
    """
    if not _OCCUPATION.fullmatch(value) or len(value) > _LONGEST_OCCUPATION:
        raise ConfigError(
            f"{where}; an occupation is one to five words of letters, at most {_LONGEST_OCCUPATION} characters"
        )


class Limits:
    """Values that may be drawn for one track."""

    def __init__(self, pins: dict[str, str], excluded: frozenset[str]) -> None:
        """Take what is pinned (it wins) and what is excluded: words, or ``attribute=value``."""
        self._pins = pins
        self._excluded = excluded

    def pinned(self, attribute: str) -> str | None:
        """The value that is set, if one is."""
        return self._pins.get(attribute)

    def kept(self, attribute: str, values: Sequence[T], name: Callable[[T], str]) -> list[T]:
        """Those of the values that may be drawn; perhaps none."""
        wanted = self._pins.get(attribute)
        if wanted is not None:
            return [value for value in values if name(value) == wanted]
        banned = self._excluded
        return [value for value in values if name(value) not in banned and f"{attribute}={name(value)}" not in banned]

    def shades(self, attribute: str, garment: str) -> list[palette.Shade]:
        """The colours that a garment may be drawn in."""
        return self.kept(f"{attribute}_colour", palette.COLOURS_OF[garment], lambda shade: shade[0])

    def garments(self, attribute: str, words: Sequence[str]) -> list[str]:
        """Garments that may be drawn: those that come in a colour which may be drawn."""
        return [word for word in self.kept(attribute, words, str) if self.shades(attribute, word)]

    def occupations(self, own: Sequence[str]) -> list[str]:
        """Occupations that may be drawn; a pinned one need not be among the user's ``own``."""
        pinned = self._pins.get("occupation")
        return [pinned] if pinned is not None else self.kept("occupation", own or palette.OCCUPATIONS, str)

    def check(self, own_occupations: Sequence[str], whose: str) -> None:
        """See that something is left to draw for every attribute.

        Raises:
            ConfigError: naming the attribute.
        """
        left: dict[str, Sequence[object]] = {
            attribute: self.kept(attribute, palette.VOCABULARY[attribute], str)
            for attribute in (
                "ethnicity",
                "gender",
                "body_type",
                "height_class",
                "hair_colour",
                "hair_type",
                "facial_hair",
                "top_pattern",
                "eyewear",
            )
        }
        left["occupation"] = self.occupations(own_occupations)
        for attribute in ("top", "bottom", "shoes", "headwear", "bag"):
            left[attribute] = self.garments(attribute, palette.VOCABULARY[attribute])
        for attribute, values in left.items():
            if values:
                continue
            colour = f"{attribute}_colour"
            pinned = [f"{a}={self._pins[a]}" for a in (attribute, colour) if a in self._pins]
            advice = f"known values: {', '.join(palette.VOCABULARY[attribute])}"
            if len(pinned) == 2:
                colours = ", ".join(dict.fromkeys(name for name, _ in palette.COLOURS_OF[self._pins[attribute]]))
                advice = f"{self._pins[attribute]} comes in {colours}"
            raise ConfigError(
                f"casting: nothing is left to draw {attribute} from for {whose} (pinned: {', '.join(pinned) or 'nothing'}; "
                f"excluded: {', '.join(sorted(self._excluded)) or 'nothing'}); {advice}"
            )


class Wishes:
    """All wishes of a configuration."""

    def __init__(self, *, pins: Iterable[str], exclude: Iterable[str], occupations: Sequence[str]) -> None:
        """Read and check.

        Raises:
            ConfigError: a wish means nothing, or cannot be met.
        """
        # The narrower wins, then the later.
        self._pins = sorted((parse_pin(text) for text in pins), key=lambda pin: pin.reach)
        self._excluded = frozenset(exclude)
        self.occupations = tuple(occupations)
        for word in occupations:
            check_occupation(word, f"casting.occupations has {word!r}")
        for word in sorted(self._excluded):
            self._check_excluded(word)
        self._limits(None, None).check(self.occupations, "everybody")
        for pin in self._pins:
            if pin.track_id is not None:
                whose = f"track {pin.track_id}" + (f" of {pin.clip_name}" if pin.clip_name else "")
                self._limits(pin.clip_name, pin.track_id).check(self.occupations, whose)

    def limits(self, clip_name: str, track_id: int) -> Limits:
        """What may be drawn for a track."""
        return self._limits(clip_name, track_id)

    def _limits(self, clip_name: str | None, track_id: int | None) -> Limits:
        pins = {
            pin.attribute: pin.value
            for pin in self._pins
            if pin.track_id in (None, track_id) and pin.clip_name in (None, clip_name)
        }
        return Limits(pins, self._excluded)

    def _check_excluded(self, word: str) -> None:
        attribute, equals, value = word.partition("=")
        where = f"casting.exclude has {word!r}"
        if equals and attribute != AGE and attribute in ATTRIBUTES:
            known: tuple[str, ...] = palette.VOCABULARY[attribute]
        else:
            attribute, value = "", word
            known = tuple(dict.fromkeys(word for words in palette.VOCABULARY.values() for word in words))
        if attribute in ("", "occupation"):
            known = (*known, *self.occupations)
        if value not in known:
            raise ConfigError(
                f"{where}, which no look has; write a whole value of an attribute (such as coat or non-binary person), or "
                f"attribute=value: {_instead(value, known)}"
            )


def _instead(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
