"""One clip against its results: one pass over the frames of all of them together, each measure keeps its tally."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bodydouble.evaluation.report.files import write_tally
from bodydouble.pipeline.evaluate_scene import cut_bundle
from bodydouble.scene import Frame, FrameSource, SceneBundle
from bodydouble.scene.bundle_files import read_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bodydouble.evaluation.ground_truth import GroundTruth
    from bodydouble.evaluation.measures.base import ClipMeasurement, PairedClip
    from bodydouble.evaluation.measures.builders import ColumnParts, Workshop
    from bodydouble.evaluation.measures.cost import RunCost
    from bodydouble.evaluation.measures.identities import KnownPeople

Advance = Callable[[int], None]
"""Told how many frames of results are done."""


@dataclass(frozen=True, kw_only=True)
class ColumnWork:
    """One result of one clip."""

    label: str
    result: FrameSource | None
    """None for the original against itself."""
    tallies: Mapping[str, Path]
    """Where the tally of each measure goes that is to be made."""
    result_scene: Path | None = None
    """What perception found in the result, where a measure needs it."""
    performance: Path | None = None
    """Doubles of a run of ours."""
    cost: RunCost | None = None
    """What the run took."""


@dataclass(frozen=True, kw_only=True)
class ClipWork:
    """One clip, with some or all of its results."""

    name: str
    original: FrameSource
    scene: Path
    plate: Path | None
    truth: GroundTruth | None
    num_frames: int
    """Frames that are measured, from the first on."""
    seed: int
    columns: tuple[ColumnWork, ...]


@dataclass(frozen=True, kw_only=True)
class MeasureClips:
    """Sets up a worker; picklable."""

    referees: Path
    known: Mapping[str, KnownPeople] = field(default_factory=dict)

    def __call__(self) -> Callable[[ClipWork], int]:
        """Load what the worker needs once."""
        from bodydouble.evaluation.measures.builders import Workshop

        workshop = Workshop(folder=self.referees, known=self.known)

        def work(clip: ClipWork) -> int:
            return measure_clip(clip, workshop, lambda frames: None)

        return work


def measure_clip(work: ClipWork, workshop: Workshop, advance: Advance) -> int:
    """Measure, and write every tally when all frames were seen.

    Args:
        work: the clip and its results.
        workshop: networks of the measures.
        advance: told of frames as they are done.

    Returns:
        Frames of results that were measured.

    Raises:
        UnreadableVideo: a frame of the original or a result cannot be decoded.
        OutputError: a tally cannot be written.
    """
    from bodydouble.evaluation.measures.base import FramePair

    bundle = cut_bundle(read_bundle(work.scene), work.num_frames)
    workshop.originals[work.name] = work.original
    running = [(column, _start(work, column, bundle, workshop)) for column in work.columns]
    with ExitStack() as stack:
        results = [_frames(column.result, work.num_frames, stack) for column in work.columns]
        for frame in stack.enter_context(closing(_read(work.original, work.num_frames))):
            for (_, measurements), result in zip(running, results, strict=True):
                rgb = frame.rgb if result is None else next(result).rgb
                pair = FramePair(index=frame.index, original_rgb=frame.rgb, result_rgb=rgb)
                for measurement in measurements.values():
                    measurement.see(pair)
            advance(len(running))
    for column, measurements in running:
        for name, measurement in measurements.items():
            write_tally(measurement.finish(), column.tallies[name])
    return work.num_frames * len(work.columns)


def _start(
    work: ClipWork, column: ColumnWork, bundle: SceneBundle, workshop: Workshop
) -> dict[str, ClipMeasurement]:  # fmt: skip
    from bodydouble.evaluation.measures.registry import build_measures

    measures, _ = build_measures(column.tallies, workshop, _parts(work, column))
    clip = _paired(work, column, bundle)
    return {name: measure.start(clip) for name, measure in measures.items()}


def _parts(work: ClipWork, column: ColumnWork) -> ColumnParts:
    from bodydouble.evaluation.measures.builders import ColumnParts
    from bodydouble.scene.performance_files import PerformanceReader

    return ColumnParts(
        runs={work.name: column.cost} if column.cost is not None else {},
        doubles={work.name: PerformanceReader(column.performance)} if column.performance is not None else {},
    )


def _paired(work: ClipWork, column: ColumnWork, bundle: SceneBundle) -> PairedClip:
    from bodydouble.evaluation.measures.base import PairedClip
    from bodydouble.scene.plate_files import PlateReader

    result_bundle: SceneBundle | None = None
    if column.result is None:
        result_bundle = bundle
    elif column.result_scene is not None:
        result_bundle = cut_bundle(read_bundle(column.result_scene), work.num_frames)
    size = (bundle.video.width_px, bundle.video.height_px)
    plate = PlateReader(work.plate, bundle.camera, frame_size_px=size) if work.plate is not None else None
    return PairedClip(
        name=work.name,
        bundle=bundle,
        truth=work.truth,
        plate=plate,
        result_bundle=result_bundle,
        seed=work.seed,
    )


def _frames(source: FrameSource | None, num_frames: int, stack: ExitStack) -> Iterator[Frame] | None:
    return None if source is None else stack.enter_context(closing(_read(source, num_frames)))


def _read(source: FrameSource, num_frames: int) -> Generator[Frame]:
    yield from source.frames(0, num_frames)
