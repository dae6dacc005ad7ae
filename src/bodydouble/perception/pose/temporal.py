"""Joints of one track over time: left and right, outliers, gaps, smoothing without lag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import JOINT_INDEX, MIRRORED, NUM_JOINTS

_PAIRED = np.array([j for j in range(NUM_JOINTS) if MIRRORED[j] != j])
_LIMB_PAIRED = np.array([j for j in range(14) if MIRRORED[j] != j])
_JUMP_LIMIT = 0.35
"""Distances above this share of the body height count no more: a wild joint must not decide about left and right."""
_OUTLIER_SHARE = 0.16
"""A joint this share of the body height away from the median of its neighbours in time is taken for wrong."""


def refine_joints(
    joints: NDArray[np.float32],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float64],
    *,
    lowest_score: float,
    max_gap: int,
    sigma_frames: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the joints of a track consistent over time.

    Args:
        joints: (time, 18, 2) pixels, consecutive frames.
        scores: (time, 18).
        boxes: (time, 4) in the same pixels.
        lowest_score: joints below count as not found.
        max_gap: longest gap, in frames, that is interpolated.
        sigma_frames: standard deviation of the smoothing.

    Returns:
        joints (time, 18, 2) with NaN where not found, scores (time, 18) with 0 there.
    """
    points = joints.astype(np.float64).copy()
    trust = scores.astype(np.float64).copy()
    centre = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    flip = swapped_frames(points, trust, centre, height, lowest_score)
    points[flip] = points[flip][:, list(MIRRORED)]
    trust[flip] = trust[flip][:, list(MIRRORED)]
    # Smoothing happens relative to the box, so that walking itself is no motion to be damped.
    local = (points - centre[:, None]) / height[:, None, None]
    trust[trust < lowest_score] = 0.0
    trust[_outliers(local, trust)] = 0.0
    out = np.full_like(local, np.nan)
    level = np.zeros_like(trust)
    for joint in range(NUM_JOINTS):
        out[:, joint], level[:, joint] = _smooth_joint(local[:, joint], trust[:, joint], max_gap, sigma_frames)
    frame = out * height[:, None, None] + centre[:, None]
    return frame.astype(np.float32), level.astype(np.float32)


def swapped_frames(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    centre: NDArray[np.float64],
    height: NDArray[np.float64],
    lowest_score: float,
) -> NDArray[np.bool_]:
    """Frames whose left and right joints must change places.

    The cheapest sequence of (as found, swapped) by dynamic programming: neighbouring frames shall agree joint by
    joint, the person's right shoulder and hip shall lie on the side that the walking direction says, and a frame is
    left alone when in doubt.
    """
    steps = len(points)
    if steps < 2:
        return np.zeros(steps, bool)
    local = (points - centre[:, None]) / height[:, None, None]
    usable = (scores >= lowest_score)[:, _LIMB_PAIRED]
    kept = local[:, _LIMB_PAIRED]
    mirror = np.array([MIRRORED[j] for j in _LIMB_PAIRED])
    mirrored, mirrored_usable = local[:, mirror], (scores >= lowest_score)[:, mirror]
    same = _disagreement(kept[:-1], usable[:-1], kept[1:], usable[1:])
    cross = _disagreement(kept[:-1], usable[:-1], mirrored[1:], mirrored_usable[1:])
    unary = _facing_cost(local, scores, centre, height, lowest_score)
    total = np.zeros((steps, 2))
    origin = np.zeros((steps, 2), np.int64)
    total[0] = unary[0]
    for step in range(1, steps):
        for state in (0, 1):
            options = total[step - 1] + np.where(np.arange(2) == state, same[step - 1], cross[step - 1])
            origin[step, state] = int(options.argmin())
            total[step, state] = options.min() + unary[step, state]
    state = int(total[-1].argmin())
    flips = np.zeros(steps, bool)
    for step in range(steps - 1, -1, -1):
        flips[step] = state == 1
        state = int(origin[step, state])
    return flips


def _disagreement(
    first: NDArray[np.float64], use_first: NDArray[np.bool_], second: NDArray[np.float64], use_second: NDArray[np.bool_]
) -> NDArray[np.float64]:
    distance = np.minimum(np.linalg.norm(first - second, axis=2), _JUMP_LIMIT)
    both = use_first & use_second
    total: NDArray[np.float64] = np.where(both, distance, 0.0).sum(axis=1)
    return total


def _facing_cost(
    local: NDArray[np.float64],
    scores: NDArray[np.float64],
    centre: NDArray[np.float64],
    height: NDArray[np.float64],
    lowest_score: float,
) -> NDArray[np.float64]:
    """(time, 2) cost of leaving a frame as found, and of swapping it."""
    steps = len(local)
    reach = max(1, min(8, steps - 1))
    low, high = np.maximum(np.arange(steps) - reach, 0), np.minimum(np.arange(steps) + reach, steps - 1)
    down = (centre[high, 1] - centre[low, 1]) / (height * np.maximum(high - low, 1))
    # Walking towards the camera (down the picture) the right shoulder lies left of the left one.
    certainty = np.clip(down / 0.01, -1.0, 1.0)
    cost = np.zeros((steps, 2))
    for right, left in (("right_shoulder", "left_shoulder"), ("right_hip", "left_hip")):
        r, l_ = JOINT_INDEX[right], JOINT_INDEX[left]
        seen = (scores[:, r] >= lowest_score) & (scores[:, l_] >= lowest_score)
        side = np.clip(local[:, r, 0] - local[:, l_, 0], -0.15, 0.15)
        wrong = np.where(seen, side * certainty, 0.0)
        cost[:, 0] += np.maximum(wrong, 0)
        cost[:, 1] += np.maximum(-wrong, 0)
    # The network's own opinion: a swap must be worth something.
    cost[:, 1] += 0.02
    return cost


def _outliers(local: NDArray[np.float64], trust: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(time, 18) True where a joint is far from the median of the frames around it (Hampel 1974, fixed scale)."""
    steps = len(local)
    wild = np.zeros(trust.shape, bool)
    if steps < 5:
        return wild
    hidden = np.where((trust > 0)[..., None], local, np.nan)
    padded = np.concatenate([np.full((3, *hidden.shape[1:]), np.nan), hidden, np.full((3, *hidden.shape[1:]), np.nan)])
    around = np.stack([padded[k : k + steps] for k in range(7)])
    enough = np.isfinite(around[..., 0]).sum(axis=0) >= 4
    ordered = np.sort(around, axis=0)
    middle = np.maximum(np.isfinite(around[..., 0]).sum(axis=0) - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[None, :, :, None], axis=0)[0]
    distance = np.linalg.norm(np.where(enough[..., None], hidden - median, 0.0), axis=2)
    found: NDArray[np.bool_] = np.nan_to_num(distance) > _OUTLIER_SHARE
    return found


def _smooth_joint(
    local: NDArray[np.float64], trust: NDArray[np.float64], max_gap: int, sigma: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One joint: short gaps interpolated at half the score, then a line fitted around each frame."""
    steps = len(local)
    result, level = np.full((steps, 2), np.nan), np.zeros(steps)
    seen = np.flatnonzero(trust > 0)
    if len(seen) == 0:
        return result, level
    every = np.arange(steps)
    filled = np.stack([np.interp(every, seen, local[seen, k]) for k in (0, 1)], axis=1)
    position = np.searchsorted(seen, every)
    before = seen[np.maximum(position - 1, 0)]
    after = seen[np.minimum(position, len(seen) - 1)]
    between = (every >= seen[0]) & (every <= seen[-1]) & (after - before - 1 <= max_gap)
    usable = (trust > 0) | between
    level[usable] = np.where(trust > 0, trust, 0.5 * np.minimum(trust[before], trust[after]))[usable]
    radius = max(1, int(np.ceil(3 * sigma)))
    for step in np.flatnonzero(usable):
        low, high = max(0, int(step) - radius), min(steps, int(step) + radius + 1)
        times = np.arange(low, high, dtype=np.float64) - step
        kernel = level[low:high] * np.exp(-0.5 * (times / max(sigma, 1e-3)) ** 2)
        s0, s1, s2 = kernel.sum(), (kernel * times).sum(), (kernel * times**2).sum()
        bend = s0 * s2 - s1 * s1
        share = kernel * (s2 - s1 * times) / bend if bend > 1e-6 * s0 * s0 else kernel / s0
        result[step] = share @ filled[low:high]
    return result, level
