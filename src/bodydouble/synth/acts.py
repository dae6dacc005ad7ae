"""Movements that are neither walking nor standing: angles of limbs and trunk over time.

Angles follow what people do as seen from the side, set by eye on rendered frames; they are no measurements.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.synth.gait import Act

Angles = NDArray[np.float64]


def _sides(right: Angles | float, left: Angles | float, steps: int) -> Angles:
    return np.stack([np.broadcast_to(right, steps), np.broadcast_to(left, steps)], axis=1).astype(float)


def running(turns: Angles, share: Angles) -> Act:
    """Long bent strides with bent arms; one turn is two steps, the right foot strikes at 0."""
    steps, phase = len(turns), 2 * np.pi * turns
    hip = [0.30 + 0.72 * np.cos(phase + shift) for shift in (0.0, np.pi)]
    knee = [0.35 + 1.25 * np.clip(-np.sin(phase + shift + 0.35), 0, 1) ** 1.3 for shift in (0.0, np.pi)]
    shoulder = [-0.1 - 0.75 * np.cos(phase + shift) for shift in (0.0, np.pi)]
    return Act(
        share=share, hip=_sides(hip[0], hip[1], steps), knee=_sides(knee[0], knee[1], steps),
        shoulder=_sides(shoulder[0], shoulder[1], steps),
        elbow=_sides(1.55, 1.55, steps), lean=np.full(steps, 0.16), pitch=np.zeros(steps), foot_level=0.5,
    )  # fmt: skip


def falling(progress: Angles, *, backwards: bool = False) -> Act:
    """From standing (0) to lying (1), arms thrown out, knees giving way first."""
    steps = len(progress)
    give = np.clip(progress * 2, 0, 1)
    sign = -1.0 if backwards else 1.0
    return Act(
        share=np.clip(progress * 3, 0, 1),
        hip=_sides(0.35 * give, 0.15 * give, steps), knee=_sides(0.8 * give, 0.45 * give, steps),
        shoulder=_sides(0.5 + 1.1 * give, 0.2 + 1.3 * give, steps), elbow=_sides(0.5, 0.8, steps),
        lean=0.15 * give, pitch=sign * (np.pi / 2 - 0.06) * progress**1.6, foot_level=0.3, arm_out=0.5,
    )  # fmt: skip


def fighting(seconds: Angles, share: Angles, *, shift: float = 0.0) -> Act:
    """A stance with raised fists; one arm or the other darts forward about once a second."""
    steps = len(seconds)
    dart = [np.clip(np.cos(2 * np.pi * (0.9 * seconds + shift + half)), 0, 1) ** 6 for half in (0.0, 0.47)]
    sway = 0.06 * np.sin(2 * np.pi * 1.3 * seconds + shift)
    return Act(
        share=share, hip=_sides(-0.22 + sway, 0.42 - sway, steps), knee=_sides(0.35, 0.4, steps),
        shoulder=_sides(0.75 + 0.75 * dart[0], 0.85 + 0.7 * dart[1], steps),
        elbow=_sides(2.1 - 1.9 * dart[0], 1.9 - 1.7 * dart[1], steps),
        lean=0.16 + 0.12 * np.maximum(*dart), pitch=np.zeros(steps),
    )  # fmt: skip


def cycling(turns: Angles) -> Act:
    """Seated, hands on the bar, feet on pedals that turn."""
    steps, phase = len(turns), 2 * np.pi * turns
    hip = [1.05 + 0.33 * np.cos(phase + shift) for shift in (0.0, np.pi)]
    knee = [1.1 + 0.48 * np.cos(phase + shift - 0.5) for shift in (0.0, np.pi)]
    return Act(
        share=np.ones(steps), hip=_sides(hip[0], hip[1], steps), knee=_sides(knee[0], knee[1], steps),
        shoulder=_sides(0.85, 0.85, steps), elbow=_sides(0.35, 0.35, steps), lean=np.full(steps, 0.5),
        pitch=np.zeros(steps), foot_level=0.8,
    )  # fmt: skip


def throwing(progress: Angles) -> Act:
    """The right arm swings back, over the head and forward; 0 begins, 0.6 lets go, 1 is over."""
    steps = len(progress)
    raised = np.interp(progress, [0, 0.35, 0.6, 0.8, 1], [0.0, 2.9, 1.9, 0.5, 0.0])
    bent = np.interp(progress, [0, 0.35, 0.6, 1], [0.3, 1.6, 0.15, 0.3])
    forward = np.interp(progress, [0, 0.35, 0.6, 1], [0.0, -0.12, 0.25, 0.05])
    at_work = np.interp(progress, [0, 0.12, 0.85, 1], [0.0, 1.0, 1.0, 0.0])
    return Act(
        share=at_work, hip=_sides(-0.12, 0.25, steps), knee=_sides(0.2, 0.15, steps),
        shoulder=_sides(raised, 0.45, steps), elbow=_sides(bent, 0.5, steps), lean=forward, pitch=np.zeros(steps),
    )  # fmt: skip


def pushing(seconds: Angles) -> Act:
    """Both hands forward on a handle; the legs walk."""
    steps = len(seconds)
    none = np.zeros(steps)
    return Act(
        share=np.ones(steps), hip=_sides(0, 0, steps), knee=_sides(0, 0, steps), shoulder=_sides(0.35, 0.35, steps),
        elbow=_sides(1.05, 1.05, steps), lean=none, pitch=none, legs=0.0,
    )  # fmt: skip
