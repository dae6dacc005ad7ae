"""Who continues whom: pieces of tracks joined over the whole clip by motion, size and looks.

Every round solves one assignment for all pieces at once (each piece has at most one predecessor and one successor, the
sum of costs is least), from short pauses to long ones, so that early joins give the later ones better motion and looks.
Costs are negative logarithms of likelihood ratios between "the same person" and "somebody else", roughly: a join pays
off below `_COST_LIMIT`. The idea of clip-wide association in stages is that of Huang, Wu and Nevatia (2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bodydouble.perception.geometry import iou, transform
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.likeness import MeanLook, mean_look, unlikeness
from bodydouble.perception.tracking.meetings import Piece, join_pieces

_FIT_SECONDS: Final = 1.0
"""Stretch at the end of a piece from which its velocity is taken."""
_PLACE_SIGMA: Final = 0.13
_PLACE_SIGMA_PER_SECOND: Final = 0.28
"""Error of a predicted place, in heights of the person: at once, and its growth with the pause."""
_PLACE_SIGMA_MOST: Final = 0.8
_SIZE_SIGMA: Final = 0.2
"""Error of the logarithm of the height."""
_PLACE_MOST: Final = 9.0
"""Beyond this cost of place or size two pieces are not one person, whatever they look like."""
_SAME_TRACK: Final = 1.5
"""What it is worth that the tracker, which has seen the steps between, went on from one to the other."""
_SAME_TRACK_SECONDS: Final = 0.1
"""Over a pause that trust fades e-fold in this time: the tracker saw no steps there either."""
_PAUSE_COST_PER_SECOND: Final = 0.25
_BORDER_COST_PER_SECOND: Final = 3.0
"""Whoever was last seen, or is first seen, at the border of the frame has left or come in: pauses there are dear."""
_BORDER_PX: Final = 2.0
_COST_LIMIT: Final = 4.0
"""A join must cost less; where either piece is a detection or two, which may be a stray, less in proportion."""
_FULL_SCORES: Final = 3.0
"""Sum of the scores of a piece from which on it is no stray."""
_OVERLAP_SECONDS: Final = 0.5
"""Two pieces of one person may both be there for this long, when a tracker lost and found somebody."""
_OVERLAP_IOU: Final = 0.3
_FORBIDDEN: Final = 1e6


@dataclass(frozen=True, kw_only=True, eq=False)
class Border:
    """Where the frame ends, for boxes in reference pixels."""

    to_reference: NDArray[np.float64]
    """(frames, 3, 3)."""
    width_px: int
    height_px: int

    def touches(self, frame: int, box: NDArray[np.float64]) -> bool:
        """True if a box (4,) reaches the border."""
        left, top, right, bottom = transform(box[None], np.linalg.inv(self.to_reference[frame]))[0]
        return bool(
            left <= _BORDER_PX
            or top <= _BORDER_PX
            or right >= self.width_px - _BORDER_PX
            or bottom >= self.height_px - _BORDER_PX
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _End:
    """What is known about one piece: its ends and its looks."""

    first_frame: int
    last_frame: int
    begin: NDArray[np.float64]
    backward: NDArray[np.float64]
    finish: NDArray[np.float64]
    forward: NDArray[np.float64]
    """Foot points (2,) and velocities (2,) in pixels a frame."""
    begin_height: float
    finish_height: float
    comes_in: bool
    goes_out: bool
    """The first and the last box touch the border of the frame."""
    look: MeanLook | None


def associate(
    pieces: list[Piece], *, pauses_frames: list[int], frames_per_second: float, middle: float, border: Border
) -> list[Piece]:
    """Join pieces of the same person.

    Args:
        pieces: in any order.
        pauses_frames: longest pause joined in each round, increasing.
        frames_per_second: of the clip.
        middle: see ``likeness.look_middle``.
        border: where the frame ends.

    Returns:
        Longer pieces, ordered by first frame.
    """
    current = [piece for piece in pieces if len(piece.fragment)]
    for pause in pauses_frames:
        while True:
            current.sort(key=_order)
            pairs = _best_pairs(current, pause, frames_per_second, middle, border)
            if not pairs:
                break
            current = _chained(current, pairs)
    return sorted(current, key=_order)


def _order(piece: Piece) -> tuple[int, float, float]:
    part = piece.fragment
    return int(part.frames[0]), float(part.boxes[0, 0]), float(part.boxes[0, 1])


def _chained(pieces: list[Piece], pairs: list[tuple[int, int]]) -> list[Piece]:
    follower = dict(pairs)
    followers = set(follower.values())
    chains = []
    for head in range(len(pieces)):
        if head in followers:
            continue
        chain = [head]
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
        chains.append(join_pieces([pieces[k] for k in chain]))
    return chains


def _best_pairs(pieces: list[Piece], pause: int, rate: float, middle: float, border: Border) -> list[tuple[int, int]]:
    """Pairs (earlier, later) to join: the assignment of least cost over the whole clip."""
    if len(pieces) < 2:
        return []
    ends = [_ends(piece, rate, border) for piece in pieces]
    firsts = np.array([end.first_frame for end in ends])
    lasts = np.array([end.last_frame for end in ends])
    gaps = firsts[None] - lasts[:, None]
    overlap = max(1, round(_OVERLAP_SECONDS * rate))
    possible = (gaps <= pause) & (gaps > -overlap) & (firsts[:, None] < firsts) & (lasts[:, None] < lasts)
    limits = _COST_LIMIT * np.minimum(1.0, [piece.fragment.scores.sum() / _FULL_SCORES for piece in pieces])
    # What a join saves; what is not worth one must not push aside what is, so every piece may also stay without a successor.
    saved = np.full(gaps.shape, -_FORBIDDEN)
    for i, j in zip(*np.nonzero(possible), strict=True):
        cost = _cost(pieces[i], pieces[j], ends[i], ends[j], rate, middle)
        saved[i, j] = min(limits[i], limits[j]) - cost
    stay = np.full(gaps.shape, -_FORBIDDEN)
    np.fill_diagonal(stay, 0.0)
    rows, columns = linear_sum_assignment(np.c_[saved, stay], maximize=True)
    chosen = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if j < len(pieces)]
    return [(i, j) for i, j in chosen if saved[i, j] >= 0]


def _cost(first: Piece, second: Piece, a: _End, b: _End, rate: float, middle: float) -> float:
    """How badly the second continues the first."""
    gap = b.first_frame - a.last_frame
    if gap <= 0:
        if not _run_together(first.fragment, second.fragment):
            return _FORBIDDEN
        place = 0.0
    else:
        place = _place_cost(a, b, gap, rate)
    size = 0.5 * (np.log(b.begin_height / a.finish_height) / _SIZE_SIGMA) ** 2
    if max(place, size) > _PLACE_MOST:
        return _FORBIDDEN
    total = place + min(size, 4.0) + _PAUSE_COST_PER_SECOND * max(gap - 1, 0) / rate
    if first.last_origin == second.first_origin:
        total -= _SAME_TRACK * float(np.exp(-max(gap - 1, 0) / (_SAME_TRACK_SECONDS * rate)))
    if a.goes_out or b.comes_in:
        total += _BORDER_COST_PER_SECOND * max(gap - 1, 0) / rate
    return float(total + unlikeness(a.look, b.look, middle))


def _place_cost(a: _End, b: _End, gap: int, rate: float) -> float:
    height = 0.5 * (a.finish_height + b.begin_height)
    # Going on as before, coming as after, and half of each: people turn where nobody sees them.
    meets = (
        a.finish + a.forward * gap - b.begin,
        b.begin - b.backward * gap - a.finish,
        a.finish + 0.5 * (a.forward + b.backward) * gap - b.begin,
    )
    distance = min(float(np.linalg.norm(m)) for m in meets) / height
    still = float(np.linalg.norm(a.finish - b.begin)) / height
    sigma = min(_PLACE_SIGMA + _PLACE_SIGMA_PER_SECOND * gap / rate, _PLACE_SIGMA_MOST)
    return float(0.5 * (min(distance, still + 0.1) / sigma) ** 2)


def _run_together(first: Fragment, second: Fragment) -> bool:
    _, at_first, at_second = np.intersect1d(first.frames, second.frames, return_indices=True)
    if len(at_first) == 0:
        return True
    alike = np.diag(iou(first.boxes[at_first], second.boxes[at_second]))
    return bool(alike.mean() >= _OVERLAP_IOU)


def _ends(piece: Piece, rate: float, border: Border) -> _End:
    part = piece.fragment
    begin, backward, begin_height = _motion(piece, rate, at_end=False)
    finish, forward, finish_height = _motion(piece, rate, at_end=True)
    return _End(
        first_frame=int(part.frames[0]),
        last_frame=int(part.frames[-1]),
        begin=begin,
        backward=backward,
        finish=finish,
        forward=forward,
        begin_height=begin_height,
        finish_height=finish_height,
        comes_in=border.touches(int(part.frames[0]), part.boxes[0]),
        goes_out=border.touches(int(part.frames[-1]), part.boxes[-1]),
        look=mean_look(part, piece.clear),
    )


def _motion(piece: Piece, rate: float, *, at_end: bool) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Foot point at one end of a piece, velocity there and height, by least squares; crowded steps count little."""
    part = piece.fragment
    anchor = part.frames[-1] if at_end else part.frames[0]
    near = np.abs(part.frames - anchor) <= max(3, round(_FIT_SECONDS * rate))
    boxes = part.boxes[near]
    feet = np.c_[0.5 * (boxes[:, 0] + boxes[:, 2]), boxes[:, 3]]
    weight = np.where(piece.clear[near], 1.0, 0.15) * (0.2 + part.scores[near])
    height = max(float(np.average(boxes[:, 3] - boxes[:, 1], weights=weight)), 1.0)
    times = (part.frames[near] - anchor).astype(np.float64)
    if near.sum() < 3:
        return feet[-1 if at_end else 0], np.zeros(2), height
    root = np.sqrt(weight)[:, None]
    solution, *_ = np.linalg.lstsq(np.c_[np.ones(len(times)), times] * root, feet * root, rcond=None)
    return solution[0], solution[1], height
