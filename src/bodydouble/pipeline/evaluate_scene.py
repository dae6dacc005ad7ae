"""The scene that results are measured by: what perception saw in the original, found, read or perceived now."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble import __version__
from bodydouble.config import to_mapping
from bodydouble.errors import BundleError, InputError
from bodydouble.perception.config import PerceptionConfig
from bodydouble.pipeline.folder import RunFolder
from bodydouble.pipeline.single import plate_of
from bodydouble.pipeline.stages import run_perception
from bodydouble.scene import (
    CameraMotion,
    Frame,
    FrameSource,
    MaskStack,
    PersonTrack,
    Progress,
    SceneBundle,
    VideoGeometry,
)
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.strict_files import write_bytes


@dataclass(frozen=True, kw_only=True)
class SceneFiles:
    """Where a scene is, and how it came to be."""

    scene: Path
    plate: Path | None
    """None where the background was not kept."""
    origin: str
    """In words, for the report; without paths."""


class FirstFrames:
    """The beginning of a clip, as a clip."""

    def __init__(self, source: FrameSource, num_frames: int) -> None:
        self._source = source
        self._geometry = first_frames_of(source.geometry, num_frames)

    @property
    def name(self) -> str:
        """That of the clip."""
        return self._source.name

    @property
    def geometry(self) -> VideoGeometry:
        """That of the clip, with fewer frames."""
        return self._geometry

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Decode frames ``start`` to ``stop`` (exclusive; None is the end).

        Raises:
            UnreadableVideo: a frame cannot be decoded; its index is named.
            UnreadableImage: the same for a folder of images.
        """
        last = self._geometry.num_frames
        return self._source.frames(start, last if stop is None else min(stop, last))


def first_frames_of(geometry: VideoGeometry, num_frames: int) -> VideoGeometry:
    """Size and timing of the first frames."""
    return dataclasses.replace(geometry, pts_ticks=geometry.pts_ticks[:num_frames])


def cut_bundle(bundle: SceneBundle, num_frames: int) -> SceneBundle:
    """The scene of the first frames; people who come later are not in it."""
    if num_frames >= bundle.video.num_frames:
        return bundle
    cut = (_cut_track(track, num_frames) for track in bundle.tracks)
    tracks = [track for track in cut if track is not None]
    left = {track.track_id for track in tracks}
    return dataclasses.replace(
        bundle,
        video=first_frames_of(bundle.video, num_frames),
        tracks=tuple(dataclasses.replace(t, twin_of=t.twin_of if t.twin_of in left else 0) for t in tracks),
        camera=CameraMotion(to_reference=bundle.camera.to_reference[:num_frames]),
    )


def _cut_track(track: PersonTrack, num_frames: int) -> PersonTrack | None:
    steps = int(np.searchsorted(track.frame_indices, num_frames))
    if steps == 0:
        return None
    rows: dict[str, Any] = {
        field.name: value[:steps]
        for field in dataclasses.fields(track)
        if isinstance(value := getattr(track, field.name), np.ndarray)
    }
    shadows = None if track.shadows is None else _cut_masks(track.shadows, steps)
    return dataclasses.replace(track, silhouettes=_cut_masks(track.silhouettes, steps), shadows=shadows, **rows)


def _cut_masks(stack: MaskStack, steps: int) -> MaskStack:
    return MaskStack(windows_xyxy_px=stack.windows_xyxy_px[:steps], bits=stack.bits[:steps])


def find_scene(clip: str, source: FrameSource, input_sha256: str, runs: Sequence[RunFolder]) -> SceneFiles | None:
    """The scene of a run that had this original as its input; None if there is none that can be read.

    Args:
        clip: name of the clip.
        source: the original.
        input_sha256: hash of the original.
        runs: run folders beside the results.
    """
    from bodydouble.manifest import read_manifest

    for run in runs:
        try:
            manifest = read_manifest(run.manifest)
            if manifest.identity.input_sha256 != input_sha256 or not manifest.is_done("perception"):
                continue
            _check_fits(clip, source, read_bundle(run.scene))
        except BundleError:
            # Of another version, or tidied away: perception looks anew, and the report says that it did.
            continue
        plate = run.plate if (run.plate / "plate.json").is_file() else None
        origin = f"that of the run {manifest.output_name} (bodydouble {manifest.identity.version})"
        return SceneFiles(scene=run.scene, plate=plate, origin=origin)
    return None


def given_scene(root: Path, clip: str, source: FrameSource, *, is_tree: bool) -> SceneFiles:
    """The scene that the user names: itself for a single clip, else the folder of the clip's name below it.

    Raises:
        BundleError: there is none, it cannot be read, or it is of another clip.
    """
    candidates = [root / clip, root / clip / "scene", root / f"{clip}.zip"]
    if not is_tree:
        candidates += [root, root / "scene"]
    for scene in candidates:
        if (scene / "bundle.json").is_file() or scene.is_file():
            _check_fits(clip, source, read_bundle(scene))
            plates = (plate_of(scene), scene.with_name("plate"))
            plate = next((path for path in plates if (path / "plate.json").is_file()), None)
            return SceneFiles(scene=scene, plate=plate, origin="given by --scene")
    raise BundleError(f"no scene of the clip {clip!r} is there (bundle.json, or a .zip): {root}")


def perceive_once(
    source: FrameSource, config: PerceptionConfig, input_sha256: str, folder: Path, progress: Progress
) -> SceneFiles:
    """Perceive a clip, unless that was done before with the same settings.

    Args:
        source: the clip, or its beginning.
        config: of perception.
        input_sha256: hash of the clip.
        folder: that keeps scenes; one of them is made in it.
        progress: told how far it is.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        MissingWeights: a network's weights are missing.
    """
    settings = [__version__, input_sha256, source.geometry.num_frames, to_mapping(config)]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:20]
    home = folder / digest
    scene, plate, done = home / "scene", home / "plate", home / "done"
    if not done.is_file():
        home.mkdir(parents=True, exist_ok=True)
        run_perception(source, config, scene=scene, plate=plate, work=home / "work", progress=progress)
        write_bytes(done, b"")
    return SceneFiles(scene=scene, plate=plate, origin="perceived for this report")


def _check_fits(clip: str, source: FrameSource, bundle: SceneBundle) -> None:
    one, other = source.geometry, bundle.video
    size, found = (one.width_px, one.height_px), (other.width_px, other.height_px)
    # A scene of the whole clip serves for its beginning, too.
    if size != found or other.num_frames < one.num_frames:
        raise BundleError(
            f"the scene has {other.num_frames} frames of {found[0]}x{found[1]} px, the original {one.num_frames} of "
            f"{size[0]}x{size[1]}; it is of another clip: {clip}"
        )


def find_beside(root: Path, clip: str, endings: Sequence[str], *, is_tree: bool, what: str) -> Path | None:
    """A file of a clip that the user gives for all: the file itself for a single clip, else one below a folder.

    Args:
        root: what the user named.
        clip: name of the clip.
        endings: what may stand behind the clip's name, with or without its suffix, such as ``.txt`` or ``/gt.txt``.
        is_tree: there are several clips.
        what: for the message.

    Returns:
        None where the folder has nothing for this clip.

    Raises:
        InputError: it is missing, or one file was named for several clips.
    """
    if root.is_file():
        if is_tree:
            raise InputError(f"{what} is one file, and there are several clips; give a folder: {root}")
        return root
    if not root.is_dir():
        raise InputError(f"{what} is not there; check the name: {root}")
    names = dict.fromkeys((clip, Path(clip).with_suffix("").as_posix()))
    candidates = [root / f"{name}{ending}" for name in names for ending in endings]
    if not is_tree:
        candidates += [root / ending.lstrip("/") for ending in endings if ending.startswith("/")]
    return next((path for path in candidates if path.is_file()), None)
