"""Motions of the body in joint angles, made up without end: what the lifting network of doubles learns from.

Angles are those of `bodydouble.generation.avatar.skeleton`. People walk, run, stand about, sit down, fall and get up,
ride, throw, stoop, kneel, crouch and take postures at random; no motion capture and no film is used. Everything is drawn
from a generator of random numbers that the caller seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.gait import gait_angles
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES, Skeleton, forward

Floats = NDArray[np.float64]
RATE_HZ = 12.5
"""Of the network; a motion of another frame rate is put on this grid."""
_SUPPORT_M = 0.02
_STILL_M_S = 0.4
_LOW_M = 0.10
_FEET = (13, 10)
_INDEX = ANGLE_INDEX


@dataclass(frozen=True, kw_only=True, eq=False)
class Motions:
    """A batch of motions of one body, in the world: x to the right of the picture, y away from the camera, z up."""

    angles: Floats
    """(N, T, 25); yaw 0 faces the camera."""
    joints_m: Floats
    """(N, T, 18, 3) about the root."""
    root_m: Floats
    """(N, T, 3)."""
    planted: Floats
    """(N, T, 2) of 0 and 1: the left and the right foot stand still."""


def curve(rng: np.random.Generator, steps: int, seconds: float, count: int | None = None) -> Floats:
    """(T,), or (T, count): smooth random curves of about unit spread that wander within ``seconds``."""
    knots = max(int(np.ceil(steps / RATE_HZ / seconds)) + 5, 5)
    at = (np.arange(steps) / RATE_HZ / seconds) + rng.random() + 1
    values = rng.normal(size=(knots, 1 if count is None else count))
    whole = np.clip(at.astype(int), 1, knots - 3)
    t = (at - whole)[:, None]
    a, b, c, d = (values[whole + k] for k in (-1, 0, 1, 2))
    # Catmull and Rom (1974).
    out = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.asarray(out[:, 0] if count is None else out)


def ease(share: Floats) -> Floats:
    """0 to 1 without corners."""
    part = np.clip(share, 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


_COLUMNS = {
    **{name.replace(".", "__"): [column] for name, column in ANGLE_INDEX.items()},
    **{
        name[:-2]: [ANGLE_INDEX[f"{name[:-2]}.L"], ANGLE_INDEX[f"{name[:-2]}.R"]]
        for name in ANGLE_INDEX if name.endswith(".L")
    },
}  # fmt: skip


def _set(angles: Floats, share: Floats, **values: Floats | float) -> None:
    """Mix values in, ``arm_swing__L`` for one side; a name without side sets both."""
    for name, value in values.items():
        for column in _COLUMNS[name]:
            angles[:, column] += share * (value - angles[:, column])


def _walk(rng: np.random.Generator, steps: int) -> Floats:
    """Walking with its habits, pauses and loads; also the start of other acts."""
    time = np.arange(steps) / RATE_HZ
    width = np.full(steps, rng.uniform(0.5, 1.25))
    if rng.random() < 0.3:
        begin, last = rng.uniform(-2, time[-1]), rng.uniform(1, 5)
        width = width * (1 - ease((time - begin) / 0.5) * (1 - ease((time - begin - last) / 0.5)))
    cadence = rng.uniform(0.65, 1.35) * (0.55 + 0.45 * width / max(width.max(), 1e-6))
    phase = 2 * np.pi * (rng.random() + np.cumsum(np.where(width > 0.05, cadence, 0.0)) / RATE_HZ)
    phase += 0.15 * curve(rng, steps, 1.5)
    angles = gait_angles(phase, width)
    legs = rng.uniform(0.85, 1.2)
    for side in "LR":
        angles[:, _INDEX[f"leg_swing.{side}"]] *= legs
        angles[:, _INDEX[f"knee.{side}"]] *= rng.uniform(0.8, 1.25)
        arm = _INDEX[f"arm_swing.{side}"]
        angles[:, arm] = angles[:, arm] * rng.uniform(0.2, 1.8) + rng.normal(0, 0.08)
        angles[:, _INDEX[f"elbow.{side}"]] += rng.uniform(-0.2, 0.5)
        if rng.random() < 0.15:  # Holds something.
            _set(
                angles,
                np.ones(steps),
                **{
                    f"elbow__{side}": rng.uniform(0.8, 2.2),
                    f"arm_swing__{side}": rng.uniform(-0.3, 0.7),
                    f"arm_out__{side}": rng.uniform(0, 0.4),
                    f"arm_twist__{side}": rng.uniform(-0.8, 0.4),
                },
            )
    return angles


def _stand(rng: np.random.Generator, steps: int) -> Floats:
    angles = gait_angles(np.zeros(steps), np.zeros(steps))
    for side in "LR":
        gestures = rng.random() < 0.4
        wide = 0.7 if gestures else 0.06
        pace = rng.uniform(0.4, 1.2)
        _set(
            angles,
            np.ones(steps),
            **{
                f"arm_swing__{side}": np.clip(0.4 * gestures + wide * curve(rng, steps, pace), -0.8, 2.8),
                f"arm_out__{side}": np.clip(0.12 + 0.4 * wide * np.abs(curve(rng, steps, pace)), -0.1, 1.8),
                f"elbow__{side}": np.clip(0.3 + 0.8 * gestures + wide * curve(rng, steps, pace), 0.05, 2.4),
                f"arm_twist__{side}": np.clip(-0.2 + wide * curve(rng, steps, pace), -1.2, 0.8),
                f"leg_out__{side}": rng.uniform(-0.03, 0.25),
                f"leg_swing__{side}": rng.normal(0, 0.08),
                f"knee__{side}": np.abs(0.05 + 0.08 * curve(rng, steps, 3)),
            },
        )
    return angles


def _run(rng: np.random.Generator, steps: int) -> Floats:
    phase = 2 * np.pi * (rng.random() + np.arange(steps) / RATE_HZ * rng.uniform(1.15, 1.6))
    angles = gait_angles(phase, np.full(steps, rng.uniform(1.3, 1.7)))
    high, back = rng.uniform(0.3, 0.8), rng.uniform(0.4, 1.1)
    for side, own in (("L", phase), ("R", phase + np.pi)):
        _set(
            angles,
            np.full(steps, rng.uniform(0.4, 1)),
            **{
                f"leg_swing__{side}": 0.25 + high * np.cos(own),
                f"knee__{side}": 0.35 + back * np.clip(-np.sin(own + 0.35), 0, 1) ** 1.3,
                f"arm_swing__{side}": -0.1 - high * np.cos(own),
                f"elbow__{side}": rng.uniform(1.1, 1.9),
            },
        )
    _set(angles, np.ones(steps), tilt=rng.uniform(0, 0.2), bend=rng.uniform(0, 0.2))
    return angles


def _sit(rng: np.random.Generator, steps: int) -> Floats:
    angles = _stand(rng, steps) if rng.random() < 0.5 else _walk(rng, steps)
    share = _begin(rng, steps, 0.9, always=0.5)
    if rng.random() < 0.2:
        share = 1 - share
    crossed = rng.random() < 0.15
    for side in "LR":
        _set(
            angles,
            share,
            **{
                f"leg_swing__{side}": rng.uniform(1.2, 1.75),
                f"knee__{side}": rng.uniform(0.9, 1.8),
                f"leg_out__{side}": rng.uniform(-0.05, 0.4),
                f"leg_twist__{side}": rng.uniform(-0.2, 0.4) + 0.1 * crossed,
                f"arm_swing__{side}": rng.uniform(0.1, 0.8),
                f"elbow__{side}": rng.uniform(0.4, 1.6),
                f"arm_twist__{side}": rng.uniform(-0.7, 0.2),
            },
        )
    _set(angles, share, tilt=rng.uniform(-0.25, 0.3), bend=rng.uniform(0, 0.6))
    return angles


def _begin(rng: np.random.Generator, steps: int, seconds: float, *, always: float = 0.0) -> Floats:
    """(T,) share of an act that begins some time, or has begun before."""
    if rng.random() < always:
        return np.ones(steps)
    time = np.arange(steps) / RATE_HZ
    return ease((time - rng.uniform(-0.5, time[-1] * 0.9)) / (seconds * rng.uniform(0.6, 1.6)))


def _fall(rng: np.random.Generator, steps: int) -> Floats:
    angles = _walk(rng, steps) if rng.random() < 0.7 else _stand(rng, steps)
    share = _begin(rng, steps, 1.0, always=0.2)
    if rng.random() < 0.2:
        share = 1 - share
    down = share**1.5
    way = rng.uniform(0, 2 * np.pi)
    far = rng.uniform(1.3, 1.65)
    early = np.clip(2 * share, 0, 1)
    for side in "LR":
        _set(
            angles,
            early,
            **{
                f"leg_swing__{side}": rng.uniform(-0.1, 0.9),
                f"knee__{side}": rng.uniform(0.1, 1.4),
                f"leg_out__{side}": rng.uniform(0, 0.3),
                f"arm_swing__{side}": rng.uniform(-0.4, 2.2),
                f"arm_out__{side}": rng.uniform(0, 1.2),
                f"elbow__{side}": rng.uniform(0.1, 1.6),
            },
        )
    forward_ = np.cos(way)
    forward_ = np.sign(forward_) * np.sqrt(abs(forward_))
    sideways = np.sin(way) if abs(forward_) < 0.75 else 0.25 * np.sin(way)
    _set(angles, early, bend=rng.uniform(-0.1, 0.5))
    _set(angles, down, tilt=far * forward_, tilt_side=far * sideways * (1 if abs(forward_) < 0.75 else 0.5))
    angles[:, 0] += down * rng.normal(0, 0.4)
    return angles


def _cycle(rng: np.random.Generator, steps: int) -> Floats:
    phase = 2 * np.pi * (rng.random() + np.arange(steps) / RATE_HZ * rng.uniform(0.4, 1.5))
    if rng.random() < 0.15:
        phase = np.full(steps, phase[0])
    angles = np.zeros((steps, NUM_ANGLES))
    hip, knee = rng.uniform(0.85, 1.25), rng.uniform(0.9, 1.3)
    for side, own in (("L", phase), ("R", phase + np.pi)):
        _set(
            angles,
            np.ones(steps),
            **{
                f"leg_swing__{side}": hip + 0.33 * np.cos(own),
                f"knee__{side}": knee + 0.48 * np.cos(own - 0.5),
                f"arm_swing__{side}": rng.uniform(0.6, 1.1),
                f"elbow__{side}": rng.uniform(0.15, 0.8),
                f"arm_out__{side}": rng.uniform(0, 0.25),
                f"leg_out__{side}": rng.uniform(0, 0.12),
            },
        )
    _set(angles, np.ones(steps), tilt=rng.uniform(0, 0.35), bend=rng.uniform(0, 0.5))
    return angles


def _throw(rng: np.random.Generator, steps: int) -> Floats:
    angles = _stand(rng, steps)
    time = np.arange(steps) / RATE_HZ
    every, first = rng.uniform(1.6, 4.0), rng.uniform(-1, 2)
    progress = np.where(time > first, (time - first) % every, 0) / rng.uniform(0.9, 1.4)
    high = rng.uniform(0.7, 1.05)
    raised = high * np.interp(progress, [0, 0.35, 0.6, 0.8, 1], [0.0, 2.9, 1.9, 0.5, 0.0])
    bent = np.interp(progress, [0, 0.35, 0.6, 1], [0.3, 1.6, 0.15, 0.3])
    at_work = np.interp(progress, [0, 0.12, 0.85, 1], [0.0, 1.0, 1.0, 0.0])
    side, other = ("R", "L") if rng.random() < 0.6 else ("L", "R")
    _set(
        angles,
        at_work,
        **{
            f"arm_swing__{side}": raised,
            f"elbow__{side}": bent,
            f"arm_swing__{other}": 0.4,
            f"leg_swing__{side}": -0.12,
            f"leg_swing__{other}": 0.25,
            f"knee__{side}": 0.2,
        },
    )
    lean = np.interp(progress, [0, 0.35, 0.6, 1], [0.0, -0.12, 0.25, 0.05])
    _set(angles, at_work, bend=lean, twist=rng.uniform(-0.2, 0.2))
    return angles


def _postures(rng: np.random.Generator, steps: int) -> Floats:
    """Any posture within reach, held or changed now and then: crouching, bending, kicking, fighting, reaching."""
    angles = _stand(rng, steps) if rng.random() < 0.6 else _walk(rng, steps)
    share = _begin(rng, steps, 0.5, always=0.5)
    crouch = rng.random() < 0.3
    for side in "LR":
        pace = rng.uniform(0.5, 2)
        deep = rng.uniform(0.8, 1.8) if crouch else 0.0
        _set(
            angles,
            share * (0.8 if crouch else 0.5),
            **{
                f"leg_swing__{side}": np.clip(0.15 + deep + 0.35 * curve(rng, steps, pace), -0.4, 2.0),
                f"knee__{side}": np.clip(0.3 + 1.1 * deep + 0.3 * curve(rng, steps, pace), 0.03, 2.3),
                f"leg_out__{side}": np.clip(0.1 + 0.12 * curve(rng, steps, pace), -0.05, 0.6),
            },
        )
        _set(
            angles,
            share,
            **{
                f"arm_swing__{side}": np.clip(0.8 + 0.8 * curve(rng, steps, pace), -0.8, 3.0),
                f"arm_out__{side}": np.clip(0.3 + 0.4 * curve(rng, steps, pace), -0.1, 2.0),
                f"elbow__{side}": np.clip(1.0 + 0.8 * curve(rng, steps, pace), 0.05, 2.4),
                f"arm_twist__{side}": np.clip(0.6 * curve(rng, steps, pace), -1.2, 0.8),
            },
        )
    _set(
        angles,
        share,
        bend=np.clip(0.3 + 0.35 * curve(rng, steps, 1.5), -0.3, 1.3),
        tilt=np.clip(0.1 + 0.2 * curve(rng, steps, 1.5), -0.4, 1.0),
    )
    return angles


def _stoop(rng: np.random.Generator, steps: int) -> Floats:
    """Bending or kneeling down to something that lies low, once or now and then: a bag, a paper, a child."""
    angles = _stand(rng, steps) if rng.random() < 0.6 else _walk(rng, steps)
    share = _begin(rng, steps, 0.9, always=0.35)
    if rng.random() < 0.5:
        share = share * (1 - ease((np.arange(steps) / RATE_HZ - rng.uniform(0.5, 5)) / rng.uniform(0.6, 1.4)))
    elif rng.random() < 0.3:
        share = share * np.clip(0.6 + 0.5 * curve(rng, steps, 1.5), 0, 1)
    lean, bend = rng.uniform(0.1, 0.9), rng.uniform(0.2, 1.2)
    kneels, deep = rng.random() < 0.25, rng.uniform(0, 0.9) ** 2
    front = "L" if rng.random() < 0.5 else "R"
    for side in "LR":
        # Legs hang from the hips that lean, so they swing forward by as much to stay upright.
        hip, knee = lean + 1.2 * deep, 0.1 + 1.6 * deep
        if kneels:
            lean = 0.4 * lean
            hip, knee = (lean + 1.3, 1.5) if side == front else (lean - 0.1, 1.5)
        reaches = rng.random() < 0.75
        _set(
            angles,
            share,
            **{
                f"leg_swing__{side}": hip + rng.normal(0, 0.12),
                f"knee__{side}": max(knee + rng.normal(0, 0.12), 0.02),
                f"leg_out__{side}": rng.uniform(0, 0.3),
                f"arm_swing__{side}": lean + bend + rng.normal(0, 0.3) if reaches else rng.uniform(0.2, 1.2),
                f"elbow__{side}": rng.uniform(0.05, 0.7) if reaches else rng.uniform(0.4, 1.6),
                f"arm_out__{side}": rng.uniform(-0.05, 0.4),
                f"arm_twist__{side}": rng.uniform(-0.5, 0.3),
            },
        )
    _set(angles, share, tilt=lean, bend=bend, nod=rng.uniform(-0.3, 0.3), twist=rng.normal(0, 0.15))
    return angles


_ACTS: tuple[tuple[float, Callable[[np.random.Generator, int], Floats]], ...] = (
    (0.38, _walk), (0.08, _run), (0.12, _stand), (0.08, _sit), (0.09, _fall), (0.06, _cycle), (0.04, _throw),
    (0.07, _postures), (0.08, _stoop),
)  # fmt: skip


def draw_angles(rng: np.random.Generator, steps: int) -> tuple[Floats, str]:
    """(T, 25) angles of some act at `RATE_HZ`, and the name of the act."""
    act = _ACTS[int(rng.choice(len(_ACTS), p=[share for share, _ in _ACTS]))][1]
    angles = act(rng, steps)
    turning = rng.choice([0.0, 0.15, 0.8], p=[0.5, 0.35, 0.15])
    angles[:, 0] += rng.uniform(0, 2 * np.pi) + turning * np.cumsum(curve(rng, steps, 1.5)) / RATE_HZ
    for name, spread, pace in (
        ("tilt", 0.05, 2.0), ("tilt_side", 0.03, 2.0), ("bend", 0.06, 2.5), ("bend_side", 0.04, 2.0),
        ("twist", 0.08, 1.2), ("nod", 0.15, 1.5), ("nod_side", 0.07, 1.5), ("turn", 0.3, 1.5),
    ):  # fmt: skip
        angles[:, _INDEX[name]] += rng.normal(0, spread) + 0.7 * spread * curve(rng, steps, pace)
    for name, column in _INDEX.items():
        if "." in name:
            angles[:, column] += rng.normal(0, 0.05) + 0.03 * curve(rng, steps, 1.0)
        if name.startswith(("elbow", "knee")):
            angles[:, column] = np.maximum(angles[:, column], 0.02)
    return angles, act.__name__.strip("_")


def play(skeleton: Skeleton, angles: Floats, *, riding: NDArray[np.bool_], rng: np.random.Generator) -> Motions:
    """Let bodies go where their feet carry them.

    Args:
        skeleton: of all of them.
        angles: (N, T, 25).
        riding: (N,): moved by wheels, not by feet.
        rng: for the speed of those.
    """
    count, steps = angles.shape[:2]
    joints = forward(skeleton, angles.reshape(-1, NUM_ANGLES)).joints_m.reshape(count, steps, 18, 3)
    feet = joints[:, :, _FEET]
    height = feet[..., 2] - joints[..., 2].min(2, keepdims=True)
    bearing = np.exp(-height / _SUPPORT_M)
    bearing = 0.5 * (bearing[:, 1:] + bearing[:, :-1]) + 1e-9
    back = np.diff(feet[..., :2], axis=1)
    moved = -(bearing[..., None] * back).sum(2) / bearing.sum(2)[..., None]
    kernel = np.array([0.25, 0.5, 0.25])
    moved = np.apply_along_axis(lambda v: np.convolve(v, kernel, mode="same"), 1, moved)
    yaw = angles[:, 1:, 0]
    ahead = np.stack([np.sin(yaw), -np.cos(yaw)], 2)
    moved = np.where(riding[:, None, None], ahead * rng.uniform(2.5, 5.5, (count, 1, 1)) / RATE_HZ, moved)
    root = np.zeros((count, steps, 3))
    root[:, 1:, :2] = np.cumsum(moved, 1)
    root[..., 2] = -joints[..., 2].min(2)
    speed = np.zeros((count, steps, 2))
    speed[:, 1:] = np.linalg.norm(np.diff(feet + root[:, :, None], axis=1), axis=3) * RATE_HZ
    speed[:, 0] = speed[:, 1]
    slower = np.minimum(speed, np.concatenate([speed[:, 1:], speed[:, -1:]], 1))
    planted = (slower < _STILL_M_S) & (height < _LOW_M) & ~riding[:, None, None]
    return Motions(angles=angles, joints_m=joints, root_m=root, planted=planted.astype(float))
