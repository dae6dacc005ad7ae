"""A data set as filmed and anonymized in several ways: which folders, and whether they hold the same clips."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bodydouble.anomaly.data import DataSet, TestClips, TrainingClips, open_dataset
from bodydouble.anomaly.data.frames import ImageFolder
from bodydouble.errors import InputError, UsageError
from bodydouble.scene.footage import Progress
from bodydouble.scene.strict_files import write_bytes

ORIGINAL: Final = "original"
"""The variant that is the data set itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MADE_BY = {"obscured": "baseline obscure", "blurred": "baseline blur", "pixelated": "baseline pixelate"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A name and a folder."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class OpenVariants:
    """All variants, opened and found to fit."""

    original: DataSet
    """As filmed; its labels are everybody's."""
    data: Mapping[str, DataSet]
    """By name, in the order asked for; ``original`` among them only if it was asked for."""


def parse_variants(text: str, dataset: Path) -> tuple[Variant, ...]:
    """Read ``original,blurred=DIR,ours=DIR``.

    Raises:
        UsageError: a name twice, a name that cannot be part of a file name, or a variant without its folder.
    """
    found: list[Variant] = []
    for part in text.split(","):
        name, equals, folder = (piece.strip() for piece in part.partition("="))
        if not name and not equals:
            continue
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name a variant; use letters, digits, - and _, and NAME=DIR")
        if name == ORIGINAL and equals:
            raise UsageError(f"{ORIGINAL!r} is the data set itself and takes no folder; give it by --dataset")
        if name != ORIGINAL and not folder:
            command = _MADE_BY.get(name, "anonymize")
            raise UsageError(
                f"the variant {name!r} needs its folder: {name}=DIR; `bodydouble {command} {dataset.name} -o DIR` makes it"
            )
        found.append(Variant(name=name, path=Path(folder) if folder else dataset))
    names = [variant.name for variant in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"variants are named twice: {', '.join(twice)}")
    if not found:
        raise UsageError("no variant is named; write original,NAME=DIR")
    return tuple(found)


def open_variants(
    dataset: Path, variants: Sequence[Variant], *, kind: str, labels_from: Path | None, counts: Path, progress: Progress
) -> OpenVariants:
    """Open a data set and its variants, and compare clips and numbers of frames.

    Args:
        dataset: the footage as filmed.
        variants: what to compare it with.
        kind: which data set it is, or ``auto``.
        labels_from: where its labels are, if not in it.
        counts: file in which the numbers of frames of video files are kept, since counting means decoding.
        progress: told about each clip.

    Raises:
        InputError: one cannot be opened, or a variant is not the same clips; all that differs is named in one message.
    """
    original = open_dataset(dataset, kind, labels_from=labels_from)
    reader = original.kind.partition("-")[0]
    opened: dict[str, DataSet] = {}
    for variant in variants:
        if variant.name == ORIGINAL:
            opened[ORIGINAL] = original
            continue
        try:
            # Never a variant's own labels: what counts as abnormal is one thing for all.
            opened[variant.name] = open_dataset(variant.path, reader, labels_from=labels_from or dataset)
        except InputError as error:
            raise InputError(f"the variant {variant.name!r} cannot be used: {error}") from error
    known = _read_counts(counts)
    truth = _clips(original, known, progress, ORIGINAL)
    for name, data in opened.items():
        if name != ORIGINAL:
            _compare(truth, _clips(data, known, progress, name), name)
    counts.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(counts, json.dumps(known).encode())
    return OpenVariants(original=original, data=opened)


def digest_of(clips: TrainingClips | TestClips) -> str:
    """Changes when footage or labels do."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(clips, TestClips):
        for video in clips.videos:
            digest.update(f"{video.footage.name}\0{video.footage.identity}\0".encode() + video.labels.tobytes())
    else:
        for footage in clips.videos:
            digest.update(f"{footage.name}\0{footage.identity}\0".encode())
    return digest.hexdigest()


Clips = dict[tuple[str, str], int]
"""Frames by half and name."""


def _clips(data: DataSet, known: dict[str, int], progress: Progress, name: str) -> Clips:
    halves = {"training": data.training.videos, "test": tuple(video.footage for video in data.testing.videos)}
    every = [(half, video) for half, videos in halves.items() for video in videos]
    # Headers of video files are not to be trusted, so they are decoded, once; images need only be listed.
    unknown = [v for _, v in every if not isinstance(v, ImageFolder) and v.identity not in known]
    if unknown:
        progress.start(f"counting frames of {name}", len(unknown))
        for video in unknown:
            known[video.identity] = sum(1 for _ in video.frames())
            progress.advance()
        progress.finish()
    return {
        (half, video.name): len(video.paths) if isinstance(video, ImageFolder) else known[video.identity]
        for half, video in every
    }


def _compare(truth: Clips, found: Clips, name: str) -> None:
    said = [
        f"{half} clips {what}: {', '.join(clips)}"
        for half in ("training", "test")
        for what, clips in (
            ("missing", [clip for of, clip in truth if of == half and (of, clip) not in found]),
            ("too many", [clip for of, clip in found if of == half and (of, clip) not in truth]),
        )
        if clips
    ]
    said += [
        f"{half} clip {clip} has {found[half, clip]} frames, not {count}"
        for (half, clip), count in truth.items()
        if found.get((half, clip), count) != count
    ]
    if said:
        raise InputError(f"the variant {name!r} is not the same clips as the original: {'; '.join(said)}")


def _read_counts(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    try:
        return {str(key): int(value) for key, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise InputError(f"cannot be read ({error}); delete it, it is only kept to save time: {path}") from error
