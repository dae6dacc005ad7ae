"""Plates on disk: keys come back exactly, frames between them are blends, a moving camera is followed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import CameraMotion
from bodydouble.scene.plate_files import PlateReader, PlateWriter

_RNG_SEED = 11


def _key(seed: int, width: int = 13, height: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(_RNG_SEED + seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8), rng.random((height, width)) < 0.7


def _write(folder: Path, frames: tuple[int, ...], width: int = 13, height: int = 7) -> None:
    writer = PlateWriter(folder, width, height)
    for frame in frames:
        writer.add_key(frame, *_key(frame, width, height))
    writer.commit()


@pytest.mark.parametrize(("width", "height"), [(13, 7), (1, 1), (3, 600)])
def test_keys_come_back_exactly_and_outside_the_nearest_is_taken(tmp_path: Path, width: int, height: int) -> None:
    _write(tmp_path, (10, 40, 25), width, height)
    reader = PlateReader(tmp_path)
    assert reader.key_frames == (10, 25, 40)
    for asked, key in ((10, 10), (25, 25), (40, 40), (0, 10), (9, 10), (41, 40), (10**9, 40)):
        rgb, valid = reader.at(asked)
        assert np.array_equal(rgb, _key(key, width, height)[0])
        assert np.array_equal(valid, _key(key, width, height)[1])


def test_between_keys_colours_are_blended_and_only_what_both_saw_is_valid(tmp_path: Path) -> None:
    _write(tmp_path, (0, 30))
    (a, seen_a), (b, seen_b) = _key(0), _key(30)
    for frame in (1, 10, 15, 29):
        rgb, valid = PlateReader(tmp_path).at(frame)
        exact = a + (b.astype(float) - a) * frame / 30
        assert np.abs(rgb - exact).max() <= 1.0
        assert np.array_equal(valid, seen_a & seen_b)
    half, _ = PlateReader(tmp_path).at(15)
    assert np.array_equal(half, (a.astype(int) + b + 1) // 2)


def test_equal_keys_make_equal_frames_between_them(tmp_path: Path) -> None:
    rgb, _ = _key(0)
    writer = PlateWriter(tmp_path, 13, 7)
    for frame in (0, 7):
        writer.add_key(frame, rgb, np.ones((7, 13), bool))
    writer.commit()
    reader = PlateReader(tmp_path)
    assert all(np.array_equal(reader.at(frame)[0], rgb) for frame in range(8))


def test_what_is_returned_may_be_painted_over(tmp_path: Path) -> None:
    _write(tmp_path, (0,))
    reader = PlateReader(tmp_path)
    rgb, valid = reader.at(0)
    rgb[:] = 0
    valid[:] = False
    assert np.array_equal(reader.at(0)[0], _key(0)[0])
    assert np.array_equal(reader.at(0)[1], _key(0)[1])


def test_order_of_asking_changes_nothing(tmp_path: Path) -> None:
    _write(tmp_path, (0, 10, 20, 30, 40, 50))
    forward, backward = PlateReader(tmp_path), PlateReader(tmp_path)
    pictures = {frame: forward.at(frame)[0] for frame in range(51)}
    for frame in reversed(range(51)):
        assert np.array_equal(backward.at(frame)[0], pictures[frame])
    assert len(backward._cache) <= 3


def test_a_moving_camera_is_followed(tmp_path: Path) -> None:
    """The camera has moved 2 px right and 1 px down: frame pixel (x, y) is the plate's (x + 2, y + 1)."""
    _write(tmp_path, (0,))
    rgb, seen = _key(0)
    moved = np.tile(np.eye(3), (2, 1, 1))
    moved[1, :2, 2] = (2, 1)
    warped, valid = PlateReader(tmp_path, CameraMotion(to_reference=moved)).at(1)
    assert np.array_equal(warped[:-1, :-2], rgb[1:, 2:])
    assert np.array_equal(valid[:-1, :-2], seen[1:, 2:])
    assert not valid[-1].any()
    assert not valid[:, -2:].any()
    still, _ = PlateReader(tmp_path, CameraMotion(to_reference=moved)).at(0)
    assert np.array_equal(still, rgb)


def test_a_wide_reference_serves_small_frames(tmp_path: Path) -> None:
    _write(tmp_path, (0,))
    moved = np.eye(3)[None].copy()
    moved[0, 0, 2] = 8
    rgb, valid = PlateReader(tmp_path, CameraMotion(to_reference=moved), frame_size_px=(5, 7)).at(0)
    assert np.array_equal(rgb, _key(0)[0][:, 8:])
    assert np.array_equal(valid, _key(0)[1][:, 8:])
    with pytest.raises(BundleError, match="13x7 px, the frame 5x7"):
        PlateReader(tmp_path, None, frame_size_px=(5, 7))


def test_keys_of_another_size_or_twice_are_refused(tmp_path: Path) -> None:
    writer = PlateWriter(tmp_path, 13, 7)
    rgb, valid = _key(0)
    with pytest.raises(ValueError, match="the plate is"):
        writer.add_key(0, rgb[:, 1:], valid)
    with pytest.raises(ValueError, match="the plate is"):
        writer.add_key(0, rgb, valid.astype(np.uint8))
    writer.add_key(0, rgb, valid)
    with pytest.raises(ValueError, match="one key each"):
        writer.add_key(0, rgb, valid)
    with pytest.raises(ValueError, match="at least one key"):
        PlateWriter(tmp_path / "other", 13, 7).commit()


def test_unfinished_plates_are_not_read_and_begun_anew(tmp_path: Path) -> None:
    writer = PlateWriter(tmp_path, 13, 7)
    writer.add_key(99, *_key(99))
    with pytest.raises(BundleError, match=r"missing.*plate\.json"):
        PlateReader(tmp_path)
    _write(tmp_path, (3,))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key_000003_rgb.png", "key_000003_valid.png", "plate.json"]


def test_damage_is_found(tmp_path: Path) -> None:
    _write(tmp_path, (0, 5))
    picture = tmp_path / "key_000005_rgb.png"
    good = picture.read_bytes()
    for bad in (b"", good[:-20], good[:40] + bytes([good[40] ^ 1]) + good[41:]):
        picture.write_bytes(bad)
        reader = PlateReader(tmp_path)
        reader.at(0)
        with pytest.raises(BundleError, match="key_000005_rgb"):
            reader.at(3)
    picture.unlink()
    with pytest.raises(BundleError, match="missing"):
        PlateReader(tmp_path).at(5)


def test_a_picture_of_another_size_is_not_decoded(tmp_path: Path) -> None:
    _write(tmp_path / "small", (0,))
    document = json.loads((tmp_path / "small" / "plate.json").read_text())
    document["width_px"] = 16000
    (tmp_path / "small" / "plate.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match="no PNG of 16000x7"):
        PlateReader(tmp_path / "small").at(0)


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"width_px": 0}, {"keys": []}, {"extra": 1}, {"height_px": 10**6}, {"keys": "x"}]
)
def test_bad_tables(tmp_path: Path, change: dict[str, object]) -> None:
    _write(tmp_path, (0,))
    path = tmp_path / "plate.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BundleError, match=next(iter(change))):
        PlateReader(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        PlateWriter(tmp_path / "file" / "plate", 13, 7)


def test_keys_in_frames_of_their_own(tmp_path: Path) -> None:
    motion = np.tile(np.eye(3), (5, 1, 1))
    motion[:, 0, 2] = [0, 1, 2, 3, 4]
    wide = np.arange(17, dtype=np.uint8)[None, :, None] * np.full((7, 1, 3), 10, np.uint8)
    writer = PlateWriter(tmp_path, 13, 7, space="frame")
    for key in (0, 4):
        valid = np.ones((7, 13), bool)
        valid[:, 6] = key != 0
        writer.add_key(key, np.ascontiguousarray(wide[:, key : key + 13]), valid)
    writer.commit()
    reader = PlateReader(tmp_path, CameraMotion(to_reference=motion), frame_size_px=(13, 7))
    for frame in range(5):
        rgb, valid = reader.at(frame)
        assert np.array_equal(rgb, wide[:, frame : frame + 13]), frame
    # Frame 2 sees columns 2 to 14: column 6 of the first key is its own column 4; one key alone reaches either end.
    assert reader.at(2)[1][0].tolist() == [column != 4 for column in range(13)]


def test_on_the_screen_the_camera_does_not_count(tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 255, (7, 13, 3), np.uint8)
    writer = PlateWriter(tmp_path, 13, 7, space="screen")
    writer.add_key(2, picture, np.ones((7, 13), bool))
    writer.commit()
    motion = np.tile(np.eye(3), (5, 1, 1))
    motion[:, 0, 2] = [0, 3, 6, 9, 12]
    rgb, valid = PlateReader(tmp_path, CameraMotion(to_reference=motion), frame_size_px=(13, 7)).at(4)
    assert np.array_equal(rgb, picture)
    assert valid.all()


def test_what_no_key_saw_is_told(tmp_path: Path) -> None:
    """But not where keys move: what one saw lies over what another did not."""
    _write(tmp_path / "still", (0, 30, 60))
    reader = PlateReader(tmp_path / "still")
    assert np.array_equal(reader.never_seen(), ~(_key(0)[1] | _key(30)[1] | _key(60)[1]))
    assert reader.never_seen().any()
    moves = np.tile(np.eye(3), (4, 1, 1))
    moves[1:, 0, 2] = 3.0
    assert not PlateReader(tmp_path / "still", CameraMotion(to_reference=moves)).never_seen().any()
    writer = PlateWriter(tmp_path / "moving", 13, 7, space="frame")
    writer.add_key(0, *_key(0))
    writer.commit()
    assert not PlateReader(tmp_path / "moving").never_seen().any()
