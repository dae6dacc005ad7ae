"""The clips of the bars, and what perception says about each: perceived once, kept, and read again."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from bodydouble.perception.config import PerceptionConfig
from bodydouble.scene import Frame, FrameSource, SceneBundle
from bodydouble.scene.bundle_files import read_bundle, write_bundle
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io import open_source


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One clip of the recorded data."""

    name: str
    path: Path
    group: str
    """Word that `--only` takes."""
    truth: Path | None = None


def all_clips(data: Path) -> list[Clip]:
    """Every clip that a bar is about."""
    avenue, ped2 = data / "avenue", data / "ucsd_ped2" / "testing" / "frames"
    pets, tud = data / "pets09_s2l1", data / "tud_campus"
    return [
        Clip(name="pets", path=pets / "vtest.avi", group="pets", truth=pets / "gt.txt"),
        Clip(name="tud", path=tud / "TUD-Campus.mp4", group="tud", truth=tud / "gt.txt"),
        Clip(name="avenue_train_16", path=avenue / "training_videos" / "16.avi", group="avenue"),
        Clip(name="avenue_test_20", path=avenue / "testing_videos" / "20.avi", group="avenue"),
        Clip(name="avenue_test_21", path=avenue / "testing_videos" / "21.avi", group="avenue"),
        Clip(name="crowd", path=data / "clips" / "swdee_people-walking.mp4", group="crowd"),
        *(Clip(name=f"ped2_test_{n:02d}", path=ped2 / f"{n:02d}", group="ped2") for n in range(1, 13)),
    ]


class Beginning:
    """The first frames of a clip; a `FrameSource`."""

    def __init__(self, source: FrameSource, num_frames: int | None) -> None:
        self._source = source
        self._geometry: VideoGeometry = source.geometry
        if num_frames is not None:
            self._geometry = dataclasses.replace(source.geometry, pts_ticks=source.geometry.pts_ticks[:num_frames])

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def geometry(self) -> VideoGeometry:
        return self._geometry

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        last = self._geometry.num_frames
        return self._source.frames(start, last if stop is None else min(stop, last))


class _Lines:
    """Progress as a line per pass, on stderr."""

    def start(self, what: str, total: int) -> None:
        self._what, self._total, self._begin = what, total, perf_counter()

    def advance(self, count: int = 1) -> None:
        pass

    def finish(self) -> None:
        seconds = perf_counter() - self._begin
        print(f"  {self._what}: {self._total} in {seconds:.0f} s", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Perceived:
    """A clip with what perception says about it."""

    clip: Clip
    bundle: SceneBundle
    plate: Path
    seconds: float | None
    """How long perceiving took; None where another program did it."""


def perceived(clip: Clip, bundles: Path, config: PerceptionConfig, *, frames: int | None, again: bool) -> Perceived:
    """Perceive a clip, or read what was perceived before.

    What is kept is used whatever configuration or networks made it; name a new folder for new ones.
    """
    scene = bundles / (clip.name if frames is None else f"{clip.name}_{frames}")
    plate, note = scene.with_name(f"{scene.name}.plate"), scene.with_name(f"{scene.name}.json")
    if again:
        for path in (scene, plate):
            shutil.rmtree(path, ignore_errors=True)
    if not scene.is_dir():
        # Only where it is needed: reading what is kept shall not load the networks' machinery.
        from bodydouble.perception import perceive

        print(f"perceiving {clip.name}", file=sys.stderr, flush=True)
        begin, work = perf_counter(), scene.with_name(f".{scene.name}.work")
        with open_source(clip.path) as source:
            part = Beginning(source, frames)
            shutil.rmtree(plate, ignore_errors=True)
            bundle = perceive(
                part, config, work_dir=work, plate_dir=plate, producer="perception_bars", progress=_Lines()
            )
        shutil.rmtree(work, ignore_errors=True)
        seconds = round(perf_counter() - begin, 1)
        note.write_text(json.dumps({"seconds": seconds, "frames": bundle.video.num_frames}), encoding="utf-8")
        write_bundle(bundle, scene)
    known: dict[str, Any] = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    return Perceived(clip=clip, bundle=read_bundle(scene), plate=plate, seconds=known.get("seconds"))
