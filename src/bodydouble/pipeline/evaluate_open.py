"""What is measured: options, and originals with their results, opened and checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bodydouble.errors import InputError, UsageError
from bodydouble.evaluation.alignment import check_aligned
from bodydouble.evaluation.ground_truth import GroundTruth, read_mot
from bodydouble.evaluation.measures.identities import KnownPeople, read_people
from bodydouble.evaluation.report.page import Pictures
from bodydouble.manifest import hash_path
from bodydouble.pipeline.evaluate_inputs import NamedResult, ResultClip, result_clip
from bodydouble.pipeline.evaluate_scene import find_beside
from bodydouble.pipeline.pairing import pair_up
from bodydouble.scene import FrameSource


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How to measure."""

    scene: Path | None = None
    """What perception saw in the original; for several clips a folder of them."""
    truth: Path | None = None
    """MOTChallenge ground truth; for several clips a folder with NAME.txt or NAME/gt.txt."""
    identities: Path | None = None
    """Who came in more than once (JSON); for several clips a folder with NAME.json."""
    measures: tuple[str, ...] = ()
    """Names; empty stands for the default ones."""
    quick: bool = False
    """Only measures that ask no network."""
    seed: int = 0
    max_frames: int | None = None
    """Measure only so many frames of each clip, from the first on."""
    workers: int = 1
    """Processes; 0 takes one per core. Figures do not depend on it."""
    referees: Path | None = None
    """Folder of the weights of detectors and attackers."""
    anomaly: Path | None = None
    """Folder of a table of anomaly detectors, which becomes a section of the page."""
    pictures: Pictures = "results"
    """What the page may show."""
    overwrite: bool = False
    """Replace the report, and begin anew."""
    resume: bool = False
    """Go on with what an earlier run has counted, and replace its report."""

    def __post_init__(self) -> None:
        """Check what excludes each other.

        Raises:
            UsageError: options that make no sense.
        """
        if self.overwrite and self.resume:
            raise UsageError("overwrite and resume exclude each other: start anew, or go on with what is there")
        if self.max_frames is not None and self.max_frames < 1:
            raise UsageError(f"max_frames is {self.max_frames}; allowed is 1 or more")
        if not 0 <= self.workers <= 256:
            raise UsageError(f"workers is {self.workers}; allowed is 0 (one per core) to 256")


@dataclass(frozen=True, kw_only=True)
class OpenClip:
    """An original with all its results, opened and checked."""

    name: str
    source: FrameSource
    path: Path
    results: Mapping[str, tuple[ResultClip, FrameSource]]
    truth: GroundTruth | None
    num_frames: int
    is_cut: bool
    sha256: str


def open_clips(
    original: Path, named: Sequence[NamedResult], options: EvaluateOptions, stack: ExitStack
) -> list[OpenClip]:
    """Pair and open everything, and see that it fits.

    Args:
        original: clip, folder of images or tree.
        named: what was made of it.
        options: how to measure.
        stack: closes what is opened.

    Raises:
        InputError: something is missing, cannot be read, or is not aligned with its original.
    """
    from bodydouble.video_io import open_source

    by_name: dict[str, tuple[Path, dict[str, Path]]] = {}
    for result in named:
        for pair in pair_up(original, result.path):
            by_name.setdefault(pair.name, (pair.original_path, {}))[1][result.label] = pair.result_path
    roots = {result.label: result.path for result in named}
    clips = []
    for name, (path, paths) in by_name.items():
        source = open_source(path)
        stack.callback(source.close)
        results: dict[str, tuple[ResultClip, FrameSource]] = {}
        for label, result_path in paths.items():
            opened = open_source(result_path)
            stack.callback(opened.close)
            check_aligned(source, opened, name=f"{name} in {label}")
            results[label] = (result_clip(roots[label], result_path), opened)
        total = source.geometry.num_frames
        frames = min(total, options.max_frames or total)
        clips.append(
            OpenClip(
                name=name,
                source=source,
                path=path,
                results=results,
                truth=_truth(options, name, is_tree=len(by_name) > 1),
                num_frames=frames,
                is_cut=frames < total,
                sha256=hash_path(path),
            )
        )
    if options.truth is not None and all(clip.truth is None for clip in clips):
        raise InputError(f"no clip has a ground truth there (NAME.txt, NAME/gt.txt): {options.truth}")
    return clips


def _truth(options: EvaluateOptions, name: str, *, is_tree: bool) -> GroundTruth | None:
    if options.truth is None:
        return None
    endings = (".txt", "/gt.txt", "/gt/gt.txt")
    path = find_beside(options.truth, name, endings, is_tree=is_tree, what="the ground truth")
    if path is None:
        return None
    truth = read_mot(path)
    if options.max_frames is None:
        return truth
    return GroundTruth(boxes={index: row for index, row in truth.boxes.items() if index < options.max_frames})


def known_people(options: EvaluateOptions, names: Sequence[str]) -> dict[str, KnownPeople]:
    """Who came in more than once, by clip; empty where nobody says.

    Raises:
        InputError: a list cannot be read.
    """
    if options.identities is None:
        return {}
    paths = {
        name: find_beside(options.identities, name, (".json",), is_tree=len(names) > 1, what="the list of people")
        for name in names
    }
    return {name: read_people(path) for name, path in paths.items() if path is not None}
