"""Dataclass trees to TOML and back. Reading is strict: unknown keys and wrong types are errors, nothing is guessed."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bodydouble.config.tree import RunConfig
from bodydouble.errors import ConfigError

T = TypeVar("T")


def read_config(path: Path, base: RunConfig | None = None) -> RunConfig:
    """Read a TOML file over a base configuration; keys it does not name keep the base's values.

    Args:
        path: the file, such as the ``config.toml`` of a run folder.
        base: what to start from; the defaults if None.

    Raises:
        ConfigError: no such file, no TOML, an unknown key, or a bad value; the key is named.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no such configuration file: {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration cannot be read ({error}): {path}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration is not valid TOML ({error}): {path}") from error
    try:
        return overlay(base if base is not None else RunConfig(), data)
    except ConfigError as error:
        raise ConfigError(f"{error}; in {path}") from error


def overlay(base: T, data: Mapping[str, Any], prefix: str = "") -> T:
    """Replace fields of a frozen dataclass, and of those nested in it, by what a mapping names.

    Args:
        base: an instance; fields that the mapping leaves out keep their values.
        data: keys as in the dataclass, tables for nested dataclasses.
        prefix: where ``base`` sits in the tree, for messages; empty or ending in a dot.

    Raises:
        ConfigError: an unknown key (the closest known one is suggested) or a bad value.
    """
    hints = get_type_hints(type(base))
    names = [field.name for field in dataclasses.fields(base)]  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for key, value in data.items():
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"known here: {', '.join(names)}"
            raise ConfigError(f"unknown key {prefix}{key} = {value!r}; {hint}")
        changes[key] = _convert(value, hints[key], f"{prefix}{key}", getattr(base, key))
    try:
        return dataclasses.replace(base, **changes)  # type: ignore[type-var]
    except ValueError as error:
        raise ConfigError(f"{prefix.rstrip('.') or 'configuration'}: {error}") from error


def _convert(value: Any, kind: Any, key: str, current: Any) -> Any:
    """Check a TOML value against an annotation; ``current`` is what a nested dataclass starts from."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in arguments or type(value) not in {type(a) for a in arguments}:
            raise _bad(key, value, " | ".join(json.dumps(a) for a in arguments))
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(value, arguments, key, current)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise _bad(key, value, "a table")
        assert isinstance(kind, type)
        return overlay(current if isinstance(current, kind) else kind(), value, f"{key}.")
    if origin is tuple:
        return _convert_tuple(value, arguments, key)
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise _bad(key, value, "a number")
        return float(value)
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _bad(key, value, "a whole number")
        return value
    if kind is bool or kind is str:
        if not isinstance(value, kind):
            raise _bad(key, value, "true or false" if kind is bool else "a string")
        return value
    if kind is Path:
        if not isinstance(value, str):
            raise _bad(key, value, "a string with a path")
        return Path(value)
    raise TypeError(f"{key}: fields of type {kind} are not supported in configurations")


def _convert_union(value: Any, kinds: tuple[Any, ...], key: str, current: Any) -> Any:
    """A value for one of several types; among dataclasses the one whose ``kind`` the table names."""
    if isinstance(value, dict):
        choices = {_tag(kind): kind for kind in kinds if dataclasses.is_dataclass(kind)}
        tag = value.get("kind", _tag(type(current)))
        if tag not in choices:
            raise _bad(f"{key}.kind", tag, " | ".join(sorted(json.dumps(t) for t in choices)))
        return _convert(value, choices[tag], key, current)
    expected = []
    for kind in kinds:
        if kind is types.NoneType or dataclasses.is_dataclass(kind):
            continue
        try:
            return _convert(value, kind, key, current)
        except ConfigError as error:
            expected.append(str(error).rsplit("expected ", 1)[-1])
    raise _bad(key, value, " or ".join(expected))


def _convert_tuple(value: Any, arguments: tuple[Any, ...], key: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _bad(key, value, "a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        kinds = [arguments[0]] * len(value)
    elif len(arguments) != len(value):
        raise _bad(key, value, f"a list of {len(arguments)}")
    else:
        kinds = list(arguments)
    return tuple(
        _convert(item, kind, f"{key}[{i}]", None) for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _tag(kind: Any) -> Any:
    """Value of a dataclass's ``kind`` field, by which a table says which of several types it is."""
    for field in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
        if field.name == "kind":
            return field.default
    return kind.__name__


def _bad(key: str, value: Any, expected: str) -> ConfigError:
    return ConfigError(f"{key} = {value!r} ({type(value).__name__}) is not allowed; expected {expected}")


def to_mapping(config: Any) -> dict[str, Any]:
    """Nested dicts of plain values; fields that are None are left out, as TOML has no word for it."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is None:
            if field.default is not None:
                raise TypeError(f"{field.name} is None but its default is not: it could not be read back")
            continue
        result[field.name] = _plain(value)
    return result


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def to_toml(config: RunConfig) -> str:
    """The whole resolved configuration as TOML that `read_config` turns into an equal one."""
    return "\n".join(_table(to_mapping(config), "")).lstrip("\n") + "\n"


def _table(data: Mapping[str, Any], name: str) -> Iterator[str]:
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    plain = {key: value for key, value in data.items() if key not in tables}
    if name and plain:
        yield f"\n[{name}]"
    for key, value in plain.items():
        yield f"{key} = {_literal(value)}"
    for key, value in tables.items():
        yield from _table(value, f"{name}.{key}" if name else key)


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    # JSON's strings, numbers, true and false are TOML's.
    return json.dumps(value, ensure_ascii=False)


def write_config(config: RunConfig, path: Path) -> None:
    """Write the resolved configuration; it can be given to ``--config``."""
    path.write_text(to_toml(config), encoding="utf-8")


def fingerprint(config: RunConfig, **more: Mapping[str, Any]) -> str:
    """Hash of everything in a configuration that can change the result; where the work runs cannot.

    Args:
        config: the configuration.
        more: further settings by name, as plain values.
    """
    mapping = {**to_mapping(config), **more}
    del mapping["execution"]
    return hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()
