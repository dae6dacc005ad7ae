"""Random but plausible poses of people in public places, as bone rotations.

A pose is drawn as directions of the upper and lower limbs in the body frame and turned into the smallest bone rotations
that reach them, so that each activity reads as "thigh so far forward, knee so far bent". Angles are radians; forward is
the direction the body faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.scene.skeleton import JOINT_INDEX

Array = NDArray[np.float64]

ACTIVITIES: Final[dict[str, float]] = {
    "walk": 0.40, "stand": 0.24, "run": 0.07, "sit": 0.07, "crouch": 0.03, "bend": 0.05, "fall": 0.04,
    "cycle": 0.04, "wild": 0.06,
}  # fmt: skip
"""Share of each activity; the sum is 1."""

LOW_ACTIVITIES: Final[dict[str, float]] = {"sit": 0.64, "crouch": 0.14, "bend": 0.12, "fall": 0.04, "cycle": 0.06}
"""Shares for people who don't stand upright; the sum is 1."""

ARM_HABITS: Final[dict[str, float]] = {
    "swing": 0.52, "phone": 0.08, "pocket": 0.11, "carry": 0.10, "hip": 0.05, "raised": 0.06, "crossed": 0.05,
    "any": 0.03,
}  # fmt: skip
"""What an arm does while the body walks or stands; drawn for each arm."""


@dataclass(kw_only=True)
class Limbs:
    """Angles of one body, all of ``(2,)`` where there is a left (0) and a right (1)."""

    thigh: Array
    knee: Array
    leg_out: Array
    arm: Array
    elbow: Array
    arm_out: Array
    forearm_in: Array
    lean: float = 0.0
    twist: float = 0.0
    side: float = 0.0
    tilt_rad: tuple[float, float] = (0.0, 0.0)
    """How far, and towards which azimuth, the whole body is tipped over."""


class PoseSampler:
    """Draws poses for one body model."""

    def __init__(self, model: BodyModel) -> None:
        self._bones = model.bone_index
        rest = model.rest({})
        joints = model.joints_from_transforms(rest, _identity_transforms(len(model.bone_labels)))[0].numpy()
        self._rest_direction: dict[str, Array] = {}
        for side in ("left", "right"):
            for name, start, end in (
                ("thigh", "hip", "knee"), ("shin", "knee", "ankle"), ("arm", "shoulder", "elbow"),
                ("forearm", "elbow", "wrist"),
            ):  # fmt: skip
                bone = joints[JOINT_INDEX[f"{side}_{end}"]] - joints[JOINT_INDEX[f"{side}_{start}"]]
                self._rest_direction[f"{side}_{name}"] = bone / np.linalg.norm(bone)

    def draw(
        self, rng: np.random.Generator, activities: dict[str, float] = ACTIVITIES
    ) -> tuple[NDArray[np.float32], tuple[float, float], str]:
        """One pose.

        Args:
            rng: chance.
            activities: share of each; the sum is 1.

        Returns:
            Rotation vectors ``(bones, 3)``, the tilt of the whole body (angle, azimuth), and the activity's name.
        """
        activity = str(rng.choice(list(activities), p=list(activities.values())))
        limbs = _draw_limbs(activity, rng)
        rotvecs = np.zeros((len(self._bones), 3))
        for name in ("spine05", "spine04", "spine03", "spine02", "spine01"):
            rotvecs[self._bones[name]] = np.array([limbs.lean, limbs.side, limbs.twist]) / 5 + rng.normal(0, 0.02, 3)
        look = rng.normal(0, [0.18, 0.08, 0.35])
        rotvecs[self._bones["neck01"]] = look * 0.4 + [-0.3 * limbs.lean, 0, 0] + rng.normal(0, 0.04, 3)
        rotvecs[self._bones["head"]] = look * 0.6 + [0.45 * (rng.random() < 0.2), 0, 0]
        for i, (side, tag, sign) in enumerate((("left", "L", 1.0), ("right", "R", -1.0))):
            thigh = _direction(limbs.thigh[i], sign * limbs.leg_out[i])
            shin = _direction(limbs.thigh[i] - limbs.knee[i], sign * limbs.leg_out[i] * 0.7)
            arm = _direction(limbs.arm[i], sign * limbs.arm_out[i])
            forearm = _direction(limbs.arm[i] + limbs.elbow[i], sign * (limbs.arm_out[i] - limbs.forearm_in[i]))
            self._aim(rotvecs, f"{side}_thigh", f"upperleg01.{tag}", f"{side}_shin", f"lowerleg01.{tag}", thigh, shin)
            self._aim(rotvecs, f"{side}_arm", f"upperarm01.{tag}", f"{side}_forearm", f"lowerarm01.{tag}", arm, forearm)
            rotvecs[self._bones[f"foot.{tag}"]] = rng.normal(0, [0.2, 0.08, 0.12])
            rotvecs[self._bones[f"wrist.{tag}"]] = rng.normal(0, 0.25, 3)
            rotvecs[self._bones[f"clavicle.{tag}"]] = rng.normal(0, 0.05, 3)
        return rotvecs.astype(np.float32), limbs.tilt_rad, activity

    def _aim(
        self, rotvecs: Array, upper: str, upper_bone: str, lower: str, lower_bone: str, to: Array, lower_to: Array
    ) -> None:
        first = _rotation_between(self._rest_direction[upper], to)
        rotvecs[self._bones[upper_bone]] = _to_rotvec(first)
        second = _rotation_between(self._rest_direction[lower], first.T @ lower_to)
        rotvecs[self._bones[lower_bone]] = _to_rotvec(second)


def _draw_limbs(activity: str, rng: np.random.Generator) -> Limbs:
    u = rng.uniform
    phase = np.array([0.0, np.pi]) + u(0, 2 * np.pi)
    limbs = Limbs(
        thigh=rng.normal(0, 0.06, 2), knee=u(0.02, 0.2, 2), leg_out=u(-0.02, 0.14, 2), arm=rng.normal(0, 0.12, 2),
        elbow=u(0.1, 0.5, 2), arm_out=u(0.03, 0.28, 2), forearm_in=u(0.0, 0.35, 2), lean=rng.normal(0.04, 0.06),
        twist=rng.normal(0, 0.12), side=rng.normal(0, 0.05),
    )  # fmt: skip
    if activity in ("walk", "run"):
        run = activity == "run"
        stride = u(0.45, 0.85) if run else u(0.2, 0.52)
        limbs.thigh = stride * np.sin(phase) + 0.1 * run + rng.normal(0, 0.05, 2)
        limbs.knee = u(0.08, 0.2) + stride * (2.0 if run else 1.5) * np.maximum(0, np.cos(phase + 0.3))
        limbs.leg_out = u(-0.03, 0.07, 2)
        limbs.arm = -stride * u(0.4, 1.0) * np.sin(phase) + rng.normal(0, 0.08, 2)
        limbs.elbow = u(1.1, 1.9, 2) if run else u(0.08, 0.55, 2)
        limbs.lean += 0.2 * run
        limbs.twist += 0.15 * float(np.sin(phase[0]))
    elif activity == "stand":
        if rng.random() < 0.3:
            limbs.knee[rng.integers(2)] += u(0.1, 0.5)
        limbs.leg_out = u(-0.05, 0.25, 2)
    elif activity == "sit":
        limbs.thigh, limbs.knee = u(1.2, 1.65, 2), u(1.1, 1.8, 2)
        limbs.leg_out, limbs.lean = u(-0.05, 0.35, 2), u(-0.25, 0.6)
        limbs.arm, limbs.elbow = u(0.0, 0.7, 2), u(0.4, 1.6, 2)
    elif activity == "crouch":
        limbs.thigh, limbs.knee, limbs.lean = u(1.2, 2.1, 2), u(1.6, 2.4, 2), u(0.2, 0.9)
        limbs.arm = u(0.2, 1.4, 2)
    elif activity == "bend":
        limbs.lean, limbs.thigh, limbs.knee = u(0.5, 1.5), u(0.0, 0.5, 2), u(0.05, 0.7, 2)
        limbs.arm = limbs.lean * u(0.5, 1.3) + rng.normal(0, 0.2, 2)
    elif activity == "fall":
        limbs.tilt_rad = (float(u(0.3, 1.6)), float(u(0, 2 * np.pi)))
        limbs.thigh, limbs.knee = rng.normal(0.3, 0.5, 2), u(0.0, 1.6, 2)
        limbs.arm, limbs.arm_out, limbs.elbow = rng.normal(0.5, 0.9, 2), u(0.0, 1.5, 2), u(0, 1.5, 2)
        limbs.lean = rng.normal(0.2, 0.35)
    elif activity == "cycle":
        limbs.thigh, limbs.knee = 0.95 + 0.45 * np.sin(phase), 1.15 + 0.5 * np.sin(phase + 0.9)
        limbs.lean, limbs.arm, limbs.elbow = u(0.15, 0.8), u(0.8, 1.3, 2), u(0.05, 0.5, 2)
    elif activity == "wild":
        limbs.thigh, limbs.knee, limbs.leg_out = rng.normal(0.2, 0.6, 2), u(0, 1.4, 2), u(-0.1, 0.8, 2)
        limbs.arm, limbs.arm_out, limbs.elbow = u(-0.8, 3.0, 2), u(-0.2, 1.7, 2), u(0, 2.0, 2)
        limbs.lean, limbs.side, limbs.twist = rng.normal(0.1, 0.3), rng.normal(0, 0.25), rng.normal(0, 0.4)
    if activity in ("walk", "stand", "bend", "cycle") or (activity == "sit" and rng.random() < 0.5):
        for i in range(2):
            _draw_arm(limbs, i, activity, rng)
    return limbs


def _draw_arm(limbs: Limbs, i: int, activity: str, rng: np.random.Generator) -> None:
    u = rng.uniform
    habit = str(rng.choice(list(ARM_HABITS), p=list(ARM_HABITS.values())))
    if habit == "swing" or (activity in ("cycle", "bend") and rng.random() < 0.7):
        return
    values = {
        "phone": (u(0.2, 0.9), u(0.1, 0.7), u(2.0, 2.5), u(0.0, 0.5)),
        "pocket": (u(-0.35, 0.05), u(0.1, 0.35), u(0.35, 0.8), u(0.2, 0.6)),
        "carry": (u(-0.1, 0.5), u(0.0, 0.3), u(0.8, 1.7), u(0.0, 0.8)),
        "hip": (u(-0.5, 0.1), u(0.5, 0.9), u(0.5, 1.1), u(1.1, 1.7)),
        "raised": (u(1.2, 3.0), u(-0.1, 0.9), u(0.0, 1.2), u(-0.3, 0.5)),
        "crossed": (u(0.1, 0.5), u(0.05, 0.25), u(1.0, 1.5), u(1.2, 1.6)),
        "any": (u(-0.8, 2.5), u(-0.2, 1.6), u(0.0, 2.2), u(-0.3, 1.3)),
    }[habit]
    limbs.arm[i], limbs.arm_out[i], limbs.elbow[i], limbs.forearm_in[i] = values


def _direction(forward: float, out: float) -> Array:
    """Unit vector of a limb that hangs, swung ``forward`` and then ``out`` to +x."""
    return np.array([np.sin(out), -np.sin(forward) * np.cos(out), -np.cos(forward) * np.cos(out)])


def _rotation_between(a: Array, b: Array) -> Array:
    """Smallest rotation ``(3, 3)`` that takes unit vector a to b (Rodrigues' formula)."""
    axis, cosine = np.cross(a, b), float(np.clip(a @ b, -1, 1))
    if cosine < -0.9999:
        axis = np.cross(a, [0.0, 1.0, 0.0])
        axis /= np.linalg.norm(axis)
        return np.asarray(2 * np.outer(axis, axis) - np.eye(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine))


def _to_rotvec(rotation: Array) -> Array:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation).as_rotvec())


def _identity_transforms(bones: int) -> torch.Tensor:
    return torch.eye(4).expand(1, bones, 4, 4)
