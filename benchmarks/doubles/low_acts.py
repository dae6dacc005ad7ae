"""Sitting, crouching and stooping for `pose_lifting.py`: people whose legs fold, which the synthetic street has not.

Angles are set by eye, apart from the code that the lifting network learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from bodydouble.synth.behaviour import Script, Stand, ease
from bodydouble.synth.gait import Act

Seconds = npt.NDArray[np.float64]
_GOES_DOWN_SECONDS = 0.8
_ANGLES = {
    # thigh, knee, upper arm, elbow, lean of the trunk at the end and halfway down; radians
    "sit": (1.5, 1.5, 0.45, 0.8, 0.05, 0.5),
    "crouch": (1.9, 2.2, 0.9, 0.7, 0.45, 0.5),
    "stoop": (0.9, 0.35, 0.9, 0.2, 0.55, 0.3),
}


@dataclass(frozen=True, kw_only=True)
class GoDown(Stand):
    """Stand, go down, stay, and get up."""

    how: Literal["sit", "crouch", "stoop"]
    from_seconds: float = 0.8
    until_seconds: float = 3.0

    @property
    def name(self) -> str:
        """What is done."""
        return self.how

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Legs fold as far as they are to, one side a little more than the other."""
        stand = super().script(seconds, stature_m=stature_m, stride_m=stride_m)
        hip, knee, shoulder, elbow, lean, on_the_way = _ANGLES[self.how]
        share = ease((seconds - self.from_seconds) / _GOES_DOWN_SECONDS) * (
            1 - ease((seconds - self.until_seconds) / _GOES_DOWN_SECONDS)
        )
        steps, sides = len(seconds), np.array([[1.0, 0.93]])
        act = Act(
            share=share, hip=np.full((steps, 2), hip) * sides, knee=np.full((steps, 2), knee) * sides,
            shoulder=np.full((steps, 2), shoulder) * sides, elbow=np.full((steps, 2), elbow),
            lean=lean + on_the_way * 4 * share * (1 - share), pitch=np.zeros(steps),
        )  # fmt: skip
        return replace(stand, doing=replace(stand.doing, act=act))
