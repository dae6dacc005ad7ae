"""Baselines over files: perception, sinks and records are those of `anonymize`, people are changed in another way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodydouble.baselines import BaselineConfig
from bodydouble.config import PolicyConfig, RunConfig, to_mapping
from bodydouble.config import preset as make_preset
from bodydouble.errors import BundleError, UsageError
from bodydouble.manifest import Manifest, hash_path, read_manifest
from bodydouble.pipeline.book import OUTCOMES_FILE, Book
from bodydouble.pipeline.clips import OnClip, run_all_clips, run_folder_of
from bodydouble.pipeline.compositing_stage import check_same_clip
from bodydouble.pipeline.folder import RunFolder
from bodydouble.pipeline.policy import check_coverage
from bodydouble.pipeline.ready import check_ready
from bodydouble.pipeline.run import ClipRun, RunResult, carry_out, new_manifest, perceive_once
from bodydouble.pipeline.single import find_plate
from bodydouble.scene import Progress, SceneBundle, SilentProgress
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.plate_files import PlateReader

if TYPE_CHECKING:
    from bodydouble.baselines.painter import BaselineFrame
    from bodydouble.compositing import TrackOutcome
    from bodydouble.video_io import ClipJob
    from bodydouble.video_io.image_folder import ImageFolder
    from bodydouble.video_io.video_file import VideoFile

STAGE: Final = "baseline"
"""Its name in manifests and progress."""


def baseline(
    input_path: str | Path,
    output: str | Path,
    method: BaselineConfig,
    *,
    scene: str | Path | None = None,
    preset: str = "cpu",
    config: RunConfig | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    on_clip: OnClip | None = None,
    on_note: Callable[[str], None] | None = None,
) -> tuple[RunResult, ...]:
    """Obscure, blur or pixelate every person, as methods to compare with. They do not anonymize: see the docs.

    Args:
        input_path: a video, a folder of images, or a data set tree of either.
        output: where the result goes. A tree keeps its layout and names.
        method: which baseline, with its settings.
        scene: what `perceive` wrote, or the run folder of an `anonymize` or `baseline` run of the same clip; for a tree the
            tree of run folders. People are then not looked for again.
        preset: name of a configuration, for perception and output; ignored when ``config`` is given.
        config: the same in detail. Casting, generation and compositing have no part in it.
        overwrite: replace existing results and run folders.
        resume: go on with what earlier runs have finished.
        progress: told how far it is; silent if None.
        on_clip: told what became of each clip.
        on_note: told, in words, what happened to files of a tree that are no clips.

    Returns:
        One result per clip, in the order of the clips' names.

    Raises:
        UsageError: options that make no sense, an unknown preset, or a run that cannot be resumed.
        InputError: the input or the scene cannot be used, or the output not be written; see `anonymize` for trees.
        PolicyStop: the coverage is below the limit.
        MissingDependency: a package or weights are missing.
    """
    from bodydouble.video_io import discover_footage

    if overwrite and resume:
        raise UsageError("overwrite and resume exclude each other: start anew, or go on with what is there")
    resolved = _without_doubles(config if config is not None else make_preset(preset))
    tree = discover_footage(Path(input_path), Path(output), resolved.output.codec)
    runs = [
        ClipRun(job=job, run_folder=run_folder_of(job), config=resolved, overwrite=overwrite, resume=resume)
        for job in tree.jobs
    ]
    scenes = Path(scene) if scene is not None else None
    shown = progress or SilentProgress()
    return run_all_clips(
        tree,
        runs,
        lambda run: run_baseline(run, method, scenes, shown),
        replace=overwrite or resume,
        on_clip=on_clip,
        on_note=on_note,
    )


def _without_doubles(config: RunConfig) -> RunConfig:
    """What matters of a configuration here. Nobody plays, so nothing that plays needs to be installed."""
    generation = dataclasses.replace(config.generation, backend="paint-out")
    policy = PolicyConfig(min_coverage=config.policy.min_coverage)
    return dataclasses.replace(config, generation=generation, policy=policy)


def run_baseline(run: ClipRun, method: BaselineConfig, scenes: Path | None, progress: Progress) -> RunResult:
    """One clip from footage to footage.

    Args:
        run: which clip, and where to.
        method: which baseline.
        scenes: where scenes are; see `baseline`.
        progress: told how far it is.

    Raises:
        InputError: the clip or the scene cannot be used, or the output not be written.
        UsageError: the run folder belongs to another run.
        PolicyStop: the coverage is below the limit.
    """
    scene = find_scene(scenes, run.job) if scenes is not None else None

    def make_manifest() -> Manifest:
        settings = {"kind": method.action, **to_mapping(method)}
        if scene is None:
            return new_manifest(run, check_ready(run.config), baseline=settings)
        return new_manifest(run, (), baseline={**settings, "scene_sha256": hash_path(scene)})

    def run_stages(
        run: ClipRun, source: VideoFile | ImageFolder, manifest: Manifest, folder: RunFolder, progress: Progress
    ) -> None:
        if scene is None:
            bundle, plate = perceive_once(source, run.config, manifest, folder, progress), folder.plate
        else:
            bundle, plate = _read_scene(scene, source, manifest), find_plate(scene)
        manifest.num_tracks = len(bundle.tracks)
        manifest.forget(STAGE)
        with manifest.stage(STAGE, folder.manifest, {"tracks": len(bundle.tracks)}):
            manifest.coverage = _paint(run, source, bundle, plate, method, folder, progress)

    return carry_out(run, make_manifest, run_stages, progress)


def find_scene(scenes: Path, job: ClipJob) -> Path:
    """The scene of a clip: the path itself, or inside it where that is a run folder or a tree of them.

    Raises:
        BundleError: there is none.
    """
    root = scenes if job.output_root is None else scenes / job.output.relative_to(job.output_root)
    if job.output_root is not None and not root.exists():
        root = scenes / job.name
    for candidate in (root, root / "scene"):
        if (candidate / "bundle.json").is_file() or (candidate.is_file() and candidate.suffix == ".zip"):
            return candidate
    raise BundleError(
        f"there is no scene for the clip {job.name!r}; name what `bodydouble perceive` wrote, or a run folder (for a tree: "
        f"the folder of its run folders): {root}"
    )


def _read_scene(scene: Path, source: VideoFile | ImageFolder, manifest: Manifest) -> SceneBundle:
    """Read a scene and see that it is of this clip.

    Raises:
        BundleError: it cannot be read, or was made from another clip.
    """
    bundle = read_bundle(scene)
    check_same_clip(source, bundle)
    record = scene.with_name("manifest.json")
    # Beside a scene of `perceive` there is no record, and then size and length are all that can be compared.
    if scene.name == "scene" and record.is_file():
        made_from = read_manifest(record).identity.input_sha256
        if made_from != manifest.identity.input_sha256:
            raise BundleError(
                "the scene was made from another clip of the same size and length; leave out --scene, or name the right "
                f"one: {scene}"
            )
    return bundle


def _paint(
    run: ClipRun,
    source: VideoFile | ImageFolder,
    bundle: SceneBundle,
    plate: Path,
    method: BaselineConfig,
    folder: RunFolder,
    progress: Progress,
) -> float:
    """Write the output and the ledger; returns the coverage."""
    from bodydouble.baselines.painter import paint
    from bodydouble.video_io import open_job_sink

    output = run.config.output
    frame_size = (bundle.video.width_px, bundle.video.height_px)
    plates = PlateReader(plate, bundle.camera, frame_size_px=frame_size)
    folder.work.mkdir(exist_ok=True)
    with (
        open_job_sink(
            run.job,
            source,
            crf=output.quality,
            jpeg_quality=output.jpeg_quality,
            overwrite=run.overwrite,
            keep_audio=output.keep_audio,
            work_dir=folder.work / "frames",
            resume=True,
        ) as sink,
        Book(bundle, (), folder.ledger, folder.work / OUTCOMES_FILE, sink.next_frame_index) as book,
    ):
        start = sink.next_frame_index
        progress.start(STAGE, bundle.video.num_frames - start)
        for frame in paint(source, bundle, method, start=start):
            book.record(frame.original.index, _outcomes(frame, plates, method))
            sink.write(frame.rgb)
            progress.advance()
        check_coverage(book.coverage, run.config.policy)
        sink.commit()
    progress.finish()
    return book.coverage


def _outcomes(frame: BaselineFrame, plates: PlateReader, method: BaselineConfig) -> list[TrackOutcome]:
    """How much of everybody changed, by the rule that doubles are held against."""
    from bodydouble.baselines.region import silhouette_of
    from bodydouble.compositing import ChangeCounts, TrackOutcome
    from bodydouble.compositing.audit import count_change

    if not frame.people:
        return []
    original = frame.original.rgb
    plate_rgb, _ = plates.at(frame.original.index)
    outcomes = []
    for person in frame.people:
        window, silhouette = silhouette_of(person, (original.shape[1], original.shape[0]))
        change = ChangeCounts()
        # Where nothing of somebody is seen, the silhouette is a precaution, and need not have changed.
        if not window.is_empty and person.track.visible_fraction[person.step] > 0:
            where = window.slices
            change = count_change(original[where], plate_rgb[where], frame.rgb[where], silhouette)
        outcomes.append(TrackOutcome(track_id=person.track.track_id, action=method.action, reason="", change=change))
    return outcomes
