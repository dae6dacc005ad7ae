"""The cast list: a TOML file with what the user wants of the looks. Its content goes into the configuration.

exclude = ["coat", "top_colour=red"]        # nobody has these
occupations = ["nurse", "train conductor"]  # to draw from, instead of the built-in ones
uniform = true                              # everybody the same outfit

[everyone]
shoes = "boots"

[tracks.3]                                  # track 3 of every clip
gender = "woman"
age_years = 67

[clips."street.mp4".tracks.3]               # of one clip; goes over the above
top = "hoodie"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bodydouble.casting.wishes import AGE, check_value
from bodydouble.errors import ConfigError

_LARGEST_BYTES: Final = 4 << 20


@dataclass(frozen=True, kw_only=True)
class CastList:
    """The content of a cast list, as `bodydouble.casting.CastingConfig` has it."""

    exclude: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    uniform: bool = False
    pin: tuple[str, ...] = ()


def read_cast_list(path: Path) -> CastList:
    """Read a cast list.

    Raises:
        ConfigError: no such file, no TOML, an unknown key, or a bad value; the key is named.
    """
    try:
        if path.is_file() and path.stat().st_size > _LARGEST_BYTES:
            raise ConfigError(f"the cast list has {path.stat().st_size} bytes; allowed are {_LARGEST_BYTES}: {path}")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no such cast list: {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the cast list cannot be read ({error}): {path}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the cast list is not valid TOML ({error}): {path}") from error
    try:
        return _cast_list(data)
    except ConfigError as error:
        raise ConfigError(f"cast list: {error}; in {path}") from error


def _cast_list(data: Mapping[str, Any]) -> CastList:
    _check_keys(data, ("exclude", "occupations", "uniform", "everyone", "tracks", "clips"), "")
    uniform = data.get("uniform", False)
    if not isinstance(uniform, bool):
        raise ConfigError(f"uniform = {uniform!r}; expected true or false")
    pins = [*_pins(_table(data, "everyone", ""), "everyone", ""), *_track_pins(data, "", "")]
    for clip_name, part in _table(data, "clips", "").items():
        key = f'clips."{clip_name}"'
        if not clip_name or "/" in clip_name or "\\" in clip_name:
            raise ConfigError(f"{key}: write the name of the file or folder alone, without its path")
        if not isinstance(part, dict):
            raise ConfigError(f"{key} = {part!r}; expected a table")
        _check_keys(part, ("tracks",), f"{key}.")
        pins += _track_pins(part, f"{key}.", f"{clip_name}/")
    return CastList(
        exclude=_words(data, "exclude"), occupations=_words(data, "occupations"), uniform=uniform, pin=tuple(pins)
    )


def _track_pins(data: Mapping[str, Any], prefix: str, clip: str) -> Iterator[str]:
    for track, look in _table(data, "tracks", prefix).items():
        key = f"{prefix}tracks.{track}"
        if not (track.isascii() and track.isdigit() and 1 <= len(track) <= 9 and int(track) >= 1):
            raise ConfigError(f"{key}: a track id is a whole number from 1")
        if not isinstance(look, dict):
            raise ConfigError(f"{key} = {look!r}; expected a table")
        yield from _pins(look, key, f"{clip}{int(track)}:")


def _pins(look: Mapping[str, Any], key: str, scope: str) -> Iterator[str]:
    for attribute, value in look.items():
        kind = int if attribute == AGE else str
        if not isinstance(value, kind) or isinstance(value, bool):
            expected = "a whole number" if attribute == AGE else "a string"
            raise ConfigError(f"{key}.{attribute} = {value!r}; expected {expected}")
        check_value(attribute, str(value), f"{key}.{attribute} = {value!r}")
        yield f"{scope}{attribute}={value}"


def _words(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = data.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{key} = {words!r}; expected a list of strings")
    return tuple(words)


def _table(data: Mapping[str, Any], key: str, prefix: str) -> dict[str, Any]:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{prefix}{key} = {table!r}; expected a table")
    return table


def _check_keys(data: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    for key in data:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            raise ConfigError(
                f"unknown key {prefix}{key}; "
                + (f"did you mean {prefix}{close[0]}?" if close else f"known here: {', '.join(known)}")
            )
