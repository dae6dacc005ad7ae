"""How much of a person is visible, and who may be played: the sequence filter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PoseConfig
from bodydouble.perception.geometry import areas, overlap_areas
from bodydouble.scene.skeleton import BODY_JOINTS

_LEAST_JOINTS = 6
"""Fewer body joints than this are no skeleton."""
_SHORTEST_WINDOW = 8
"""A rest of a track shorter than this is judged together with the window before it."""


def sequence_filter(joint_scores: NDArray[np.float32], config: PoseConfig) -> tuple[NDArray[np.bool_], str]:
    """Which steps of a track may be played (paper, section 3.3).

    A window with more than ``filter_missing_share`` of its frames without a skeleton, or a mean joint score below
    ``filter_mean_score``, is painted out; unless windows before and after it are played and it has skeletons in
    ``filter_bridge_share`` of its frames: somebody is there, and a double that vanishes and comes back is worse than one
    that moves inexactly for a second.

    Args:
        joint_scores: (time, 18), 0 where a joint was not found.
        config: length of the windows and limits.

    Returns:
        play (time,) and the reason why not, empty when everything is played.
    """
    body = joint_scores[:, list(BODY_JOINTS)]
    steps = len(body)
    starts = list(range(0, steps, config.filter_window_frames))
    if len(starts) > 1 and steps - starts[-1] < _SHORTEST_WINDOW:
        starts.pop()
    parts = [body[start:stop] for start, stop in pairwise([*starts, steps])]
    skeletons = [(part > 0).sum(axis=1) >= _LEAST_JOINTS for part in parts]
    missing = [(~found).sum() > config.filter_missing_share * len(found) for found in skeletons]
    weak = [
        not gone and part[found].mean() < config.filter_mean_score
        for part, found, gone in zip(parts, skeletons, missing, strict=True)
    ]
    sound = np.flatnonzero(~(np.array(missing) | np.array(weak)))
    play = np.ones(steps, bool)
    painted = []
    for number, start in enumerate(starts):
        between = bool(len(sound)) and sound[0] < number < sound[-1]
        bridged = between and skeletons[number].mean() >= config.filter_bridge_share
        if (missing[number] or weak[number]) and not bridged:
            play[start : start + len(parts[number])] = False
            painted.append(number)
    reasons = []
    if any(missing[number] for number in painted):
        reasons.append(f"skeleton missing in more than {config.filter_missing_share:.0%} of frames")
    if any(weak[number] for number in painted):
        reasons.append(f"mean joint score below {config.filter_mean_score:g}")
    return play, "; ".join(reasons)


def visible_fractions(boxes_xyxy_px: NDArray[np.float64], width_px: int, height_px: int) -> NDArray[np.float32]:
    """Share of each person of one frame that is neither cut by the border nor behind somebody nearer.

    Nearer is who stands lower in the picture. Boxes stand in for bodies, so this errs towards hidden.

    Args:
        boxes_xyxy_px: (N, 4).
        width_px: of the frame.
        height_px: of the frame.

    Returns:
        (N,) 0 to 1.
    """
    count = len(boxes_xyxy_px)
    if count == 0:
        return np.zeros(0, np.float32)
    limits = np.array([width_px, height_px, width_px, height_px], np.float64)
    seen = np.clip(boxes_xyxy_px, 0, limits)
    whole = np.maximum(areas(boxes_xyxy_px), 1e-6)
    in_frame = areas(seen)
    hidden = overlap_areas(seen, seen)
    nearer = boxes_xyxy_px[None, :, 3] > boxes_xyxy_px[:, None, 3]
    worst = np.where(nearer, hidden, 0.0).max(axis=1) if count > 1 else np.zeros(1)
    return np.clip((in_frame - worst) / whole, 0.0, 1.0).astype(np.float32)
