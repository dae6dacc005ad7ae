"""Windows and casts on disk."""

from __future__ import annotations

import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import Appearance, Cast, Sprite, TrackWindow
from bodydouble.scene.performance_files import (
    WINDOW_ARRAYS,
    PerformanceReader,
    PerformanceWriter,
    _AppearanceModel,
    read_cast,
    write_cast,
)
from bodydouble.scene.strict_files import read_npz, write_npz
from bodydouble.testing import random_window, window_differences

_quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _appearance(**changes: object) -> Appearance:
    values: dict[str, Any] = {
        "ethnicity": "Nordic", "gender": "woman", "age_years": 40, "body_type": "slim", "height_class": "tall",
        "hair_colour": "brown", "hair_type": "long", "occupation": "baker", "top": "coat", "bottom": "jeans",
        "shoes": "boots", "skin_rgb": (200, 160, 140), "hair_rgb": (60, 40, 30), "top_rgb": (0, 0, 255),
        "bottom_rgb": (10, 20, 30), "shoes_rgb": (0, 0, 0), "prompt": "a tall woman – früh",
    }  # fmt: skip
    return Appearance(**(values | changes))


def _collect(reader: PerformanceReader, track_id: int, frames: range) -> TrackWindow:
    found = [(f, s) for f in frames for i, s in reader.sprites_at(f) if i == track_id]
    return TrackWindow(
        track_id=track_id,
        frame_indices=np.array([f for f, _ in found], np.int64),
        sprites=tuple(s for _, s in found),
    )


@_quick
@given(
    seed=st.integers(0, 1 << 30),
    track_id=st.integers(1, 10**8),
    frames=st.sets(st.integers(0, 60), min_size=1, max_size=8),
)
def test_written_and_read_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int, track_id: int, frames: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("performance")
    window = random_window(seed, track_id=track_id, frame_indices=tuple(sorted(frames)))
    PerformanceWriter(folder).write(window)
    assert window_differences(_collect(PerformanceReader(folder), track_id, range(70)), window) == []


def test_names_say_track_and_first_frame_and_tell_what_is_done(tmp_path: Path) -> None:
    writer = PerformanceWriter(tmp_path / "a" / "b")
    assert not writer.has(1, 4)
    writer.write(random_window(0))
    assert writer.has(1, 4)
    assert not writer.has(1, 5)
    assert not writer.has(2, 4)
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["track_000001_000004.npz"]


def test_equal_windows_are_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        PerformanceWriter(tmp_path / name).write(random_window(5))
    assert len({(tmp_path / name / "track_000001_000004.npz").read_bytes() for name in ("a", "b")}) == 1


def test_several_tracks_and_windows_in_any_order_of_asking(tmp_path: Path) -> None:
    writer = PerformanceWriter(tmp_path)
    expected: dict[int, list[int]] = {}
    for track_id, frames in ((7, (0, 1, 2)), (7, (3, 5)), (2, (2, 3)), (30, (90,))):
        writer.write(random_window(track_id, track_id=track_id, frame_indices=frames))
        for frame in frames:
            expected.setdefault(frame, []).append(track_id)
    reader = PerformanceReader(tmp_path)
    assert reader.track_ids == (2, 7, 30)
    for frame in [*range(100), *reversed(range(100))]:
        assert [i for i, _ in reader.sprites_at(frame)] == sorted(expected.get(frame, []))


def test_memory_is_bounded_by_packed_windows(tmp_path: Path) -> None:
    writer = PerformanceWriter(tmp_path)
    for track_id in (1, 2, 3):
        for first in range(0, 40, 4):
            writer.write(random_window(first, track_id=track_id, frame_indices=tuple(range(first, first + 4))))
    one = max(p.stat().st_size for p in tmp_path.iterdir())
    reader = PerformanceReader(tmp_path, cache_bytes=3 * one)
    for frame in range(40):
        assert len(reader.sprites_at(frame)) == 3
        assert reader._cached_bytes == sum(window.num_bytes for window in reader._cache.values()) <= 3 * one


def test_windows_are_read_once_when_frames_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bodydouble.scene.performance_files as module

    writer = PerformanceWriter(tmp_path)
    for first in (0, 4, 8):
        writer.write(random_window(first, frame_indices=tuple(range(first, first + 4))))
    read: list[int] = []
    original = module._read_window

    def counting(path: Path, track_id: int, first: int) -> Any:
        read.append(first)
        return original(path, track_id, first)

    monkeypatch.setattr(module, "_read_window", counting)
    reader = PerformanceReader(tmp_path)
    for frame in range(60):
        reader.sprites_at(frame)
    assert read == [0, 4, 8]


def test_empty_performance_and_missing_one(tmp_path: Path) -> None:
    PerformanceWriter(tmp_path / "empty")
    assert PerformanceReader(tmp_path / "empty").sprites_at(0) == []
    with pytest.raises(BundleError, match="generate"):
        PerformanceReader(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        PerformanceWriter(tmp_path / "file")


def test_windows_that_cannot_be(tmp_path: Path) -> None:
    writer = PerformanceWriter(tmp_path)
    good = random_window(0)
    sprite = good.sprites[0]
    huge = dataclasses.replace(sprite, rgba=np.broadcast_to(np.zeros((1, 1, 4), np.uint8), (1, 20_000, 4)))
    for change in (
        {"frame_indices": np.array([], np.int64), "sprites": ()},
        {"sprites": good.sprites[:2]},
        {"frame_indices": np.array([4, 4, 5])},
        {"frame_indices": np.array([-1, 4, 5])},
        {"track_id": 0},
        {"sprites": (huge, *good.sprites[1:])},
        {"sprites": (dataclasses.replace(sprite, ground_y_px=float("nan")), *good.sprites[1:])},
    ):
        with pytest.raises(ValueError, match="track"):
            writer.write(dataclasses.replace(good, **change))
    assert list(tmp_path.iterdir()) == []


def _damage(folder: Path, **changes: Any) -> Path:
    PerformanceWriter(folder).write(random_window(0, frame_indices=(4, 5, 7)))
    path = folder / "track_000001_000004.npz"
    arrays = read_npz(path.read_bytes(), WINDOW_ARRAYS, where="test") | changes
    write_npz(path, arrays, level=0)
    return path


@pytest.mark.parametrize(
    "change",
    [
        {"track_id": np.array(2, np.int64)},
        {"track_id": np.array([1], np.int64)},
        {"frame_indices": np.array([3, 5, 7], np.int64)},
        {"frame_indices": np.array([4, 5, 5], np.int64)},
        {"frame_indices": np.array([4, 5], np.int64)},
        {"frame_indices": np.array([], np.int64)},
        {"width_height_px": np.array([[3, 3]] * 3, np.int32)},
        {"width_height_px": np.array([[-3, -3]] * 3, np.int32)},
        {"width_height_px": np.array([[16384, 16384]] * 3, np.int32)},
        {"width_height_px": np.array([[2**31 - 1, 0]] * 3, np.int32)},
        {"rgba_offsets": np.zeros(4, np.int64)},
        {"rgba_offsets": np.array([0, 9, 5, 10], np.int64)},
        {"ground_y_px": np.full(3, np.inf)},
        {"rgba_zlib": np.zeros(10, np.uint8)},
        {"rgba_zlib": np.zeros((3, 4, 4), np.uint8)},
        {"extra": np.zeros(1)},
    ],
    ids=str,
)
def test_damaged_windows(tmp_path: Path, change: dict[str, Any]) -> None:
    _damage(tmp_path, **change)
    with pytest.raises(BundleError, match="track_000001_000004"):
        PerformanceReader(tmp_path).sprites_at(4)


def test_a_bomb_in_a_sprite_stops_at_its_size(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(50 << 20))
    _damage(
        tmp_path,
        rgba_zlib=np.frombuffer(bomb, np.uint8),
        rgba_offsets=np.array([0, len(bomb), len(bomb), len(bomb)], np.int64),
    )
    with pytest.raises(BundleError, match="does not unpack"):
        PerformanceReader(tmp_path).sprites_at(4)


@_quick
@given(cut=st.floats(0, 1, exclude_max=True))
def test_truncated_windows(tmp_path: Path, cut: float) -> None:
    PerformanceWriter(tmp_path).write(random_window(0))
    path = tmp_path / "track_000001_000004.npz"
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])
    with pytest.raises(BundleError, match="track_000001_000004"):
        PerformanceReader(tmp_path).sprites_at(4)


def test_overlapping_windows_and_strange_names(tmp_path: Path) -> None:
    writer = PerformanceWriter(tmp_path / "a")
    writer.write(random_window(0, frame_indices=(4, 5, 7)))
    writer.write(random_window(0, frame_indices=(6, 8)))
    with pytest.raises(BundleError, match="into the window that begins at 6"):
        PerformanceReader(tmp_path / "a").sprites_at(4)
    PerformanceWriter(tmp_path / "b")
    (tmp_path / "b" / "track_1_2.npz").write_bytes(b"x")
    with pytest.raises(BundleError, match="not that of a window"):
        PerformanceReader(tmp_path / "b")


def test_temporary_files_of_a_killed_writer_are_ignored(tmp_path: Path) -> None:
    PerformanceWriter(tmp_path).write(random_window(0))
    (tmp_path / ".track_000001_000064.npz.77-abcd.tmp").write_bytes(b"half")
    assert len(PerformanceReader(tmp_path).sprites_at(4)) == 1


def test_empty_sprites_stay_empty(tmp_path: Path) -> None:
    sprite = Sprite(left_px=-5, top_px=3, rgba=np.zeros((0, 0, 4), np.uint8), ground_y_px=1.0)
    window = TrackWindow(track_id=1, frame_indices=np.array([0]), sprites=(sprite,))
    PerformanceWriter(tmp_path).write(window)
    assert window_differences(_collect(PerformanceReader(tmp_path), 1, range(2)), window) == []


def test_cast_comes_back(tmp_path: Path) -> None:
    for cast in (Cast(seed=-3, parts=()), Cast(seed=2**70, parts=((1, _appearance()), (4, _appearance(age_years=0))))):
        write_cast(cast, tmp_path / "cast.json")
        assert read_cast(tmp_path / "cast.json") == cast


def test_the_cast_file_knows_every_field_of_an_appearance() -> None:
    assert set(_AppearanceModel.model_fields) == {field.name for field in dataclasses.fields(Appearance)}


@pytest.mark.parametrize(
    "change", [{"age_years": 999}, {"skin_rgb": (0, 0, 256)}, {"top_rgb": (1, 2)}, {"prompt": 5}, {"top": "x" * 9999}]
)
def test_casts_that_cannot_be_read_are_not_written(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=next(iter(change))):
        write_cast(Cast(seed=1, parts=((1, _appearance(**change)),)), tmp_path / "cast.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"schema_version": 3}, {"seed": "1"}, {"parts": [1]}, {"extra": 1}, {"parts": "twice"}], ids=str
)
def test_bad_cast_files(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "cast.json"
    write_cast(Cast(seed=1, parts=((1, _appearance()),)), path)
    document = json.loads(path.read_text())
    if change == {"parts": "twice"}:
        change = {"parts": document["parts"] * 2}
    path.write_text(json.dumps(document | change))
    with pytest.raises(BundleError, match=r"cast\.json"):
        read_cast(path)
    path.unlink()
    with pytest.raises(BundleError, match="missing"):
        read_cast(path)
