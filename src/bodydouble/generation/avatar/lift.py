"""The first guess of a motion by a small network: joints in the picture over time to angles of the body and feet that stand.

Twelve and a half times a second the network is told where joints, box and its middle are, in metres of the picture, how
sure that is, how they move, and from how far above the camera looks. It answers with the angles of
`bodydouble.generation.avatar.skeleton` and with how surely each foot is planted. It sees a second and three quarters to
either side, so single mirrored, wrong or missing skeletons do not turn anybody round. It was trained on motions made up
by `training/motions.py` and nothing else; recipe and card are in `training/README.md` and beside the weights. Residual
blocks of dilated convolutions over time are those of Pavllo et al. 2019, "3D human pose estimation in video with temporal
convolutions and semi-supervised training", with layer normalisation in place of batch normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.skeleton import NUM_ANGLES, Floats
from bodydouble.generation.avatar.smooth import smooth

RATE_HZ: Final = 12.5
"""Of the network; tracks are put on this grid."""
DILATIONS: Final = (1, 2, 4, 8, 4, 2, 1)
NUM_FEATURES: Final = 95
NUM_ANSWERS: Final = NUM_ANGLES + 3
"""Sine and cosine of the yaw, the other angles, and logits of planted feet, left and right."""
NORMAL_HEIGHT_M: Final = 1.72
"""Sizes are told as of a body of this height, whatever the double's."""
_TRAVEL_S: Final = 0.35
_EPSILON: Final = 1e-5
_WEIGHTS: Final = "lift.safetensors"

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lifted:
    """What the network makes of a track, one row per step of the track."""

    angles: Floats
    """(T, 25), yaw continuous over full turns."""
    planted: Floats
    """(T, 2): how surely the left and right foot stand still, 0 to 1."""


def features(
    joints_m: Floats, weights: Floats, boxes_m: Floats, box_weights: Floats, elevation_rad: Floats
) -> Floats32:
    """(T, 95) of what the network is told, at `RATE_HZ`.

    Args:
        joints_m: (T, 18, 2) places in the picture over the ground filmed, in metres of a body of `NORMAL_HEIGHT_M`.
        weights: (T, 18): 0 to 1.
        boxes_m: (T, 4), likewise.
        box_weights: (T,): 0 where the box is cut.
        elevation_rad: (T,).
    """
    middle = np.stack([(boxes_m[:, 0] + boxes_m[:, 2]) / 2, (boxes_m[:, 1] + boxes_m[:, 3]) / 2], 1)
    seen = weights > 0
    where = np.where(seen[..., None], joints_m - middle[:, None], 0.0)
    moved = np.zeros_like(where)
    moved[1:] = np.where((seen[1:] & seen[:-1])[..., None], np.diff(joints_m, axis=0), 0.0)
    path = smooth(middle, 0.05 + box_weights, 1 / RATE_HZ, _TRAVEL_S)
    travel = np.gradient(path, axis=0) if len(path) > 1 else np.zeros_like(path)
    size = np.stack([boxes_m[:, 2] - boxes_m[:, 0], boxes_m[:, 3] - boxes_m[:, 1]], 1) * box_weights[:, None]
    count = len(joints_m)
    columns = [
        where.reshape(count, 36), weights, np.clip(4 * moved, -4, 4).reshape(count, 36), np.clip(4 * travel, -4, 4),
        size, elevation_rad[:, None],
    ]  # fmt: skip
    return np.asarray(np.clip(np.concatenate(columns, 1), -4, 4), dtype=np.float32)


class Lifter:
    """The network, in NumPy."""

    def __init__(self, weights: dict[str, Floats32]) -> None:
        self._weights = weights

    @classmethod
    @cache
    def load(cls) -> Lifter:
        """The weights that come with the package."""
        from safetensors.numpy import load

        data = (resources.files("bodydouble.generation.avatar") / "weights" / _WEIGHTS).read_bytes()
        weights: dict[str, Floats32] = {name: values.astype(np.float32) for name, values in load(data).items()}
        return cls(weights)

    def answers(self, told: Floats32) -> Floats32:
        """(T, 28) for features (T, 95)."""
        weights = self._weights
        flow = told @ weights["begin.weight"].T + weights["begin.bias"]
        for index, reach in enumerate(DILATIONS):
            name = f"blocks.{index}"
            still = flow - flow.mean(1, keepdims=True)
            still = still / np.sqrt((still**2).mean(1, keepdims=True) + _EPSILON)
            still = still * weights[f"{name}.norm.weight"] + weights[f"{name}.norm.bias"]
            padded = np.pad(still, ((reach, reach), (0, 0)))
            count = len(still)
            windows = np.concatenate([padded[k * reach : k * reach + count] for k in range(3)], 1)
            # (out, in, 3) to (3 in, out), taps outermost like in the windows.
            kernel = weights[f"{name}.wide.weight"].transpose(2, 1, 0).reshape(-1, flow.shape[1])
            wide = np.maximum(windows @ kernel + weights[f"{name}.wide.bias"], 0)
            flow = flow + wide @ weights[f"{name}.narrow.weight"].T + weights[f"{name}.narrow.bias"]
        return np.asarray(flow @ weights["end.weight"].T + weights["end.bias"])


def lift(
    lifter: Lifter, *, times_s: Floats, joints_m: Floats, weights: Floats, boxes_m: Floats, box_weights: Floats,
    elevation_rad: Floats,
) -> Lifted:  # fmt: skip
    """Ask the network about a track of any frame rate; arguments as of `features`, times in seconds, rising."""
    span = times_s[-1] - times_s[0]
    grid = times_s[0] + np.arange(int(np.floor(span * RATE_HZ)) + 1) / RATE_HZ
    mix = _onto(times_s, grid)
    weight = mix @ weights
    joints = np.einsum("gt,tj,tjc->gjc", mix, weights, joints_m) / np.maximum(weight, 1e-9)[..., None]
    weight = np.where(weight > 0.02, weight, 0.0)
    told = features(joints, weight, mix @ boxes_m, mix @ box_weights, mix @ elevation_rad)
    answers = lifter.answers(told).astype(np.float64)
    yaw = np.unwrap(np.arctan2(answers[:, 0], answers[:, 1]))
    rows = np.concatenate([yaw[:, None], answers[:, 2:]], 1)
    back = np.stack([np.interp(times_s, grid, column) for column in rows.T], 1)
    return Lifted(angles=back[:, :NUM_ANGLES], planted=1 / (1 + np.exp(-back[:, NUM_ANGLES:])))


def _onto(times_s: Floats, grid_s: Floats) -> Floats:
    """(G, T): weights by which values of frames are mixed into moments, by a triangle as wide as both grids need."""
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / RATE_HZ
    reach = max(step, 1 / RATE_HZ)
    mix = np.maximum(1 - np.abs(grid_s[:, None] - times_s[None]) / reach, 0)
    return np.asarray(mix / np.maximum(mix.sum(1, keepdims=True), 1e-9))
