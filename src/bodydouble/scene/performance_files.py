"""Performances on disk: one ``track_000001_000064.npz`` per window (track id and first frame), and the cast as JSON.

Each sprite is packed on its own (zlib, fast level), so that reading one frame unpacks one picture per person and a reader
need hold no more than the packed windows under way.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import strict_files
from bodydouble.scene.appearance import Appearance, Cast
from bodydouble.scene.performance import Sprite, TrackWindow
from bodydouble.scene.strict_files import ArraySpec
from bodydouble.scene.video import MAX_SIDE_PX

WINDOW_ARRAYS: Final[Mapping[str, ArraySpec]] = {
    "track_id": ArraySpec(dtype="<i8", shape=()),
    "frame_indices": ArraySpec(dtype="<i8", shape=(None,)),
    "left_top_px": ArraySpec(dtype="<i4", shape=(None, 2)),
    "width_height_px": ArraySpec(dtype="<i4", shape=(None, 2)),
    "ground_y_px": ArraySpec(dtype="<f8", shape=(None,)),
    "rgba_offsets": ArraySpec(dtype="<i8", shape=(None,)),
    "rgba_zlib": ArraySpec(dtype="|u1", shape=(None,)),
}
"""``rgba_zlib[rgba_offsets[i]:rgba_offsets[i + 1]]`` unpacks to sprite i's rows of RGBA bytes."""

MAX_SPRITE_PX: Final[int] = 1 << 26
"""Most pixels of one sprite."""

_NAME: Final = re.compile(r"track_(\d{6,10})_(\d{6,18})\.npz")
_ZLIB_LEVEL: Final[int] = 1
_WINDOW_LIMIT_BYTES: Final[int] = 1 << 30


class PerformanceWriter:
    """Writes windows; each appears under its name only when it is whole, so a killed run goes on where it was."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, made if need be.

        Raises:
            OutputError: it cannot be made.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the performance cannot be written: {error.strerror or error}: {folder}") from error

    def has(self, track_id: int, first_frame: int) -> bool:
        """True if the window of that track that begins at that frame has been written."""
        return _window_path(self._folder, track_id, first_frame).is_file()

    def write(self, window: TrackWindow) -> None:
        """Write a window, in place of an older one with the same track and first frame.

        Raises:
            ValueError: the window is empty, its frames are out of order, or a sprite is too large.
            OutputError: the file system refuses.
        """
        _check_window(window)
        packed = [zlib.compress(np.ascontiguousarray(s.rgba).tobytes(), _ZLIB_LEVEL) for s in window.sprites]
        arrays: dict[str, npt.NDArray[Any]] = {
            "track_id": np.array(window.track_id, np.int64),
            "frame_indices": window.frame_indices.astype(np.int64),
            "left_top_px": np.array([[s.left_px, s.top_px] for s in window.sprites], np.int32),
            "width_height_px": np.array([[s.rgba.shape[1], s.rgba.shape[0]] for s in window.sprites], np.int32),
            "ground_y_px": np.array([s.ground_y_px for s in window.sprites], np.float64),
            "rgba_offsets": np.cumsum([0, *(len(data) for data in packed)], dtype=np.int64),
            "rgba_zlib": np.frombuffer(b"".join(packed), np.uint8),
        }
        stream = io.BytesIO()
        strict_files.write_npz(stream, arrays, level=0)
        path = _window_path(self._folder, window.track_id, int(window.frame_indices[0]))
        strict_files.write_bytes(path, stream.getvalue())


@dataclass(frozen=True, kw_only=True, eq=False)
class _PackedWindow:
    path: Path
    track_id: int
    arrays: Mapping[str, npt.NDArray[Any]]

    @property
    def num_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())

    def sprite(self, step: int) -> Sprite:
        """Unpack one picture.

        Raises:
            BundleError: it is damaged.
        """
        width, height = (int(v) for v in self.arrays["width_height_px"][step])
        left, top = (int(v) for v in self.arrays["left_top_px"][step])
        start, stop = (int(v) for v in self.arrays["rgba_offsets"][step : step + 2])
        expected = width * height * 4
        unpacker = zlib.decompressobj()
        try:
            # One byte more than expected, so that a bomb stops there and is seen.
            data = unpacker.decompress(self.arrays["rgba_zlib"][start:stop].tobytes(), expected + 1)
        except zlib.error as error:
            raise BundleError(f"sprite {step} is damaged ({error}); generate it again: {self.path}") from error
        if len(data) != expected or not unpacker.eof or unpacker.unused_data:
            raise BundleError(f"sprite {step} does not unpack to {expected} bytes; generate it again: {self.path}")
        return Sprite(
            left_px=left,
            top_px=top,
            rgba=np.frombuffer(data, np.uint8).reshape(height, width, 4),
            ground_y_px=float(self.arrays["ground_y_px"][step]),
        )


class PerformanceReader:
    """Sprites by frame. Cheap when frames are asked for in order; memory is bounded by ``cache_bytes`` of packed windows."""

    def __init__(self, folder: Path, *, cache_bytes: int = 128 << 20) -> None:
        """List the windows; their content is checked when it is first needed.

        Args:
            folder: where a `PerformanceWriter` wrote.
            cache_bytes: packed windows to hold; the one in use is held even when it alone is larger.

        Raises:
            BundleError: the folder is missing.
        """
        if not folder.is_dir():
            raise BundleError(f"no performance is there; run `bodydouble generate` first: {folder}")
        self._folder = folder
        self._cache_bytes = cache_bytes
        firsts: dict[int, list[int]] = {}
        for path in folder.glob("track_*.npz"):
            match = _NAME.fullmatch(path.name)
            if match is None:
                raise BundleError(f"the name is not that of a window (track_000001_000000.npz); remove it: {path}")
            firsts.setdefault(int(match[1]), []).append(int(match[2]))
        self._firsts = {track_id: sorted(firsts[track_id]) for track_id in sorted(firsts)}
        self._lasts: dict[tuple[int, int], int] = {}
        self._cache: OrderedDict[tuple[int, int], _PackedWindow] = OrderedDict()
        self._cached_bytes = 0

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Tracks that have windows, ascending."""
        return tuple(self._firsts)

    def sprites_at(self, frame_index: int) -> list[tuple[int, Sprite]]:
        """The doubles of a frame, ordered by track id; their pictures are read-only.

        Raises:
            BundleError: a window is damaged.
        """
        found: list[tuple[int, Sprite]] = []
        for track_id, firsts in self._firsts.items():
            position = bisect_right(firsts, frame_index) - 1
            if position < 0:
                continue
            key = (track_id, firsts[position])
            if frame_index > self._lasts.get(key, frame_index):
                continue
            window = self._window(key)
            frames = window.arrays["frame_indices"]
            step = int(np.searchsorted(frames, frame_index))
            if step < len(frames) and int(frames[step]) == frame_index:
                found.append((track_id, window.sprite(step)))
        return found

    def _window(self, key: tuple[int, int]) -> _PackedWindow:
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        track_id, first = key
        window = _read_window(_window_path(self._folder, track_id, first), track_id, first)
        last = int(window.arrays["frame_indices"][-1])
        following = [other for other in self._firsts[track_id] if first < other <= last]
        if following:
            raise BundleError(f"reaches to frame {last}, into the window that begins at {following[0]}: {window.path}")
        self._lasts[key] = last
        self._cache[key] = window
        self._cached_bytes += window.num_bytes
        while self._cached_bytes > self._cache_bytes and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= dropped.num_bytes
        return window


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Channel = Annotated[int, Field(ge=0, le=255)]
_Rgb = tuple[_Channel, _Channel, _Channel]
_Words = Annotated[str, Field(max_length=4096)]


class _AppearanceModel(_Strict):
    ethnicity: _Words
    gender: _Words
    age_years: Annotated[int, Field(ge=0, le=150)]
    body_type: _Words
    height_class: _Words
    hair_colour: _Words
    hair_type: _Words
    occupation: _Words
    top: _Words
    bottom: _Words
    shoes: _Words
    skin_rgb: _Rgb
    hair_rgb: _Rgb
    top_rgb: _Rgb
    bottom_rgb: _Rgb
    shoes_rgb: _Rgb
    prompt: _Words
    # Since version 2; absent from older casts.
    facial_hair: _Words = "none"
    top_pattern: _Words = "plain"
    headwear: _Words = "none"
    headwear_rgb: _Rgb = (62, 64, 68)
    eyewear: _Words = "none"
    bag: _Words = "none"
    bag_rgb: _Rgb = (48, 46, 46)


class _PartModel(_Strict):
    track_id: Annotated[int, Field(ge=1)]
    appearance: _AppearanceModel


class _CastModel(_Strict):
    format: Literal["bodydouble-cast"]
    schema_version: Literal[1, 2]
    seed: int
    parts: list[_PartModel]


def write_cast(cast: Cast, path: Path) -> None:
    """Write who plays whom as JSON.

    Raises:
        BundleError: the cast holds what `read_cast` would refuse.
        OutputError: the file system refuses.
    """
    try:
        parts = [_PartModel(track_id=i, appearance=_AppearanceModel(**asdict(a))) for i, a in cast.parts]
        model = _CastModel(format="bodydouble-cast", schema_version=2, seed=cast.seed, parts=parts)
    except ValidationError as error:
        raise BundleError(f"the cast cannot be written: {_first_problem(error)}: {path}") from error
    text = json.dumps(model.model_dump(mode="json"), indent=1, ensure_ascii=False)
    strict_files.write_bytes(path, f"{text}\n".encode())


def read_cast(path: Path) -> Cast:
    """Read who plays whom.

    Raises:
        BundleError: missing, malformed, or of another version.
    """
    try:
        model = _CastModel.model_validate_json(strict_files.read_file(path, limit_bytes=64 << 20))
    except ValidationError as error:
        raise BundleError(f"no valid cast: {_first_problem(error)}: {path}") from error
    ids = [part.track_id for part in model.parts]
    if ids != sorted(set(ids)):
        raise BundleError(f"track ids must be unique and increasing, got {ids[:20]}: {path}")
    return Cast(
        seed=model.seed, parts=tuple((p.track_id, Appearance(**p.appearance.model_dump())) for p in model.parts)
    )


def _read_window(path: Path, track_id: int, first: int) -> _PackedWindow:
    data = strict_files.read_file(path, limit_bytes=_WINDOW_LIMIT_BYTES)
    arrays = strict_files.read_npz(data, WINDOW_ARRAYS, where=str(path))
    frames, offsets, sizes = arrays["frame_indices"], arrays["rgba_offsets"], arrays["width_height_px"]
    steps = len(frames)
    lengths = {name: len(arrays[name]) for name in ("left_top_px", "width_height_px", "ground_y_px")}
    problem = ""
    if steps == 0 or set(lengths.values()) != {steps} or len(offsets) != steps + 1:
        problem = f"its arrays have different lengths {lengths}"
    elif int(arrays["track_id"]) != track_id or int(frames[0]) != first:
        problem = (
            f"it is the window of track {int(arrays['track_id'])} from frame {int(frames[0])}, not what its name says"
        )
    elif np.any(np.diff(frames) <= 0):
        problem = "its frames do not increase"
    elif offsets[0] != 0 or np.any(np.diff(offsets) < 0) or offsets[-1] != len(arrays["rgba_zlib"]):
        problem = "its offsets do not fit its pictures"
    elif np.any((sizes < 0) | (sizes > MAX_SIDE_PX)) or np.any(sizes.astype(np.int64).prod(axis=1) > MAX_SPRITE_PX):
        problem = f"a sprite is larger than {MAX_SIDE_PX} px a side or {MAX_SPRITE_PX} px in all"
    elif not np.all(np.isfinite(arrays["ground_y_px"])):
        problem = "a ground line is not finite"
    if problem:
        raise BundleError(f"{problem}; generate it again: {path}")
    return _PackedWindow(path=path, track_id=track_id, arrays=arrays)


def _check_window(window: TrackWindow) -> None:
    frames = window.frame_indices
    if len(frames) == 0 or len(frames) != len(window.sprites):
        raise ValueError(
            f"track {window.track_id}: {len(window.sprites)} sprites for {len(frames)} frames; need one each"
        )
    if window.track_id < 1 or int(frames[0]) < 0 or np.any(np.diff(frames) <= 0):
        raise ValueError(f"track {window.track_id}: ids start at 1, frames at 0 and increase strictly")
    for index, sprite in zip(frames, window.sprites, strict=True):
        height, width = sprite.rgba.shape[:2]
        if max(height, width) > MAX_SIDE_PX or height * width > MAX_SPRITE_PX:
            raise ValueError(f"track {window.track_id}, frame {index}: sprite of {width}x{height} px is too large")
        if not np.isfinite(sprite.ground_y_px):
            raise ValueError(f"track {window.track_id}, frame {index}: ground_y_px is {sprite.ground_y_px}")


def _window_path(folder: Path, track_id: int, first_frame: int) -> Path:
    return folder / f"track_{track_id:06d}_{first_frame:06d}.npz"


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
