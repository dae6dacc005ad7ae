"""Which of those who are never detected for sure are people after all: the per-person network is asked.

The finder's score says little here: of a woman who sits behind a pole it is as low as of a poster. The per-person network,
which looks at the box alone, gives her 0.95 and more, the poster 0.34 to 0.94 and an air conditioner 0.05 to 0.44.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.people.judging import Judge
from bodydouble.perception.tracking.base import Fragment
from bodydouble.scene import FrameSource, Progress

_LOOKS: Final = 7
"""In so many frames of a track its place is looked at, spread over its life: not in those with a detection, in which both
networks took it for a person."""
_PRESENCE: Final = 0.9
"""Median probability of a person from which a track is believed."""


def only_believed(
    source: FrameSource, tracks: Sequence[Fragment], judge: object, progress: Progress
) -> tuple[Fragment, ...]:
    """The tracks that are sure, and of the others those that the per-person network takes for people.

    Reads the clip once if there are others.

    Args:
        source: the clip.
        tracks: boxes in frame pixels.
        judge: the per-person network; one that cannot tell whether there is a person leaves everything as it is.
        progress: told about every frame.
    """
    doubted = [number for number, track in enumerate(tracks) if track.weak]
    if not doubted or not isinstance(judge, Judge):
        return tuple(tracks)
    asked: dict[int, list[tuple[int, NDArray[np.float64]]]] = {}
    for number in doubted:
        track = tracks[number]
        for step in np.unique(np.linspace(0, len(track) - 1, _LOOKS).round().astype(int)).tolist():
            asked.setdefault(int(track.frames[step]), []).append((number, track.boxes[step]))
    said: dict[int, list[float]] = {number: [] for number in doubted}
    progress.start("who is never sure", max(asked) + 1)
    for frame in source.frames(0, max(asked) + 1):
        if frame.index in asked:
            boxes = np.stack([box for _, box in asked[frame.index]]).astype(np.float32)
            for (number, _), presence in zip(asked[frame.index], judge.presence(frame.rgb, boxes), strict=True):
                said[number].append(float(presence))
        progress.advance()
    progress.finish()
    return tuple(
        track for number, track in enumerate(tracks) if number not in said or np.median(said[number]) >= _PRESENCE
    )
