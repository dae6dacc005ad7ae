"""The stages alone: what `anonymize` does in one go, with files in between that may travel."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

from bodydouble.config import RunConfig
from bodydouble.config import preset as make_preset
from bodydouble.errors import BundleError, OutputError
from bodydouble.pipeline.compositing_stage import run_compositing
from bodydouble.pipeline.folder import check_free, disk_errors
from bodydouble.pipeline.policy import check_played
from bodydouble.pipeline.stages import GenerationOutcome, run_generation, run_perception
from bodydouble.scene import Progress, SceneBundle, SilentProgress
from bodydouble.scene.bundle_files import read_bundle


def perceive(
    input_path: str | Path,
    scene: str | Path,
    *,
    mot: str | Path | None = None,
    overlay: str | Path | None = None,
    preset: str = "cpu",
    config: RunConfig | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SceneBundle:
    """Find the people of a clip: ``SCENE`` gets their geometry, ``SCENE.plate`` the background without them.

    Args:
        input_path: a video or a folder of images.
        scene: a folder, or a single file when the name ends in ``.zip``.
        mot: where to write all tracks as MOTChallenge rows.
        overlay: page to write, with a video beside it, that show people as filmed with all that was found about them;
            see `bodydouble.pipeline.overlay.draw_overlay`.
        preset: name of a configuration; ignored when ``config`` is given.
        config: what to do in detail.
        overwrite: replace what is there.
        progress: told how far it is.

    Raises:
        InputError: the clip cannot be used, or the scene not be written.
        MissingDependency: a package or weights are missing.
    """
    from bodydouble.perception import write_mot
    from bodydouble.pipeline.overlay import OverlayFiles, write_overlay
    from bodydouble.video_io import open_source

    scene, plate = Path(scene), plate_of(Path(scene))
    resolved = config if config is not None else make_preset(preset)
    files = OverlayFiles(Path(overlay)) if overlay is not None else None
    with open_source(Path(input_path)) as source:
        for path in (scene, plate, *((Path(mot),) if mot is not None else ())):
            check_free(path, overwrite=overwrite)
        if files is not None:
            files.check(Path(input_path), overwrite=overwrite)
        work = scene.with_name(f".{scene.name}.work")
        with disk_errors(scene):
            try:
                bundle = run_perception(
                    source,
                    resolved.perception,
                    scene=scene,
                    plate=plate,
                    work=work,
                    progress=progress or SilentProgress(),
                )
            finally:
                shutil.rmtree(work, ignore_errors=True)
            if mot is not None:
                write_mot(bundle, Path(mot))
            if files is not None:
                write_overlay(source, bundle, plate, files, overwrite=overwrite, progress=progress or SilentProgress())
    check_played(bundle, resolved.policy)
    return bundle


def generate(
    scene: str | Path,
    performance: str | Path,
    *,
    preset: str = "cpu",
    config: RunConfig | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> GenerationOutcome:
    """Make the doubles of a scene. Needs the scene alone: no footage, no plate.

    A performance that was begun with the same scene and settings is completed.

    Args:
        scene: what `perceive` wrote.
        performance: folder for the doubles.
        preset: name of a configuration; ignored when ``config`` is given.
        config: what to do in detail.
        seed: who plays whom; replaces that of the configuration.
        overwrite: remove an existing performance first.
        progress: told how far it is.

    Raises:
        InputError: the scene cannot be read, or the performance not be written.
        PolicyStop: somebody cannot be played, and the policy is to stop.
        MissingDependency: a package is missing.
    """
    scene, performance = Path(scene), Path(performance)
    resolved = config if config is not None else make_preset(preset)
    if seed is not None:
        resolved = dataclasses.replace(resolved, seed=seed)
    if overwrite and performance.exists():
        if not (performance / "made_from.json").is_file() and any(performance.iterdir()):
            raise OutputError(f"the folder holds no performance; it is left alone: {performance}")
        shutil.rmtree(performance)
    check_free(performance, overwrite=True)
    check_played(read_bundle(scene), resolved.policy)
    with disk_errors(performance):
        return run_generation(scene, performance, resolved, progress or SilentProgress())


def composite(
    input_path: str | Path,
    scene: str | Path,
    performance: str | Path,
    output: str | Path,
    *,
    plate: str | Path | None = None,
    preset: str = "cpu",
    config: RunConfig | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> float:
    """Put the doubles into the clip. The ledger is written beside the output, as ``OUTPUT.ledger.jsonl``.

    Args:
        input_path: the clip that the scene was made from.
        scene: what `perceive` wrote.
        performance: what `generate` wrote.
        output: the result.
        plate: the clean background; where `perceive` put it if None.
        preset: name of a configuration; ignored when ``config`` is given.
        config: what to do in detail.
        seed: replaces that of the configuration (film grain on the doubles depends on it).
        overwrite: replace an existing output.
        progress: told how far it is.

    Returns:
        The coverage, 0 to 1.

    Raises:
        InputError: the files do not belong together, or the output cannot be written.
        PolicyStop: the coverage is below the limit.
    """
    from bodydouble.video_io import discover_clips, open_source
    from bodydouble.video_io.output_paths import check_output

    scene, output = Path(scene), Path(output)
    resolved = config if config is not None else make_preset(preset)
    if seed is not None:
        resolved = dataclasses.replace(resolved, seed=seed)
    bundle = read_bundle(scene)
    with open_source(Path(input_path)) as source, disk_errors(output):
        job = discover_clips(Path(input_path), output, resolved.output.codec)[0]
        check_output(job.output, overwrite=overwrite, as_folder=job.image_names is not None)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.absolute().parent) as work:
            return run_compositing(
                source,
                job,
                bundle=bundle,
                plate=Path(plate) if plate is not None else find_plate(scene),
                performance=Path(performance),
                ledger=output.with_name(f"{output.name}.ledger.jsonl"),
                config=resolved,
                progress=progress or SilentProgress(),
                overwrite=overwrite,
                work=Path(work),
            )


def plate_of(scene: Path) -> Path:
    """Where `perceive` puts the plate that belongs to a scene.

    >>> plate_of(Path("out/street.zip")).as_posix(), plate_of(Path("out/street")).as_posix()
    ('out/street.plate', 'out/street.plate')
    """
    return scene.with_name(f"{scene.name.removesuffix('.zip')}.plate")


def find_plate(scene: Path) -> Path:
    """The plate beside a scene, or the one of the run folder that the scene is in.

    Raises:
        BundleError: there is none.
    """
    candidates = (plate_of(scene), scene.with_name("plate"))
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise BundleError(f"no plate is there; name it by --plate: {candidates[0]}")
