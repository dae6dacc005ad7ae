"""Joints of one track over time: left and right, outliers, gaps, smoothing without lag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene import JOINT_INDEX, MIRRORED, NUM_JOINTS

_MIRROR = np.array(MIRRORED)
_LIMBS_OF: dict[str, tuple[str, ...]] = {
    "body": ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"),
    "arms": ("shoulder", "elbow", "wrist"),
    "legs": ("hip", "knee", "ankle"),
}
"""Joints that change sides together. Networks mix up legs that pass each other more often than whole people."""
_FACING_WEIGHT = {"shoulder": 2.0, "hip": 2.0, "elbow": 1.0, "wrist": 0.6, "knee": 1.0, "ankle": 0.6}
"""What a joint's place tells about which side it is on: limbs swing, shoulders and hips do not."""
_FORESHORTENING = 0.35
"""Rows per column that a way on the ground takes in a picture from above; between eye level (0.1) and a roof (0.6)."""
_FOOT_LIFT = 0.05
"""Rows by which walking alone moves the lower edge of a box, in heights: that much is no way towards or away."""
_WALKED_HEIGHTS = 0.3
"""Way on the ground, in heights, from which the walking direction is certain."""
_WIDEST = 0.15
"""Right and left are no farther apart than this, in heights; beyond, a joint is wrong."""
_OPINION = 0.05
"""What the network's opinion about the side of a joint is worth, times the joint's score."""
_SEEN_SIDES = 1.5
"""The same besides for how far apart both sides are seen, over what the walking direction is worth there: whether somebody
shows face or back is seen better than where a box goes, which may change hands. With scores of 0.7 both are worth alike."""
_LIMB_OPINION = 0.015
"""The same for arms or legs alone: which of two legs is which is where networks guess (see `pairs`)."""
_BEND = 1.0
"""What a limb's change of velocity costs, in heights a frame: legs pass each other, they do not turn back."""
_STEP = 0.1
"""What a limb's way from frame to frame costs beside it; at most a quarter, or legs turn back where they should pass."""
_TIE = 1e-6
"""Where nothing at all speaks for a change there is none."""
_JUMP_LIMIT = 0.35
"""Distances above this share of the body height count no more: a wild joint must not decide about left and right."""
_OUTLIER_SHARE = 0.16
"""A joint this share of the body height away from the median of its neighbours in time is taken for wrong."""
_ALIKE = 0.06
"""Places of a joint farther apart than about this, in heights, are not averaged: half-way between two legs is no ankle."""
_SWING = 0.75
"""... and farther by this factor for each standard deviation of the smoothing in time: limbs swing."""
_STEADY = 8.0
"""Where and how tall somebody is is smoothed this many times as long as their joints."""


def refine_joints(
    joints: NDArray[np.float32],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float64],
    *,
    lowest_score: float,
    max_gap: int,
    sigma_frames: float,
    reach_frames: int = 8,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the joints of a track consistent over time.

    Args:
        joints: (time, 18, 2) pixels, consecutive frames.
        scores: (time, 18).
        boxes: (time, 4) in the same pixels.
        lowest_score: joints below count as not found.
        max_gap: longest gap, in frames, that is interpolated.
        sigma_frames: standard deviation of the smoothing.
        reach_frames: the walking direction is taken from this many frames before to as many after.

    Returns:
        joints (time, 18, 2) with NaN where not found, scores (time, 18) with 0 there.
    """
    points = joints.astype(np.float64).copy()
    trust = scores.astype(np.float64).copy()
    # Joints are looked at relative to the person, so that walking itself is no motion to be damped. Single boxes jump with
    # every step and overlap, and would hand their jumps on to the joints.
    steady = _steady(boxes, _STEADY * sigma_frames)
    centre = 0.5 * (steady[:, :2] + steady[:, 2:])
    height = np.maximum(steady[:, 3] - steady[:, 1], 1.0)
    ahead = _heading(boxes, height, reach_frames)
    for group in _LIMBS_OF:
        flip = swapped_frames(points, trust, centre, height, lowest_score, ahead, group)
        members = _members(group)
        points[np.ix_(flip, members)] = points[np.ix_(flip, _MIRROR[members])]
        trust[np.ix_(flip, members)] = trust[np.ix_(flip, _MIRROR[members])]
    local = (points - centre[:, None]) / height[:, None, None]
    trust[trust < lowest_score] = 0.0
    trust[_outliers(local, trust)] = 0.0
    out = np.full_like(local, np.nan)
    level = np.zeros_like(trust)
    for joint in range(NUM_JOINTS):
        out[:, joint], level[:, joint] = _smooth_joint(local[:, joint], trust[:, joint], max_gap, sigma_frames)
    frame = out * height[:, None, None] + centre[:, None]
    return frame.astype(np.float32), level.astype(np.float32)


def _steady(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Numbers (time, K) without what trembles: a line fitted around each frame."""
    around, inside, times = _around(len(values), sigma)
    kernel: NDArray[np.float64] = np.where(inside, np.exp(-0.5 * (times / max(sigma, 1e-3)) ** 2), 0.0)
    steady: NDArray[np.float64] = np.einsum("tw,twk->tk", _shares_of_line(kernel, times), values[around])
    return steady


def _around(steps: int, sigma: float) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Frames (time, N) up to three standard deviations from each, which of them there are, and how far off they are (N,)."""
    reach = max(1, int(np.ceil(3 * sigma)))
    offsets = np.arange(-reach, reach + 1)
    around = np.arange(steps)[:, None] + offsets
    inside = (around >= 0) & (around < steps)
    return np.clip(around, 0, steps - 1), inside, offsets.astype(np.float64)


def _shares_of_line(kernel: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(time, N) what each of N values has to say about the middle of a line through them; the mean where there is no line.

    Args:
        kernel: (time, N) weights.
        times: (N,) where the values lie, from the middle.
    """
    s0, s1, s2 = kernel.sum(axis=1), (kernel * times).sum(axis=1), (kernel * times**2).sum(axis=1)
    bend = s0 * s2 - s1 * s1
    line = bend > 1e-6 * s0 * s0
    shares: NDArray[np.float64] = np.where(
        line[:, None],
        kernel * (s2[:, None] - s1[:, None] * times) / np.where(line, bend, 1.0)[:, None],
        kernel / np.maximum(s0, 1e-12)[:, None],
    )
    return shares


def swapped_frames(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    centre: NDArray[np.float64],
    height: NDArray[np.float64],
    lowest_score: float,
    ahead: NDArray[np.float64],
    group: str = "body",
) -> NDArray[np.bool_]:
    """Frames in which the left and right joints of a group must change places.

    The cheapest sequence of (as found, swapped) by dynamic programming: neighbouring frames shall agree joint by
    joint, limbs shall move on as they moved, the person's right side shall lie where the walking direction says, and a
    frame is left alone when in doubt.

    Args:
        points: (time, 18, 2) pixels.
        scores: (time, 18).
        centre: (time, 2) of the boxes.
        height: (time,) of the boxes.
        lowest_score: joints below count as not found.
        ahead: (time, 2) way on the ground, see `_heading`.
        group: ``body``, ``arms`` or ``legs``.

    Returns:
        (time,) True where the sides must change.
    """
    steps = len(points)
    if steps < 2:
        return np.zeros(steps, bool)
    local = (points - centre[:, None]) / height[:, None, None]
    limbs = _paired(group)
    usable = (scores >= lowest_score)[:, limbs]
    # Both ways of reading each frame: (time, 2, joints).
    places = np.stack([local[:, limbs], local[:, _MIRROR[limbs]]], axis=1)
    seen = np.stack([usable, (scores >= lowest_score)[:, _MIRROR[limbs]]], axis=1)
    unary = _facing_cost(local, scores, lowest_score, ahead, group)
    pair = _way_cost(places, seen) * (1.0 if group == "body" else _STEP)
    triple = _bend_cost(places, seen) * (0.0 if group == "body" else _BEND)
    return _cheapest(unary, pair, triple)


def _cheapest(unary: NDArray[np.float64], pair: NDArray[np.float64], triple: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(time,) the sequence of two states that costs least, by dynamic programming over the last two of them.

    Args:
        unary: (time, 2) of a state.
        pair: (time - 1, 2, 2) of a state and the next.
        triple: (time - 2, 2, 2, 2) of three in a row.
    """
    steps = len(unary)
    total = unary[0][:, None] + unary[1][None] + pair[0]
    origin = np.zeros((steps, 2, 2), np.int64)
    for step in range(2, steps):
        options = total[:, :, None] + pair[step - 1][None] + triple[step - 2] + unary[step][None, None]
        origin[step] = options.argmin(axis=0)
        total = options.min(axis=0)
    before, last = (int(v) for v in np.unravel_index(int(total.argmin()), total.shape))
    flips = np.zeros(steps, bool)
    for step in range(steps - 1, 0, -1):
        flips[step] = last == 1
        before, last = int(origin[step, before, last]), before
    flips[0] = last == 1
    return flips


def _way_cost(places: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(time - 1, 2, 2) how far joints go from one reading of a frame to one of the next, in heights.

    Args:
        places: (time, 2, joints, 2) as found and swapped.
        seen: (time, 2, joints).
    """
    return _cost(places[1:, None] - places[:-1, :, None], seen[1:, None] & seen[:-1, :, None])


def _bend_cost(places: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(time - 2, 2, 2, 2) how much joints change their velocity over three readings; arguments as in `_way_cost`."""
    first, second, third = places[:-2, :, None, None], places[1:-1, None, :, None], places[2:, None, None]
    all_seen = seen[:-2, :, None, None] & seen[1:-1, None, :, None] & seen[2:, None, None]
    return _cost(third - 2 * second + first, all_seen)


def _cost(way: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum over joints of bounded lengths; (..., joints, 2) and (..., joints)."""
    length = np.minimum(np.linalg.norm(way, axis=-1), _JUMP_LIMIT)
    total: NDArray[np.float64] = np.where(counts, length, 0.0).sum(axis=-1)
    return total


def _heading(boxes: NDArray[np.float64], height: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """(time, 2) way on the ground, to the right and away from the camera, in heights over twice the reach."""
    steps = len(boxes)
    if steps < 2:
        return np.zeros((steps, 2))
    reach = max(1, min(reach, steps - 1))
    feet = np.c_[0.5 * (boxes[:, 0] + boxes[:, 2]), boxes[:, 3]]
    way = np.zeros((steps, 2))
    for step in range(steps):
        low, high = max(step - reach, 0), min(step + reach, steps - 1)
        # The slope of a line through all of them: single boxes jump with every step of the legs.
        times = np.arange(low, high + 1) - 0.5 * (low + high)
        way[step] = times @ feet[low : high + 1] / (times @ times) * 2 * reach / height[step]
    away = -np.sign(way[:, 1]) * np.maximum(np.abs(way[:, 1]) - _FOOT_LIFT, 0.0) / _FORESHORTENING
    ground: NDArray[np.float64] = np.c_[way[:, 0], away]
    return ground


def _facing_cost(
    local: NDArray[np.float64],
    scores: NDArray[np.float64],
    lowest_score: float,
    ahead: NDArray[np.float64],
    group: str,
) -> NDArray[np.float64]:
    """(time, 2) cost of leaving a frame as found, and of swapping it.

    Whoever walks away has the right side on the right. Whoever walks across has it nearer to or farther from the camera,
    which does not show in the places of joints: there the network's opinion stands. It stands, too, where it sees both
    sides well apart and is sure.
    """
    walked = np.hypot(ahead[:, 0], ahead[:, 1])
    rightward = ahead[:, 1] / np.maximum(walked, 1e-9)
    certainty = np.clip(walked / _WALKED_HEIGHTS, 0.0, 1.0)
    cost = np.zeros((len(local), 2))
    for name in _LIMBS_OF[group]:
        r, l_ = JOINT_INDEX[f"right_{name}"], JOINT_INDEX[f"left_{name}"]
        seen = (scores[:, r] >= lowest_score) & (scores[:, l_] >= lowest_score)
        apart = np.where(seen, local[:, r, 0] - local[:, l_, 0], 0.0)
        wrong = -_FACING_WEIGHT[name] * certainty * np.clip(apart * rightward, -_WIDEST, _WIDEST)
        cost[:, 0] += np.maximum(wrong, 0)
        cost[:, 1] += np.maximum(-wrong, 0)
        sure = np.minimum(scores[:, r], scores[:, l_])
        cost[:, 1] += _SEEN_SIDES * sure * _FACING_WEIGHT[name] * np.minimum(np.abs(apart), _WIDEST)
    cost[:, 1] += (_OPINION if group == "body" else _LIMB_OPINION) * scores[:, _paired(group)].sum(axis=1) + _TIE
    return cost


def _paired(group: str) -> NDArray[np.int64]:
    """The joints of a group, left and right."""
    return np.array([JOINT_INDEX[f"{side}_{name}"] for name in _LIMBS_OF[group] for side in ("right", "left")])


def _members(group: str) -> NDArray[np.int64]:
    """The joints that change places with a group: with the whole body eyes and ears as well."""
    return np.arange(NUM_JOINTS) if group == "body" else _paired(group)


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
    """One joint: short gaps interpolated at half the score, then a line fitted around each frame.

    Frames in which the joint is somewhere else altogether have no say, as in a bilateral filter (Tomasi and Manduchi 1998,
    "Bilateral filtering for gray and color images"): networks mistake one leg for the other, and a mean of both is wrong
    in every frame.
    """
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
    sigma = max(sigma, 1e-3)
    around, inside, times = _around(steps, sigma)
    stray = np.linalg.norm(filled[around] - filled[:, None], axis=2) / (_ALIKE * (1 + _SWING * np.abs(times) / sigma))
    kernel = inside * level[around] * np.exp(-0.5 * (times / sigma) ** 2 - 0.5 * stray**2)
    share = _shares_of_line(kernel, times)
    result[usable] = np.einsum("tw,twk->tk", share, filled[around])[usable]
    return result, level
