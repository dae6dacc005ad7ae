"""One clip from footage to footage: the stages on one screen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bodydouble.config import RunConfig, fingerprint, to_mapping
from bodydouble.errors import OutputError
from bodydouble.manifest import Manifest, WeightRecord, hash_path, run_identity
from bodydouble.pipeline.compositing_stage import run_compositing
from bodydouble.pipeline.folder import RunFolder, disk_errors, find_former_run, make_parents, new_run_folder
from bodydouble.pipeline.policy import check_played
from bodydouble.pipeline.ready import check_ready
from bodydouble.pipeline.stages import run_generation, run_perception
from bodydouble.scene import Progress, SceneBundle
from bodydouble.scene.bundle_files import read_bundle

if TYPE_CHECKING:
    from bodydouble.video_io import ClipJob
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a finished run made."""

    source: Path
    output: Path
    """The finished file, or folder of images."""
    run_folder: Path
    """Manifest, ledger, configuration, scene, plate and performance."""
    num_frames: int
    num_tracks: int
    """People who were found, each as often as they entered."""
    coverage: float
    """Share of person-frames whose pixels changed, 0 to 1 (see `bodydouble.compositing.CoverageAudit`)."""
    seconds: float
    """Wall-clock time of this call; stages that a former call had finished took none of it."""


@dataclass(frozen=True, kw_only=True)
class ClipRun:
    """What to do with one clip."""

    job: ClipJob
    run_folder: Path
    config: RunConfig
    overwrite: bool = False
    """Replace an existing result and run folder."""
    resume: bool = False
    """Go on with what the run folder holds."""

    @property
    def in_tree(self) -> bool:
        """Part of a data set tree, whose folders are made as needed."""
        return self.job.output_root is not None


def run_clip(run: ClipRun, progress: Progress) -> RunResult:
    """Replace the people of one clip.

    Raises:
        InputError: the clip cannot be used, or the output not be written.
        UsageError: the run folder belongs to another run.
        PolicyStop: the policy asked to stop.
        MissingDependency: a package or a file of weights is missing.
    """
    return carry_out(run, lambda: new_manifest(run, check_ready(run.config)), _run_stages, progress)


def carry_out(
    run: ClipRun,
    make_manifest: Callable[[], Manifest],
    run_stages: Callable[[ClipRun, VideoFile | ImageFolder, Manifest, RunFolder, Progress], None],
    progress: Progress,
) -> RunResult:
    """Do one clip, recorded in its run folder, or go on with what is there.

    Args:
        run: what to do.
        make_manifest: checks that everything needed is there, and says what the run is; called before anything is written.
        run_stages: makes the output and sets ``coverage`` and ``num_tracks`` of the manifest.
        progress: told how far it is.

    Raises:
        InputError: the clip cannot be used, or the output not be written.
        UsageError: the run folder belongs to another run.
        PolicyStop: the policy asked to stop.
        MissingDependency: a package or a file of weights is missing.
    """
    from bodydouble.video_io import open_source
    from bodydouble.video_io.joining import check_times
    from bodydouble.video_io.output_paths import check_output

    begin = perf_counter()
    job, folder = run.job, RunFolder(run.run_folder)
    with open_source(job.source) as source, disk_errors(run.run_folder):
        manifest = make_manifest()
        former = find_former_run(folder, manifest) if run.resume else None
        if former is not None and former.state == "done" and job.output.exists():
            return _result(run, former, perf_counter() - begin)
        if run.in_tree:
            make_parents(job.output, run.run_folder)
        check_output(job.output, overwrite=run.overwrite, as_folder=job.image_names is not None)
        if job.image_names is None:
            check_times(job.output, source.geometry)
        if former is None:
            new_run_folder(folder, manifest, run.config, overwrite=run.overwrite)
        else:
            manifest = former.taken_up_by(manifest)
        manifest.num_frames = source.geometry.num_frames
        with _recorded(manifest, folder):
            run_stages(run, source, manifest, folder, progress)
            manifest.output_sha256 = hash_path(job.output)
            shutil.rmtree(folder.work, ignore_errors=True)
        return _result(run, manifest, perf_counter() - begin)


def _result(run: ClipRun, manifest: Manifest, seconds: float) -> RunResult:
    assert manifest.coverage is not None, "a run that is done has audited its output"
    return RunResult(
        source=run.job.source,
        output=run.job.output,
        run_folder=run.run_folder,
        num_frames=manifest.num_frames,
        num_tracks=manifest.num_tracks,
        coverage=manifest.coverage,
        seconds=seconds,
    )


def _run_stages(
    run: ClipRun, source: VideoFile | ImageFolder, manifest: Manifest, folder: RunFolder, progress: Progress
) -> None:
    config = run.config
    bundle = perceive_once(source, config, manifest, folder, progress)
    manifest.num_tracks = len(bundle.tracks)
    check_played(bundle, config.policy)

    if not manifest.is_done("generation"):
        details: dict[str, float] = {}
        with manifest.stage("generation", folder.manifest, details):
            outcome = run_generation(folder.scene, folder.performance, config, progress)
            details.update(windows=outcome.num_windows, failed_windows=len(outcome.failures))

    manifest.forget("compositing")
    with manifest.stage("compositing", folder.manifest, {}):
        manifest.coverage = run_compositing(
            source,
            run.job,
            bundle=bundle,
            plate=folder.plate,
            performance=folder.performance,
            ledger=folder.ledger,
            config=config,
            progress=progress,
            overwrite=run.overwrite,
            work=folder.work,
        )


def perceive_once(
    source: VideoFile | ImageFolder, config: RunConfig, manifest: Manifest, folder: RunFolder, progress: Progress
) -> SceneBundle:
    """The scene of a clip: what an earlier call has found, or what is found now.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        MissingWeights: a network's weights are missing.
    """
    if not manifest.is_done("perception"):
        details: dict[str, float] = {}
        with manifest.stage("perception", folder.manifest, details):
            bundle = run_perception(
                source, config.perception, scene=folder.scene, plate=folder.plate, work=folder.work, progress=progress
            )
            details["tracks"] = len(bundle.tracks)
    # Always what a reader of the file gets, so that `generate` on another machine makes the same frames.
    return read_bundle(folder.scene)


@contextmanager
def _recorded(manifest: Manifest, folder: RunFolder) -> Iterator[None]:
    """Save how the run ended, whatever ended it."""
    try:
        yield
    except BaseException as error:
        try:
            manifest.close(folder.manifest, error)
        except OutputError as second:
            # The first error is what the user has to know; a full disk may well be both.
            error.add_note(f"the manifest could not be written either: {second}")
        raise
    manifest.close(folder.manifest)


def new_manifest(run: ClipRun, weights: tuple[WeightRecord, ...], **more: Mapping[str, Any]) -> Manifest:
    """The record of a run that begins.

    Args:
        run: what is to be done.
        weights: files of weights that it will load.
        more: settings beside the configuration that decide the result, by name.

    Raises:
        OSError: the input cannot be read.
    """
    return Manifest(
        identity=run_identity(run.job.source, fingerprint(run.config, **more)),
        seed=run.config.seed,
        config={**to_mapping(run.config), **more},
        input_name=run.job.name,
        output_name=run.job.output.name,
        weights=weights,
    )
