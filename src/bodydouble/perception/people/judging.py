"""The second look: what finder and per-person network say together about a candidate.

The per-person network is asked as little as can be. Of whom the finder is sure it would say the same; of whom it doubts,
it first says whether there is a person at all, which takes half the time, and joints are looked for only where they could
still make a detection of it.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene.skeleton import BODY_JOINTS

SURE_SCORE: Final = 0.75
"""Score of the finder from which the per-person network isn't asked. On single frames of eight recorded clips the second
look gave none of 437 such candidates less than 0.5 (``benchmarks/second_look.py``)."""
_DOUBTFUL_SCORE: Final = 0.5
"""Below it most candidates are nobody, so that asking in two steps is cheaper than in one."""
_WEIGHT_FOUND, _WEIGHT_PERSON, _WEIGHT_JOINTS, _OFFSET = 1.75, 0.32, 0.74, -2.75
_SURE_WEIGHT, _SURE_OFFSET = 1.94, 0.26


@runtime_checkable
class Judge(Protocol):
    """Looks at one person at a time, remembers nothing."""

    def presence(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability (N,) that a person fills each box (N, 4) of a frame (H, W, 3)."""

    def opinions(
        self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the scores of the joints (N, 18)."""


def second_scores(
    rgb: NDArray[np.uint8],
    boxes_xyxy_px: NDArray[np.float32],
    found: NDArray[np.float32],
    judge: Judge,
    *,
    lowest: float,
) -> NDArray[np.float32]:
    """Probability of a person, (N,); 0 for some of those who stay below ``lowest`` in any case.

    Args:
        rgb: (H, W, 3) frame.
        boxes_xyxy_px: (N, 4) candidates.
        found: (N,) scores of the finder.
        judge: the per-person network.
        lowest: score below which nobody asks how low it is.
    """
    scores = np.zeros(len(found), np.float32)
    sure = found >= SURE_SCORE
    scores[sure] = sure_score(found[sure])
    ask = ~sure
    doubtful = np.flatnonzero(found < _DOUBTFUL_SCORE)
    if len(doubtful):
        presence = judge.presence(rgb, boxes_xyxy_px[doubtful])
        best = joint_score(found[doubtful], presence, np.ones((len(doubtful), max(BODY_JOINTS) + 1), np.float32))
        ask[doubtful[best < lowest]] = False
    rows = np.flatnonzero(ask)
    if len(rows):
        presence, joints = judge.opinions(rgb, boxes_xyxy_px[rows])
        scores[rows] = joint_score(found[rows], presence, joints)
    return scores


def joint_score(
    found: NDArray[np.float32], presence: NDArray[np.float32], joints: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What both networks say together: probability of a person, (N,).

    A logistic regression, fitted to single frames of eight recorded clips (``benchmarks/second_look.py``): these four
    numbers and the two of ``sure_score`` are all that recorded people have given to this project's networks.

    Args:
        found: (N,) scores of the finder.
        presence: (N,) of the per-person network.
        joints: (N, 18) scores of the joints.
    """
    opinion = (
        _WEIGHT_FOUND * log_odds(found)
        + _WEIGHT_PERSON * log_odds(presence)
        + _WEIGHT_JOINTS * joints[:, list(BODY_JOINTS)].mean(axis=1)
        + _OFFSET
    )
    return np.asarray(1 / (1 + np.exp(-opinion)), np.float32)


def sure_score(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """What ``joint_score`` is on average where the finder is sure, (N,): a line through log odds, from the same frames."""
    return np.asarray(1 / (1 + np.exp(-(_SURE_WEIGHT * log_odds(found) + _SURE_OFFSET))), np.float32)


def log_odds(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithm of p / (1 - p), (N,); kept finite."""
    p = np.clip(probability.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(p / (1 - p)))
