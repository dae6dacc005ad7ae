"""Which of those who are never detected for sure are people after all: the per-person network is asked.

The finder's score says little here: of a woman who sits behind a pole it is as low as of a poster. The per-person network,
which looks at the box alone, gives her 0.95 and more, the poster 0.34 to 0.94 and an air conditioner 0.05 to 0.44.

It says "a person" of a wall, too, while somebody passes before it. So it is asked in frames in which those who are followed
for sure are not in the box, as far as there are such frames: a wall and a pipe in Avenue 20 got 0.87 over all frames, 0.62
over these, and the people of that clip as much as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import HeightModel
from bodydouble.perception.geometry import areas, overlap_areas_of_pairs
from bodydouble.perception.people.judging import Judge
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.linking import is_too_tall
from bodydouble.scene import FrameSource, Progress

_LOOKS: Final = 7
"""In so many frames of a track its place is looked at, spread over its life: not in those with a detection, in which both
networks took it for a person."""
_OTHERS_SHARE: Final = 0.2
"""Of a box: with more of it covered by people who are followed for sure, the network may speak of them."""
_PRESENCE: Final = 0.9
"""Median probability of a person from which a track is believed."""


def only_believed(
    source: FrameSource,
    tracks: Sequence[Fragment],
    judge: object,
    progress: Progress,
    *,
    heights: HeightModel | None = None,
) -> tuple[Fragment, ...]:
    """The tracks that are sure, and of the others those that the per-person network takes for people.

    Reads the clip once if there are others.

    Args:
        source: the clip.
        tracks: boxes in frame pixels.
        judge: the per-person network; one that cannot tell whether there is a person leaves everything as it is.
        progress: told about every frame.
        heights: how tall people are where; None where that does not tell, as with a moving camera.
    """
    if not any(track.weak for track in tracks) or not isinstance(judge, Judge):
        return tuple(tracks)
    sure = [track for track in tracks if not track.weak]
    steps = {number: _steps_to_ask(track, sure, heights) for number, track in enumerate(tracks) if track.weak}
    asked: dict[int, list[tuple[int, NDArray[np.float64]]]] = {}
    for number, chosen in steps.items():
        for step in chosen:
            asked.setdefault(int(tracks[number].frames[step]), []).append((number, tracks[number].boxes[step]))
    said: dict[int, list[float]] = {number: [] for number in steps}
    progress.start("who is never sure", max(asked, default=-1) + 1)
    for frame in source.frames(0, max(asked, default=-1) + 1):
        if frame.index in asked:
            boxes = np.stack([box for _, box in asked[frame.index]]).astype(np.float32)
            for (number, _), presence in zip(asked[frame.index], judge.presence(frame.rgb, boxes), strict=True):
                said[number].append(float(presence))
        progress.advance()
    progress.finish()
    return tuple(
        track
        for number, track in enumerate(tracks)
        if number not in said or (said[number] and np.median(said[number]) >= _PRESENCE)
    )


def _steps_to_ask(track: Fragment, sure: Sequence[Fragment], heights: HeightModel | None) -> list[int]:
    """Rows of a doubted track in which the network is asked; none if it is nobody in any case.

    Where others are in the box nearly all the time, nothing tells their presence from somebody's behind them, and the
    network is asked all the same; but a box too tall for one person then holds one of these and a thing above them.
    """
    free = np.flatnonzero(_covered_by(track, sure) < _OTHERS_SHARE)
    if len(free) < min(_LOOKS, len(track)):
        if heights is not None and heights.close and is_too_tall(track, heights):
            return []
        free = np.arange(len(track))
    looks = np.unique(np.linspace(0, len(free) - 1, _LOOKS).round().astype(int))
    return [int(step) for step in free[looks]]


def _covered_by(track: Fragment, others: Sequence[Fragment]) -> NDArray[np.float64]:
    """Share of the box of each row, (time,), that lies within boxes of others, added up; tracks without gaps."""
    covered = np.zeros(len(track))
    for other in others:
        first, last = max(track.frames[0], other.frames[0]), min(track.frames[-1], other.frames[-1])
        if first <= last:
            mine = slice(int(first - track.frames[0]), int(last - track.frames[0]) + 1)
            theirs = slice(int(first - other.frames[0]), int(last - other.frames[0]) + 1)
            covered[mine] += overlap_areas_of_pairs(track.boxes[mine], other.boxes[theirs])
    return np.asarray(covered / np.maximum(areas(track.boxes), 1e-6))
