"""The double's bones: few enough to fit quickly, and bound to the mesh so that the fit can be drawn as it is.

Body frame: metres, x to the body's left, y backwards, z up (see `bodydouble.body.model`). Every bone's rest orientation
is the identity, so a bone turns by a rotation about the body frame's axes, applied at its head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar import chains
from bodydouble.scene import JOINT_NAMES

Floats = NDArray[np.float64]

BONES: Final[tuple[str, ...]] = (
    "root", "spine05", "spine03", "spine01", "neck01", "head",
    "upperarm01.L", "lowerarm01.L", "wrist.L", "upperleg01.L", "lowerleg01.L", "foot.L",
    "upperarm01.R", "lowerarm01.R", "wrist.R", "upperleg01.R", "lowerleg01.R", "foot.R",
)  # fmt: skip
"""Bones of ``anny`` that move here, parents first. All others follow the nearest of these above them."""

PARENTS: Final[tuple[int, ...]] = (-1, 0, 1, 2, 3, 4, 3, 6, 7, 0, 9, 10, 3, 12, 13, 0, 15, 16)

BONE_INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(BONES)}

_JOINT_BONES: Final[dict[str, str]] = {
    "nose": "head", "right_eye": "head", "left_eye": "head", "right_ear": "head", "left_ear": "head",
    "neck": "spine01", "right_shoulder": "spine01", "left_shoulder": "spine01",
    "right_elbow": "upperarm01.R", "left_elbow": "upperarm01.L",
    "right_wrist": "lowerarm01.R", "left_wrist": "lowerarm01.L",
    "right_hip": "root", "left_hip": "root", "right_knee": "upperleg01.R", "left_knee": "upperleg01.L",
    "right_ankle": "lowerleg01.R", "left_ankle": "lowerleg01.L",
}  # fmt: skip

JOINT_BONE: Final[NDArray[np.int64]] = np.array([BONE_INDEX[_JOINT_BONES[name]] for name in JOINT_NAMES])
"""(18,): the bone that carries each joint."""

ANGLES: Final[tuple[str, ...]] = (
    "yaw", "tilt", "tilt_side", "bend", "bend_side", "twist", "nod", "nod_side", "turn",
    "arm_swing.L", "arm_out.L", "arm_twist.L", "elbow.L", "leg_swing.L", "leg_out.L", "leg_twist.L", "knee.L",
    "arm_swing.R", "arm_out.R", "arm_twist.R", "elbow.R", "leg_swing.R", "leg_out.R", "leg_twist.R", "knee.R",
)  # fmt: skip
"""Angles of a pose, radians. All zero: standing upright, facing the camera, limbs hanging straight. Swings, bends, nods,
elbows and knees are positive forward (a knee: heel towards the seat); ``_out`` is away from the body on both sides;
``yaw``, ``turn`` and ``twist`` are positive to the body's left."""

ANGLE_INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(ANGLES)}
NUM_ANGLES: Final[int] = len(ANGLES)

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_MINUS_X, _MINUS_Y = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One angle's part in one bone: a rotation about x, y or z or against it, after those before it for the same bone."""

    bone: int
    axis: tuple[float, float, float]
    angle: int
    gain: float


def _turns() -> tuple[Turn, ...]:
    rows: list[tuple[str, tuple[float, float, float], str, float]] = [
        ("root", _Z, "yaw", 1), ("root", _X, "tilt", 1), ("root", _Y, "tilt_side", 1),
    ]  # fmt: skip
    for bone in ("spine05", "spine03", "spine01"):
        rows += [(bone, _X, "bend", 1 / 3), (bone, _Y, "bend_side", 1 / 3), (bone, _Z, "twist", 1 / 3)]
    for bone in ("neck01", "head"):
        rows += [(bone, _Z, "turn", 1 / 2), (bone, _X, "nod", 1 / 2), (bone, _Y, "nod_side", 1 / 2)]
    for side, outwards, sign in (("L", _MINUS_Y, 1.0), ("R", _Y, -1.0)):
        for limb in ("arm", "leg"):
            bone = f"upper{limb}01.{side}"
            rows += [
                (bone, _MINUS_X, f"{limb}_swing.{side}", 1),
                (bone, outwards, f"{limb}_out.{side}", 1),
                (bone, _Z, f"{limb}_twist.{side}", sign),
            ]
        rows += [(f"lowerarm01.{side}", _MINUS_X, f"elbow.{side}", 1), (f"lowerleg01.{side}", _X, f"knee.{side}", 1)]
    return tuple(
        Turn(bone=BONE_INDEX[bone], axis=axis, angle=ANGLE_INDEX[angle], gain=gain) for bone, axis, angle, gain in rows
    )


TURNS: Final[tuple[Turn, ...]] = tuple(sorted(_turns(), key=lambda turn: turn.bone))
_TURN_BONES: Final = np.array([turn.bone for turn in TURNS])
_TURN_ANGLES: Final = np.array([turn.angle for turn in TURNS])
_TURN_GAINS: Final = np.array([turn.gain for turn in TURNS])
_TURN_AXES: Final = np.array([np.abs(turn.axis).argmax() for turn in TURNS])
_TURN_SIGNS: Final = np.array([sum(turn.axis) for turn in TURNS])


@dataclass(frozen=True, kw_only=True, eq=False)
class Skeleton:
    """Bone lengths of one double and where the 18 joints sit on them."""

    heads_m: Floats
    """(bones, 3): heads of the bones in the rest body."""
    straighten: Floats
    """(bones, 3, 3): the turn of each bone that takes the rest body into the stance of all angles zero."""
    joints_m: Floats
    """(18, 3): joints in the rest body."""

    @property
    def stature_m(self) -> float:
        """Height of the eyes above the ankles when standing straight, metres; the measure that scales are taken by."""
        pose = forward(self, np.zeros((1, NUM_ANGLES)))
        joints = pose.joints_m[0]
        return float(joints[[14, 15], 2].mean() - joints[[10, 13], 2].mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    """A batch of poses; the root bone's head is at the origin."""

    rotations: Floats
    """(B, bones, 3, 3): from the rest body to the pose."""
    heads_m: Floats
    """(B, bones, 3)."""
    joints_m: Floats
    """(B, 18, 3)."""
    axes: Floats
    """(B, turns, 3): axis of each of `TURNS` in the pose."""


def forward(skeleton: Skeleton, angles: Floats) -> Pose:
    """Pose a batch, ``angles`` (B, 25)."""
    batch = len(angles)
    rotations, heads = np.empty((batch, len(BONES), 3, 3)), np.empty((batch, len(BONES), 3))
    axes = np.empty((batch, len(TURNS), 3))
    turns = _TURN_GAINS * angles[:, _TURN_ANGLES]
    arms = skeleton.heads_m - skeleton.heads_m[list(PARENTS)]
    chains.pose_chain(
        _TURN_SIGNS * np.sin(turns), np.cos(turns), _TURN_BONES, _TURN_AXES, _TURN_SIGNS, np.array(PARENTS), arms,
        skeleton.straighten, rotations, heads, axes,
    )  # fmt: skip
    offsets = skeleton.joints_m - skeleton.heads_m[JOINT_BONE]
    joints = heads[:, JOINT_BONE] + (rotations[:, JOINT_BONE] @ offsets[:, :, None])[..., 0]
    return Pose(rotations=rotations, heads_m=heads, joints_m=joints, axes=axes)


def joint_jacobian(pose: Pose) -> Floats:
    """(B, 18, 3, 25): how the joints move, metres per radian of each angle."""
    jacobian = np.zeros((*pose.joints_m.shape, NUM_ANGLES))
    chains.chain_jacobian(
        pose.joints_m, pose.heads_m, pose.axes, _TURN_BONES, _TURN_GAINS, _TURN_ANGLES, _MOVES, jacobian
    )
    return jacobian


def turn_between(start: Floats, goal: Floats) -> Floats:
    """(3, 3): the smallest rotation that takes one direction to another (not the opposite one)."""
    a, b = start / np.linalg.norm(start), goal / np.linalg.norm(goal)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1 + c))


def about(axis: tuple[float, float, float], angle_rad: float) -> Floats:
    """(3, 3): rotation about a unit axis."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle_rad) * k + (1 - np.cos(angle_rad)) * (k @ k))


def _moves() -> NDArray[np.bool_]:
    """(bones, 18): the joints at each bone's tip and below."""
    chains = []
    for joint_bone in JOINT_BONE.tolist():
        chain, bone = set(), joint_bone
        while bone >= 0:
            chain.add(bone)
            bone = PARENTS[bone]
        chains.append(chain)
    return np.array([[bone in chain for chain in chains] for bone in range(len(BONES))])


_MOVES: Final = _moves()
