"""Making the plate of a clip, by the configured kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PlateConfig
from bodydouble.perception.plate.finish import Finisher, KeyStore, SecondLook
from bodydouble.perception.plate.masked_median import masked_median
from bodydouble.perception.plate.moving import build_moving
from bodydouble.perception.plate.samples import SAMPLE_CHANNELS, Occupied, Sample, take_sample, windows
from bodydouble.perception.plate.schedule import Schedule, plan_keys, spread_samples
from bodydouble.perception.plate.static import make_key
from bodydouble.scene import CameraMotion, FrameSource, Progress
from bodydouble.scene.plate_files import PlateWriter, Space


@dataclass(frozen=True, kw_only=True)
class PlateFolders:
    """Where things go."""

    work_dir: Path
    """Takes unfinished keys while the clip is read."""
    plate_dir: Path
    """Takes the plate."""
    evidence_dir: Path
    """Takes the plate that motion is measured against: the same, but what people never leave free is the plain median
    over all samples instead of a guess, so that furniture taken for a person does not move."""


def build_plate(
    source: FrameSource,
    to_reference: NDArray[np.float64],
    occupied: Occupied,
    config: PlateConfig,
    *,
    folders: PlateFolders,
    progress: Progress,
    second_look: SecondLook | None = None,
) -> None:
    """Make and write all key plates of a clip.

    Args:
        source: the clip.
        to_reference: (frames, 3, 3) homographies from frames to one common picture.
        occupied: where people are, generously; not asked by ``median``.
        config: kind, lengths and limits.
        folders: where plates and scratch files go.
        progress: told about every sample and key.
        second_look: finds people on finished plates; None does without.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        OutputError: the plate cannot be written.
    """
    camera = CameraMotion(to_reference=to_reference)
    if config.kind == "median":
        _build_median(source, config, folders, progress, camera)
    elif config.kind == "moving" or not camera.is_static:
        build_moving(
            source,
            to_reference,
            occupied,
            config,
            plate_dir=folders.plate_dir,
            evidence_dir=folders.evidence_dir,
            progress=progress,
            second_look=second_look,
        )
    else:
        _build_clean(source, occupied, config, folders, progress, second_look)


def _build_clean(
    source: FrameSource,
    occupied: Occupied,
    config: PlateConfig,
    folders: PlateFolders,
    progress: Progress,
    second_look: SecondLook | None,
) -> None:
    geometry = source.geometry
    width, height = geometry.width_px, geometry.height_px
    schedule = plan_keys(
        geometry.num_frames, float(geometry.average_rate), config, sample_bytes=SAMPLE_CHANNELS * width * height
    )
    progress.start("plate", len(schedule.sample_frames) + len(schedule.keys))
    store = KeyStore(folders.work_dir)
    samples = _samples(source, occupied, schedule, progress)
    for plan, chosen in windows(samples, schedule.keys, split_at_steps=True):
        store.put(plan.frame_index, make_key(plan.frame_index, chosen))
    plate = PlateWriter(folders.plate_dir, width, height)
    evidence = PlateWriter(folders.evidence_dir, width, height)
    finisher = Finisher(store, second_look)
    planned = {key.frame_index for key in schedule.keys}
    for frame_index in store.frames:
        done = finisher.finish(frame_index)
        plate.add_key(frame_index, done.rgb, done.seen)
        evidence.add_key(frame_index, done.evidence, done.seen)
        # Keys at steps of the light were not counted on.
        progress.advance(int(frame_index in planned))
    plate.commit()
    evidence.commit()
    store.clear()
    progress.finish()


def _samples(source: FrameSource, occupied: Occupied, schedule: Schedule, progress: Progress) -> Iterator[Sample]:
    wanted = set(schedule.sample_frames.tolist())
    for frame in source.frames(0, int(schedule.sample_frames[-1]) + 1):
        if frame.index in wanted:
            yield take_sample(frame, occupied)
            progress.advance()


def _build_median(
    source: FrameSource, config: PlateConfig, folders: PlateFolders, progress: Progress, camera: CameraMotion
) -> None:
    """One temporal median over the whole clip, as published (paper, section 3.1), whoever stands in it.

    The published method knows neither people nor the camera: everything counts as seen, and the picture stays on the
    screen when the camera moves.
    """
    geometry = source.geometry
    width, height = geometry.width_px, geometry.height_px
    frames = spread_samples(geometry.num_frames, config, sample_bytes=SAMPLE_CHANNELS * width * height)
    progress.start("plate", len(frames) + 1)
    wanted = set(frames.tolist())
    pictures = []
    for frame in source.frames(0, int(frames[-1]) + 1):
        if frame.index in wanted:
            pictures.append(frame.rgb.copy())
            progress.advance()
    everything = np.ones((height, width), bool)
    rgb, _ = masked_median(pictures, [everything] * len(pictures))
    space: Space = "reference" if camera.is_static else "screen"
    for folder in (folders.plate_dir, folders.evidence_dir):
        writer = PlateWriter(folder, width, height, space=space)
        writer.add_key(geometry.num_frames // 2, rgb, everything)
        writer.commit()
    progress.advance()
    progress.finish()
