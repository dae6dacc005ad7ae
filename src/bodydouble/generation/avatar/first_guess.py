"""Where the fit of a motion begins: what the lifting network makes of the track, and which joints are on the wrong side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.evidence import Evidence, body_height_m
from bodydouble.generation.avatar.gait import amplitude_of, cycles_per_second, gait_angles, stance
from bodydouble.generation.avatar.lift import NORMAL_HEIGHT_M, Lifter, lift
from bodydouble.generation.avatar.refine import Guess, limits_rad
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, Floats, Skeleton, forward
from bodydouble.generation.avatar.smooth import smooth
from bodydouble.generation.avatar.view import in_picture, projection
from bodydouble.runs import runs_of_true
from bodydouble.scene import MIRRORED

_NOISE_M: Final = 0.09
_CAP: Final = 4.0
_SWAP_COST: Final = 1.5
_SPLIT_COST: Final = 4.0
"""Networks mirror whole people more than halves."""
_SMOOTH_S: Final = 0.12
_STILL_SPEED: Final = 0.10
"""Body heights per second."""
_UPPER: Final = np.array([2, 3, 4, 5, 6, 7, 14, 15, 16, 17])
_LEGS: Final = np.array([8, 9, 10, 11, 12, 13])
_KNEES_AND_ANKLES: Final = np.array([9, 10, 12, 13])
_LIMB_COLUMNS: Final = np.array([column for name, column in ANGLE_INDEX.items() if "." in name])
_LATE_S: Final = 0.6
"""By so much the guess, which sees seconds at once, may be off about the moment of a turn."""
_UNSEEN_S: Final = 0.5
_ENOUGH: Final = 0.35
"""Of a sure knee or ankle, over about `_UNSEEN_S`: so much tells steps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstGuess:
    """A first motion, one row per step."""

    guess: Guess
    ankle_rad: Floats
    """(T, 2): angle of the left and right ankle while off the ground."""
    swap_upper: NDArray[np.bool_]
    """(T,): left and right of shoulders, arms, eyes and ears are to be exchanged."""
    swap_legs: NDArray[np.bool_]
    """(T,): the same of hips and legs."""


def first_guess(lifter: Lifter, evidence: Evidence, skeleton: Skeleton) -> FirstGuess:
    """Ask the network; its answer is smoothed a little, for the fit keeps departures from it smooth."""
    count = len(evidence.times_s)
    unit = evidence.scale_px_per_m * body_height_m(skeleton) / NORMAL_HEIGHT_M
    ground = np.concatenate([np.zeros((1, 2)), np.cumsum(evidence.ground_shift_px[:-1], 0)])
    middle = (evidence.boxes_px[:, :2] + evidence.boxes_px[:, 2:]) / 2
    # Sizes change along the way, so the way is added up from steps, each in metres of its own moment.
    steps = np.diff(middle - ground, axis=0) / unit[1:, None]
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, 0)])
    seen = (evidence.joints_px - middle[:, None]) / unit[:, None, None] + path[:, None]
    boxes = (evidence.boxes_px - np.tile(middle, 2)) / unit[:, None] + np.tile(path, 2)
    lifted = lift(
        lifter, times_s=evidence.times_s, joints_m=seen, weights=evidence.weights, boxes_m=boxes,
        box_weights=evidence.whole_box, elevation_rad=evidence.elevation_rad,
    )  # fmt: skip
    angles, planted = _stepping(
        evidence, smooth(lifted.angles, np.ones(count), evidence.step_s, _SMOOTH_S), lifted.planted
    )
    angles = np.clip(angles, *limits_rad())
    swap_upper, swap_legs = _swaps(evidence, skeleton, angles)
    both = smooth(planted.min(1), np.ones(count), evidence.step_s, 0.4)
    standing = ((both > 0.8) & (evidence.speed < _STILL_SPEED)).astype(float)
    ankles = np.stack([_hanging(angles, side) for side in "LR"], 1)
    return FirstGuess(
        guess=Guess(angles=angles, stance=planted, standing=standing), ankle_rad=ankles,
        swap_upper=swap_upper, swap_legs=swap_legs,
    )  # fmt: skip


def _stepping(evidence: Evidence, angles: Floats, planted: Floats) -> tuple[Floats, Floats]:
    """Steps at the cadence of the speed where no leg is seen: of what it is not told the network takes the mean."""
    count = len(angles)
    legs = np.minimum(evidence.weights[:, _KNEES_AND_ANKLES].sum(1), 1.0)
    told = np.clip(smooth(legs, np.ones(count), evidence.step_s, _UNSEEN_S) / _ENOUGH, 0, 1)
    amplitude = amplitude_of(evidence.speed)
    unseen = (1 - told) * (amplitude > 0)
    if not unseen.any():
        return angles, planted
    step_s = np.diff(evidence.times_s, prepend=evidence.times_s[0])
    phase = 2 * np.pi * np.cumsum(np.where(amplitude > 0, cycles_per_second(evidence.speed), 0.0) * step_s)
    walk = gait_angles(phase, amplitude)
    out = angles.copy()
    out[:, _LIMB_COLUMNS] += unseen[:, None] * (walk - angles)[:, _LIMB_COLUMNS]
    return out, planted + unseen[:, None] * (stance(phase, amplitude) - planted)


def _hanging(angles: Floats, side: str) -> Floats:
    """(T,): toes hang while the knee is bent behind and are lifted where the leg reaches forward (as in Winter 1991)."""
    knee, swing = angles[:, ANGLE_INDEX[f"knee.{side}"]], angles[:, ANGLE_INDEX[f"leg_swing.{side}"]]
    return np.asarray(np.clip(0.1 - 0.35 * np.clip(knee - swing, 0, 1), -0.3, 0.1))


def _swaps(evidence: Evidence, skeleton: Skeleton, angles: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where joints fit the guess better with left and right exchanged."""
    joints = forward(skeleton, angles).joints_m
    shape = in_picture(projection(evidence.elevation_rad), joints)
    seen = evidence.joints_px / evidence.scale_px_per_m[:, None, None]
    total = np.maximum(evidence.weights.sum(1), 1e-6)[:, None]
    shape = shape - ((evidence.weights[..., None] * shape).sum(1) / total)[:, None]
    seen = seen - ((evidence.weights[..., None] * seen).sum(1) / total)[:, None]
    each = []
    for order in (np.arange(18), np.array(MIRRORED)):
        error = ((shape - seen[:, order]) ** 2).sum(2) / (2 * _NOISE_M**2)
        each.append(evidence.weights[:, order] * np.minimum(error, _CAP))
    upper, legs = ((each[0][:, g].sum(1), each[1][:, g].sum(1)) for g in (_UPPER, _LEGS))
    ways = np.stack(
        [upper[0] + legs[0], upper[1] + legs[0] + _SPLIT_COST, upper[0] + legs[1] + _SPLIT_COST,
         upper[1] + legs[1] + _SWAP_COST]
    ).argmin(0)  # fmt: skip
    ways[late_turns(ways > 0, angles[:, 0], evidence.step_s)] = 0
    return (ways & 1) > 0, (ways & 2) > 0


def late_turns(swapped: NDArray[np.bool_], yaw_rad: Floats, step_s: float) -> NDArray[np.bool_]:
    """Where joints are not mirrored, but turn round a little earlier or later than the guess does, (T,).

    There the guess faces one way before the stretch and the other way after it. Around joints that are mirrored for a
    moment it goes on facing the same way.

    Args:
        swapped: (T,): where joints fit the guess better with left and right exchanged.
        yaw_rad: (T,) of the guess.
        step_s: seconds between frames.
    """
    away = np.cos(yaw_rad) < 0
    late = np.zeros(len(swapped), np.bool_)
    for begin, end in runs_of_true(swapped):
        if 0 < begin < end < len(swapped) and (end - begin) * step_s <= _LATE_S:
            late[begin:end] = away[begin - 1] != away[end]
    return late
