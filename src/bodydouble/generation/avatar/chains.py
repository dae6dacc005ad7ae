"""The inner loops of posing bones, compiled: the fit poses whole tracks some fifty times."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@nb.njit(cache=True, nogil=True)
def pose_chain(
    sines: Array, cosines: Array, bones: Array, about: Array, signs: Array, parents: Array, arms: Array, straighten: Array,
    rotations: Array, heads: Array, axes: Array,
) -> None:  # fmt: skip
    """Turn bones one after the other, parents first.

    Args:
        sines: (B, turns) of the angles, with the sign of the axis.
        cosines: (B, turns).
        bones: (turns,): which bone each turns, rising.
        about: (turns,): 0, 1 or 2 for the axis x, y or z.
        signs: (turns,): -1 where the axis points the other way.
        parents: (bones,): negative for the root.
        arms: (bones, 3): from the parent's head to the bone's, in the rest body.
        straighten: (bones, 3, 3): see ``skeleton.Skeleton``.
        rotations: (B, bones, 3, 3), written.
        heads: (B, bones, 3), written.
        axes: (B, turns, 3), written.
    """
    turn = np.empty((3, 3))
    for t in range(sines.shape[0]):
        index = 0
        for bone in range(parents.shape[0]):
            parent = parents[bone]
            if parent < 0:
                turn[:] = np.eye(3)
                heads[t, bone] = 0.0
            else:
                # The parent's straightening must not carry over: children are straightened on their own.
                _times(rotations[t, parent], straighten[parent].T, turn)
                for i in range(3):
                    heads[t, bone, i] = heads[t, parent, i]
                    for k in range(3):
                        heads[t, bone, i] += rotations[t, parent, i, k] * arms[bone, k]
            while index < bones.shape[0] and bones[index] == bone:
                axis, s, c = about[index], sines[t, index], cosines[t, index]
                second, third = (axis + 1) % 3, (axis + 2) % 3
                for i in range(3):
                    axes[t, index, i] = signs[index] * turn[i, axis]
                    v, w = turn[i, second], turn[i, third]
                    turn[i, second], turn[i, third] = c * v + s * w, c * w - s * v
                index += 1
            _times(turn, straighten[bone], rotations[t, bone])


@nb.njit(cache=True, nogil=True)
def chain_jacobian(
    joints: Array, heads: Array, axes: Array, bones: Array, gains: Array, angles: Array, moves: Array, out: Array
) -> None:
    """Add to ``out`` (B, joints, 3, angles) how joints move with each angle, metres per radian.

    Args:
        joints: (B, joints, 3).
        heads: (B, bones, 3).
        axes: (B, turns, 3).
        bones: (turns,): which bone each turns.
        gains: (turns,): share of the angle.
        angles: (turns,): which angle.
        moves: (bones, joints): whether a joint is at the bone's tip or below.
        out: see above.
    """
    for t in range(joints.shape[0]):
        for index in range(bones.shape[0]):
            head, angle, gain = heads[t, bones[index]], angles[index], gains[index]
            x, y, z = gain * axes[t, index, 0], gain * axes[t, index, 1], gain * axes[t, index, 2]
            for j in range(joints.shape[1]):
                if moves[bones[index], j]:
                    a, b, c = joints[t, j, 0] - head[0], joints[t, j, 1] - head[1], joints[t, j, 2] - head[2]
                    out[t, j, 0, angle] += y * c - z * b
                    out[t, j, 1, angle] += z * a - x * c
                    out[t, j, 2, angle] += x * b - y * a


@nb.njit(cache=True, nogil=True)
def _times(a: Array, b: Array, out: Array) -> None:
    """Product of 3x3 matrices."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
