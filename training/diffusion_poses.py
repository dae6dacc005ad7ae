"""Poses and short movements for the renders of the small diffusion model, as angles of the avatar's bones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.gait import ankle_lift, gait_angles, stance
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES

Floats = NDArray[np.float64]

_ARMS: Final = ("arm_swing", "arm_out", "arm_twist", "elbow")
_SPREAD_RAD: Final = {"tilt": 0.04, "bend": 0.1, "bend_side": 0.05, "twist": 0.08, "nod": 0.15, "turn": 0.35}
"""How far trunk and head are off from person to person."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Script:
    """What a body does and how it is seen, one row per frame."""

    angles: Floats
    """(T, 25): see `bodydouble.generation.avatar.skeleton.ANGLES`."""
    elevation_rad: Floats
    """(T,)."""
    planted: Floats
    """(T, 2)."""
    ankle_rad: Floats
    """(T, 2)."""


def draw_moment(rng: np.random.Generator) -> Script:
    """A single pose: anything a skeleton may show, more widely than people usually move."""
    script = _walk(rng, np.zeros(1), usual_share=0.75)
    angles = script.angles
    kind = rng.random()
    if kind < 0.30:
        for side in "LR":
            if rng.random() < 0.7:
                _set_arm(angles, side, _wild_arm(rng))
    if kind < 0.08:
        angles += rng.normal(0, 0.15, angles.shape) * (np.arange(NUM_ANGLES) != ANGLE_INDEX["yaw"])
    if 0.30 < kind < 0.40:
        _sit_or_bend(angles, rng)
    return script


def draw_clip(rng: np.random.Generator, frames: int) -> Script:
    """A short movement: mostly a walk, some with gestures, some while turning round."""
    rate = float(np.exp(rng.uniform(np.log(8), np.log(30))))
    seconds = np.arange(frames) / rate
    script = _walk(rng, seconds, usual_share=0.8)
    if rng.random() < 0.35:
        for side in "LR":
            if rng.random() < 0.6:
                begin, end = _wild_arm(rng), _wild_arm(rng)
                way = 0.5 - 0.5 * np.cos(2 * np.pi * rng.uniform(0.2, 0.9) * seconds + rng.uniform(0, 6.28))
                _set_arm(script.angles, side, begin + (end - begin) * way[:, None] * rng.uniform(0, 1))
    if rng.random() < 0.08:
        _sit_or_bend(script.angles, rng)
    return script


def _walk(rng: np.random.Generator, seconds: Floats, *, usual_share: float) -> Script:
    """Walking, running or standing, with a person's own habits of trunk, head and arms."""
    kind = rng.random()
    amplitude = rng.uniform(0.5, 1.1) if kind < usual_share else rng.uniform(1.1, 1.5) if kind > 0.95 else 0.0
    cadence = rng.uniform(0.75, 1.1) + 0.5 * max(0.0, amplitude - 1)
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * cadence * seconds
    width = np.full(len(seconds), amplitude)
    angles = gait_angles(phase, width)
    turning = rng.normal(0, 0.25) if rng.random() < 0.8 else rng.normal(0, 1.5)
    angles[:, ANGLE_INDEX["yaw"]] = rng.uniform(-np.pi, np.pi) + turning * seconds
    for name, spread in _SPREAD_RAD.items():
        sway = 0.3 * np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * seconds + rng.uniform(0, 6.28))
        angles[:, ANGLE_INDEX[name]] += rng.normal(0, spread) * (1 + sway)
    for side in "LR":
        angles[:, ANGLE_INDEX[f"arm_out.{side}"]] += abs(rng.normal(0, 0.08))
        angles[:, ANGLE_INDEX[f"elbow.{side}"]] += abs(rng.normal(0, 0.2))
        angles[:, ANGLE_INDEX[f"leg_out.{side}"]] += abs(rng.normal(0, 0.04))
    elevation = rng.uniform(0, 0.45) if rng.random() < 0.75 else rng.uniform(0.45, 0.85)
    return Script(
        angles=angles, elevation_rad=np.full(len(seconds), elevation), planted=stance(phase, width),
        ankle_rad=ankle_lift(phase, width),
    )  # fmt: skip


def _wild_arm(rng: np.random.Generator) -> Floats:
    """Swing, out, twist and elbow of an arm: at the ear, on the hip, pointing, raised, or anything."""
    kind = rng.random()
    if kind < 0.2:
        return np.array([rng.uniform(0.4, 0.9), 0.25, -0.4, rng.uniform(2.0, 2.4)])
    if kind < 0.35:
        return np.array([rng.uniform(-0.4, 0.0), rng.uniform(0.4, 0.7), -0.8, rng.uniform(1.1, 1.6)])
    if kind < 0.5:
        return np.array([rng.uniform(1.2, 2.9), rng.uniform(0, 0.4), 0.0, rng.uniform(0, 0.6)])
    if kind < 0.6:
        return np.array([0.0, rng.uniform(1.0, 2.6), 0.0, rng.uniform(0, 1.2)])
    return np.array([rng.normal(0.2, 0.5), abs(rng.normal(0.1, 0.3)), rng.normal(-0.2, 0.4), rng.uniform(0, 2.2)])


def _set_arm(angles: Floats, side: str, arm: Floats) -> None:
    for column, name in enumerate(_ARMS):
        angles[:, ANGLE_INDEX[f"{name}.{side}"]] = arm[..., column]


def _sit_or_bend(angles: Floats, rng: np.random.Generator) -> None:
    """Seated, crouching, or stooping."""
    kind, u = rng.random(), rng.uniform
    hips, knees, trunk = (
        (u(1.2, 1.7), u(1.2, 1.7), u(-0.1, 0.4)) if kind < 0.5 else (u(1.6, 2.2), u(1.9, 2.5), u(0.1, 0.6))
    )
    if kind > 0.75:
        hips, knees, trunk = u(0, 0.3), u(0, 0.3), u(0.5, 1.3)
    for side in "LR":
        angles[:, ANGLE_INDEX[f"leg_swing.{side}"]] = hips + u(-0.15, 0.15)
        angles[:, ANGLE_INDEX[f"knee.{side}"]] = knees + u(-0.15, 0.15)
        angles[:, ANGLE_INDEX[f"leg_out.{side}"]] = u(0, 0.3)
        angles[:, ANGLE_INDEX[f"arm_swing.{side}"]] = u(0, 1.0)
        angles[:, ANGLE_INDEX[f"elbow.{side}"]] = u(0.2, 1.5)
    angles[:, ANGLE_INDEX["bend"]] += trunk
