"""Results of other programs, clip by clip, checked against the original before they get their final name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from bodydouble.errors import InputError, OutputError
from bodydouble.evaluation.alignment import check_aligned
from bodydouble.external import ExternalProgram, Launch
from bodydouble.external.process import last_words, run_program
from bodydouble.manifest import Manifest, StageRecord, hash_path, run_identity
from bodydouble.pipeline.clips import run_all_clips, run_folder_of
from bodydouble.pipeline.folder import RunFolder, disk_errors, make_parents
from bodydouble.scene import Progress, SilentProgress

if TYPE_CHECKING:
    from bodydouble.errors import BodyDoubleError
    from bodydouble.video_io import ClipJob
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile

LOG_FILE: Final = "external.log"
_RESULT: Final = "result.mp4"
_HOLDS_ANY_TIMES: Final = frozenset({".mp4", ".m4v", ".mov"})
"""Suffixes of the container that both programs write."""


@dataclass(frozen=True, kw_only=True)
class ExternalResult:
    """What another program made of a clip. Its run folder has a manifest and what the program said."""

    output: Path
    program: str
    version: str
    num_frames: int
    seconds: float
    """Wall-clock time of the program, its start included; ours for copying and checking is not in it."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One clip, opened."""

    job: ClipJob
    source: VideoFile | ImageFolder
    target: Path
    exchange: Path
    """Scratch that the program sees."""
    log: Path
    overwrite: bool


def external(
    input_path: str | Path,
    output: str | Path,
    program: ExternalProgram,
    *,
    by_frames: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    on_clip: Callable[[ClipJob, ExternalResult | BodyDoubleError], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> tuple[ExternalResult, ...]:
    """Have another program anonymize a clip or a data set tree, so that `evaluate` can compare it.

    Args:
        input_path: a video, a folder of images, or a data set tree of either.
        output: where the result goes. A tree keeps its layout and names; videos become ``.mp4`` unless images are given.
        program: which one.
        by_frames: hand over images instead of the video, and write the result ourselves: count, size and times are then
            those of the original whatever the program does to them, but it cannot follow anybody through time.
        overwrite: replace existing results.
        progress: told how far it is; silent if None.
        on_clip: told what became of each clip.
        on_note: told, in words, what happened to files of a tree that are no clips.

    Raises:
        MissingDependency: the program is not installed.
        InputError: the input cannot be used, the program fails or gives nothing, or its result does not fit the original.
        OutputError: the output exists or cannot be written.
    """
    from bodydouble.video_io import discover_footage

    version = program.version()
    tree = discover_footage(Path(input_path), Path(output))
    shown = progress or SilentProgress()

    def run_one(job: ClipJob) -> ExternalResult:
        return _run_clip(job, program, version, by_frames=by_frames, overwrite=overwrite, progress=shown)

    return run_all_clips(tree, tree.jobs, run_one, replace=overwrite, on_clip=on_clip, on_note=on_note)


def _run_clip(
    job: ClipJob, program: ExternalProgram, version: str, *, by_frames: bool, overwrite: bool, progress: Progress
) -> ExternalResult:
    from bodydouble.video_io import open_source
    from bodydouble.video_io.output_paths import check_output

    images = by_frames or job.source.is_dir()
    target = job.output if images or job.output.suffix.lower() in _HOLDS_ANY_TIMES else job.output.with_suffix(".mp4")
    records = RunFolder(run_folder_of(dataclasses.replace(job, output=target)))
    with open_source(job.source) as source, disk_errors(target):
        num_frames = source.geometry.num_frames
        if job.output_root is not None:
            make_parents(target, records.root)
        check_output(target, overwrite=overwrite, as_folder=images and job.image_names is not None)
        settings = {"program": program.name, "version": version, "by_frames": images, **program.settings()}
        manifest = _new_manifest(job, target, settings, num_frames)
        _new_records(records, overwrite=overwrite)
        progress.start(program.name, num_frames)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.absolute().parent) as folder:
            work = _Work(
                job=job,
                source=source,
                target=target,
                exchange=Path(folder),
                log=records.root / LOG_FILE,
                overwrite=overwrite,
            )
            seconds = _on_images(work, program) if images else _on_video(work, program)
        progress.advance(num_frames)
        progress.finish()
        manifest.stages.append(
            StageRecord(
                name=program.name,
                seconds=round(seconds, 3),
                frames=num_frames,
                frames_per_second=round(num_frames / max(seconds, 1e-9), 3),
            )
        )
        manifest.output_sha256 = hash_path(target)
        manifest.close(records.manifest)
    return ExternalResult(output=target, program=program.name, version=version, num_frames=num_frames, seconds=seconds)


def _new_manifest(job: ClipJob, target: Path, settings: Mapping[str, Any], num_frames: int) -> Manifest:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return Manifest(
        identity=run_identity(job.source, digest),
        seed=int(settings.get("seed", 0)),
        config={"external": settings},
        input_name=job.name,
        output_name=target.name,
        num_frames=num_frames,
    )


def _new_records(records: RunFolder, *, overwrite: bool) -> None:
    """An empty run folder; one of an earlier run only goes if it may.

    Raises:
        OutputError: it may not, or the folder is none of ours.
    """
    if records.root.exists():
        ours = records.manifest.is_file() or (records.root / LOG_FILE).is_file()
        if any(records.root.iterdir()) and not (ours and overwrite):
            raise OutputError(f"there is a run folder of another run; say --overwrite, or move it away: {records.root}")
        shutil.rmtree(records.root)
    records.root.mkdir()


def _on_video(work: _Work, program: ExternalProgram) -> float:
    """Hand over the file, check what comes back, and give it its name; returns the seconds that the program took."""
    from bodydouble.video_io import open_source
    from bodydouble.video_io.output_paths import publish

    name = f"clip{work.job.source.suffix}"
    shutil.copyfile(work.job.source, work.exchange / name)
    seconds = _timed(program.on_video(work.exchange, name, _RESULT, work.source.geometry), work.log, program.name)
    made = work.exchange / _RESULT
    # deface skips what it cannot read, and says that all is well.
    if not made.is_file() or made.stat().st_size == 0:
        raise _nothing(program, work, "")
    with open_source(made) as result:
        try:
            check_aligned(work.source, result, name=work.job.name)
        except InputError as error:
            raise InputError(f"{error}; {program.name} did that, --by-frames gets around it") from error
    publish(made, work.target, overwrite=work.overwrite)
    return seconds


def _on_images(work: _Work, program: ExternalProgram) -> float:
    """Hand over the frames as PNG, and write what comes back as our own results are written; returns seconds."""
    from bodydouble.video_io import open_job_sink
    from bodydouble.video_io.image_codec import encode_image, read_image
    from bodydouble.video_io.image_header import read_image_header

    geometry = work.source.geometry
    folder = work.exchange / "images"
    folder.mkdir()
    names = [f"{index:06d}.png" for index in range(geometry.num_frames)]
    for frame, name in zip(work.source.frames(), names, strict=True):
        # Three channels for grey clips too: not every program expects one.
        (folder / name).write_bytes(encode_image(frame.rgb, ".png", as_gray=False, jpeg_quality=100))
    seconds = _timed(program.on_images(work.exchange, names), work.log, program.name)
    frames = work.exchange / "frames"
    with open_job_sink(work.job, work.source, overwrite=work.overwrite, work_dir=frames) as sink:
        for index, name in enumerate(names):
            path = program.image_result(work.exchange, name)
            if not path.is_file():
                raise _nothing(program, work, f"frame {index} of ")
            rgb = read_image(path, read_image_header(path))
            if rgb.shape[:2] != (geometry.height_px, geometry.width_px):
                raise InputError(
                    f"{program.name} made frame {index} {rgb.shape[1]}x{rgb.shape[0]} px, the original has "
                    f"{geometry.width_px}x{geometry.height_px}; such a result cannot be compared: {work.job.name}"
                )
            sink.write(rgb)
        sink.commit()
    return seconds


def _timed(launch: Launch, log: Path, name: str) -> float:
    begin = perf_counter()
    run_program(launch, log, name=name)
    return perf_counter() - begin


def _nothing(program: ExternalProgram, work: _Work, what: str) -> InputError:
    return InputError(
        f"{program.name} made no result for {what}{work.job.name}: {last_words(work.log)}; all it said: {work.log}"
    )
