"""Which row of which track of the result shows the place where a track of the original is."""

from __future__ import annotations

from typing import Final

from bodydouble.evaluation.claims import claims_of
from bodydouble.evaluation.matching import match, overlaps
from bodydouble.scene import SceneBundle

LEAST_OVERLAP: Final[float] = 0.3
"""Doubles are of another build, and a figure in the way hides other parts of them."""


def tracks_seen_again(original: SceneBundle, result: SceneBundle) -> dict[int, list[tuple[int, int, int]]]:
    """Match people of the same frame by their boxes, one to one.

    Returns:
        By track id of the original, in order of frames: its row, index of the track in the result's bundle, row there.
    """
    index_of = {track.track_id: index for index, track in enumerate(result.tracks)}
    rows_of: dict[int, list[tuple[int, int, int]]] = {}
    for here, there in zip(claims_of(original, "people"), claims_of(result, "people"), strict=True):
        rows, columns = match(overlaps(here.boxes_xyxy_px, there.boxes_xyxy_px), LEAST_OVERLAP)
        for row, column in zip(rows, columns, strict=True):
            rows_of.setdefault(int(here.track_ids[row]), []).append(
                (int(here.steps[row]), index_of[int(there.track_ids[column])], int(there.steps[column]))
            )
    return rows_of
