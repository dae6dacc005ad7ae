"""Which clips there are in an input, and where each goes; imports nothing heavy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bodydouble.errors import OutputError, UnreadableVideo
from bodydouble.video_io.codecs import CODECS, CONTAINER_OF_SUFFIX, IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_ignored
from bodydouble.video_io.companions import is_label_file, is_mask_folder
from bodydouble.video_io.natural_order import natural_key

ImageNames = Literal["kept", "png", "numbered"]
"""File names in a folder of images: those of the source, the same with ``.png``, or ``000000.png`` and on."""


@dataclass(frozen=True, kw_only=True)
class ClipJob:
    """One clip to be worked on."""

    source: Path
    """Video file, or folder of images."""
    output: Path
    """Video file, or folder of images; its parent is within ``output_root`` or is to exist already."""
    name: str
    """Unique among the jobs of one input: the path within the input, with ``/``; the file name for a single clip."""
    codec: Literal["h264", "lossless", "png"]
    """How a video file is encoded; without meaning when ``image_names`` is set."""
    image_names: ImageNames | None = None
    """Set when the output is a folder of images."""
    output_root: Path | None = None
    """Top folder of a tree of outputs, which is made when needed; None for a single clip."""


@dataclass(frozen=True, kw_only=True)
class FootageTree:
    """A data set: what is anonymized, what is copied, and what is left out."""

    jobs: tuple[ClipJob, ...]
    """In natural order of their names."""
    companions: tuple[tuple[Path, Path], ...] = ()
    """Files that are no footage (labels, masks) and where their copies go."""
    withheld: tuple[Path, ...] = ()
    """Files that could hold footage in a form that is not understood (archives, arrays, ...); never copied."""


def discover_clips(source: Path, output: Path | None, codec: str = "h264") -> list[ClipJob]:
    """List the clips of an input; see ``discover_footage``, which also tells about the other files of a tree.

    Raises:
        UnreadableVideo: there is nothing, or no footage, at ``source``.
        OutputError: the output would overwrite the input, or two clips would get one name.
    """
    return list(discover_footage(source, output, codec).jobs)


def discover_footage(source: Path, output: Path | None, codec: str = "h264") -> FootageTree:
    """Tell what is to be done for a file, a folder of images, or a data set tree.

    - A file gives one job. Default output: ``<stem>.bodydouble.mp4`` beside it (``.mkv`` for ``lossless``, a folder for
      ``png``). An existing folder as output takes the file inside it.
    - A folder of images gives one job whose output is a folder with the same file names and formats (``lossless`` and
      ``png``: the same names with ``.png``), unless the output has the suffix of a video. Default:
      ``<name>.bodydouble``.
    - Any other folder is a tree: each folder of images and each video in it is a clip, with the same relative path in
      the output (a container that cannot be written becomes ``.mp4``). Mask folders (``*_gt``) and label files are
      copied unchanged, everything else is withheld.

    Args:
        source: file or folder.
        output: where to; None takes the default.
        codec: ``h264``, ``lossless`` or ``png``.

    Raises:
        UnreadableVideo: there is nothing, or no footage, at ``source``.
        OutputError: unknown codec, the output would overwrite the input, or two clips would get one name.
    """
    if codec not in CODECS:
        raise OutputError(f"unknown codec {codec!r}; allowed: {', '.join(CODECS)}")
    try:
        if not source.exists():
            raise UnreadableVideo(f"there is no such file or folder; check the name: {source}")
        if not source.is_dir():
            tree = FootageTree(jobs=(_file_job(source, output, codec),))
        else:
            folders, others = _walk(source)
            if source in folders and len(folders) == 1 and not any(_is_video(path) for path in others):
                tree = FootageTree(jobs=(_folder_job(source, output, codec),))
            else:
                default = source.resolve().with_name(f"{source.resolve().name}.bodydouble")
                tree = _tree(source, output or default, codec, folders, others)
    except OSError as error:
        raise UnreadableVideo(f"cannot read the input: {error.strerror or error}: {source}") from error
    _check_apart(source, tree)
    return tree


def _file_job(source: Path, output: Path | None, codec: str) -> ClipJob:
    suffix = {"h264": ".mp4", "lossless": ".mkv", "png": ""}[codec]
    default_name = f"{source.stem}.bodydouble{suffix}"
    if output is None:
        output = source.with_name(default_name)
    elif output.is_dir() and codec != "png":
        output = output / default_name
    names: ImageNames | None = "numbered" if codec == "png" else None
    return ClipJob(source=source, output=output, name=source.name, codec=_codec(codec), image_names=names)


def _folder_job(source: Path, output: Path | None, codec: str) -> ClipJob:
    name = source.resolve().name
    output = output or source.resolve().with_name(f"{name}.bodydouble")
    as_video = codec != "png" and output.suffix.lower() in VIDEO_SUFFIXES
    names: ImageNames | None = None if as_video else _folder_names(codec)
    return ClipJob(source=source, output=output, name=name, codec=_codec(codec), image_names=names)


def _folder_names(codec: str) -> ImageNames:
    return "kept" if codec == "h264" else "png"


def _codec(codec: str) -> Literal["h264", "lossless", "png"]:
    if codec == "h264":
        return "h264"
    return "lossless" if codec == "lossless" else "png"


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _walk(root: Path) -> tuple[list[Path], list[Path]]:
    """Folders that hold images of their own (masks excluded), and all files outside of them, in natural order."""
    folders: list[Path] = []
    others: list[Path] = []
    visited: set[str] = set()

    def fail(error: OSError) -> None:
        raise error

    for folder_name, sub_folders, files in os.walk(root, followlinks=True, onerror=fail):
        real = os.path.realpath(folder_name)
        if real in visited:  # a link back up; the same footage is not done twice
            sub_folders.clear()
            continue
        visited.add(real)
        sub_folders[:] = sorted((name for name in sub_folders if not is_ignored(name)), key=natural_key)
        folder = Path(folder_name)
        paths = [folder / name for name in sorted(files, key=natural_key) if not is_ignored(name)]
        if any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths) and not is_mask_folder(
            folder.relative_to(root)
        ):
            folders.append(folder)
        else:
            others.extend(paths)
    return folders, others


def _tree(root: Path, output: Path, codec: str, folders: list[Path], others: list[Path]) -> FootageTree:
    jobs: list[ClipJob] = []
    companions: list[tuple[Path, Path]] = []
    withheld: list[Path] = []
    for folder in folders:
        relative = folder.relative_to(root)
        jobs.append(
            ClipJob(
                source=folder,
                output=output / relative,
                name=relative.as_posix(),
                codec=_codec(codec),
                image_names=_folder_names(codec),
                output_root=output,
            )
        )
    for path in others:
        relative = path.relative_to(root)
        if _is_video(path):
            jobs.append(_tree_video(path, output, relative, codec))
        elif is_label_file(relative):
            companions.append((path, output / relative))
        else:
            withheld.append(path)
    if not jobs:
        raise UnreadableVideo(
            f"no footage in the folder; give one with images ({', '.join(sorted(IMAGE_SUFFIXES))}) or videos: {root}"
        )
    seen: dict[str, ClipJob] = {}
    for job in jobs:
        other = seen.setdefault(str(job.output).lower(), job)
        if other is not job:
            raise OutputError(f"two clips would be written to one place ({other.name}, {job.name}): {job.output}")
    jobs.sort(key=lambda job: natural_key(job.name))
    return FootageTree(jobs=tuple(jobs), companions=tuple(companions), withheld=tuple(withheld))


def _tree_video(path: Path, output: Path, relative: Path, codec: str) -> ClipJob:
    suffix = path.suffix if path.suffix.lower() in CONTAINER_OF_SUFFIX else ".mp4"
    names: ImageNames | None = "numbered" if codec == "png" else None
    return ClipJob(
        source=path,
        output=output / (relative.with_suffix("") if names else relative.with_suffix(suffix)),
        name=relative.as_posix(),
        codec=_codec(codec),
        image_names=names,
        output_root=output,
    )


def _check_apart(source: Path, tree: FootageTree) -> None:
    """Refuse outputs that would replace the footage, or be taken for footage by the next run."""
    here = source.resolve()
    for job in tree.jobs:
        there = job.output.resolve()
        if there == here or (source.is_dir() and here in there.parents) or there in here.parents:
            raise OutputError(f"the output would lie in, on or around the input; choose another place: {job.output}")
