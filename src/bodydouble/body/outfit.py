"""Clothes, hair and luggage as simple meshes, fastened to a posed body.

Sizes scale with the body. Directions: a function's ``anchors`` carry each bone's turn from its rest pose, so "behind the
head" stays behind the head however the head is turned; bags and umbrellas hang along the vertical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel, PosedBody, RestBody
from bodydouble.body.parts import Part
from bodydouble.body.primitives import Mesh, box, ellipsoid, frame_along, lathe, merge, tube
from bodydouble.scene.skeleton import JOINT_INDEX

_TALL_M: Final[float] = 1.66
"""Stature of the template body; sizes below are for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """What things are fastened to on one posed body."""

    joints_m: NDArray[np.float32]
    """``(18, 3)``."""
    head_m: NDArray[np.float32]
    """``(3,)`` middle of the skull."""
    head_radii_m: NDArray[np.float32]
    """``(3,)`` half extents of the skull in its own rest axes."""
    head_turn: NDArray[np.float32]
    """``(3, 3)`` turn of the head from rest."""
    chest_m: NDArray[np.float32]
    """``(3,)`` head of the bone ``spine02``."""
    chest_turn: NDArray[np.float32]
    """``(3, 3)``."""
    chest_depth_m: float
    """From the spine to the skin of the back."""
    hips_turn: NDArray[np.float32]
    """``(3, 3)``."""
    size: float
    """Stature over that of the template body."""

    def joint(self, name: str) -> NDArray[np.float32]:
        """One joint, ``(3,)``, by its name in `JOINT_INDEX`."""
        return np.asarray(self.joints_m[JOINT_INDEX[name]])


def anchors(model: BodyModel, rest: RestBody, posed: PosedBody, index: int) -> Anchors:
    """Anchors of body ``index`` of a batch posed with `BodyModel.pose`."""
    row = index if len(rest) > 1 else 0
    rest_poses, rest_vertices = rest.bone_poses[row].numpy(), rest.vertices_m[row].numpy()

    def turn(bone: str) -> NDArray[np.float32]:
        i = model.bone_index[bone]
        return np.asarray(posed.bone_poses[index, i, :3, :3] @ rest_poses[i, :3, :3].T, np.float32)

    skull = np.isin(model.vertex_parts, (Part.FACE, Part.HAIR))
    low, high = rest_vertices[skull].min(0), rest_vertices[skull].max(0)
    head_index = model.bone_index["head"]
    head_turn = turn("head")
    offset = (low + high) / 2 - rest_poses[head_index, :3, 3]
    chest = model.bone_index["spine02"]
    trunk = model.vertex_parts == Part.TORSO
    return Anchors(
        joints_m=posed.joints_m[index], head_m=posed.bone_poses[index, head_index, :3, 3] + head_turn @ offset,
        head_radii_m=(high - low) / 2, head_turn=head_turn, chest_m=posed.bone_poses[index, chest, :3, 3],
        chest_turn=turn("spine02"),
        chest_depth_m=float(rest_vertices[trunk, 1].max() - rest_poses[chest, 1, 3]), hips_turn=turn("root"),
        size=float(np.ptp(rest_vertices[:, 2]) / _TALL_M),
    )  # fmt: skip


def skirt(
    on: Anchors, *, length: float, flare_m: float = 0.05, looseness_m: float = 0.02, open_front: bool = False,
    part: Part = Part.SKIRT, ruffle: float = 0.05, rings: int = 10,
) -> Mesh:  # fmt: skip
    """A skirt, or the lower half of a coat or dress, round both legs.

    Args:
        on: the body.
        length: 0.5 mid-thigh, 1 the knee, 2 the ankle.
        flare_m: how much wider the hem is than the legs need.
        looseness_m: distance from the hips.
        open_front: leave a gap in front, like an unbuttoned coat.
        part: label.
        ruffle: waviness of the hem, see `lathe`.
        rings: rings from waist to hem.
    """
    left = [on.joint(f"left_{name}") for name in ("hip", "knee", "ankle")]
    right = [on.joint(f"right_{name}") for name in ("hip", "knee", "ankle")]
    waist = (left[0] + right[0]) / 2 + on.hips_turn @ np.array([0, 0, 0.16 * on.size], np.float32)
    side = on.hips_turn[:, 0]
    down = (left[1] + right[1]) / 2 - (left[0] + right[0]) / 2
    frame = frame_along(-down - 1e-3 * on.hips_turn[:, 2], side)
    centres, axes = [], []
    for k in range(rings):
        level = -0.4 + (length + 0.4) * k / (rings - 1)
        legs = [_along(leg, max(level, 0.0)) for leg in (left, right)]
        middle = (legs[0] + legs[1]) / 2
        centre = waist + (middle - waist) * (1 + level / 0.4) if level < 0 else middle
        spread = np.abs(frame[:, :2].T @ (legs[0] - legs[1])) / 2
        hips = np.interp(level, [-0.4, 0.0, 1.0, 2.0], [0.115, 0.115, 0.075, 0.06]) * on.size
        wide = np.interp(level, [-0.4, 0.0], [0.6, 1.0])
        grow = hips + looseness_m + flare_m * max(level, 0.0)
        centres.append(centre)
        axes.append((spread[0] * wide + grow, max(spread[1] + grow, 0.12 * on.size * wide)))
    gap = 0.35 if open_front else 0.0
    # Angle 3 pi / 2 points along -y, the front: an open ring starts and ends beside it.
    return lathe(
        centres, axes, frame, part, from_angle_rad=-np.pi / 2 + gap, to_angle_rad=1.5 * np.pi - gap, ruffle=ruffle,
    )  # fmt: skip


def hood(on: Anchors, *, looseness: float = 1.25) -> Mesh:
    """A hood over the skull, open to the face."""
    centre = on.head_m + on.head_turn @ np.array([0, 0.012, 0.0], np.float32)
    opening = 0.85
    return ellipsoid(
        centre, on.head_radii_m * looseness, on.head_turn, Part.HOOD,
        from_angle_rad=-np.pi / 2 + opening, to_angle_rad=1.5 * np.pi - opening,
    )  # fmt: skip


def long_hair(on: Anchors, *, length_m: float = 0.22, volume: float = 1.12) -> Mesh:
    """Hair that falls behind the head and beside the cheeks down to ``length_m`` below the skull's middle."""
    x, y, z = on.head_radii_m * volume
    levels = np.linspace(0.75, -1.0, 8)
    top = on.head_m + on.head_turn @ np.array([0, 0.25 * y, 0], np.float32)
    fall = on.head_turn @ np.array([0, 0, 1.0], np.float32) * 0.5 + np.array([0, 0, 0.5], np.float32)
    centres = [top + fall * (level * z if level > 0 else level * length_m) for level in levels]
    width = [np.sqrt(max(0.05, 1 - level**2)) if level > 0 else 1 + 0.1 * level for level in levels]
    opening = 0.95
    return lathe(
        centres, [(x * w, 0.85 * y * w) for w in width], on.head_turn, Part.LONG_HAIR,
        from_angle_rad=-np.pi / 2 + opening, to_angle_rad=1.5 * np.pi - opening, ruffle=0.06, ruffles=9,
    )  # fmt: skip


def bun(on: Anchors, *, radius_m: float = 0.045, up: float = 0.3) -> Mesh:
    """A knot of hair at the back of the head; ``up`` from 0, level with the ears, to 1, on the crown."""
    _, y, z = on.head_radii_m
    where = np.array([0, y * (1.05 - 0.9 * up), z * (0.15 + 0.95 * up)], np.float32)
    return ellipsoid(on.head_m + on.head_turn @ where, [radius_m] * 3, on.head_turn, Part.LONG_HAIR, segments=12)


def hat(on: Anchors, *, height: float = 0.55, brim_m: float = 0.0, peak_m: float = 0.0) -> Mesh:
    """A cap, beanie or brimmed hat.

    Args:
        on: the body.
        height: of the crown over half the skull's height.
        brim_m: width of a brim all round.
        peak_m: length of a peak in front.
    """
    x, y, z = on.head_radii_m
    lift = on.head_turn @ np.array([0, 0.02 * on.size, 0.33 * z], np.float32)
    crown = ellipsoid(
        on.head_m + lift, [x * 1.12, y * 1.0, z * (0.35 + height)], on.head_turn, Part.HAT, from_height=0.0,
    )  # fmt: skip
    pieces = [crown]
    if brim_m > 0:
        pieces.append(ellipsoid(on.head_m + lift, [x * 1.1 + brim_m, y + brim_m, 0.012], on.head_turn, Part.HAT))
    if peak_m > 0:
        forward = on.head_turn @ np.array([0, -0.75 * y - peak_m / 2, 0], np.float32)
        pieces.append(ellipsoid(on.head_m + lift + forward, [x * 0.8, peak_m, 0.012], on.head_turn, Part.HAT))
    return merge(pieces)


def backpack(on: Anchors, *, half_sizes_m: tuple[float, float, float] = (0.15, 0.08, 0.21)) -> Mesh:
    """A rucksack on the back."""
    half = np.array(half_sizes_m, np.float32) * on.size
    behind = np.array([0, on.chest_depth_m + 0.75 * half[1], 0.02 * on.size], np.float32)
    return box(on.chest_m + on.chest_turn @ behind, half, on.chest_turn, Part.BACKPACK)


def hand_bag(
    on: Anchors, *, side: str, half_sizes_m: tuple[float, float, float] = (0.13, 0.05, 0.16), handle_m: float = 0.16
) -> Mesh:
    """A bag that hangs from a hand. ``side`` is ``left`` or ``right``."""
    elbow, wrist = on.joint(f"{side}_elbow"), on.joint(f"{side}_wrist")
    grip = wrist + 0.09 * on.size * _unit(wrist - elbow)
    half = np.array(half_sizes_m, np.float32) * on.size
    frame = frame_along((0, 0, 1), on.hips_turn[:, 1])
    top = grip - np.array([0, 0, handle_m * on.size], np.float32)
    body = box(top - np.array([0, 0, half[2]], np.float32), half, frame, Part.BAG)
    return merge([body, tube([grip, top], 0.012 * on.size, Part.BAG)])


def shoulder_bag(
    on: Anchors, *, side: str, half_sizes_m: tuple[float, float, float] = (0.06, 0.15, 0.13), drop: float = 0.95
) -> Mesh:
    """A bag at the hip on a strap over the shoulder of the same side; ``drop`` 1 hangs at the hip, 0.5 at the ribs."""
    sign = 1.0 if side == "left" else -1.0
    shoulder, hip = on.joint(f"{side}_shoulder"), on.joint(f"{side}_hip")
    half = np.array(half_sizes_m, np.float32) * on.size
    out = on.hips_turn @ np.array([sign * (0.11 * on.size + half[0]), 0.03, 0], np.float32)
    centre = shoulder + (hip - shoulder) * drop + out
    strap_top = shoulder + np.array([0, 0, 0.05 * on.size], np.float32)
    strap = tube([strap_top, centre + on.hips_turn[:, 2] * half[2]], 0.014 * on.size, Part.BAG)
    return merge([box(centre, half, on.hips_turn, Part.BAG), strap])


def suitcase(on: Anchors, *, side: str, half_sizes_m: tuple[float, float, float] = (0.2, 0.12, 0.3)) -> Mesh:
    """A wheeled case behind a hand, on the ground of the lower ankle."""
    half = np.array(half_sizes_m, np.float32) * on.size
    wrist = on.joint(f"{side}_wrist")
    ground = min(on.joint("left_ankle")[2], on.joint("right_ankle")[2]) - 0.06 * on.size
    centre = wrist + on.hips_turn @ np.array([0, 0.35 * on.size, 0], np.float32)
    centre = np.array([centre[0], centre[1], ground + half[2]], np.float32)
    frame = frame_along((0, 0, 1), on.hips_turn[:, 0])
    handle = tube([centre + np.array([0, 0, half[2]], np.float32), wrist], 0.013 * on.size, Part.BAG)
    return merge([box(centre, half, frame, Part.BAG), handle])


def umbrella(on: Anchors, *, side: str, radius_m: float = 0.5, stick_m: float = 0.55) -> Mesh:
    """An open umbrella above a hand."""
    wrist = on.joint(f"{side}_wrist")
    top = np.array([0, 0, stick_m], np.float32) * on.size + wrist
    canopy = ellipsoid(top, [radius_m, radius_m, 0.28], np.eye(3), Part.UMBRELLA, from_height=0.0)
    return merge([canopy, tube([wrist, top + np.array([0, 0, 0.28], np.float32)], 0.012, Part.UMBRELLA)])


def pram(on: Anchors) -> Mesh:
    """A pram or trolley in front of the body."""
    ground = min(on.joint("left_ankle")[2], on.joint("right_ankle")[2]) - 0.06 * on.size
    frame = frame_along((0, 0, 1), on.hips_turn[:, 0])
    middle = (on.joint("left_hip") + on.joint("right_hip")) / 2
    ahead = middle + on.hips_turn @ np.array([0, -0.75, 0], np.float32) * on.size
    tub = box([ahead[0], ahead[1], ground + 0.62], [0.24, 0.42, 0.2], frame, Part.PRAM)
    wheels = [
        ellipsoid(
            [*(ahead + frame @ np.array([dx, dy, 0], np.float32))[:2], ground + 0.14], [0.03, 0.14, 0.14], frame, Part.PRAM
        )
        for dx in (-0.24, 0.24) for dy in (-0.3, 0.3)
    ]  # fmt: skip
    grip = np.array([ahead[0], ahead[1], ground + 0.7], np.float32)
    handle = tube(np.stack([grip, middle + (ahead - middle) * 0.35]), 0.02, Part.PRAM)
    return merge([tub, handle, *wheels])


def _along(leg: list[NDArray[np.float32]], level: float) -> NDArray[np.float32]:
    """Point on hip-knee-ankle: 0 the hip, 1 the knee, 2 the ankle."""
    k = min(int(level), 1)
    return np.asarray(leg[k] + (leg[k + 1] - leg[k]) * (level - k), np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
