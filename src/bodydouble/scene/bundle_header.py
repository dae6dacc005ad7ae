"""``bundle.json``: what it may say, checked with pydantic."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from bodydouble.errors import BundleError
from bodydouble.scene.bundle import OLDEST_VERSION, SCHEMA_VERSION, SceneBundle, Sun
from bodydouble.scene.video import VideoGeometry

FORMAT: Final = "bodydouble-scene-bundle"
_WITH_SUN: Final = 5
"""Schema version from which light holds the sun."""
_JSON_LIMIT_BYTES: Final[int] = 64 << 20

_Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Rational = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}/[1-9][0-9]{0,18}$")]
_Text = Annotated[str, StringConstraints(max_length=4096)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _VideoModel(_Strict):
    width_px: int
    height_px: int
    time_base: _Rational
    average_rate: _Rational
    pts_ticks: list[Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]]
    is_gray: bool


class _SunModel(_Strict):
    shadow_xz: tuple[_Finite, _Finite]
    darkness: _Unit


class _LightModel(_Strict):
    ambient_rgb: tuple[_Unit, _Unit, _Unit]
    key_direction_xyz: tuple[_Finite, _Finite, _Finite]
    key_strength: _Unit
    sun: _SunModel | None = None


class TrackModel(_Strict):
    """A line of the table of tracks."""

    track_id: Annotated[int, Field(ge=1, lt=1 << 31)]
    num_frames: Annotated[int, Field(ge=1)]
    reason: _Text
    twin_of: Annotated[int, Field(ge=0, lt=1 << 31)]


class BundleModel(_Strict):
    """The whole of ``bundle.json``."""

    format: Literal["bodydouble-scene-bundle"]
    schema_version: Literal[3, 4, 5]
    producer: _Text
    clip_name: _Text
    video: _VideoModel
    light: _LightModel
    tracks: list[TrackModel]

    def geometry(self) -> VideoGeometry:
        """Size and timing of the clip.

        Raises:
            ValueError: they are impossible.
        """
        return VideoGeometry(
            width_px=self.video.width_px,
            height_px=self.video.height_px,
            time_base=Fraction(self.video.time_base),
            average_rate=Fraction(self.video.average_rate),
            pts_ticks=tuple(self.video.pts_ticks),
            is_gray=self.video.is_gray,
        )


def encode_header(bundle: SceneBundle) -> bytes:
    """``bundle.json`` of a bundle; equal bundles give equal bytes.

    Raises:
        ValueError: a value is out of the format's range, or a text cannot be encoded.
    """
    video, light = bundle.video, bundle.light
    model = BundleModel(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        producer=bundle.producer,
        clip_name=bundle.clip_name,
        video=_VideoModel(
            width_px=int(video.width_px),
            height_px=int(video.height_px),
            time_base=f"{video.time_base.numerator}/{video.time_base.denominator}",
            average_rate=f"{video.average_rate.numerator}/{video.average_rate.denominator}",
            pts_ticks=[int(tick) for tick in video.pts_ticks],
            is_gray=bool(video.is_gray),
        ),
        light=_LightModel(
            ambient_rgb=_triple(light.ambient_rgb),
            key_direction_xyz=_triple(light.key_direction_xyz),
            key_strength=float(light.key_strength),
            sun=None if light.sun is None else _sun_model(light.sun),
        ),
        tracks=[
            TrackModel(track_id=int(t.track_id), num_frames=len(t), reason=t.reason, twin_of=int(t.twin_of))
            for t in bundle.tracks
        ],
    )
    text = json.dumps(model.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def parse_header(data: bytes, path: Path) -> BundleModel:
    """Read ``bundle.json``.

    Args:
        data: its bytes.
        path: the bundle, for messages.

    Raises:
        BundleError: no JSON, no bundle, another version, or a key or value that the format does not have.
    """
    if len(data) > _JSON_LIMIT_BYTES:
        raise BundleError(f"bundle.json has {len(data)} bytes; allowed are {_JSON_LIMIT_BYTES}: {path}")
    try:
        document = from_json(data)
    except ValueError as error:
        raise BundleError(f"bundle.json is not valid JSON ({what_failed(error)}): {path}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BundleError(f'bundle.json does not say "format": "{FORMAT}"; is it a scene bundle?: {path}')
    version = document.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int) or not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        raise BundleError(
            f"the bundle has schema version {version!r:.40}; this version of bodydouble reads {OLDEST_VERSION} to "
            f"{SCHEMA_VERSION}; make the bundle again with `bodydouble perceive`: {path}"
        )
    try:
        # Strict mode takes lists for tuples only when it reads the JSON itself.
        model = BundleModel.model_validate_json(data)
    except ValidationError as error:
        raise BundleError(f"bundle.json: {what_failed(error)}: {path}") from error
    if version < _WITH_SUN and "sun" in model.light.model_fields_set:
        raise BundleError(f"bundle.json: light.sun is not known to schema version {version}: {path}")
    return model


def what_failed(error: Exception) -> str:
    """One line that says what an exception is about."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']} (got {first['input']!r:.60})"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _sun_model(sun: Sun) -> _SunModel:
    right, away = (float(value) for value in sun.shadow_xz)
    return _SunModel(shadow_xz=(right, away), darkness=float(sun.darkness))


def _triple(values: tuple[float, float, float]) -> tuple[float, float, float]:
    a, b, c = (float(value) for value in values)
    return a, b, c
