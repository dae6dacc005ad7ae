"""When a double is not where, or not of the size of, the person whose joints it follows.

A track that goes over from one person to another asks for what no body can do. On the way the double would be in places
where nobody is, or, since sizes change slowly, a giant who contorts to fit a small person's joints.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.skeleton import Floats
from bodydouble.runs import runs_of_true
from bodydouble.scene import JOINT_INDEX

_OFF_M, _FAR_OFF_M = 0.2, 0.4
"""Mean distance between a body's joints and those that were seen: usual is 0.05, 0.15 in one frame of twenty."""
_LEAST_JOINTS: Final = 4
"""With fewer joints seen nothing is told about that."""
_TOO_LARGE, _RATHER_LARGE = 0.5, 0.72
"""Longest of the trunk, thighs and shins in the picture over that of the double were it seen from the side. However somebody
sits or stoops, one of them is hardly shortened: 0.9 and more in 99 of 100 frames of recorded clips; 0.51 for somebody who
fell towards the camera, 0.47 for a small person played by a giant."""
_TOO_LARGE_CHANGING, _RATHER_LARGE_CHANGING = 0.75, 0.85
_CHANGING_PER_S: Final = 0.45
"""Change of the logarithm of the scale from which somebody so short is not lying there, but a track is on its way from one
person to another: those who fell keep their size (below 0.15), a small person who becomes a tall one within a second does
not (0.6)."""
_TOO_SMALL, _RATHER_SMALL = 1.4, 1.25
"""Middle one of the same: bodies look shorter than they are, never longer."""
_LEAST_LIMBS: Final = 3
_STEADY_SECONDS: Final = 0.4
_LIMBS: Final = tuple(
    (JOINT_INDEX[f"{side}_{start}"], JOINT_INDEX[f"{side}_{end}"])
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"))
)
_NECK: Final = JOINT_INDEX["neck"]
_HIPS: Final = [JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]


def lost_steps(evidence: Evidence, joints_m: Floats, error_m: Floats) -> NDArray[np.bool_]:
    """Steps of a track in which its double is not to be drawn, (T,).

    Args:
        evidence: what was seen.
        joints_m: (T, 18, 3) of the double.
        error_m: (T, 18) between both, NaN where a joint was not seen.
    """
    known = np.isfinite(error_m)
    mean_m = np.where(known, error_m, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean_m[known.sum(axis=1) < _LEAST_JOINTS] = 0.0
    longest, middle = _limb_shares(evidence, joints_m)
    change = np.abs(np.diff(np.log(evidence.scale_px_per_m), append=np.log(evidence.scale_px_per_m[-1])))
    changing = change / max(evidence.step_s, 1e-3) > _CHANGING_PER_S
    return (
        _stretches(mean_m > _OFF_M, mean_m > _FAR_OFF_M)
        | _stretches(longest < _RATHER_LARGE, longest < _TOO_LARGE)
        | _stretches(longest < _RATHER_LARGE_CHANGING, (longest < _TOO_LARGE_CHANGING) & changing)
        | _stretches(middle > _RATHER_SMALL, middle > _TOO_SMALL)
    )


def _limb_shares(evidence: Evidence, joints_m: Floats) -> tuple[Floats, Floats]:
    """(T,) longest and middle length of limbs in the picture over the double's own; 1 where too few are seen."""
    seen = evidence.weights > 0
    pairs = [
        (evidence.joints_px[:, a] - evidence.joints_px[:, b], joints_m[:, a] - joints_m[:, b], seen[:, [a, b]].all(1))
        for a, b in _LIMBS
    ]
    trunk_px = evidence.joints_px[:, _NECK] - evidence.joints_px[:, _HIPS].mean(axis=1)
    trunk_m = joints_m[:, _NECK] - joints_m[:, _HIPS].mean(axis=1)
    pairs.append((trunk_px, trunk_m, seen[:, [_NECK, *_HIPS]].all(axis=1)))
    shares = np.stack(
        [
            np.where(both, np.linalg.norm(px, axis=1) / (np.linalg.norm(m, axis=1) * evidence.scale_px_per_m), np.nan)
            for px, m, both in pairs
        ]
    )
    told = np.isfinite(shares).sum(axis=0) >= _LEAST_LIMBS
    shares = np.where(told, shares, 1.0)
    window = 2 * round(0.5 * _STEADY_SECONDS / max(evidence.step_s, 1e-3)) + 1
    longest, middle = np.nanmax(shares, axis=0), np.nanmedian(shares, axis=0)
    return median_filter(longest, window, mode="nearest"), median_filter(middle, window, mode="nearest")


def _stretches(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Runs of the first, (T,), in which the second holds somewhere."""
    result = np.zeros(len(weak), np.bool_)
    for first, last in runs_of_true(weak):
        result[first:last] = bool(strong[first:last].any())
    return result
