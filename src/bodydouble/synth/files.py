"""A rendered street as files: the clip, and beside it everything that is true about it."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from bodydouble.errors import OutputError, UsageError
from bodydouble.scene import (
    CameraMotion,
    Light,
    MaskStack,
    PersonTrack,
    Progress,
    SceneBundle,
    SilentProgress,
    VideoGeometry,
    strict_files,
)
from bodydouble.scene.bundle_files import write_bundle
from bodydouble.synth.street import MAX_PEOPLE, Sighting, Street, StreetFrame

if TYPE_CHECKING:
    from av.video.stream import VideoStream

Codec = Literal["h264", "lossless"]
_SUFFIXES: Final[dict[str, tuple[str, ...]]] = {"h264": (".mp4", ".mkv", ".mov"), "lossless": (".mkv", ".avi")}
_CRF: Final = "20"
_JOINT_RADIUS_HEIGHTS: Final = 0.03
"""A joint is seen where a pixel of its person is this close, in heights of the box: at a bare ankle only few are."""


@dataclass(frozen=True, kw_only=True)
class StreetFiles:
    """What `render_street` has written."""

    video: Path
    """The clip."""
    truth: Path
    """Folder of the following: ``<name of the clip without its ending>.truth``."""
    mot: Path
    """``gt.txt``, MOTChallenge 2016: frame from 1, id, left, top, width, height, 1, 1 (pedestrian), visible share."""
    masks: Path
    """``masks.npz``: ``labels`` (frames, H, W) uint8, the id of the person seen at each pixel, 0 nobody."""
    plate: Path
    """``plate.png``: the street without people and without noise."""
    scene: Path
    """``scene``: the bundle that perfect perception would make."""
    events: Path
    """``events.json``: per person, what they do and in which frames it is out of the ordinary."""


def render_street(
    out_path: Path,
    *,
    seed: int = 0,
    num_frames: int = 120,
    width_px: int = 640,
    height_px: int = 360,
    num_people: int = 6,
    fps: int = 25,
    codec: Codec = "h264",
    is_gray: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> StreetFiles:
    """Render a street with people who walk, cross, stand and talk, and write it with its truth.

    The same arguments give the same files on the same machine.

    Args:
        out_path: the clip; ``.mp4``, ``.mkv`` or ``.mov`` for h264, ``.mkv`` or ``.avi`` for lossless (FFV1, exact RGB).
        seed: decides the place, the light, the people and what they do.
        num_frames: 1 or more.
        width_px: even for h264.
        height_px: even for h264.
        num_people: 0 to 200.
        fps: frames a second, 1 to 240.
        codec: how the clip is stored.
        is_gray: no colour, three equal channels.
        overwrite: replace files that are there.
        progress: told of each frame.

    Raises:
        UsageError: an impossible number, or an ending that does not fit the codec.
        OutputError: something is there already, or the place cannot be written.
    """
    _check(out_path, num_frames, width_px, height_px, num_people, fps, codec)
    files = _names(out_path)
    for path in (files.video, files.truth):
        if path.exists() and not overwrite:
            raise OutputError(f"exists already; remove it, choose another name, or allow overwriting: {path}")
    if not out_path.parent.is_dir():
        raise OutputError(f"the folder to write into does not exist; make it first: {out_path.parent}")
    street = Street(
        seed=seed, num_frames=num_frames, width_px=width_px, height_px=height_px, num_people=num_people, fps=fps,
        is_gray=is_gray,
    )  # fmt: skip
    geometry = VideoGeometry(
        width_px=width_px, height_px=height_px, time_base=Fraction(1, fps), average_rate=Fraction(fps),
        pts_ticks=tuple(range(num_frames)), is_gray=is_gray,
    )  # fmt: skip
    with strict_files.replacing(files.truth) as truth, strict_files.replacing(files.video) as video:
        truth.mkdir()
        # The container is told by the ending, which the temporary name lacks.
        named = video.with_name(f"{video.name}{out_path.suffix}")
        try:
            _write(street, geometry, named, truth, codec, files, progress or SilentProgress())
            named.replace(video)
        finally:
            named.unlink(missing_ok=True)
        if overwrite and files.truth.is_dir():
            shutil.rmtree(files.truth)
    return files


def _write(
    street: Street,
    geometry: VideoGeometry,
    video: Path,
    truth: Path,
    codec: Codec,
    files: StreetFiles,
    progress: Progress,
) -> None:
    write_png(truth / files.plate.name, street.plate_rgb())
    tracks: dict[int, _Rows] = {}
    mot: list[str] = []
    shape = (geometry.num_frames, geometry.height_px, geometry.width_px)
    progress.start("render", geometry.num_frames)
    with _Encoder(video, geometry, codec) as encoder, _LabelFile(truth / files.masks.name, shape) as labels:
        for frame in street.frames():
            encoder.write(frame.rgb)
            labels.write(frame.labels)
            for sighting in frame.sightings:
                mot.append(mot_row(frame.index, sighting))
                if (frame.labels == sighting.track_id).any():
                    tracks.setdefault(sighting.track_id, _Rows()).add(frame, sighting)
            progress.advance()
    (truth / files.mot.name).write_text("".join(mot))
    (truth / files.events.name).write_text(_events(street, tracks))
    bundle = SceneBundle(
        video=geometry,
        tracks=tuple(tracks[track_id].track(track_id) for track_id in sorted(tracks)),
        camera=CameraMotion(to_reference=np.tile(np.eye(3), (geometry.num_frames, 1, 1))),
        light=Light(),
        clip_name=files.video.name,
        producer="bodydouble.synth",
    )
    write_bundle(bundle, truth / files.scene.name)
    progress.finish()


@dataclass(kw_only=True)
class _Rows:
    """Sightings of one person; only their longest run without a gap becomes a track."""

    frames: list[int] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    windows: list[tuple[int, int, int, int]] = field(default_factory=list)
    masks: list[NDArray[np.bool_]] = field(default_factory=list)
    joints_seen: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, frame: StreetFrame, sighting: Sighting) -> None:
        mask = frame.labels == sighting.track_id
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
        self.frames.append(frame.index)
        self.sightings.append(sighting)
        self.windows.append((left, top, right, bottom))
        self.masks.append(mask[top:bottom, left:right].copy())
        self.joints_seen.append(_joints_on(mask, sighting))

    def track(self, track_id: int) -> PersonTrack:
        runs = np.split(np.arange(len(self.frames)), np.flatnonzero(np.diff(self.frames) > 1) + 1)
        run = max(runs, key=len).tolist()
        seen = [self.sightings[i] for i in run]
        return PersonTrack(
            track_id=track_id,
            frame_indices=np.array([self.frames[i] for i in run], np.int64),
            boxes_xyxy_px=np.array([s.box_xyxy_px for s in seen], np.float32),
            box_scores=np.ones(len(run), np.float32),
            joints_xy_px=np.stack([s.joints_xy_px for s in seen]).astype(np.float32),
            joint_scores=np.ones((len(run), seen[0].joints_xy_px.shape[0]), np.float32),
            silhouettes=MaskStack.pack(
                np.array([self.windows[i] for i in run], np.int32), [self.masks[i] for i in run]
            ),
            joint_visibility=np.array([self.joints_seen[i] for i in run], np.float32),
            visible_fraction=np.array([min(s.visible_fraction, 1.0) for s in seen], np.float32),
            play=np.ones(len(run), np.bool_),
        )


def _joints_on(mask: NDArray[np.bool_], sighting: Sighting) -> NDArray[np.bool_]:
    """(18,): a joint has some of the person's pixels close to it."""
    radius_px = max(1.0, _JOINT_RADIUS_HEIGHTS * (sighting.box_xyxy_px[3] - sighting.box_xyxy_px[1]))
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=1)
    near = [np.hypot(*(pixels - joint).T).min(initial=np.inf) <= radius_px for joint in sighting.joints_xy_px]
    return np.array(near, np.bool_)


class _LabelFile:
    """An ``.npz`` of one array that is written frame by frame."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._archive = zipfile.ZipFile(path, "w")
        info = strict_files.member_info("labels.npy", zipfile.ZIP_DEFLATED)
        self._member: IO[bytes] = self._archive.open(info, "w", force_zip64=True)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._member, header)

    def __enter__(self) -> _LabelFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._member.close()
        self._archive.close()

    def write(self, labels: NDArray[np.uint8]) -> None:
        self._member.write(labels.tobytes())


class _Encoder:
    """The clip; one thread, so that equal frames give equal files."""

    def __init__(self, path: Path, geometry: VideoGeometry, codec: Codec) -> None:
        import av

        self._container = av.open(str(path), "w")
        kind, options = (
            ("ffv1", {"level": "3"})
            if codec == "lossless"
            else ("libx264", {"crf": _CRF, "preset": "medium", "x264-params": "cpu-independent=1"})
        )
        stream = cast("VideoStream", self._container.add_stream(kind, rate=geometry.average_rate, options=options))
        stream.width, stream.height = geometry.width_px, geometry.height_px
        stream.pix_fmt = "bgr0" if codec == "lossless" else "yuv420p"
        stream.codec_context.thread_count = 1
        self._stream, self._format = stream, stream.pix_fmt

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, rgb: NDArray[np.uint8]) -> None:
        import av

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format=self._format)
        self._container.mux(self._stream.encode(frame))


def mot_row(index: int, sighting: Sighting) -> str:
    """A line of ``gt.txt``; ``index`` is the 0-based frame."""
    left, top, right, bottom = sighting.box_xyxy_px
    visible = min(sighting.visible_fraction, 1.0)
    return f"{index + 1},{sighting.track_id},{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},1,1,{visible:.3f}\n"


def _events(street: Street, tracks: dict[int, _Rows]) -> str:
    people = [
        {
            "track_id": track_id,
            "behaviour": street.behaviours[track_id - 1].name,
            "abnormal_frames": [f for f, s in zip(rows.frames, rows.sightings, strict=True) if not s.is_normal],
        }
        for track_id, rows in sorted(tracks.items())
    ]
    return json.dumps({"people": people}, indent=1) + "\n"


def write_png(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write (height, width, 3) as PNG."""
    import cv2

    done, data = cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))
    if not done:
        raise OutputError(f"the plate cannot be encoded as PNG: {path}")
    path.write_bytes(data.tobytes())


def _names(out_path: Path) -> StreetFiles:
    truth = out_path.with_name(f"{out_path.stem}.truth")
    return StreetFiles(
        video=out_path,
        truth=truth,
        mot=truth / "gt.txt",
        masks=truth / "masks.npz",
        plate=truth / "plate.png",
        scene=truth / "scene",
        events=truth / "events.json",
    )


def _check(
    out_path: Path, num_frames: int, width_px: int, height_px: int, num_people: int, fps: int, codec: str
) -> None:
    if codec not in _SUFFIXES:
        raise UsageError(f"codec {codec!r} is unknown; choose one of {sorted(_SUFFIXES)}")
    if out_path.suffix.lower() not in _SUFFIXES[codec]:
        raise UsageError(f"{codec} goes into {' or '.join(_SUFFIXES[codec])}, not {out_path.suffix!r}: {out_path}")
    limits = {
        "frames": (num_frames, 1, 1_000_000),
        "px wide": (width_px, 16, 4096),
        "px high": (height_px, 16, 4096),
        "people": (num_people, 0, MAX_PEOPLE),
        "frames a second": (fps, 1, 240),
    }
    for name, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise UsageError(f"{value} {name} cannot be rendered; allowed is {low} to {high}")
    if codec == "h264" and (width_px % 2 or height_px % 2):
        raise UsageError(f"h264 needs even sides, got {width_px}x{height_px}; choose others, or lossless")
