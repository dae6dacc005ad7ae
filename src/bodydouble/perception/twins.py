"""Two tracks on one person: only one of them is played.

The boxes of twins may differ a good deal (one around the legs, one reaching too far up), but their joints lie on the same
limbs. The weaker twin stays in the bundle and keeps its silhouettes, so what it covers is still replaced by the plate.

Tracks that are one person for most of a life are twins. Others lie on one person for a while, because one of them lost its
own. Where they do and are detected in turn, only one is played; two doubles in one place would show now one, now the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.runs import runs_of_true
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
_LEAST_RUN: Final = 3
"""Frames in a row in which joints must be near for two tracks to be on one person for a while."""
_BOTH_DETECTED: Final = 0.3
"""With a larger share of these frames in which both are detected, there are two people, and they are told apart."""
_EACH_DETECTED: Final = 0.2
"""With a smaller share in which one is detected, its person is hidden behind the other, and is played there."""


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


def play_one_in_one_place(tracks: Sequence[PersonTrack]) -> list[PersonTrack]:
    """The same tracks; where two are on one person for a while, the one that is detected less is not played meanwhile."""
    result = list(tracks)
    for one in range(len(tracks)):
        for other in range(one + 1, len(tracks)):
            for mine, theirs in _runs_together(result[one], result[other]):
                detected = result[one].box_scores[mine], result[other].box_scores[theirs]
                weak, steps, strong = (
                    (one, mine, other) if detected[0].sum() < detected[1].sum() else (other, theirs, one)
                )
                result[weak] = _unplayed(result[weak], steps, f"in one place with {result[strong].track_id}")
    return result


def _runs_together(one: PersonTrack, other: PersonTrack) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Steps of both tracks, run by run, in which both are played in one place and detected in turn."""
    _, mine, theirs = np.intersect1d(one.frame_indices, other.frame_indices, return_indices=True)
    if len(mine) == 0:
        return []
    near = _near(one, other, mine, theirs) & one.play[mine] & other.play[theirs]
    runs = []
    for first, last in runs_of_true(near):
        detected = np.stack([one.box_scores[mine[first:last]] > 0, other.box_scores[theirs[first:last]] > 0])
        in_turn = detected.mean(axis=1).min() >= _EACH_DETECTED and detected.all(axis=0).mean() <= _BOTH_DETECTED
        if last - first >= _LEAST_RUN and in_turn:
            runs.append((mine[first:last], theirs[first:last]))
    return runs


def _shared_steps(weak: PersonTrack, strong: PersonTrack) -> NDArray[np.int64] | None:
    """Steps of the weaker track in which the other is there, if they are one person."""
    _, mine, theirs = np.intersect1d(weak.frame_indices, strong.frame_indices, return_indices=True)
    if not weak.play.any() or len(mine) < _LEAST_SHARED * len(weak):
        return None
    return mine if _near(weak, strong, mine, theirs).mean() >= _LEAST_NEAR else None


def _near(
    weak: PersonTrack, strong: PersonTrack, mine: NDArray[np.int64], theirs: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n,): whether the joints of two tracks lie on the same limbs, in steps of theirs that belong to the same frames."""
    body = list(BODY_JOINTS)
    both = (weak.joint_scores[mine][:, body] >= _SURE) & (strong.joint_scores[theirs][:, body] >= _SURE)
    apart = np.linalg.norm(weak.joints_xy_px[mine][:, body] - strong.joints_xy_px[theirs][:, body], axis=2)
    count = both.sum(axis=1)
    mean_px = np.where(both, apart, 0.0).sum(axis=1) / np.maximum(count, 1)
    heights = weak.boxes_xyxy_px[mine, 3] - weak.boxes_xyxy_px[mine, 1]
    return np.asarray((count >= _LEAST_JOINTS) & (mean_px < _NEAR_HEIGHTS * heights))


def _silenced(track: PersonTrack, steps: NDArray[np.int64], other: PersonTrack) -> PersonTrack:
    # Of three on one person the strongest stands for all.
    twin_of = other.twin_of or other.track_id
    return replace(_unplayed(track, steps, f"the same person as {other.track_id}"), twin_of=twin_of)


def _unplayed(track: PersonTrack, steps: NDArray[np.int64], reason: str) -> PersonTrack:
    play = track.play.copy()
    play[steps] = False
    reasons = dict.fromkeys([*filter(None, track.reason.split("; ")), reason])
    return replace(track, play=play, reason="; ".join(reasons))
