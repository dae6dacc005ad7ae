"""Two tracks on one person: only one of them is played.

The boxes of twins may differ a good deal (one around the legs, one reaching too far up), but their joints lie on the same
limbs. The weaker twin stays in the bundle and keeps its silhouettes, so what it covers is still replaced by the plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import PersonTrack
from bodydouble.scene.skeleton import BODY_JOINTS

_NEAR_HEIGHTS: Final = 0.16
"""Mean distance of the joints of twins, in box heights; people side by side keep a third of a height."""
_SURE: Final = 0.2
"""Score from which a joint is compared."""
_LEAST_JOINTS: Final = 4
"""Joints that both must have."""
_LEAST_SHARED: Final = 0.6
"""Share of the weaker one's life that it must spend beside the other: who only passes by is somebody else."""
_LEAST_NEAR: Final = 0.6
"""Share of that time in which their joints must be near."""


def play_one_of_twins(tracks: Sequence[PersonTrack]) -> list[PersonTrack]:
    """The same tracks; where two are one person, the weaker one is not played while the other is there."""
    strongest_first = sorted(range(len(tracks)), key=lambda i: (-float(tracks[i].box_scores.sum()), i))
    result = list(tracks)
    for place, weak in enumerate(strongest_first):
        for strong in strongest_first[:place]:
            shared = _shared_steps(result[weak], result[strong])
            if shared is not None and result[strong].play.any():
                result[weak] = _silenced(result[weak], shared, result[strong])
                break
    return result


def _shared_steps(weak: PersonTrack, strong: PersonTrack) -> NDArray[np.int64] | None:
    """Steps of the weaker track in which the other is there, if they are one person."""
    _, mine, theirs = np.intersect1d(weak.frame_indices, strong.frame_indices, return_indices=True)
    if not weak.play.any() or len(mine) < _LEAST_SHARED * len(weak):
        return None
    body = list(BODY_JOINTS)
    both = (weak.joint_scores[mine][:, body] >= _SURE) & (strong.joint_scores[theirs][:, body] >= _SURE)
    apart = np.linalg.norm(weak.joints_xy_px[mine][:, body] - strong.joints_xy_px[theirs][:, body], axis=2)
    count = both.sum(axis=1)
    mean_px = np.where(both, apart, 0.0).sum(axis=1) / np.maximum(count, 1)
    heights = weak.boxes_xyxy_px[mine, 3] - weak.boxes_xyxy_px[mine, 1]
    near = (count >= _LEAST_JOINTS) & (mean_px < _NEAR_HEIGHTS * heights)
    return mine if near.mean() >= _LEAST_NEAR else None


def _silenced(track: PersonTrack, steps: NDArray[np.int64], other: PersonTrack) -> PersonTrack:
    play = track.play.copy()
    play[steps] = False
    reason = f"the same person as {other.track_id}"
    reason = f"{track.reason}; {reason}" if track.reason else reason
    # Of three on one person the strongest stands for all.
    return replace(track, play=play, reason=reason, twin_of=other.twin_of or other.track_id)
