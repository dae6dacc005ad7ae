"""How alike two stretches of tracks look, measured in the clip's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.meetings import Piece

_DEFAULT_MIDDLE: Final = 0.055
"""Distance of looks at which "same" and "other" are equally likely, where a clip has too little to say."""
_MIDDLE_RANGE: Final = (0.015, 0.12)
_SLOPE: Final = 2.2
"""Logarithm of the likelihood ratio per e-fold of distance, measured on clear boxes of PETS09-S2L1."""
_BEST: Final = -2.5
_WORST: Final = 4.5
"""Looks alone neither prove nor exclude: light and posture change them, and clothes repeat."""
_ENOUGH_STEPS: Final = 4
"""Clear steps that a look must be averaged over to count fully."""
_CROWDED_TRUST: Final = 0.4
_ENOUGH_PAIRS: Final = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanLook:
    """The look of one stretch."""

    look: NDArray[np.float64]
    """(NUM_LOOKS,) of length 1."""
    trust: float
    """0 to 1: less where somebody else was close, and for few steps."""


def mean_look(part: Fragment, clear: NDArray[np.bool_]) -> MeanLook | None:
    """The mean over clear steps, over all where hardly any is clear; None where no look is known."""
    if part.looks is None:
        return None
    known: NDArray[np.bool_] = np.asarray(np.isfinite(part.looks).all(axis=1))
    usable: NDArray[np.bool_] = known & clear
    trust = 1.0
    if usable.sum() < 2:
        usable, trust = known, _CROWDED_TRUST
    if not usable.any():
        return None
    mean = np.average(part.looks[usable].astype(np.float64), axis=0, weights=0.05 + part.scores[usable])
    trust *= min(1.0, float(usable.sum()) / _ENOUGH_STEPS)
    return MeanLook(look=mean / max(float(np.linalg.norm(mean)), 1e-9), trust=trust)


def unlikeness(first: MeanLook | None, second: MeanLook | None, middle: float) -> float:
    """Negative logarithm of how much likelier the two looks are for one person than for two; 0 where nothing is known."""
    if first is None or second is None:
        return 0.0
    distance = max(1.0 - float(first.look @ second.look), 1e-4)
    return float(np.clip(_SLOPE * np.log(distance / middle), _BEST, _WORST)) * min(first.trust, second.trust)


def look_middle(pieces: list[Piece]) -> float:
    """Distance of looks that divides "same" from "other" in this clip.

    The geometric mean of two medians: between the ends of one piece, and between pieces that are there together, who
    cannot be the same person. Clips in grey or of people in uniform have smaller distances than colourful ones.
    """
    same: list[float] = []
    known: list[tuple[int, int, NDArray[np.float64]]] = []
    for piece in pieces:
        part, third = piece.fragment, len(piece.fragment) // 3
        look = mean_look(part, piece.clear)
        if look is None or look.trust < 1.0:
            continue
        known.append((int(part.frames[0]), int(part.frames[-1]), look.look))
        early = mean_look(part.part(slice(0, third)), piece.clear[:third])
        late = mean_look(part.part(slice(len(part) - third, None)), piece.clear[len(part) - third :])
        if early is not None and late is not None and min(early.trust, late.trust) >= 1.0:
            same.append(1.0 - float(early.look @ late.look))
    other = [
        1.0 - float(look @ another)
        for k, (first, last, look) in enumerate(known)
        for start, stop, another in known[k + 1 :]
        if start <= last and stop >= first
    ]
    if min(len(same), len(other)) < _ENOUGH_PAIRS:
        return _DEFAULT_MIDDLE
    middle = float(np.sqrt(max(float(np.median(same)), 1e-4) * max(float(np.median(other)), 1e-4)))
    return float(np.clip(middle, *_MIDDLE_RANGE))
