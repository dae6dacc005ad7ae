"""The last stage over files: frames out, the ledger, the coverage; can be taken up in the middle of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bodydouble.config import RunConfig
from bodydouble.errors import BundleError
from bodydouble.pipeline.book import OUTCOMES_FILE, Book
from bodydouble.pipeline.policy import check_coverage, check_outcomes
from bodydouble.pipeline.windows import read_failures
from bodydouble.scene import Progress, SceneBundle
from bodydouble.scene.performance_files import PerformanceReader
from bodydouble.scene.plate_files import PlateReader

if TYPE_CHECKING:
    from bodydouble.video_io import ClipJob
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile


def run_compositing(
    source: VideoFile | ImageFolder,
    job: ClipJob,
    *,
    bundle: SceneBundle,
    plate: Path,
    performance: Path,
    ledger: Path,
    config: RunConfig,
    progress: Progress,
    overwrite: bool,
    work: Path,
) -> float:
    """Put the doubles in; the output has its final name when this returns, and not before.

    The ledger is written even when this fails; it then ends with the last finished frame.

    Args:
        source: the clip.
        job: where the result goes, and as what.
        bundle: its scene.
        plate: folder of its plate.
        performance: folder of its doubles.
        ledger: file for what happened to whom.
        config: what to do in detail.
        progress: told how far it is.
        overwrite: replace an existing output.
        work: folder that keeps finished pieces; what an interrupted call left there is gone on with.

    Returns:
        The coverage, 0 to 1.

    Raises:
        BundleError: scene, plate, performance and clip do not belong together.
        UnreadableVideo: a frame cannot be decoded.
        OutputError: the output cannot be written.
        PolicyStop: the coverage is below the limit, or somebody was painted out and the policy is to stop.
    """
    from bodydouble.compositing import composite
    from bodydouble.generation import with_fallback
    from bodydouble.video_io import open_job_sink

    check_same_clip(source, bundle)
    bundle = with_fallback(bundle, config.generation)
    geometry = bundle.video
    reader = PlateReader(plate, bundle.camera, frame_size_px=(geometry.width_px, geometry.height_px))
    doubles = PerformanceReader(performance)
    failures = read_failures(performance)
    work.mkdir(exist_ok=True)
    with (
        open_job_sink(
            job,
            source,
            crf=config.output.quality,
            jpeg_quality=config.output.jpeg_quality,
            overwrite=overwrite,
            keep_audio=config.output.keep_audio,
            work_dir=work / "frames",
            resume=True,
        ) as sink,
        Book(bundle, failures, ledger, work / OUTCOMES_FILE, sink.next_frame_index) as book,
    ):
        start = sink.next_frame_index
        done = start
        for frame in composite(
            source, bundle, reader, doubles, config.compositing, seed=config.seed, start=start, progress=progress
        ):
            # First the book: a frame that was written but not booked would be missing in the ledger after a resume.
            book.record(frame.index, frame.outcomes)
            check_outcomes(frame.index, frame.outcomes, config.policy)
            sink.write(frame.rgb)
            done += 1
        if done != geometry.num_frames:
            raise BundleError(
                f"the clip has {done} frames, its scene {geometry.num_frames}; they do not belong together"
            )
        check_coverage(book.coverage, config.policy)
        sink.commit()
    return book.coverage


def check_same_clip(source: VideoFile | ImageFolder, bundle: SceneBundle) -> None:
    """See that a scene was made from a clip of this size and length.

    Raises:
        BundleError: it was not.
    """
    one, other = source.geometry, bundle.video
    if (one.width_px, one.height_px, one.num_frames) != (other.width_px, other.height_px, other.num_frames):
        raise BundleError(
            f"the clip has {one.num_frames} frames of {one.width_px}x{one.height_px} px, the scene was made from one with "
            f"{other.num_frames} of {other.width_px}x{other.height_px}; use the clip that belongs to it"
        )
