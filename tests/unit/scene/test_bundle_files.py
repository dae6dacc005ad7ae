"""Bundle files: what is written is read back to the bit, and whatever is not a bundle is refused with one clear error."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import SceneBundle, Sun, strict_files
from bodydouble.scene.bundle_files import CAMERA_ARRAYS, TRACK_ARRAYS, read_bundle, write_bundle
from bodydouble.testing import bundle_differences, make_bundle, random_bundle

_quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _bytes_of(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good bundle as a folder, to be damaged."""
    write_bundle(random_bundle(3), tmp_path / "scene")
    return tmp_path / "scene"


def _edit_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / "bundle.json").read_text())
    change(document)
    (folder / "bundle.json").write_text(json.dumps(document))


def _edit_track(folder: Path, **changes: Any) -> None:
    path = folder / "tracks" / "000001.npz"
    with np.load(path) as old:
        arrays = {name: old[name] for name in old.files} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


@_quick
@given(
    seed=st.integers(0, 1 << 30),
    ids=st.sets(st.integers(1, 2_000_000), max_size=3),
    num_frames=st.integers(1, 6),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    as_zip=st.booleans(),
)
def test_written_and_read_back_to_the_bit(
    tmp_path: Path, seed: int, ids: set[int], num_frames: int, size: tuple[int, int], as_zip: bool
) -> None:
    bundle = random_bundle(
        seed, num_frames=num_frames, track_ids=tuple(sorted(ids)), width_px=size[0], height_px=size[1]
    )
    path = tmp_path / ("scene.zip" if as_zip else "scene")
    write_bundle(bundle, path)
    assert bundle_differences(read_bundle(path), bundle) == []


@given(name=st.text(max_size=30), reason=st.text(max_size=30))
@_quick
def test_any_text_survives(tmp_path: Path, name: str, reason: str) -> None:
    bundle = random_bundle(1)
    tracks = tuple(dataclasses.replace(track, reason=reason) for track in bundle.tracks)
    bundle = dataclasses.replace(bundle, clip_name=name, tracks=tracks)
    write_bundle(bundle, tmp_path / "scene")
    assert bundle_differences(read_bundle(tmp_path / "scene"), bundle) == []


@pytest.mark.parametrize("name", ["scene", "scene.zip"])
def test_equal_bundles_are_equal_files(tmp_path: Path, name: str) -> None:
    write_bundle(make_bundle(), tmp_path / f"a-{name}")
    write_bundle(read_bundle(tmp_path / f"a-{name}"), tmp_path / f"b-{name}")
    assert _bytes_of(tmp_path / f"a-{name}") == _bytes_of(tmp_path / f"b-{name}")


def test_no_array_can_hold_an_image_of_the_footage() -> None:
    for specs in (CAMERA_ARRAYS, TRACK_ARRAYS):
        for name, spec in specs.items():
            trailing_axes_are_small = all(axis is not None and axis <= 18 for axis in spec.shape[1:])
            assert trailing_axes_are_small, f"{name} has room for a picture: {spec}"
            assert spec.dtype != "|u1" or name in ("silhouette_bits", "shadow_bits")


def test_an_image_smuggled_into_a_track_is_refused(folder: Path) -> None:
    _edit_track(folder, crop=np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(BundleError, match=r"unexpected arrays \['crop.npy'\]"):
        read_bundle(folder)


def test_an_older_bundle_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "scene"
    write_bundle(random_bundle(1, track_ids=(1, 2, 3)), path)
    write_bundle(random_bundle(2, track_ids=(5,)), path)
    assert bundle_differences(read_bundle(path), random_bundle(2, track_ids=(5,))) == []
    assert [p.name for p in tmp_path.iterdir()] == ["scene"]


@pytest.mark.parametrize(
    "change",
    [
        {"box_scores": np.full(2, 1.5, np.float32)},
        {"box_scores": np.full(2, np.nan, np.float32)},
        {"joint_scores": np.full((2, 18), -0.1, np.float32)},
        {"visible_fraction": np.full(2, 2, np.float32)},
        {"boxes_xyxy_px": np.full((2, 4), np.nan, np.float32)},
        {"boxes_xyxy_px": np.array([[5, 5, 4, 9]] * 2, np.float32)},
        {"boxes_xyxy_px": np.zeros((2, 4), np.float64)},
        {"joints_xy_px": np.full((2, 18, 2), np.inf, np.float32)},
        {"play": np.ones(2, np.uint8)},
        {"frame_indices": np.array([0, 1], np.int32)},
        {"reason": "x" * 5000},
        {"reason": "\udcff"},
    ],
    ids=str,
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, change: dict[str, Any]) -> None:
    bundle = make_bundle(num_frames=2, num_people=1)
    bundle = dataclasses.replace(bundle, tracks=(dataclasses.replace(bundle.tracks[0], **change),))
    with pytest.raises(BundleError):
        write_bundle(bundle, tmp_path / "scene")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_older_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scene"
    write_bundle(random_bundle(1), path)
    before = _bytes_of(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(strict_files, "write_npz", full)
    with pytest.raises(OutputError, match="No space left"):
        write_bundle(random_bundle(2), path)
    assert _bytes_of(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["scene"]


def test_strangers_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    for name, message in (("holiday", "holds no bundle"), ("file", "a file lies"), ("no/where", "does not exist")):
        with pytest.raises(OutputError, match=message):
            write_bundle(make_bundle(num_frames=2), tmp_path / name)
    assert (tmp_path / "holiday" / "photo.jpg").read_bytes() == b"x"


def test_scenes_of_version_3_have_no_shadows_and_are_read(tmp_path: Path) -> None:
    bundle = random_bundle(3)
    write_bundle(bundle, tmp_path / "scene")
    _edit_json(tmp_path / "scene", lambda d: (d.__setitem__("schema_version", 3), d["light"].pop("sun")))
    for path in (tmp_path / "scene" / "tracks").iterdir():
        with np.load(path) as new:
            arrays = {name: new[name] for name in new.files if not name.startswith("shadow_")}
        np.savez(path, **arrays)
    read = read_bundle(tmp_path / "scene")
    assert any(track.shadows is not None for track in bundle.tracks)
    tracks = tuple(dataclasses.replace(track, shadows=None) for track in bundle.tracks)
    assert bundle_differences(read, dataclasses.replace(bundle, tracks=tracks)) == []


def test_scenes_of_version_4_know_no_sun_and_are_read(tmp_path: Path) -> None:
    bundle = random_bundle(3)
    write_bundle(bundle, tmp_path / "scene")
    _edit_json(tmp_path / "scene", lambda d: d.__setitem__("schema_version", 4))
    with pytest.raises(BundleError, match=r"light\.sun"):
        read_bundle(tmp_path / "scene")
    _edit_json(tmp_path / "scene", lambda d: d["light"].pop("sun"))
    assert bundle_differences(read_bundle(tmp_path / "scene"), bundle) == []


def test_the_sun_is_kept(tmp_path: Path) -> None:
    bundle = random_bundle(3)
    light = dataclasses.replace(bundle.light, sun=Sun(shadow_xz=(1.25, -0.5), darkness=0.5))
    write_bundle(dataclasses.replace(bundle, light=light), tmp_path / "scene")
    assert read_bundle(tmp_path / "scene").light == light
    _edit_json(tmp_path / "scene", lambda d: d["light"]["sun"].__setitem__("darkness", 0.0))
    with pytest.raises(BundleError, match="shadow"):
        read_bundle(tmp_path / "scene")


def test_a_scene_of_version_3_holds_no_shadows(folder: Path) -> None:
    _edit_json(folder, lambda d: (d.__setitem__("schema_version", 3), d["light"].pop("sun")))
    with pytest.raises(BundleError, match="shadow"):
        read_bundle(folder)


def test_a_shadow_beyond_the_frame_is_refused(folder: Path) -> None:
    with np.load(folder / "tracks" / "000001.npz") as old:
        windows = old["shadow_windows_xyxy_px"]
    _edit_track(folder, shadow_windows_xyxy_px=windows + np.int32(1000))
    with pytest.raises(BundleError, match="a shadow's window"):
        read_bundle(folder)


@pytest.mark.parametrize("version", [0, 1, 2, 6, "3", None, True, 1.5, [1]])
def test_another_version_is_named(folder: Path, version: object) -> None:
    _edit_json(folder, lambda d: d.__setitem__("schema_version", version))
    with pytest.raises(BundleError, match=r"schema[ _]version"):
        read_bundle(folder)


_BAD_HEADERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown key": lambda d: d.__setitem__("thumbnail", "iVBOR"),
    "unknown key in video": lambda d: d["video"].__setitem__("rotation", 90),
    "key missing": lambda d: d.pop("clip_name"),
    "other format": lambda d: d.__setitem__("format", "coco"),
    "width 0": lambda d: d["video"].__setitem__("width_px", 0),
    "width absurd": lambda d: d["video"].__setitem__("width_px", 10**9),
    "width as text": lambda d: d["video"].__setitem__("width_px", "31"),
    "time base 0": lambda d: d["video"].__setitem__("time_base", "0/1"),
    "time base by zero": lambda d: d["video"].__setitem__("time_base", "1/0"),
    "time base endless": lambda d: d["video"].__setitem__("time_base", "1/" + "9" * 5000),
    "ticks backwards": lambda d: d["video"]["pts_ticks"].reverse(),
    "ticks too large": lambda d: d["video"]["pts_ticks"].__setitem__(-1, 10**30),
    "no frames": lambda d: d["video"].__setitem__("pts_ticks", []),
    "fewer frames than the camera": lambda d: d["video"]["pts_ticks"].pop(),
    "light NaN": lambda d: d["light"].__setitem__("key_strength", float("nan")),
    "light infinite": lambda d: d["light"].__setitem__("key_direction_xyz", [0, float("inf"), 0]),
    "light of four": lambda d: d["light"].__setitem__("ambient_rgb", [0.1] * 4),
    "id 0": lambda d: d["tracks"][0].__setitem__("track_id", 0),
    "ids out of order": lambda d: d["tracks"].reverse(),
    "id twice": lambda d: d["tracks"].append(d["tracks"][0]),
    "track not listed": lambda d: d["tracks"].pop(),
    "track without a file": lambda d: d["tracks"].append({"track_id": 9, "num_frames": 1, "reason": ""}),
    "more frames than the clip": lambda d: d["tracks"][0].__setitem__("num_frames", 10**12),
    "other number of frames": lambda d: d["tracks"][0].__setitem__("num_frames", 1),
}


@pytest.mark.parametrize("kind", _BAD_HEADERS)
def test_bad_headers(tmp_path: Path, kind: str) -> None:
    write_bundle(make_bundle(num_frames=4), tmp_path / "scene")
    assert [len(track) for track in read_bundle(tmp_path / "scene").tracks] == [4, 4]
    _edit_json(tmp_path / "scene", _BAD_HEADERS[kind])
    with pytest.raises(BundleError, match="scene"):
        read_bundle(tmp_path / "scene")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": "bodydouble-scene-bundle"}'], ids=len
)
def test_headers_that_are_no_json_object(folder: Path, data: bytes) -> None:
    (folder / "bundle.json").write_bytes(data)
    with pytest.raises(BundleError):
        read_bundle(folder)


def _bad_tracks(bundle: SceneBundle) -> dict[str, dict[str, Any]]:
    track = bundle.tracks[0]
    steps = len(track)
    windows = track.silhouettes.windows_xyxy_px
    return {
        "array missing": {"play": None},
        "dtype": {"box_scores": np.zeros(steps, np.float64)},
        "big endian": {"box_scores": np.zeros(steps, ">f4")},
        "objects": {"box_scores": np.array([{}] * steps, object)},
        "rank": {"box_scores": np.zeros((steps, 1), np.float32)},
        "length": {"box_scores": np.zeros(steps + 1, np.float32)},
        "fortran order": {"joint_scores": np.asfortranarray(np.zeros((steps, 18), np.float32))},
        "joints": {"joints_xy_px": np.zeros((steps, 25, 2), np.float32)},
        "score above 1": {"joint_scores": np.full((steps, 18), 3, np.float32)},
        "visibility NaN": {"joint_visibility": np.full((steps, 18), np.nan, np.float32)},
        "visibility as it was in version 1": {"joint_visibility": None},
        "score NaN": {"visible_fraction": np.full(steps, np.nan, np.float32)},
        "frames backwards": {"frame_indices": np.arange(steps, dtype=np.int64)[::-1].copy()},
        "frames negative": {"frame_indices": np.arange(steps, dtype=np.int64) - 1},
        "frames beyond the clip": {"frame_indices": np.arange(steps, dtype=np.int64) + 1},
        "mask beyond the frame": {"silhouette_windows_xyxy_px": windows + np.int32(160)},
        "mask inside out": {"silhouette_windows_xyxy_px": windows[:, ::-1].copy()},
        "mask absurd": {
            "silhouette_windows_xyxy_px": np.tile(np.array([0, 0, 2**31 - 1, 2**31 - 1], np.int32), (steps, 1))
        },
        "offsets": {"silhouette_offsets": np.zeros(steps + 1, np.int64)},
        "bits missing": {"silhouette_bits": np.zeros(0, np.uint8)},
        "bits left over": {"silhouette_bits": np.zeros(10_000, np.uint8)},
    }


@pytest.mark.parametrize("kind", _bad_tracks(make_bundle(num_frames=4)))
def test_bad_arrays(tmp_path: Path, kind: str) -> None:
    bundle = make_bundle(num_frames=4)
    write_bundle(bundle, tmp_path / "scene")
    _edit_track(tmp_path / "scene", **_bad_tracks(bundle)[kind])
    with pytest.raises(BundleError, match=r"track|000001"):
        read_bundle(tmp_path / "scene")


def test_camera_must_be_finite_and_complete(folder: Path) -> None:
    for matrix in (np.full((5, 3, 3), np.nan), np.zeros((4, 3, 3)), np.zeros((5, 3, 3), np.float32)):
        np.savez(folder / "camera.npz", to_reference=matrix)
        with pytest.raises(BundleError):
            read_bundle(folder)


@_quick
@given(cut=st.floats(0, 1, exclude_max=True))
def test_truncated_zip(tmp_path: Path, cut: float) -> None:
    path = tmp_path / "scene.zip"
    write_bundle(random_bundle(3), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(BundleError, match=r"scene\.zip"):
        read_bundle(path)


@settings(_quick, max_examples=120)
@given(data=st.data())
def test_flipped_bytes_never_raise_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "scene.zip"
    original = random_bundle(3)
    write_bundle(original, path)
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        bundle = read_bundle(path)
    except BundleError:
        return
    # Bytes that mean nothing (dates, rights) may change; content is under a checksum.
    assert bundle_differences(bundle, original) == []


def test_truncated_track_in_a_folder(folder: Path) -> None:
    path = folder / "tracks" / "000001.npz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BundleError, match=r"000001\.npz"):
        read_bundle(folder)


def _rezip(folder: Path, path: Path, extra: Callable[[zipfile.ZipFile], object]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for member in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(member, member.relative_to(folder).as_posix())
        extra(archive)


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("tracks/000009.npz")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")


def _again(archive: zipfile.ZipFile) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("bundle.json", "{}")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (lambda a: a.writestr("../evil.npz", b"x"), "points outside"),
        (lambda a: a.writestr("/etc/evil", b"x"), "points outside"),
        (lambda a: a.writestr("tracks\\..\\..\\evil", b"x"), "points outside"),
        (lambda a: a.writestr("C:evil", b"x"), "points outside"),
        (lambda a: a.writestr("notes.txt", b"x"), "unexpected members"),
        (lambda a: a.writestr("tracks/000002.npz", b"x"), "unexpected members"),
        (_link, "link"),
        (_again, "twice"),
        (lambda a: a.writestr("x.bin", bytes(200 << 20), zipfile.ZIP_DEFLATED), "unpacks from"),
        (lambda a: a.writestr("x.bin", b"x", zipfile.ZIP_LZMA), "unknown way"),
    ],
)
def test_hostile_zips(folder: Path, tmp_path: Path, extra: Callable[[zipfile.ZipFile], object], message: str) -> None:
    path = tmp_path / "hostile.zip"
    _rezip(folder, path, extra)
    with pytest.raises(BundleError, match=message):
        read_bundle(path)


def test_a_folder_zipped_by_hand_is_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "hand.zip"
    _rezip(folder, path, lambda archive: archive.mkdir("tracks"))
    assert bundle_differences(read_bundle(path), read_bundle(folder)) == []


def test_a_bomb_inside_a_track_is_not_unpacked(folder: Path) -> None:
    """A hundred megabytes of zeros in a hundred kilobytes, honestly declared: refused before anything is allocated."""
    path = folder / "tracks" / "000001.npz"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, bytes(100 << 20) if name == "silhouette_bits.npy" else data)
    assert path.stat().st_size < 200_000
    with pytest.raises(BundleError, match="unpacks from"):
        read_bundle(folder)


def test_large_arrays_are_stored_so_that_they_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who stands still packs a thousandfold; their bundle must not look like a bomb."""
    monkeypatch.setattr(strict_files, "MAX_PACKED_MEMBER_BYTES", 5000)
    bundle = make_bundle(num_frames=40)
    assert max(sum(map(len, track.silhouettes.bits)) for track in bundle.tracks) > 5000
    write_bundle(bundle, tmp_path / "scene.zip")
    assert bundle_differences(read_bundle(tmp_path / "scene.zip"), bundle) == []


def test_absurd_totals_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bundle(make_bundle(), tmp_path / "scene")
    monkeypatch.setattr(strict_files, "MAX_ARCHIVE_BYTES", 12_000)
    with pytest.raises(BundleError, match="12000"):
        read_bundle(tmp_path / "scene")


def test_a_lie_about_the_shape_allocates_nothing(folder: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(8, np.uint8))
    lie = stream.getvalue().replace(b"(8,), }     ", b"(1" + b"0" * 5 + b",), }", 1)
    path = folder / "tracks" / "000001.npz"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, lie if name == "silhouette_bits.npy" else data)
    with pytest.raises(BundleError, match=r"another size|header"):
        read_bundle(folder)


def test_links_and_strays_in_a_folder(folder: Path, tmp_path: Path) -> None:
    track = folder / "tracks" / "000001.npz"
    moved = tmp_path / "elsewhere.npz"
    shutil.move(track, moved)
    track.symlink_to(moved)
    with pytest.raises(BundleError, match="link"):
        read_bundle(folder)
    track.unlink()
    with pytest.raises(BundleError, match="missing members"):
        read_bundle(folder)
    shutil.move(moved, track)
    (folder / "frame_000001.png").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"unexpected members \['frame_000001.png'\]"):
        read_bundle(folder)


def test_not_a_bundle_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "empty", "text.zip", "pipe"):
        with pytest.raises(BundleError, match=name):
            read_bundle(tmp_path / name)


def test_a_bundle_reached_through_a_link_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder)
    assert read_bundle(tmp_path / "latest").clip_name == read_bundle(folder).clip_name
