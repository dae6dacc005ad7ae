"""The double's own body: shape from the appearance alone, bound to the bones that move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel, RestBody
from bodydouble.generation.avatar.skeleton import BONE_INDEX, BONES, Floats, Skeleton, about, turn_between
from bodydouble.scene import Appearance
from bodydouble.seeds import derive_seed

_GENDER: Final[dict[str, float]] = {"woman": 0.92, "man": 0.08, "non-binary person": 0.5}
_WEIGHT: Final[dict[str, float]] = {"slim": 0.3, "average": 0.48, "athletic": 0.46, "heavy-set": 0.82}
_MUSCLE: Final[dict[str, float]] = {"slim": 0.42, "average": 0.48, "athletic": 0.78, "heavy-set": 0.5}
_HEIGHT: Final[dict[str, float]] = {"short": 0.3, "medium": 0.5, "tall": 0.7}
_VARIATION: Final[float] = 0.06
"""Largest change of a slider between two people of the same description."""

_AGE_YEARS: Final[tuple[float, ...]] = (1, 4, 5, 6, 8, 10, 12, 14, 16, 18, 25, 90)
_AGE_SLIDER: Final[tuple[float, ...]] = (0, 0.20, 0.23, 0.26, 0.314, 0.39, 0.49, 0.585, 0.645, 2 / 3, 2 / 3, 1)
"""``anny``'s age slider at these ages: where its stature has the share of a young adult's that medians of the WHO growth
standards have (2006, 2007; both sexes), and its old anchor at 90."""

_GROWN_YEARS: Final = 18

_CURL_RAD: Final[float] = 0.38
"""How far each finger joint of a hand at rest is bent."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Physique:
    """A naked body before posing."""

    vertices_m: Floats
    """(V, 3) rest body, hands relaxed."""
    weights: NDArray[np.float32]
    """(V, bones): how much each of `BONES` carries each vertex; rows sum to one."""
    skeleton: Skeleton


def phenotype_of(appearance: Appearance, seed: int) -> dict[str, float]:
    """Sliders of ``anny`` for an appearance, with a little variation from ``seed``. Nothing filmed enters."""
    rng = np.random.default_rng(derive_seed(seed, "physique"))
    age = float(np.interp(appearance.age_years, _AGE_YEARS, _AGE_SLIDER))
    sliders = {
        "gender": _GENDER[appearance.gender],
        "age": age,
        "muscle": _MUSCLE[appearance.body_type],
        "weight": _WEIGHT[appearance.body_type],
        "height": _HEIGHT[appearance.height_class],
        "proportions": 0.5,
    }
    shift = rng.uniform(-_VARIATION, _VARIATION, len(sliders))
    if appearance.age_years < _GROWN_YEARS:
        # A step of the slider is years of growth here, and how tall a child is was decided when it was cast.
        shift[list(sliders).index("age")] = 0.0
    return {name: float(np.clip(value + d, 0, 1)) for (name, value), d in zip(sliders.items(), shift, strict=True)}


def build_physique(model: BodyModel, phenotype: dict[str, float]) -> Physique:
    """Shape a body and bind it to `BONES`."""
    rest = model.rest(phenotype)
    vertices = _relax_hands(model, rest)
    heads = np.stack([rest.bone_poses[0, model.bone_index[bone], :3, 3].numpy() for bone in BONES]).astype(np.float64)
    heads -= heads[BONE_INDEX["root"]]  # Where posing puts the root; hands and joints below come posed.
    joints = model.joints(rest, torch.zeros(1, len(model.bone_labels), 3))[0].numpy().astype(np.float64)
    skeleton = Skeleton(heads_m=heads, straighten=_straighten(heads), joints_m=joints)
    return Physique(vertices_m=vertices, weights=bone_weights(model, rest), skeleton=skeleton)


def bone_weights(model: BodyModel, rest: RestBody) -> NDArray[np.float32]:
    """(V, bones) skinning weights, measured: carry one group of bones aside, see how far each vertex goes along."""
    group = _nearest_moving_bone(model)
    weights = np.zeros((rest.vertices_m.shape[1], len(BONES)), np.float32)
    rest_m = rest.vertices_m[0].numpy()
    for first in range(0, len(BONES), 3):
        transforms = torch.eye(4).repeat(1, len(group), 1, 1)
        for axis, bone in enumerate(range(first, min(first + 3, len(BONES)))):
            transforms[0, torch.from_numpy(group == bone), axis, 3] = 1.0
        moved = model.skin(rest, transforms)[0].numpy() - rest_m
        weights[:, first : first + 3] = moved[:, : len(BONES) - first]
    weights = np.clip(weights, 0, None)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _nearest_moving_bone(model: BodyModel) -> NDArray[np.int64]:
    group = np.zeros(len(model.bone_labels), np.int64)
    for bone, label in enumerate(model.bone_labels):
        group[bone] = BONE_INDEX[label] if label in BONE_INDEX else group[model.bone_parents[bone]]
    return group


def _relax_hands(model: BodyModel, rest: RestBody) -> Floats:
    """The rest body with half-closed hands; straight spread fingers look like a doll's."""
    turns = torch.zeros(1, len(model.bone_labels), 3)
    heads = {label: rest.bone_poses[0, i, :3, 3].numpy() for label, i in model.bone_index.items()}
    for side in ("L", "R"):
        # Fingers bend about the line across the knuckles.
        across = heads[f"finger2-1.{side}"] - heads[f"finger5-1.{side}"]
        across = across / np.linalg.norm(across)
        sign = -1.0 if side == "L" else 1.0
        for finger in range(2, 6):
            for segment in (1, 2, 3):
                turns[0, model.bone_index[f"finger{finger}-{segment}.{side}"]] = torch.from_numpy(
                    (sign * _CURL_RAD * across).astype(np.float32)
                )
    transforms, _ = model.bone_transforms(rest, turns)
    return np.asarray(model.skin(rest, transforms)[0].numpy().astype(np.float64))


def _straighten(heads: Floats) -> Floats:
    """Turns that let arms and legs of the rest body (arms aside, elbows bent) hang straight down."""
    turns = np.repeat(np.eye(3)[None], len(BONES), axis=0)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        shoulder, elbow, wrist = (heads[BONE_INDEX[f"{b}.{side}"]] for b in ("upperarm01", "lowerarm01", "wrist"))
        hinge = np.cross(elbow - shoulder, wrist - elbow)
        down, across = np.array([0.13 * sign, 0.0, -1.0]), np.array([-1.0, 0.0, 0.0])
        for bone, along in (("upperarm01", elbow - shoulder), ("lowerarm01", wrist - elbow)):
            turns[BONE_INDEX[f"{bone}.{side}"]] = _frame(down, across) @ _frame(along, hinge).T
        turns[BONE_INDEX[f"wrist.{side}"]] = turns[BONE_INDEX[f"lowerarm01.{side}"]]
        hip, knee, ankle = (heads[BONE_INDEX[f"{b}.{side}"]] for b in ("upperleg01", "lowerleg01", "foot"))
        for bone, along in (("upperleg01", knee - hip), ("lowerleg01", ankle - knee)):
            turns[BONE_INDEX[f"{bone}.{side}"]] = turn_between(along, np.array([0.01 * sign, 0.0, -1.0]))
        turns[BONE_INDEX[f"foot.{side}"]] = about((0.0, 0.0, 1.0), sign * np.deg2rad(3))
    return turns


def _frame(along: Floats, across: Floats) -> Floats:
    """Orthonormal axes as columns: along, across (made square to it), and the third."""
    first = along / np.linalg.norm(along)
    second = across - (across @ first) * first
    second = second / np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], 1)
