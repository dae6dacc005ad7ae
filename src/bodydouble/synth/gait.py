"""How people move: rotations of the body's bones over time. Walking, standing and talking are here, more in `acts`.

Walking follows the joint angles of normal adult gait at free speed in the sagittal plane (D. A. Winter, The Biomechanics
and Motor Control of Human Gait, 1991, natural cadence, read off at a few points of the stride and joined smoothly; the
knee yields less when the heel strikes, or the body would falter). Feet are planted afterwards by `plant`, which moves
the body so that the sole on the ground does not slide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.seeds import derive_seed
from bodydouble.synth.noise import Wander

Angles = NDArray[np.float64]
_Put = Callable[..., None]
"""Sets a bone's turns: its name, then pairs of axis and angle."""

# Share of the stride (0: this foot strikes the ground) and degrees there.
_HIP_FLEXION: Final = ((0, 29), (0.1, 21.5), (0.2, 12), (0.3, 2.5), (0.4, -6), (0.5, -11), (0.6, -3), (0.7, 14), (0.8, 26),
                       (0.9, 30.5))  # fmt: skip
_KNEE_FLEXION: Final = ((0, 4), (0.08, 8), (0.15, 11), (0.25, 9), (0.4, 5), (0.5, 12), (0.6, 36), (0.7, 60), (0.75, 60),
                        (0.85, 34), (0.95, 5))  # fmt: skip
_ANKLE_DORSIFLEXION: Final = ((0, 0), (0.07, -6), (0.15, 0), (0.3, 7), (0.45, 11), (0.52, 4), (0.62, -18), (0.7, -9),
                              (0.8, 0), (0.9, 2))  # fmt: skip

STRIDE_PER_HEIGHT: Final[float] = 0.81
"""Length of a stride (two steps) over stature at free speed (Winter 1991)."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How one person moves; drawn once, kept for life."""

    stride: float = 1.0
    """Factor on the swing of the legs."""
    arms: float = 1.0
    """Factor on the swing of the arms."""
    stoop_rad: float = 0.04
    stance_rad: float = 0.0
    """Legs further apart."""
    elbows_rad: float = 0.25
    still_arm: int = 0
    """-1 or 1: the right or left arm is held bent and still (a bag on it, a phone in it); 0 neither."""
    seed: int = 0


def draw_manner(seed: int) -> Manner:
    """A way of moving."""
    rng = np.random.default_rng(derive_seed(seed, "manner"))
    return Manner(
        stride=float(rng.uniform(0.88, 1.08)),
        arms=float(rng.uniform(0.45, 1.2)),
        stoop_rad=float(rng.uniform(0.0, 0.12)),
        stance_rad=float(rng.uniform(-0.01, 0.05)),
        elbows_rad=float(rng.uniform(0.1, 0.45)),
        still_arm=int(rng.choice([-1, 0, 0, 0, 0, 1])),
        seed=seed,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Act:
    """What limbs and trunk do instead of walking and standing, for as long and as fully as ``share`` says.

    Angles in radians. Where there are two sides, column 0 is the right one and column 1 the left one.
    """

    share: Angles
    """``(T,)``: 0 not at all, 1 wholly; between them angles are mixed."""
    hip: Angles
    """``(T, 2)``: thigh forward."""
    knee: Angles
    """``(T, 2)``: bent."""
    shoulder: Angles
    """``(T, 2)``: upper arm forward."""
    elbow: Angles
    """``(T, 2)``: bent."""
    lean: Angles
    """``(T,)``: trunk forward."""
    pitch: Angles
    """``(T,)``: the whole body tipped forward; pi / 2 lies on the face."""
    foot_level: float = 1.0
    """How far ankles keep the soles parallel to the ground, 0 to 1."""
    arm_out: float = 0.0
    """Upper arms away from the body."""
    legs: float = 1.0
    """How much of this legs and trunk take part in; 0 is for arms that are busy while somebody walks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Performance:
    """What a body does at each moment, as shares of a few activities that `rotations` blends. All arrays ``(T,)``."""

    seconds: Angles
    stride_turns: Angles
    """Position in the walk cycle; whole numbers are strikes of the right heel."""
    walking: Angles
    """0 stands, 1 walks."""
    talking: Angles
    """0 silent, 1 gestures with both hands."""
    look_rad: Angles
    """Turn of the head to the left."""
    act: Act | None = None
    """Anything that is neither walking nor standing nor talking."""


def rotations(doing: Performance, manner: Manner, bone_index: dict[str, int]) -> NDArray[np.float32]:
    """Rotation vectors ``(T, bones, 3)`` for `bodydouble.body.model.BodyModel.pose`."""
    from scipy.spatial.transform import Rotation

    steps = len(doing.seconds)
    out = np.zeros((steps, len(bone_index), 3), np.float32)
    wander = {name: Wander(derive_seed(manner.seed, name), period_seconds=p).at(doing.seconds) for name, p in _WANDERS}
    walk = doing.walking

    def put(bone: str, *turns: tuple[str, Angles | float]) -> None:
        """Turns about body axes, the first applied first."""
        total = Rotation.identity(steps)
        for axis, angle in turns:
            vectors = np.zeros((steps, 3))
            vectors[:, "xyz".index(axis)] = angle
            total = Rotation.from_rotvec(vectors) * total
        out[:, bone_index[bone]] = total.as_rotvec()

    cycle = 2 * np.pi * doing.stride_turns
    yaw = np.deg2rad(5) * manner.stride * walk * np.cos(cycle)
    list_ = np.deg2rad(2.5) * walk * np.sin(cycle) + 0.035 * (1 - walk) * wander["weight"]
    act = doing.act
    taken = np.zeros(steps) if act is None else act.share * act.legs
    list_, yaw = list_ * (1 - taken), yaw * (1 - taken)
    put("root", ("y", list_), ("z", yaw), ("x", 0.0 if act is None else taken * act.pitch))
    lean = manner.stoop_rad * (1 - taken) + (0.0 if act is None else taken * act.lean)
    # Three bones share the bend of the trunk; the shoulders turn against the pelvis.
    for bone in ("spine04", "spine02", "spine01"):
        put(bone, ("x", lean / 3 + 0.006 * wander["breath"]), ("y", -list_ / 3), ("z", -0.75 * yaw))
    nod = 0.05 * wander["nod"] + 0.06 * doing.talking * wander["gesture"] - 0.4 * manner.stoop_rad
    for bone in ("neck01", "neck03", "head"):
        put(bone, ("x", nod / 3), ("z", (doing.look_rad + 0.12 * wander["look"] + 0.5 * yaw) / 3))
    for side, suffix, shift in ((-1.0, "R", 0.0), (1.0, "L", 0.5)):
        _leg(put, side, suffix, doing.stride_turns + shift, walk, manner, wander["weight"], yaw, list_, act)
        _arm(put, side, suffix, cycle, doing, manner, wander)
    return out


def plant(soles_m: NDArray[np.float32], *, tolerance_m: float = 0.02) -> tuple[float, float]:
    """How far the body must rise and advance between two moments so that the foot on the ground stays where it is.

    Args:
        soles_m: ``(2, S, 3)`` vertices of both feet in the body frame, before and now.
        tolerance_m: what counts as touching the ground.

    Returns:
        Height of the body frame's origin above the ground now, and the advance in the direction of the face, metres.
    """
    before, now = soles_m[0], soles_m[1]
    lowest = float(now[:, 2].min())
    touching = (before[:, 2] < before[:, 2].min() + tolerance_m) & (now[:, 2] < lowest + tolerance_m)
    if not touching.any():
        touching = now[:, 2] < lowest + tolerance_m
    # The face looks along -y, so a sole that goes backwards moves along +y.
    return -lowest, float((now[touching, 1] - before[touching, 1]).mean())


_WANDERS: Final = (
    ("weight", 7.0),
    ("breath", 3.5),
    ("nod", 4.0),
    ("look", 5.0),
    ("gesture", 1.3),
    ("left", 1.7),
    ("right", 2.1),
)


def _leg(
    put: _Put, side: float, suffix: str, turns: Angles, walk: Angles, manner: Manner,
    shift: Angles, yaw: Angles, list_: Angles, act: Act | None,
) -> None:  # fmt: skip
    hip = _curve(_HIP_FLEXION, turns) * manner.stride
    knee, ankle = _curve(_KNEE_FLEXION, turns) * (0.6 + 0.4 * manner.stride), _curve(_ANKLE_DORSIFLEXION, turns)
    weight = np.clip(side * shift, 0, 1)
    rest_knee, rest_hip = 0.05 + 0.16 * weight, 0.02 + 0.08 * weight
    hip, knee = walk * hip + (1 - walk) * rest_hip, walk * knee + (1 - walk) * rest_knee
    ankle = walk * ankle + (1 - walk) * (rest_knee - rest_hip)
    if act is not None:
        column = 0 if side < 0 else 1
        share = act.share * act.legs
        hip, knee = _mix(hip, act.hip[:, column], share), _mix(knee, act.knee[:, column], share)
        level = act.knee[:, column] - act.hip[:, column]
        ankle = _mix(ankle, act.foot_level * np.clip(level, -0.6, 0.5), share)
    # At rest the template's legs are spread; 0.11 brings them under the hips.
    inward = 0.11 - manner.stance_rad - 0.02 * (1 - walk)
    # The pelvis turns and tilts above legs that go straight on.
    put(f"upperleg01.{suffix}", ("y", side * inward), ("x", -hip), ("z", -yaw), ("y", -list_))
    put(f"lowerleg01.{suffix}", ("x", knee))
    put(f"foot.{suffix}", ("y", -side * 0.5 * inward), ("x", -ankle))


def _arm(
    put: _Put, side: float, suffix: str, cycle: Angles, doing: Performance, manner: Manner, wander: dict[str, Angles]
) -> None:
    walk, talk = doing.walking, doing.talking
    own = wander["left" if side > 0 else "right"]
    still = 1.0 if manner.still_arm == int(side) else 0.0
    # The right arm is forward when the left heel strikes.
    swing = side * np.cos(cycle)
    shoulder = np.deg2rad(4 + 19 * manner.arms * swing) * walk + 0.03 * own * (1 - walk)
    elbow = manner.elbows_rad + np.deg2rad(14) * manner.arms * np.maximum(swing, 0) * walk
    shoulder, elbow = shoulder * (1 - 0.8 * still), elbow * (1 - still) + 1.6 * still
    shoulder = shoulder + talk * (0.12 + 0.22 * own)
    elbow = elbow + talk * (0.95 + 0.5 * own)
    hang = 0.67 - 0.06 * talk * own
    act = doing.act
    if act is not None:
        column = 0 if side < 0 else 1
        shoulder = _mix(shoulder, act.shoulder[:, column], act.share)
        elbow = _mix(elbow, act.elbow[:, column], act.share)
        hang = hang - act.share * act.arm_out
    # Hang first, then swing about the axis through both shoulders.
    put(f"upperarm01.{suffix}", ("y", side * hang), ("x", -shoulder))
    # At rest the template's elbows are bent by about 0.8.
    put(f"lowerarm01.{suffix}", ("x", 0.72 - elbow), ("z", -side * 0.35 * talk))


def _mix(usual: Angles, other: Angles, share: Angles) -> Angles:
    return (1 - share) * usual + share * other


def _curve(points: tuple[tuple[float, float], ...], turns: Angles) -> Angles:
    """A closed curve through points of one turn, radians."""
    from scipy.interpolate import CubicSpline

    at = np.array([*(p[0] for p in points), 1.0])
    degrees = np.array([*(p[1] for p in points), points[0][1]], float)
    return np.asarray(np.deg2rad(CubicSpline(at, degrees, bc_type="periodic")(turns % 1.0)))
