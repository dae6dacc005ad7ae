"""Does the outline of the double give away the build of the person: overlap of shapes, laid over one another.

Both outlines are scaled to the same height and laid over one another by their middle, so that size and place do not
count. Doubles keep the pose, so some overlap is meant: the same pose of another person is not at hand, so chance is
taken as the overlap with doubles of other people, in whatever pose.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import spread
from bodydouble.evaluation.measures.identities import identities
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.seen_again import tracks_seen_again
from bodydouble.scene import MaskStack

SIDE_PX: Final[int] = 64
_MOST_OF_TRACK: Final[int] = 24
_LEAST_PX: Final[int] = 60
"""Smaller outlines have no shape."""
_LEAST_VISIBLE: Final[float] = 0.8
_KEY: Final[str] = "privacy.silhouette.iou"

Shape = npt.NDArray[np.bool_]
"""(64, 64)."""


def aligned(mask: npt.NDArray[np.bool_]) -> Shape | None:
    """An outline scaled to 64 px of height, its middle (mean column) in the middle; None where it is too small."""
    import cv2

    if np.count_nonzero(mask) < _LEAST_PX:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    body = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = max(1, round(body.shape[1] * SIDE_PX / body.shape[0]))
    scaled = cv2.resize(body.astype(np.float32), (width, SIDE_PX), interpolation=cv2.INTER_AREA) >= 0.5
    if not scaled.any():
        return None
    shape = np.zeros((SIDE_PX, SIDE_PX), dtype=np.bool_)
    left = round(SIDE_PX / 2 - (float(np.mean(np.nonzero(scaled)[1])) + 0.5))
    first, last = max(0, left), min(SIDE_PX, left + width)
    shape[:, first:last] = scaled[:, first - left : last - left]
    return shape


def overlap(one: Shape, other: Shape) -> float:
    """Intersection over union, 0 to 1."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 0.0


class Silhouettes:
    """Overlap of a person's outline with their double's."""

    name: Final = "silhouettes"

    def start(self, clip: PairedClip) -> _Outlines:
        """Begin with a clip."""
        return _Outlines(clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Mean overlap; chance is the overlap with doubles of others."""
        looked = tally.counts.get("with_result", 0) or not tally.counts.get("clips", 0)
        return (
            share_figure(
                tally,
                _KEY,
                label="outline of person and double: mean overlap after alignment",
                group="privacy",
                better="chance",
                absent="nobody seen both in the original and in the result, beside somebody else"
                if looked
                else "nobody looked for people in the result",
                note="chance: doubles of other people, whose pose differs too; a kept pose alone lifts the value above it",
            ),
        )


class _Outlines:
    def __init__(self, clip: PairedClip) -> None:
        self._clip = clip

    def see(self, pair: FramePair) -> None:
        """Outlines are in the bundles."""

    def finish(self) -> Tally:
        shares = Shares(measure=Silhouettes.name)
        shares.count("clips")
        if self._clip.result_bundle is not None:
            shares.count("with_result")
            self._compare(shares, self._pairs())
        return shares.tally()

    def _pairs(self) -> list[tuple[int, int, Shape, Shape]]:
        """Track id, frame, outline of the person, outline of the double."""
        result = self._clip.result_bundle
        assert result is not None
        who = identities(self._clip)
        by_id = {track.track_id: track for track in self._clip.bundle.tracks}
        pairs = []
        for track_id, rows in tracks_seen_again(self._clip.bundle, result).items():
            track = by_id[track_id]
            whole = [row for row in rows if track.visible_fraction[row[0]] >= _LEAST_VISIBLE]
            if track_id not in who:
                continue
            for place in spread(len(whole), _MOST_OF_TRACK):
                step, index, step_there = whole[place]
                person = _outline(track.silhouettes, step)
                double = _outline(result.tracks[index].silhouettes, step_there)
                if person is not None and double is not None:
                    pairs.append((track_id, int(track.frame_indices[step]), person, double))
        return pairs

    def _compare(self, shares: Shares, pairs: list[tuple[int, int, Shape, Shape]]) -> None:
        for place, (track_id, frame, person, double) in enumerate(pairs):
            others = [pair[3] for pair in pairs if pair[0] != track_id]
            if not others:
                continue
            # A few others, spread over all of them, are enough for a mean.
            chosen = np.unique((np.arange(8) * len(others) // 8 + place) % len(others))
            chance = float(np.mean([overlap(person, others[row]) for row in chosen]))
            value = overlap(person, double)
            shares.add(_KEY, f"{self._clip.name}:{track_id}", value, chance=chance)
            shares.cases.append(
                Case(
                    clip=self._clip.name,
                    frame_index=frame,
                    track_id=track_id,
                    badness=value,
                    what=f"the outlines of person and double overlap by {value:.2f}; with doubles of others {chance:.2f}",
                )
            )


def _outline(silhouettes: MaskStack, step: int) -> Shape | None:
    return aligned(silhouettes.mask(step))
