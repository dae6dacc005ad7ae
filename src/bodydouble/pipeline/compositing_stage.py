"""The last stage over files: frames out, the ledger, the coverage; can be taken up in the middle of a clip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bodydouble.config import RunConfig
from bodydouble.errors import BundleError
from bodydouble.ledger import LedgerBuilder, LedgerEntry, write_ledger
from bodydouble.pipeline.policy import check_coverage, check_outcomes
from bodydouble.pipeline.windows import Failure, read_failures
from bodydouble.scene import Progress, SceneBundle
from bodydouble.scene.performance_files import PerformanceReader
from bodydouble.scene.plate_files import PlateReader

if TYPE_CHECKING:
    from bodydouble.compositing import TrackOutcome
    from bodydouble.video_io import ClipJob
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile

OUTCOMES_FILE = "outcomes.jsonl"


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
        _Book(bundle, failures, ledger, work / OUTCOMES_FILE, sink.next_frame_index) as book,
    ):
        start = sink.next_frame_index
        progress.start("compositing", geometry.num_frames - start)
        done = start
        for frame in composite(source, bundle, reader, doubles, config.compositing, seed=config.seed, start=start):
            # First the book: a frame that was written but not booked would be missing in the ledger after a resume.
            book.record(frame.index, frame.outcomes)
            check_outcomes(frame.index, frame.outcomes, config.policy)
            sink.write(frame.rgb)
            progress.advance()
            done += 1
        if done != geometry.num_frames:
            raise BundleError(
                f"the clip has {done} frames, its scene {geometry.num_frames}; they do not belong together"
            )
        check_coverage(book.coverage, config.policy)
        sink.commit()
    progress.finish()
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


class _Book:
    """What happened to whom: kept frame by frame on disk, so that it survives a kill, and summed up in the ledger."""

    def __init__(
        self, bundle: SceneBundle, failures: Iterable[Failure], ledger: Path, outcomes: Path, num_done: int
    ) -> None:
        from bodydouble.compositing import CoverageAudit

        self._bundle, self._ledger = bundle, ledger
        self._builder = LedgerBuilder()
        self._audit = CoverageAudit()
        self._failures: dict[int, list[Failure]] = {}
        for failure in failures:
            self._failures.setdefault(failure.track_id, []).append(failure)
        kept = list(_read_outcomes(outcomes, num_done))
        # Later frames were booked but not finished; they are done again.
        self._stream: IO[str] = outcomes.open("w", encoding="utf-8")
        for frame_index, frame_outcomes in kept:
            self.record(frame_index, frame_outcomes)

    @property
    def coverage(self) -> float:
        """Share of person-frames that are covered, 0 to 1."""
        return self._audit.coverage

    def record(self, frame_index: int, outcomes: Iterable[TrackOutcome]) -> None:
        """Take in a frame."""
        outcomes = tuple(outcomes)
        if not outcomes:
            return
        self._audit.add(outcomes)
        for outcome in outcomes:
            self._builder.record(outcome.track_id, frame_index, outcome.action, self._reason(outcome, frame_index))
        self._stream.write(json.dumps([frame_index, [asdict(outcome) for outcome in outcomes]]) + "\n")
        self._stream.flush()

    def _reason(self, outcome: TrackOutcome, frame_index: int) -> str:
        """The generator's reason, where compositing only saw that a double was missing, or cannot see who plays."""
        for failure in self._failures.get(outcome.track_id, ()):
            concerned = failure.first_frame <= frame_index <= failure.last_frame
            if concerned and (failure.instead == "avatar") == (outcome.action == "replaced"):
                return failure.reason
        return outcome.reason

    def _entries(self) -> list[LedgerEntry]:
        joint_scores = {track.track_id: track.mean_joint_score for track in self._bundle.tracks}
        return self._builder.entries(
            {
                track_id: {
                    "mean_joint_score": joint_scores[track_id],
                    "coverage": totals.coverage,
                    "unchanged_share": totals.unchanged_share,
                }
                for track_id, totals in self._audit.by_track.items()
            }
        )

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        write_ledger(self._entries(), self._ledger)


def _read_outcomes(path: Path, num_frames: int) -> Iterator[tuple[int, list[TrackOutcome]]]:
    """Outcomes of the first frames as an interrupted run left them.

    Raises:
        BundleError: the file is damaged.
    """
    from bodydouble.compositing import ChangeCounts, TrackOutcome

    if num_frames == 0 or not path.exists():
        return
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                if not line.endswith("\n"):  # the kill came while this was written; its frame cannot be finished
                    return
                frame_index, rows = json.loads(line)
                if frame_index >= num_frames:
                    return
                yield (
                    frame_index,
                    [TrackOutcome(**{**row, "change": ChangeCounts(**row["change"])}) for row in rows],
                )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"damaged ({error}); start anew by --overwrite: {path}") from error
