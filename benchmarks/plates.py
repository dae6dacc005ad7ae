"""People whom the referee sees on plates and on frames, and plates of rendered streets against the truth.

    python benchmarks/plates.py [--clips NAME ...] [--frames 200] [--kinds clean moving median] [--json FILE]
    python benchmarks/plates.py --synthetic [--json FILE]

Clips are excerpts: frames spread evenly over the whole clip. The referee (YOLOX-nano, whole picture and four parts, score
0.3) counts on every key plate and on as many frames, also spread evenly.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

from bodydouble.evaluation.referee import Referee
from bodydouble.perception.config import PerceptionConfig, PlateConfig
from bodydouble.perception.following import Followed, follow
from bodydouble.perception.occupancy import Occupancy
from bodydouble.perception.plate.build import PlateFolders, build_plate
from bodydouble.perception.plate.samples import Occupied
from bodydouble.perception.plate.second_look import PlateInspector
from bodydouble.perception.stages import Networks, load_networks
from bodydouble.scene import CameraMotion, Frame, SilentProgress, VideoGeometry
from bodydouble.scene.plate_files import PlateReader
from bodydouble.video_io import open_source

CLIPS = {
    "avenue_train_16": "avenue/training_videos/16.avi",
    "avenue_test_20": "avenue/testing_videos/20.avi",
    "avenue_test_21": "avenue/testing_videos/21.avi",
    "crowd": "clips/swdee_people-walking.mp4",
    "moving": "clips/tvquynh_walking.mp4",
}
KINDS = ("clean", "moving", "median")
_MOST_REFEREE_LOOKS = 24
_SYNTHETIC_FRAMES = 32


class Excerpt:
    """Frames held in memory, as a source."""

    def __init__(self, pictures: list[NDArray[np.uint8]], rate: Fraction, name: str) -> None:
        self.pictures, self.name = pictures, name
        height, width = pictures[0].shape[:2]
        self.geometry = VideoGeometry(
            width_px=width,
            height_px=height,
            time_base=Fraction(1, 1000),
            average_rate=rate,
            pts_ticks=tuple(range(len(pictures))),
        )

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The frames, in order."""
        last = len(self.pictures) if stop is None else min(stop, len(self.pictures))
        for index in range(start, last):
            yield Frame(index=index, pts_ticks=index, rgb=self.pictures[index])


def excerpt(path: Path, most: int) -> Excerpt:
    """At most so many frames, spread over the clip."""
    with open_source(path) as source:
        stride = max(1, -(-source.geometry.num_frames // most))
        pictures = [frame.rgb.copy() for frame in source.frames() if frame.index % stride == 0]
        return Excerpt(pictures, source.geometry.average_rate / stride, path.name)


def remembered(occupied: Occupied) -> Occupied:
    """Asks once per frame, whatever the number of plates."""
    known: dict[int, list[NDArray[np.uint8]]] = {}

    def at(frame: Frame) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        shape = frame.rgb.shape[:2]
        if frame.index not in known:
            known[frame.index] = [np.packbits(mask) for mask in occupied(frame)]
        boxes, silhouettes, outlines = (
            np.unpackbits(bits)[: shape[0] * shape[1]].reshape(shape) > 0 for bits in known[frame.index]
        )
        return boxes, silhouettes, outlines

    return at


def people_by_kind(
    clip: Excerpt,
    followed: Followed,
    occupied: Occupied,
    networks: Networks,
    referee: Referee,
    kinds: tuple[str, ...],
    folder: Path,
) -> dict[str, Any]:
    """The referee's people per frame and per key plate of each kind, and what the plates cost."""
    step = max(1, len(clip.pictures) // _MOST_REFEREE_LOOKS)
    looked = clip.pictures[step // 2 :: step]
    per_frame = float(np.mean([len(referee.find(rgb)[1]) for rgb in looked]))
    row: dict[str, Any] = {"frames": len(clip.pictures), "people_per_frame": round(per_frame, 3)}
    size = (clip.geometry.width_px, clip.geometry.height_px)
    inspector = PlateInspector(networks.finder, networks.reader, PlateConfig().second_look_score)
    for kind in kinds:
        place = folder / kind
        begin = process_time()
        build_plate(
            clip,
            followed.to_reference,
            occupied,
            PlateConfig(kind=kind),  # type: ignore[arg-type]
            folders=PlateFolders(work_dir=place / "work", plate_dir=place / "plate", evidence_dir=place / "evidence"),
            progress=SilentProgress(),
            second_look=inspector,
        )
        seconds = process_time() - begin
        plate = PlateReader(place / "plate", CameraMotion(to_reference=followed.to_reference), frame_size_px=size)
        keys = plate.key_frames[:: max(1, len(plate.key_frames) // _MOST_REFEREE_LOOKS)]
        views = [plate.at(key) for key in keys]
        per_plate = float(np.mean([len(referee.find(rgb)[1]) for rgb, _ in views]))
        row[kind] = {
            "keys": len(plate.key_frames),
            "people_per_plate": round(per_plate, 3),
            "share_of_people": round(per_plate / max(per_frame, 1e-9), 4),
            "seen_share": round(float(np.mean([valid.mean() for _, valid in views])), 4),
            "cpu_seconds_per_key": round(seconds / len(plate.key_frames), 2),
        }
    return row


def psnr(made: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Peak signal to noise ratio of some pixels, dB."""
    error = ((made.astype(np.float64) - truth.astype(np.float64)) ** 2)[where].mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


def synthetic(kinds: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """PSNR against the truth of a rendered street: camera at rest, panning and shaking, and a step of the light.

    People are where the truth says, dilated; no network is asked.
    """
    import cv2

    from bodydouble.synth.street import Street

    street = Street(seed=3, num_frames=_SYNTHETIC_FRAMES, width_px=640, height_px=360, num_people=8, fps=5.0)
    empty = street.plate_rgb()
    filmed = [(frame.rgb, frame.labels > 0) for frame in street.frames()]
    size = (480, 270)
    rng = np.random.default_rng(1)
    offsets = np.c_[4.0 * np.arange(len(filmed)), np.full(len(filmed), 45.0)] + rng.uniform(-3, 3, (len(filmed), 2))
    offsets = np.clip(offsets, 0, [639 - size[0], 359 - size[1]])
    rows: dict[str, Any] = {}
    for name in ("rest", "light_step", "pan_and_shake"):
        at = offsets if name == "pan_and_shake" else np.tile([80.0, 45.0], (len(filmed), 1))
        gains = [1.25 if name == "light_step" and i >= len(filmed) // 2 else 1.0 for i in range(len(filmed))]

        def view(picture: NDArray[np.uint8], i: int, at: Any = at, gains: Any = gains) -> NDArray[np.uint8]:
            shift = np.array([[1, 0, -at[i, 0]], [0, 1, -at[i, 1]]])
            moved = cv2.warpAffine(picture, shift, size, flags=cv2.INTER_LINEAR)
            return np.asarray(np.clip(np.round(moved * gains[i]), 0, 255), np.uint8)

        masks = [view(mask.astype(np.uint8) * np.uint8(255), i) > 0 for i, (_, mask) in enumerate(filmed)]
        masks = [cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in masks]
        clip = Excerpt([view(rgb, i) for i, (rgb, _) in enumerate(filmed)], Fraction(5), name)
        motion = np.tile(np.eye(3), (len(filmed), 1, 1))
        motion[:, :2, 2] = at - at[0]
        rows[name] = {}
        for kind in kinds:
            place = folder / name / kind
            folders = PlateFolders(work_dir=place / "w", plate_dir=place / "p", evidence_dir=place / "e")
            build_plate(
                clip,
                motion,
                lambda frame, masks=masks: (masks[frame.index],) * 3,  # type: ignore[misc]
                PlateConfig(kind=kind),  # type: ignore[arg-type]
                folders=folders,
                progress=SilentProgress(),
            )
            plate = PlateReader(place / "p", CameraMotion(to_reference=motion), frame_size_px=size)
            everything = np.ones((size[1], size[0]), bool)
            whole = [psnr(plate.at(i)[0], view(empty, i), everything) for i in range(len(filmed))]
            behind = [psnr(plate.at(i)[0], view(empty, i), mask) for i, mask in enumerate(masks) if mask.any()]
            rows[name][kind] = {
                "psnr_db": round(float(np.mean(whole)), 2),
                "behind_db": round(float(np.mean(behind)), 2),
            }
    return rows


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="*", choices=tuple(CLIPS), default=tuple(CLIPS))
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--frames", type=int, default=200, help="most frames of each clip")
    parser.add_argument("--synthetic", action="store_true", help="rendered streets instead of recorded clips")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    record: dict[str, Any] = {"benchmark": "plates", **common.origin()}
    with tempfile.TemporaryDirectory(prefix="bodydouble-plates-") as folder:
        if arguments.synthetic:
            record["synthetic"] = synthetic(tuple(arguments.kinds), Path(folder))
        else:
            config = replace(PerceptionConfig(), threads=1)
            networks = load_networks(config)
            referee = Referee(common.data_dir() / "models" / "yolox_nano_416x416.onnx", threads=1)
            for name in arguments.clips:
                clip = excerpt(common.data_dir() / CLIPS[name], arguments.frames)
                followed = follow(clip, networks.finder, config, SilentProgress())
                where = remembered(Occupancy(followed, networks.reader, float(clip.geometry.average_rate)).at)
                place = Path(folder) / name
                record[name] = people_by_kind(clip, followed, where, networks, referee, tuple(arguments.kinds), place)
    common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
