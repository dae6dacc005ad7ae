"""The bundle file: ``bundle.json``, ``camera.npz`` and one ``tracks/000001.npz`` per person, in a folder or one zip.

Nothing but the arrays of `TRACK_ARRAYS` and `CAMERA_ARRAYS` is written or read, each with one type and rank; an image of
the footage fits none of them. Two equal bundles give equal files. Reading is strict: one clear error per defect.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.errors import BundleError, OutputError
from bodydouble.scene import strict_files
from bodydouble.scene.bundle import CameraMotion, Light, SceneBundle, Sun
from bodydouble.scene.bundle_header import BundleModel, TrackModel, encode_header, parse_header, what_failed
from bodydouble.scene.silhouette import MaskStack
from bodydouble.scene.skeleton import NUM_JOINTS
from bodydouble.scene.strict_files import ArraySpec
from bodydouble.scene.track import PersonTrack
from bodydouble.scene.video import VideoGeometry

CAMERA_ARRAYS: Final[Mapping[str, ArraySpec]] = {"to_reference": ArraySpec(dtype="<f8", shape=(None, 3, 3))}
TRACK_ARRAYS: Final[Mapping[str, ArraySpec]] = {
    "frame_indices": ArraySpec(dtype="<i8", shape=(None,)),
    "boxes_xyxy_px": ArraySpec(dtype="<f4", shape=(None, 4)),
    "box_scores": ArraySpec(dtype="<f4", shape=(None,)),
    "joints_xy_px": ArraySpec(dtype="<f4", shape=(None, NUM_JOINTS, 2)),
    "joint_scores": ArraySpec(dtype="<f4", shape=(None, NUM_JOINTS)),
    "joint_visibility": ArraySpec(dtype="<f4", shape=(None, NUM_JOINTS)),
    "visible_fraction": ArraySpec(dtype="<f4", shape=(None,)),
    "play": ArraySpec(dtype="|b1", shape=(None,)),
    "silhouette_windows_xyxy_px": ArraySpec(dtype="<i4", shape=(None, 4)),
    "silhouette_offsets": ArraySpec(dtype="<i8", shape=(None,)),
    "silhouette_bits": ArraySpec(dtype="|u1", shape=(None,)),
    "shadow_windows_xyxy_px": ArraySpec(dtype="<i4", shape=(None, 4)),
    "shadow_offsets": ArraySpec(dtype="<i8", shape=(None,)),
    "shadow_bits": ArraySpec(dtype="|u1", shape=(None,)),
}
"""All that is kept of a person. ``silhouette_bits`` is one bit a pixel; ``silhouette_offsets`` (time + 1) cuts it; shadows
likewise, with empty windows where there is none."""
_MASKS: Final = ("silhouette", "shadow")

_ZIP_LEVEL: Final[int] = 6
_ROW_BYTES: Final[int] = 424
"""What one person in one frame takes beside silhouette and shadow, rounded up."""
_WITH_SHADOWS: Final[int] = 4
"""Schema version from which tracks hold shadows."""


def write_bundle(bundle: SceneBundle, path: Path) -> None:
    """Write a bundle: one zip if ``path`` ends in ``.zip``, else a folder. An older bundle there is replaced.

    Raises:
        BundleError: the bundle holds what `read_bundle` would refuse (type of an array, a score beyond 0 to 1, ...).
        OutputError: the place cannot be written, or something that is no bundle lies there.
    """
    _refuse_strangers(path)
    try:
        header = encode_header(bundle)
        members = {"camera.npz": {"to_reference": bundle.camera.to_reference}}
        for track in bundle.tracks:
            _check_values(track)
            members[_track_name(track.track_id)] = _arrays_of(track)
        for name, arrays in members.items():
            _check_arrays(name, arrays)
        size = sum(array.nbytes for arrays in members.values() for array in arrays.values())
        if size > strict_files.MAX_ARCHIVE_BYTES:
            raise ValueError(f"it has {size} bytes, allowed are {strict_files.MAX_ARCHIVE_BYTES}; cut the clip")
    except ValueError as error:
        raise BundleError(f"the bundle cannot be written: {what_failed(error)}: {path}") from error
    with strict_files.replacing(path) as temporary:
        if path.suffix.lower() == ".zip":
            _write_zip(temporary, header, members)
        else:
            _write_folder(temporary, header, members)


def read_bundle(path: Path) -> SceneBundle:
    """Read a bundle, a folder or a zip, trusting nothing in it.

    Raises:
        BundleError: missing, truncated, of another version, or anything in it that is not as the format says.
    """
    if path.is_dir():
        return _read_members(_Folder(path), path)
    data = strict_files.read_file(path.resolve())
    with strict_files.open_archive(data, where=str(path)) as archive:
        return _read_members(_Zip(archive, path), path)


class _Store(Protocol):
    """Where the members of a bundle lie."""

    def names(self) -> set[str]: ...
    def read(self, name: str) -> bytes: ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        found: set[str] = set()
        for entry in self._path.rglob("*"):
            name = entry.relative_to(self._path).as_posix()
            if entry.is_symlink():
                raise BundleError(f"{name!r} is a link; only plain files are allowed: {self._path}")
            if not entry.is_dir() or name != "tracks":
                found.add(name)
        return found

    def read(self, name: str) -> bytes:
        return strict_files.read_file(self._path / name)


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._where = str(path)
        self._members = strict_files.check_members(archive, where=self._where)
        self._members.pop("tracks/", None)

    def names(self) -> set[str]:
        return set(self._members)

    def read(self, name: str) -> bytes:
        return strict_files.read_member(self._archive, self._members[name], where=self._where)


def _read_members(store: _Store, path: Path) -> SceneBundle:
    names = store.names()
    if "bundle.json" not in names:
        raise BundleError(f"holds no bundle.json; is it a scene bundle?: {path}")
    header = parse_header(store.read("bundle.json"), path)
    expected = {"bundle.json", "camera.npz", *(_track_name(track.track_id) for track in header.tracks)}
    if names != expected:
        extra, lacking = sorted(names - expected)[:5], sorted(expected - names)[:5]
        raise BundleError(
            f"unexpected members {extra}, missing members {lacking}; a bundle holds its own files only: {path}"
        )
    try:
        video = header.geometry()
        camera = strict_files.read_npz(store.read("camera.npz"), CAMERA_ARRAYS, where=f"{path}/camera.npz")
        if not np.all(np.isfinite(camera["to_reference"])):
            raise ValueError("camera motion holds values that are not finite")
        tracks: list[PersonTrack] = []
        budget = strict_files.MAX_ARCHIVE_BYTES
        for entry in header.tracks:
            track = _read_track(store, entry, video, path, with_shadows=header.schema_version >= _WITH_SHADOWS)
            shadows = () if track.shadows is None else track.shadows.bits
            budget -= len(track) * _ROW_BYTES + sum(len(bits) for bits in (*track.silhouettes.bits, *shadows))
            if budget < 0:
                raise BundleError(f"unpacks to more than {strict_files.MAX_ARCHIVE_BYTES} bytes: {path}")
            tracks.append(track)
        return SceneBundle(
            video=video,
            tracks=tuple(tracks),
            camera=CameraMotion(to_reference=camera["to_reference"]),
            light=_light_of(header),
            clip_name=header.clip_name,
            producer=header.producer,
        )
    except ValueError as error:
        raise BundleError(f"{what_failed(error)}: {path}") from error


def _light_of(header: BundleModel) -> Light:
    light = header.light
    return Light(
        ambient_rgb=light.ambient_rgb,
        key_direction_xyz=light.key_direction_xyz,
        key_strength=light.key_strength,
        sun=None if light.sun is None else Sun(**light.sun.model_dump()),
    )


def _read_track(
    store: _Store, entry: TrackModel, video: VideoGeometry, path: Path, *, with_shadows: bool
) -> PersonTrack:
    name = _track_name(entry.track_id)
    if entry.num_frames > video.num_frames:
        raise BundleError(f"track {entry.track_id} has {entry.num_frames} frames, the clip {video.num_frames}: {path}")
    specs = _specs_for(entry.num_frames, with_shadows=with_shadows)
    arrays = strict_files.read_npz(store.read(name), specs, where=f"{path}/{name}")
    shadows = _masks_of("shadow", arrays, entry, video, path) if with_shadows else None
    track = PersonTrack(
        track_id=entry.track_id,
        reason=entry.reason,
        twin_of=entry.twin_of,
        silhouettes=_masks_of("silhouette", arrays, entry, video, path),
        shadows=shadows if shadows is not None and any(len(bits) for bits in shadows.bits) else None,
        **{name: arrays[name] for name in TRACK_ARRAYS if not name.startswith(_MASKS)},
    )
    _check_values(track)
    return track


def _masks_of(
    what: str, arrays: Mapping[str, npt.NDArray[Any]], entry: TrackModel, video: VideoGeometry, path: Path
) -> MaskStack:
    """Silhouettes or shadows of a track."""
    windows, offsets = arrays[f"{what}_windows_xyxy_px"], arrays[f"{what}_offsets"]
    beyond = (windows < 0) | (windows > np.array([video.width_px, video.height_px] * 2, np.int32))
    if np.any(beyond) or np.any(windows[:, 2:] < windows[:, :2]):
        raise BundleError(f"track {entry.track_id}: a {what}'s window is empty or reaches beyond the frame: {path}")
    if not np.array_equal(offsets, _offsets_of(windows)) or int(offsets[-1]) != len(arrays[f"{what}_bits"]):
        raise BundleError(f"track {entry.track_id}: {what}_offsets do not fit the windows or the bits: {path}")
    bits = arrays[f"{what}_bits"]
    return MaskStack(
        windows_xyxy_px=windows,
        bits=tuple(bits[a:b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)),
    )


def _arrays_of(track: PersonTrack) -> dict[str, npt.NDArray[Any]]:
    arrays = {name: getattr(track, name) for name in TRACK_ARRAYS if not name.startswith(_MASKS)}
    nothing = MaskStack(windows_xyxy_px=np.zeros((len(track), 4), np.int32), bits=(np.zeros(0, np.uint8),) * len(track))
    for what, stack in zip(_MASKS, (track.silhouettes, track.shadows or nothing), strict=True):
        arrays[f"{what}_windows_xyxy_px"] = stack.windows_xyxy_px
        arrays[f"{what}_offsets"] = _offsets_of(stack.windows_xyxy_px)
        arrays[f"{what}_bits"] = np.concatenate(stack.bits)
    return arrays


def _offsets_of(windows_xyxy_px: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    sides = (windows_xyxy_px[:, 2:] - windows_xyxy_px[:, :2]).astype(np.int64)
    return np.concatenate([[0], np.cumsum((sides[:, 0] * sides[:, 1] + 7) // 8)]).astype(np.int64)


def _specs_for(num_frames: int, *, with_shadows: bool) -> dict[str, ArraySpec]:
    """The arrays of a track, their first axis known, so that nothing larger is ever allocated."""
    specs = {name: ArraySpec(dtype=s.dtype, shape=(num_frames, *s.shape[1:])) for name, s in TRACK_ARRAYS.items()}
    for what in _MASKS:
        specs[f"{what}_offsets"] = ArraySpec(dtype="<i8", shape=(num_frames + 1,))
        specs[f"{what}_bits"] = TRACK_ARRAYS[f"{what}_bits"]
    return specs if with_shadows else {name: s for name, s in specs.items() if not name.startswith("shadow_")}


def _check_arrays(member: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    specs = CAMERA_ARRAYS if member == "camera.npz" else TRACK_ARRAYS
    for name, array in arrays.items():
        if array.dtype != np.dtype(specs[name].dtype) or array.ndim != len(specs[name].shape):
            raise ValueError(f"{member}: {name} is {array.dtype} {array.shape}; the format has {specs[name].dtype}")
    if member == "camera.npz" and not np.all(np.isfinite(arrays["to_reference"])):
        raise ValueError("camera motion holds values that are not finite")


def _check_values(track: PersonTrack) -> None:
    for name in ("box_scores", "joint_scores", "joint_visibility", "visible_fraction"):
        values = getattr(track, name)
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"track {track.track_id}: {name} must lie in 0 to 1")
    if not np.all(np.isfinite(track.boxes_xyxy_px)):
        raise ValueError(f"track {track.track_id}: boxes_xyxy_px holds values that are not finite")
    if np.any(track.boxes_xyxy_px[:, 2:] < track.boxes_xyxy_px[:, :2]):
        raise ValueError(f"track {track.track_id}: a box of boxes_xyxy_px ends before it begins")
    if np.any(np.isinf(track.joints_xy_px)):
        raise ValueError(f"track {track.track_id}: joints_xy_px holds infinite values; NaN means not found")


def _write_zip(path: Path, header: bytes, members: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(strict_files.member_info("bundle.json"), header)
        for name, arrays in members.items():
            packed = io.BytesIO()
            strict_files.write_npz(packed, arrays, level=_ZIP_LEVEL)
            archive.writestr(strict_files.member_info(name), packed.getvalue())


def _write_folder(path: Path, header: bytes, members: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> None:
    (path / "tracks").mkdir(parents=True)
    (path / "bundle.json").write_bytes(header)
    for name, arrays in members.items():
        strict_files.write_npz(path / name, arrays, level=_ZIP_LEVEL)


def _refuse_strangers(path: Path) -> None:
    if path.is_dir():
        if path.suffix.lower() == ".zip":
            raise OutputError(f"a folder lies where the zip should go; choose another name: {path}")
        if any(path.iterdir()) and not (path / "bundle.json").is_file():
            raise OutputError(f"the folder is not empty and holds no bundle; choose another: {path}")
    elif path.exists() and path.suffix.lower() != ".zip":
        raise OutputError(f"a file lies where the bundle's folder should go; choose another name: {path}")
    if not path.parent.is_dir():
        raise OutputError(f"the folder to write into does not exist; make it first: {path.parent}")


def _track_name(track_id: int) -> str:
    return f"tracks/{track_id:06d}.npz"
