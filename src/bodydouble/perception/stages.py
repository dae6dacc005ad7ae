"""Perception on one screen: people, tracks, plate, silhouettes and joints, bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bodydouble.perception.assemble import assemble, trimmed
from bodydouble.perception.believing import only_believed
from bodydouble.perception.config import PerceptionConfig
from bodydouble.perception.evidence import confirm
from bodydouble.perception.following import Followed, follow, height_model, make_tracks
from bodydouble.perception.occupancy import Occupancy, somebody_is_gone, somebody_new_keeps_still
from bodydouble.perception.people.base import PeopleFinder
from bodydouble.perception.people.factory import make_finder
from bodydouble.perception.person import PersonReader
from bodydouble.perception.person_backends import make_reader
from bodydouble.perception.plate.build import PlateFolders, build_plate
from bodydouble.perception.plate.second_look import PlateInspector
from bodydouble.perception.reading import read_people
from bodydouble.perception.staying import with_still_stretches
from bodydouble.scene import CameraMotion, FrameSource, Progress, SceneBundle

_EVIDENCE: Final = "evidence"
"""Scratch folder of the plate that motion is measured against."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What looks at pixels; tests put in their own."""

    finder: PeopleFinder
    reader: PersonReader
    workers: int = 1
    """Frames that may be looked at at the same time."""


def load_networks(config: PerceptionConfig) -> Networks:
    """The configured backends.

    Raises:
        MissingDependency: a package or a device is not there.
        MissingWeights: a network is absent or cannot be loaded.
    """
    backends = {config.people.backend, config.silhouette.backend, config.pose.backend}
    # Our own networks run on one thread each; others bring threads of their own and may mind being called by several.
    workers = config.threads if backends == {"rendered"} else 1
    reader = make_reader(config)
    return Networks(finder=make_finder(config, reader), reader=reader, workers=workers)


def perceive(
    source: FrameSource,
    config: PerceptionConfig,
    *,
    work_dir: Path,
    plate_dir: Path,
    producer: str,
    progress: Progress,
    networks: Networks | None = None,
) -> SceneBundle:
    """Look at a clip: who is where in it, and what is behind them.

    The clip is read four to nine times, front to back; memory grows with the number of people and frames by less than a
    kilobyte a person and frame, and not with the size of the frames.

    Args:
        source: the clip.
        config: all thresholds.
        work_dir: scratch folder, made if need be.
        plate_dir: takes the plate.
        producer: what to name as the maker of the bundle, such as ``bodydouble 0.1.0``.
        progress: told how far each pass is.
        networks: what looks at pixels; None loads what the configuration names.

    Returns:
        Geometry of the clip and everybody in it.

    Raises:
        MissingWeights: a network is absent.
        UnreadableVideo: a frame cannot be decoded.
        UnreadableImage: the same for a folder of images.
        OutputError: the plate cannot be written.
    """
    chosen = networks or load_networks(config)
    rate = float(source.geometry.average_rate)
    followed = follow(source, chosen.finder, config, progress, workers=chosen.workers)
    followed = _believed(source, followed, chosen.reader, progress)
    is_static = CameraMotion(to_reference=followed.to_reference).is_static
    if is_static:
        followed = _staying(source, followed, progress)
    make_plate = _plate_maker(source, chosen, config, work_dir=work_dir, plate_dir=plate_dir, progress=progress)
    make_plate(followed)
    made_with = followed.tracks
    if config.motion.enabled and is_static:
        followed = _confirmed(source, followed, config, work_dir / _EVIDENCE, progress)
        followed = _staying(source, _believed(source, followed, chosen.reader, progress), progress)
    readings = read_people(
        source,
        followed,
        chosen.reader,
        config,
        evidence_dir=work_dir / _EVIDENCE,
        progress=progress,
        workers=chosen.workers,
    )
    present = tuple(trimmed(part, read)[0] for part, read in zip(followed.tracks, readings.tracks, strict=True))
    changed = somebody_is_gone(made_with, present, rate) or somebody_new_keeps_still(made_with, present, rate)
    if is_static and config.plate.kind != "median" and changed:
        make_plate(replace(followed, tracks=present))
    shutil.rmtree(work_dir / _EVIDENCE)
    return assemble(source, followed, readings, config, plate_dir=plate_dir, producer=producer)


def _plate_maker(
    source: FrameSource,
    networks: Networks,
    config: PerceptionConfig,
    *,
    work_dir: Path,
    plate_dir: Path,
    progress: Progress,
) -> Callable[[Followed], None]:
    """Makes the plate, anew each time it is called, from what those who are followed leave free."""
    inspector = PlateInspector(networks.finder, networks.reader, config.plate.second_look_score)

    def make(followed: Followed) -> None:
        build_plate(
            source,
            followed.to_reference,
            Occupancy(followed, networks.reader, float(source.geometry.average_rate)).at,
            config.plate,
            folders=PlateFolders(work_dir=work_dir, plate_dir=plate_dir, evidence_dir=work_dir / _EVIDENCE),
            progress=progress,
            second_look=inspector if config.plate.second_look_score <= 1 else None,
        )

    return make


def _confirmed(
    source: FrameSource, followed: Followed, config: PerceptionConfig, evidence_dir: Path, progress: Progress
) -> Followed:
    """The same people, detected better and joined to tracks anew, by what moves against the plate."""
    heights = height_model(followed.tracks, source.geometry.height_px)
    detections = confirm(source, followed.detections, heights, config, evidence_dir=evidence_dir, progress=progress)
    tracks = make_tracks(
        detections,
        followed.to_reference,
        config,
        frames_per_second=float(source.geometry.average_rate),
        frame_size_px=(source.geometry.width_px, source.geometry.height_px),
    )
    return replace(followed, detections=detections, tracks=tuple(tracks))


def _believed(source: FrameSource, followed: Followed, reader: PersonReader, progress: Progress) -> Followed:
    """The same, without those of whom neither network is sure."""
    heights = None
    if CameraMotion(to_reference=followed.to_reference).is_static:
        heights = height_model([track for track in followed.tracks if not track.weak], source.geometry.height_px)
    return replace(followed, tracks=only_believed(source, followed.tracks, reader, progress, heights=heights))


def _staying(source: FrameSource, followed: Followed, progress: Progress) -> Followed:
    """The same, with those who keep still for as long as they are there."""
    tracks = with_still_stretches(source, followed.tracks, len(followed.detections), progress)
    return replace(followed, tracks=tracks)
