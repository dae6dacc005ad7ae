"""Motion that keeps the action and the way, and changes the habits a walk is known by.

People are told apart by their rhythm, the swing of their arms and how they hold themselves (Cunado et al. 2003,
"Automatic extraction and description of human gait models for recognition purposes"; Stevenage et al. 1999, "Visual
analysis of gait as a cue to identity"). Each double gets habits of its own, drawn from its seed and smooth over time:

* Legs and arms run early or late by up to ``MOST_SHIFT_S``, each by its own slow curve, so no event moves by more.
* Trunk, head and arms are held otherwise, and swing wider or narrower, each angle by at most `most_change_rad`.

The root's path is not touched. Feet go to the very places in the picture where they went before, only earlier or later:
whatever stood still there still does, and legs are bent so that the ankles reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

from bodydouble.generation.avatar.refine import limits_rad, per_angle
from bodydouble.generation.avatar.skeleton import (
    ANGLE_INDEX,
    ANGLES,
    NUM_ANGLES,
    Floats,
    Skeleton,
    forward,
    joint_jacobian,
)
from bodydouble.generation.avatar.smooth import smooth
from bodydouble.generation.avatar.view import in_picture, projection
from bodydouble.seeds import derive_seed

MOST_SHIFT_S: Final = 0.10
"""No step or gesture comes earlier or later by more, seconds."""
_MOST_STRENGTH_OF_SHIFT: Final = 1.5
"""Time must not run backwards, and actions are to stay where they are; only postures go further with strength."""
_MOST_CHANGE_DEG: Final[dict[str, float]] = {
    "yaw": 0, "tilt": 6, "tilt_side": 2.5, "bend": 9, "bend_side": 4, "twist": 8, "nod": 12, "nod_side": 5, "turn": 8,
    "arm_swing": 24, "arm_out": 12, "arm_twist": 18, "elbow": 32, "leg_swing": 0, "leg_out": 0, "leg_twist": 4,
    "knee": 0,
}  # fmt: skip
"""Legs follow from the feet. Yaw stays: who walks one way and faces another does something else."""
_LEAST_GAIN: Final = 0.55
_MOST_GAIN: Final = 1.6
_HABIT_S: Final = 1.6
"""What lasts longer is how a body is held, what is shorter is movement."""
_PERIODS_S: Final = (4.0, 11.0)
"""Slowest and fastest of the curves by which habits wander."""
_CALM_S: Final = 0.5
"""At the ends of a track shifts fade, since nothing is known beyond."""
_DEPTH_SPREAD_M: Final = 0.15
_REACH_SPREAD_M: Final = 0.004
_LEG_SPREAD_RAD: Final = 0.5
_ROUNDS: Final = 8
_FEET: Final = (13, 10)
"""Joints of the left and right ankle."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """What is changed of a motion, one row per step."""

    angles: Floats
    """(T, 25)."""
    planted: Floats
    """(T, 2)."""
    ankle_rad: Floats
    """(T, 2)."""


def most_change_rad() -> Floats:
    """(25,): how far each angle is changed at most, beyond its shift in time; legs are bent as the feet need."""
    return np.deg2rad(per_angle(_MOST_CHANGE_DEG))


def shift_s(times_s: Floats, seed: int, part: str) -> Floats:
    """(T,): by how many seconds a part of the body is ahead; time never runs backwards."""
    wave = _wander(times_s - times_s[0], derive_seed(seed, "shift", part))
    ends = np.minimum(times_s - times_s[0], times_s[-1] - times_s) / _CALM_S
    return np.asarray(MOST_SHIFT_S * wave * _eased(ends))


def play_privately(
    skeleton: Skeleton, played: Played, *, times_s: Floats, root_px: Floats, scale_px_per_m: Floats,
    elevation_rad: Floats, ground_px: Floats, seed: int, strength: float = 1.0,
) -> Played:  # fmt: skip
    """Give a fitted motion other habits.

    Args:
        skeleton: the double's bones.
        played: the motion fitted to the joints.
        times_s: (T,) seconds, rising.
        root_px: (T, 2) the root's place in the picture; stays.
        scale_px_per_m: (T,).
        elevation_rad: (T,).
        ground_px: (T, 2): where a place on the ground that was at 0 in the first frame is seen (camera motion).
        seed: the double's own.
        strength: by which all bounds are multiplied.
    """
    if len(times_s) < 3:
        return played
    legs = times_s + min(strength, _MOST_STRENGTH_OF_SHIFT) * shift_s(times_s, seed, "legs")
    arms = times_s + min(strength, _MOST_STRENGTH_OF_SHIFT) * shift_s(times_s, seed, "arms")
    angles = _at(arms, times_s, played.angles)
    leg_columns = [index for index, name in enumerate(ANGLES) if name.startswith(("leg_", "knee"))]
    angles[:, leg_columns] = _at(legs, times_s, played.angles[:, leg_columns])
    # Where the body faces and leans as a whole belongs to the way and to falls, which keep their time.
    whole = [ANGLE_INDEX[name] for name in ("yaw", "tilt", "tilt_side")]
    angles[:, whole] = played.angles[:, whole]
    angles = angles + _habits(angles, times_s, seed, strength)
    angles = np.clip(angles, *limits_rad())
    flat = projection(elevation_rad)
    before = in_picture(flat, forward(skeleton, played.angles).joints_m[:, _FEET])
    places = before * scale_px_per_m[:, None, None] + (root_px - ground_px)[:, None]
    goal_px = _at(legs, times_s, places.reshape(len(times_s), 4)).reshape(-1, 2, 2) + ground_px[:, None]
    goal_m = (goal_px - root_px[:, None]) / scale_px_per_m[:, None, None]
    return Played(
        angles=_reach(skeleton, angles, flat, goal_m),
        planted=np.clip(_at(legs, times_s, played.planted), 0, 1),
        ankle_rad=_at(legs, times_s, played.ankle_rad),
    )


def _habits(angles: Floats, times_s: Floats, seed: int, strength: float) -> Floats:
    """(T, 25): what is added to the angles."""
    step = float(np.median(np.diff(times_s)))
    held = smooth(angles, np.ones(len(angles)), step, _HABIT_S)
    most = strength * most_change_rad()
    rng = np.random.default_rng(derive_seed(seed, "habits"))
    # Both signs, seldom near the middle: a habit that hardly differs protects nobody.
    own = rng.choice([-1.0, 1.0], NUM_ANGLES) * rng.uniform(0.4, 0.85, NUM_ANGLES)
    gain = np.exp(min(strength, 1.0) * rng.uniform(np.log(_LEAST_GAIN), np.log(_MOST_GAIN), NUM_ANGLES))
    for name in ("arm_swing", "arm_out", "arm_twist", "elbow"):
        left, right = ANGLE_INDEX[f"{name}.L"], ANGLE_INDEX[f"{name}.R"]
        # People hold both arms much alike.
        own[right] = 0.7 * own[left] + 0.3 * own[right]
        gain[right] = gain[left] ** 0.7 * gain[right] ** 0.3
    raw = np.empty_like(angles)
    for column, name in enumerate(ANGLES):
        wander = _wander(times_s - times_s[0], derive_seed(seed, "habit", name))
        raw[:, column] = most[column] * (own[column] + 0.4 * wander)
    raw += np.where(most > 0, gain - 1, 0) * (angles - held)
    return np.asarray(most * np.tanh(raw / np.maximum(most, 1e-9)))


def _reach(skeleton: Skeleton, angles: Floats, flat: Floats, goal_m: Floats) -> Floats:
    """Legs bent so that the ankles are seen at (T, 2, 2) metres from the root; their depth stays about as it is."""
    angles = angles.copy()
    low, high = limits_rad()
    depth = forward(skeleton, angles).joints_m[:, _FEET, 1]
    for side, (foot, joint) in zip("LR", enumerate(_FEET), strict=False):
        columns = [ANGLE_INDEX[f"{name}.{side}"] for name in ("leg_swing", "leg_out", "knee")]
        start = angles[:, columns].copy()
        for _ in range(_ROUNDS):
            pose = forward(skeleton, angles)
            moves = joint_jacobian(pose)[:, joint][:, :, columns]
            seen = np.einsum("tij,tj->ti", flat, pose.joints_m[:, joint]) - goal_m[:, foot]
            deep = pose.joints_m[:, joint, 1] - depth[:, foot]
            rows = np.concatenate([flat @ moves / _REACH_SPREAD_M, moves[:, 1:2] / _DEPTH_SPREAD_M], 1)
            off = np.concatenate([seen / _REACH_SPREAD_M, deep[:, None] / _DEPTH_SPREAD_M], 1)
            aside = (angles[:, columns] - start) / _LEG_SPREAD_RAD**2
            square = rows.transpose(0, 2, 1) @ rows + np.eye(3) * (1 / _LEG_SPREAD_RAD**2 + 20.0)
            slope = (rows.transpose(0, 2, 1) @ off[..., None])[..., 0] + aside
            change = -np.linalg.solve(square, slope[..., None])[..., 0]
            angles[:, columns] = np.clip(angles[:, columns] + np.clip(change, -0.3, 0.3), low[columns], high[columns])
    return angles


def _wander(seconds: Floats, seed: int) -> Floats:
    """A slow curve between -1 and 1 that depends on nothing but time and seed."""
    rng = np.random.default_rng(seed)
    periods = np.exp(rng.uniform(np.log(_PERIODS_S[0]), np.log(_PERIODS_S[1]), 3))
    phases = rng.uniform(0, 2 * np.pi, 3)
    weights = np.array([0.45, 0.35, 0.2])
    return np.asarray((weights * np.sin(2 * np.pi * seconds[:, None] / periods + phases)).sum(1))


def _eased(share: Floats) -> Floats:
    """0 to 1 without corners."""
    part = np.clip(share, 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def _at(when_s: Floats, times_s: Floats, values: Floats) -> Floats:
    """Values between frames, without overshoot."""
    return np.asarray(PchipInterpolator(times_s, values)(np.clip(when_s, times_s[0], times_s[-1])))
