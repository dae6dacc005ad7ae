"""Settings of detectors as a command line gives them: a preset, then ``KEY=VALUE`` or ``DETECTOR.KEY=VALUE`` over it.

Light, as `bodydouble.anomaly.config` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Literal, get_args, get_origin, get_type_hints

from bodydouble.anomaly.config import DETECTORS, PRESETS, DetectorConfig, preset
from bodydouble.errors import ConfigError

Value = int | float | str | bool | tuple[int, ...]
_TRUTH = {"true": True, "false": False}


def detector_names(text: str) -> tuple[str, ...]:
    """Read ``all`` or ``mnad-pred,lntra``; the result is in the order of `DETECTORS`.

    Raises:
        ConfigError: a name is unknown, or there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return DETECTORS
    wrong = [name for name in names if name not in DETECTORS]
    if wrong or not names:
        said = f"no detector {wrong[0]!r}" if wrong else "no detector is named"
        raise ConfigError(f"{said}; there are {', '.join(DETECTORS)}, and all")
    return tuple(name for name in DETECTORS if name in names)


def configs(
    detectors: Sequence[str],
    preset_name: str,
    settings: Sequence[str] = (),
    *,
    threads: int | None = None,
    device: str | None = None,
) -> dict[str, DetectorConfig]:
    """Settings of each detector.

    Args:
        detectors: which.
        preset_name: what to start from.
        settings: ``epochs=3`` for every detector that has the setting and learns, ``lntra.epochs=3`` for one.
        threads: threads on the CPU; None: as the preset has it.
        device: where to compute; None: as the preset has it.

    Raises:
        ConfigError: an unknown detector, preset or setting, or a value that it cannot have.
    """
    if preset_name not in PRESETS:
        raise ConfigError(f"no preset {preset_name!r}; there are {', '.join(PRESETS)}")
    found = {name: preset(name, preset_name) for name in detectors}
    for setting in settings:
        found |= _changed(found, setting)
    common: dict[str, int | str] = {}
    if threads is not None:
        common["threads"] = threads
    if device is not None:
        common["device"] = device
    return {name: replace(config, **common) for name, config in found.items()}  # type: ignore[arg-type]


def _changed(found: Mapping[str, DetectorConfig], setting: str) -> dict[str, DetectorConfig]:
    key, equals, text = (part.strip() for part in setting.partition("="))
    if not equals:
        raise ConfigError(f"{setting!r} sets nothing; write KEY=VALUE, such as epochs=3 or lntra.epochs=3")
    only, dot, name = key.rpartition(".")
    if dot and only not in found:
        raise ConfigError(f"{key!r}: no detector {only!r} is to be run; there are {', '.join(found)}")
    having = {
        detector: config
        for detector, config in found.items()
        if name in {field.name for field in fields(config)}
        and (not dot or detector == only)
        # It cannot be told to learn where there is nothing to learn.
        and (name != "epochs" or config.epochs > 0)
    }
    if not having:
        known = sorted({field.name for config in found.values() for field in fields(config)})
        raise ConfigError(f"{name!r} is no setting of {only or 'these detectors'}; known: {', '.join(known)}")
    return {
        detector: replace(config, **{name: _parsed(type(config), name, text)})  # type: ignore[arg-type]
        for detector, config in having.items()
    }


def _parsed(kind: type[DetectorConfig], name: str, text: str) -> Value:
    hint = get_type_hints(kind)[name]
    try:
        if get_origin(hint) is Literal:
            return next(choice for choice in get_args(hint) if str(choice) == text)  # type: ignore[no-any-return]
        if get_origin(hint) is tuple:
            return tuple(int(part) for part in text.split(",") if part.strip())
        if hint is bool:
            return _TRUTH[text.lower()]
        return hint(text)  # type: ignore[no-any-return]
    except (ValueError, KeyError, StopIteration) as error:
        allowed = ", ".join(str(choice) for choice in get_args(hint)) if get_origin(hint) is Literal else str(hint)
        raise ConfigError(f"{name} cannot be {text!r}; allowed is {allowed}") from error
