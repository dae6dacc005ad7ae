"""Where people meet: which steps of fragments are crowded, and fragments cut there, since a tracker may have switched."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas, overlap_areas
from bodydouble.perception.tracking.base import Fragment, join

_MEETING: Final = 0.3
"""Two overlap so far that a detection may change hands when this share of the smaller box is shared."""
_HOLE_FRAMES: Final = 2
"""Meetings interrupted for no longer than this are one."""
_LONG_SECONDS: Final = 1.0
"""People who walk together for longer than this may be mixed up more than once."""
_PAUSE_SECONDS: Final = 0.25
"""A fragment without a detection for longer than this may have been taken up by somebody else."""
_PART_SECONDS: Final = 0.3
"""A piece that lasts no longer than this may be nothing but a part of somebody else."""
_WITHIN: Final = 0.85
_SMALLER: Final = 0.75
"""Share of its box that lies within the other's, and of the other's area that it has at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A stretch within which one may trust that it is one person."""

    fragment: Fragment
    clear: NDArray[np.bool_]
    """(time,): nobody else is close, so place, size and looks are the person's own."""
    first_origin: int
    last_origin: int
    """Number of the fragment that the first and the last step come from; the tracker saw one person there."""


def crowding(fragments: list[Fragment]) -> list[NDArray[np.float64]]:
    """Per fragment (time,): the largest share of the smaller of two boxes that it has in common with anybody, 0 to 1."""
    found = [np.zeros(len(part)) for part in fragments]
    if not fragments:
        return found
    owner = np.concatenate([np.full(len(part), k) for k, part in enumerate(fragments)])
    row = np.concatenate([np.arange(len(part)) for part in fragments])
    frames = np.concatenate([part.frames for part in fragments])
    boxes = np.concatenate([part.boxes for part in fragments])
    order = np.argsort(frames, kind="stable")
    for together in np.split(order, np.flatnonzero(np.diff(frames[order])) + 1):
        if len(together) < 2:
            continue
        size = areas(boxes[together])
        share = overlap_areas(boxes[together], boxes[together]) / np.maximum(np.minimum(size[:, None], size), 1e-9)
        np.fill_diagonal(share, 0.0)
        for member, worst in zip(together, share.max(axis=1), strict=True):
            found[owner[member]][row[member]] = worst
    return found


def cut_at_meetings(
    fragments: list[Fragment], frames_per_second: float, leaps: Sequence[Sequence[int]] | None = None
) -> list[Piece]:
    """Cut every fragment where somebody else came so close that the tracker may have confused them, and at long pauses.

    Args:
        fragments: as the tracker made them.
        frames_per_second: of the clip.
        leaps: per fragment, rows before which it went over to somebody else: what follows counts as another fragment.
    """
    pieces = []
    others = itertools.count(len(fragments))
    for number, (part, crowd) in enumerate(zip(fragments, crowding(fragments), strict=True)):
        cuts = {0, len(part), *_at_meetings(crowd, max(2, round(_LONG_SECONDS * frames_per_second)))}
        cuts |= set((np.flatnonzero(np.diff(part.frames) > max(2, _PAUSE_SECONDS * frames_per_second)) + 1).tolist())
        changed = set() if leaps is None else set(leaps[number])
        origin = number
        for low, high in itertools.pairwise(sorted(cuts | changed)):
            origin = next(others) if low in changed else origin
            pieces.append(
                Piece(
                    fragment=part.part(slice(low, high)),
                    clear=crowd[low:high] < _MEETING,
                    first_origin=origin,
                    last_origin=origin,
                )
            )
    return pieces


def without_parts(pieces: list[Piece], frames_per_second: float) -> list[Piece]:
    """Leave out short pieces that show a part of somebody else in each of their frames.

    A tracker that loses somebody behind another takes up a stray box on the other's legs; going on from there it cannot
    be joined to where its own person comes out again. People are not lost by this: the box lies within somebody's who
    stays, and what is before and after is filled in.

    Args:
        pieces: of all fragments.
        frames_per_second: of the clip.
    """
    most_frames = max(2, round(_PART_SECONDS * frames_per_second))
    lasting = [piece.fragment for piece in pieces if len(piece.fragment) > most_frames]
    at: dict[int, list[NDArray[np.float64]]] = {}
    for part in lasting:
        for frame, box in zip(part.frames.tolist(), part.boxes, strict=True):
            at.setdefault(frame, []).append(box)

    def is_part(frame: int, box: NDArray[np.float64]) -> bool:
        others = np.array(at.get(frame, [])).reshape(-1, 4)
        own = float(areas(box[None])[0])
        within = overlap_areas(box[None], others)[0] >= _WITHIN * own
        return bool((within & (own <= _SMALLER * areas(others))).any())

    def stays(part: Fragment) -> bool:
        if len(part) > most_frames:
            return True
        return not all(is_part(frame, box) for frame, box in zip(part.frames.tolist(), part.boxes, strict=True))

    return [piece for piece in pieces if stays(piece.fragment)]


def join_pieces(parts: list[Piece]) -> Piece:
    """Pieces of one person, in order of time."""
    if len(parts) == 1:
        return parts[0]
    whole = join([piece.fragment for piece in parts])
    clear = np.zeros(len(whole), bool)
    for piece in parts:
        clear[np.searchsorted(whole.frames, piece.fragment.frames)] |= piece.clear
    return Piece(fragment=whole, clear=clear, first_origin=parts[0].first_origin, last_origin=parts[-1].last_origin)


def _at_meetings(crowd: NDArray[np.float64], long_steps: int) -> list[int]:
    """Rows to cut before: where each meeting is closest, and once every ``long_steps`` of a long one."""
    close = np.flatnonzero(crowd >= _MEETING)
    if len(close) == 0:
        return []
    cuts = []
    for run in np.split(close, np.flatnonzero(np.diff(close) > _HOLE_FRAMES + 1) + 1):
        low, high = int(run[0]), int(run[-1]) + 1
        middle = low + int(np.argmax(crowd[low:high]))
        cuts += [middle, *range(middle + long_steps, high, long_steps), *range(middle - long_steps, low, -long_steps)]
    return [cut for cut in cuts if 0 < cut < len(crowd)]
