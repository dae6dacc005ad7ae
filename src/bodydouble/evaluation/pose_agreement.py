"""Do two estimators agree about joints, and about which side is left.

PCK@0.2: a joint is right when it lies within 0.2 torso lengths of the reference's (Yang and Ramanan 2013, "Articulated
Human Detection with Flexible Mixtures of Parts", section 6, with the torso for the head as in Sapp and Taskar 2013). The
torso is the longest distance from a shoulder to a hip of which the reference is sure: seen from the side, the distance
between the two middles would be the same, and the one from left to right is not always there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.scene.skeleton import JOINT_INDEX, JOINT_NAMES, MIRRORED

SURE_SCORE: Final[float] = 0.5
"""Score from which the reference's joints count."""
TOLERANCE_TORSOS: Final[float] = 0.2
COMPARED: Final[tuple[int, ...]] = tuple(
    index
    for index, name in enumerate(JOINT_NAMES)
    if name == "nose" or name.split("_")[-1] in {"shoulder", "elbow", "wrist", "hip", "knee", "ankle"}
)
"""Nose and limbs. Eyes and ears lie within the tolerance of the nose and would only add easy hits."""
_PAIRS: Final[tuple[tuple[int, int], ...]] = tuple(
    (index, MIRRORED[index]) for index in COMPARED if JOINT_NAMES[index].startswith("left_")
)
_APART_TORSOS: Final[float] = 0.2
"""Pairs that are closer together cannot be told from swapped ones at this tolerance."""

Joints = npt.NDArray[np.float64]
"""(18, 2): x and y in px, NaN where a joint was not found."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseAgreement:
    """One person in one frame."""

    compared: npt.NDArray[np.bool_]
    """(18,): the reference is sure of the joint."""
    right: npt.NDArray[np.bool_]
    """(18,): within the tolerance; False where not compared or not found."""
    right_if_swapped: npt.NDArray[np.bool_]
    """(18,): the same with left and right of the whole skeleton swapped where that agrees better."""
    pairs: int
    """Pairs of joints by which left and right can be told apart."""
    pairs_agree: int
    """Pairs that lie nearer to their own side than to the other."""
    same_side: bool | None
    """True if all pairs together are nearer to their own side; None without a pair."""


def torso_px(joints: Joints, scores: npt.NDArray[np.float64]) -> float | None:
    """Longest distance from a sure shoulder to a sure hip; None where there is none."""
    sure = {name: scores[index] >= SURE_SCORE for name, index in JOINT_INDEX.items()}
    lengths = [
        float(np.hypot(*(joints[JOINT_INDEX[f"{a}_shoulder"]] - joints[JOINT_INDEX[f"{b}_hip"]])))
        for a in ("left", "right")
        for b in ("left", "right")
        if sure[f"{a}_shoulder"] and sure[f"{b}_hip"]
    ]
    longest = max(lengths, default=0.0)
    return longest if longest > 0.0 else None


def agreement(joints: Joints, reference: Joints, reference_scores: npt.NDArray[np.float64]) -> PoseAgreement | None:
    """Compare the joints of one person with a reference's.

    Args:
        joints: (18, 2), to be judged.
        reference: (18, 2).
        reference_scores: (18,): 0 to 1; 0 for joints that the reference does not have.

    Returns:
        None where the reference is not sure of a shoulder and a hip: then there is no scale.
    """
    torso = torso_px(reference, reference_scores)
    if torso is None:
        return None
    compared = np.zeros(len(JOINT_NAMES), dtype=np.bool_)
    compared[list(COMPARED)] = reference_scores[list(COMPARED)] >= SURE_SCORE
    mirrored = joints[list(MIRRORED)]
    with np.errstate(invalid="ignore"):
        # A distance to NaN is NaN, and no NaN is within the tolerance.
        straight = compared & (np.hypot(*(joints - reference).T) <= TOLERANCE_TORSOS * torso)
        swapped = compared & (np.hypot(*(mirrored - reference).T) <= TOLERANCE_TORSOS * torso)
    own, other, agree, pairs = 0.0, 0.0, 0, 0
    for left, right in _PAIRS:
        rows = [left, right]
        apart = float(np.hypot(*(reference[left] - reference[right])))
        if not compared[rows].all() or apart < _APART_TORSOS * torso or not np.isfinite(joints[rows]).all():
            continue
        to_own = float(np.hypot(*(joints[rows] - reference[rows]).T).sum())
        to_other = float(np.hypot(*(joints[rows] - reference[[right, left]]).T).sum())
        own, other = own + to_own, other + to_other
        pairs, agree = pairs + 1, agree + int(to_own < to_other)
    return PoseAgreement(
        compared=compared,
        right=straight,
        right_if_swapped=straight if straight.sum() >= swapped.sum() else swapped,
        pairs=pairs,
        pairs_agree=agree,
        same_side=own < other if pairs else None,
    )


@dataclass(frozen=True, kw_only=True)
class PoseScores:
    """Many people. Shares are 0 to 1, None where nothing could be compared."""

    people: int
    """Persons in frames that were compared."""
    joints: int
    pck: float | None
    pck_if_swapped: float | None
    sided: int
    """Persons in frames by whom left and right can be told apart."""
    same_side: float | None
    """Share of those whose left is the reference's left."""
    pairs: int
    pairs_agree: float | None
    pck_by_joint: dict[str, float]


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def summarise(people: Sequence[PoseAgreement]) -> PoseScores:
    """Add up; every joint counts the same."""
    shape = (0, len(JOINT_NAMES))
    compared = np.array([p.compared for p in people], dtype=np.bool_).reshape(-1, *shape[1:])
    right = np.array([p.right for p in people], dtype=np.bool_).reshape(-1, *shape[1:])
    swapped = np.array([p.right_if_swapped for p in people], dtype=np.bool_).reshape(-1, *shape[1:])
    sided = [p.same_side for p in people if p.same_side is not None]
    pairs = sum(p.pairs for p in people)
    counts = compared.sum(axis=0)
    return PoseScores(
        people=len(people),
        joints=int(compared.sum()),
        pck=_share(float(right.sum()), float(compared.sum())),
        pck_if_swapped=_share(float(swapped.sum()), float(compared.sum())),
        sided=len(sided),
        same_side=_share(sum(sided), len(sided)),
        pairs=pairs,
        pairs_agree=_share(sum(p.pairs_agree for p in people), pairs),
        pck_by_joint={
            JOINT_NAMES[joint]: round(float(right[:, joint].sum() / counts[joint]), 4)
            for joint in COMPARED
            if counts[joint]
        },
    )
