"""Identities put right where two people met: the rest of two tracks exchanged if looks say that they were mixed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas
from bodydouble.perception.tracking.likeness import MeanLook, mean_look, unlikeness
from bodydouble.perception.tracking.meetings import Piece, join_pieces

_MEETING: Final = 0.3
"""Share of the smaller box that two have in common when they meet."""
_APART_SECONDS: Final = 0.8
"""Meetings with a shorter pause between them are one: a detection may be missing while one hides the other."""
_MEMORY_SECONDS: Final = 6.0
"""Looks are compared over this long before and after a meeting."""
_LEAST_GAIN: Final = 1.5
"""Gain in log likelihood from which an exchange is made; the tracker has seen motion that looks know nothing of."""
_LEAST_TRUST: Final = 0.7
_MOST_EXCHANGES: Final = 200


@dataclass(frozen=True, kw_only=True)
class _Exchange:
    """Two tracks and the frame from which on they change places."""

    gain: float
    first: int
    second: int
    frame: int


def uncross(pieces: list[Piece], *, frames_per_second: float, middle: float) -> list[Piece]:
    """Exchange the rests of tracks at meetings, the clearest case first, until nothing is gained.

    Args:
        pieces: whole tracks.
        frames_per_second: of the clip.
        middle: see ``likeness.look_middle``.
    """
    current = list(pieces)
    done: set[tuple[int, int, int]] = set()
    for _ in range(_MOST_EXCHANGES):
        best: _Exchange | None = None
        for i in range(len(current)):
            for j in range(i + 1, len(current)):
                for frame, before, after in _meetings(current[i], current[j], frames_per_second):
                    gain = _gain(current[i], current[j], before, after, frames_per_second, middle)
                    if gain > (_LEAST_GAIN if best is None else best.gain) and (i, j, frame) not in done:
                        best = _Exchange(gain=gain, first=i, second=j, frame=frame)
        if best is None:
            break
        done.add((best.first, best.second, best.frame))
        one, two = current[best.first], current[best.second]
        current[best.first] = _spliced(one, two, best.frame)
        current[best.second] = _spliced(two, one, best.frame)
    return [piece for piece in current if len(piece.fragment)]


def _meetings(one: Piece, two: Piece, rate: float) -> list[tuple[int, int, int]]:
    """Frame of closest contact, and the frames before and after the two were together, of each meeting."""
    a, b = one.fragment, two.fragment
    if not len(a) or not len(b) or a.frames[0] > b.frames[-1] or b.frames[0] > a.frames[-1]:
        return []
    frames, at_a, at_b = np.intersect1d(a.frames, b.frames, assume_unique=True, return_indices=True)
    if len(frames) == 0:
        return []
    boxes_a, boxes_b = a.boxes[at_a], b.boxes[at_b]
    width = np.minimum(boxes_a[:, 2], boxes_b[:, 2]) - np.maximum(boxes_a[:, 0], boxes_b[:, 0])
    height = np.minimum(boxes_a[:, 3], boxes_b[:, 3]) - np.maximum(boxes_a[:, 1], boxes_b[:, 1])
    share = np.maximum(width, 0) * np.maximum(height, 0) / np.maximum(np.minimum(areas(boxes_a), areas(boxes_b)), 1e-9)
    close = np.flatnonzero(share >= _MEETING)
    if len(close) == 0:
        return []
    apart = max(2, round(_APART_SECONDS * rate))
    found = []
    for run in np.split(close, np.flatnonzero(np.diff(frames[close]) > apart) + 1):
        frame = int(frames[run[np.argmax(share[run])]])
        found.append((frame, int(frames[run[0]]), int(frames[run[-1]])))
    return found


def _gain(one: Piece, two: Piece, before: int, after: int, rate: float, middle: float) -> float:
    """How much likelier the looks become when the two change places between two frames."""
    memory = max(4, round(_MEMORY_SECONDS * rate))
    heads = [_stretch(piece, before - memory, before) for piece in (one, two)]
    tails = [_stretch(piece, after + 1, after + 1 + memory) for piece in (one, two)]
    kept = unlikeness(heads[0], tails[0], middle) + unlikeness(heads[1], tails[1], middle)
    swapped = unlikeness(heads[0], tails[1], middle) + unlikeness(heads[1], tails[0], middle)
    return kept - swapped


def _stretch(piece: Piece, start: int, stop: int) -> MeanLook | None:
    low, high = np.searchsorted(piece.fragment.frames, [start, stop])
    look = mean_look(piece.fragment.part(slice(low, high)), piece.clear[low:high])
    return look if look is not None and look.trust >= _LEAST_TRUST else None


def _spliced(head: Piece, tail: Piece, frame: int) -> Piece:
    """The one until a frame, the other from there on."""
    cut_head, cut_tail = (int(np.searchsorted(piece.fragment.frames, frame)) for piece in (head, tail))
    early = _part(head, slice(0, cut_head))
    late = _part(tail, slice(cut_tail, None))
    return join_pieces([piece for piece in (early, late) if len(piece.fragment)] or [early])


def _part(piece: Piece, rows: slice) -> Piece:
    clear: NDArray[np.bool_] = piece.clear[rows]
    return Piece(
        fragment=piece.fragment.part(rows),
        clear=clear,
        first_origin=piece.first_origin,
        last_origin=piece.last_origin,
    )
