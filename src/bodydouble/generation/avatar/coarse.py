"""The first guess of a motion: which way the person faces and where in the step they are, over the whole track.

A hidden Markov model over 24 directions times 16 phases of the gait, decoded by Viterbi's algorithm. What is seen of a
frame is compared with the standing or walking body of every state, with left and right as labelled and exchanged; what
changes from frame to frame is the turn (slow) and the phase (at the cadence of the speed). So single mirrored or
wrong skeletons do not turn anybody round, and stretches without joints are walked through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.gait import amplitude_of, cycles_per_second, gait_angles
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, Floats, Skeleton, forward
from bodydouble.generation.avatar.smooth import smooth
from bodydouble.scene import MIRRORED

DIRECTIONS: Final = 24
PHASES: Final = 16
_LEVELS: Final = np.array([0.0, 0.4, 0.75, 1.0, 1.35])
"""Amplitudes of the gait that templates are made for."""
_NOISE_M: Final = 0.09
"""Joints against templates: noise of the joints and of the template's likeness together."""
_CAP: Final = 4.0
"""Most that one joint can cost, so that a gesture or a wrong joint does not decide alone."""
_SWAP_COSTS: Final = (0.0, 4.0, 4.0, 1.5)
"""Of exchanging left and right nowhere, above, below, everywhere. Networks mirror whole people more than halves."""
_HEADING_COST: Final = 2.0
_TURN_RAD_S: Final = np.deg2rad(110)
_LEGS: Final = np.array([8, 9, 10, 11, 12, 13])
_UPPER: Final = np.array([2, 3, 4, 5, 6, 7, 14, 15, 16, 17])
_MIDDLE: Final = np.array([0, 1])
_CHUNK: Final = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Coarse:
    """A first motion, one row per step."""

    yaw_rad: Floats
    """(T,), continuous over full turns."""
    phase_rad: Floats
    """(T,), increasing."""
    amplitude: Floats
    """(T,)."""
    swap_upper: NDArray[np.bool_]
    """(T,): left and right of shoulders, arms, eyes and ears are to be exchanged."""
    swap_legs: NDArray[np.bool_]
    """(T,): the same of hips and legs."""


def coarse_motion(evidence: Evidence, skeleton: Skeleton) -> Coarse:
    """Decode facing and phase."""
    amplitude = amplitude_of(evidence.speed)
    level = np.abs(amplitude[:, None] - _LEVELS).argmin(1)
    templates = _templates(skeleton, float(np.median(evidence.elevation_rad)))
    costs, swaps = _emissions(evidence, templates, level)
    directions = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    away = 1 - np.cos(directions[None] - evidence.heading_rad[:, None])
    costs += (_HEADING_COST * evidence.heading_weight[:, None] * away)[:, :, None]
    path = _decode(costs, evidence, amplitude)
    steps = np.arange(len(path))
    yaw = np.unwrap(directions[path[:, 0]])
    phase = np.unwrap(path[:, 1] * 2 * np.pi / PHASES)
    ones = np.ones(len(path))
    swap = swaps[steps, path[:, 0], path[:, 1]]
    return Coarse(
        yaw_rad=smooth(yaw, ones, evidence.step_s, 0.35),
        phase_rad=smooth(phase, ones, evidence.step_s, 0.30),
        amplitude=amplitude,
        swap_upper=(swap & 1) > 0,
        swap_legs=(swap & 2) > 0,
    )


def _templates(skeleton: Skeleton, elevation_rad: float) -> Floats:
    """(levels, DIRECTIONS, PHASES, 18, 2): joints in the picture, metres, about the root."""
    phases = np.arange(PHASES) * 2 * np.pi / PHASES
    directions = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    angles = gait_angles(phases[None, None, :], _LEVELS[:, None, None])
    angles = np.repeat(angles, DIRECTIONS, axis=1)
    angles[..., ANGLE_INDEX["yaw"]] = directions[None, :, None]
    joints = forward(skeleton, angles.reshape(-1, angles.shape[-1])).joints_m
    flat = joints @ projection(np.array([elevation_rad]))[0].T
    return np.asarray(flat.reshape(len(_LEVELS), DIRECTIONS, PHASES, *flat.shape[1:]))


def projection(elevation_rad: Floats) -> Floats:
    """(T, 2, 3): from the body frame to picture axes (x right, y down), seen from ``elevation_rad`` above."""
    zero, one = np.zeros_like(elevation_rad), np.ones_like(elevation_rad)
    rows = [[one, zero, zero], [zero, -np.sin(elevation_rad), -np.cos(elevation_rad)]]
    return np.moveaxis(np.array(rows), 2, 0)


def _emissions(evidence: Evidence, templates: Floats, level: NDArray[np.int64]) -> tuple[Floats, NDArray[np.uint8]]:
    """Cost of every state in every frame, (T, DIRECTIONS, PHASES), and which halves were exchanged for it (bits)."""
    count = len(level)
    costs = np.empty((count, DIRECTIONS, PHASES), np.float64)
    swaps = np.empty((count, DIRECTIONS, PHASES), np.uint8)
    mirrored = np.array(MIRRORED)
    for first in range(0, count, _CHUNK):
        rows = slice(first, min(first + _CHUNK, count))
        weight = evidence.weights[rows]
        seen = evidence.joints_px[rows] / evidence.scale_px_per_m[rows, None, None]
        shape = templates[level[rows]].reshape(len(weight), -1, 18, 2).astype(np.float32)
        total = np.maximum(weight.sum(1), 1e-6)[:, None]
        centre = (weight[..., None] * seen).sum(1) / total
        centre_shape = np.einsum("tj,tkjc->tkc", weight, shape) / total[..., None]
        shape = shape - centre_shape[:, :, None]
        each = []
        for order in (np.arange(18), mirrored):
            offset = (seen[:, order] - centre[:, None])[:, None]
            error = ((shape - offset.astype(np.float32)) ** 2).sum(-1) / (2 * _NOISE_M**2)
            each.append(weight[:, None, order] * np.minimum(error, _CAP))
        straight, crossed = each
        cost = straight[..., _MIDDLE].sum(-1)
        upper, legs = ((straight[..., g].sum(-1), crossed[..., g].sum(-1)) for g in (_UPPER, _LEGS))
        ways = np.stack([upper[i & 1] + legs[i >> 1] + _SWAP_COSTS[i] for i in range(4)])
        bits = ways.argmin(0).astype(np.uint8)
        cost = cost + ways.min(0)
        costs[rows] = cost.reshape(-1, DIRECTIONS, PHASES)
        swaps[rows] = bits.reshape(-1, DIRECTIONS, PHASES)
    return costs, swaps


def _decode(costs: Floats, evidence: Evidence, amplitude: Floats) -> NDArray[np.int64]:
    """The cheapest path, (T, 2): direction and phase."""
    count = len(costs)
    step = np.diff(evidence.times_s, prepend=evidence.times_s[0])
    turn_bins = _TURN_RAD_S * step / (2 * np.pi / DIRECTIONS) + 0.25
    expected = np.where(amplitude > 0, cycles_per_second(evidence.speed), 0.0) * step * PHASES
    reach = int(np.clip(np.ceil(expected.max() * 1.5), 2, PHASES // 2))
    turns, advances = np.arange(-2, 3), np.arange(0, reach + 1)
    total = costs[0].copy()
    back_turn = np.zeros((count, DIRECTIONS, PHASES), np.int8)
    back_advance = np.zeros((count, DIRECTIONS, PHASES), np.int8)
    for t in range(1, count):
        turned = np.stack([np.roll(total, d, 0) + 0.5 * (d / turn_bins[t]) ** 2 for d in turns])
        pick = turned.argmin(0)
        best = np.take_along_axis(turned, pick[None], 0)[0]
        spread = 0.35 * expected[t] + 0.3
        moved = np.stack([np.roll(best, a, 1) + 0.5 * ((a - expected[t]) / spread) ** 2 for a in advances])
        pick_advance = moved.argmin(0)
        total = np.take_along_axis(moved, pick_advance[None], 0)[0] + costs[t]
        back_turn[t], back_advance[t] = turns[pick], advances[pick_advance]
    path = np.empty((count, 2), np.int64)
    direction, phase = np.unravel_index(int(total.argmin()), total.shape)
    path[-1] = direction, phase
    for t in range(count - 1, 0, -1):
        phase = (phase - int(back_advance[t, direction, phase])) % PHASES
        # The turn was chosen before the advance, so it is looked up at the phase stepped back to.
        direction = (direction - int(back_turn[t, direction, phase])) % DIRECTIONS
        path[t - 1] = direction, phase
    return path
