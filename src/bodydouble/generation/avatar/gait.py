"""How people walk, run and stand when nothing else is known: joint angles over the phase of the step.

Curves of hip, knee and ankle: normal level walking, Winter, "Biomechanics and Motor Control of Human Gait" (1991), read
at tenths of the cycle. Cadence and step length against speed: Grieve & Gear (1966), where both grow with about the
square root of the speed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, NUM_ANGLES

Floats = NDArray[np.float64]

_HIP_DEG: Final = (27.0, 24.0, 16.0, 6.0, -4.0, -11.0, -7.0, 8.0, 22.0, 29.0)
_KNEE_DEG: Final = (4.0, 13.0, 15.0, 9.0, 6.0, 12.0, 35.0, 60.0, 50.0, 19.0)
_ANKLE_DEG: Final = (0.0, -4.0, 3.0, 7.0, 9.0, 7.0, -13.0, -11.0, -1.0, 1.0)
"""Positive lifts the toes."""

WALKING_SPEED: Final = 0.78
"""Usual speed, statures (ankle to eye... whole body heights) per second: 1.35 m/s for 1.73 m."""
_STRIDE_AT_WALKING: Final = 0.83
"""Length of two steps at that speed, in body heights."""
_STILL_SPEED: Final = 0.10
"""Below this nobody takes steps, body heights per second."""


def amplitude_of(speed: Floats) -> Floats:
    """How wide steps are, 0 standing, 1 usual walking, up to 1.5 running; ``speed`` in body heights per second."""
    rise = np.clip((speed - _STILL_SPEED) / (0.35 - _STILL_SPEED), 0, 1)
    return np.asarray(rise * np.clip(np.sqrt(speed / WALKING_SPEED), 0, 1.5))


def cycles_per_second(speed: Floats) -> Floats:
    """Cadence: cycles of two steps per second at a speed in body heights per second."""
    stride = _STRIDE_AT_WALKING * np.sqrt(np.maximum(speed, 0.05) / WALKING_SPEED)
    return np.asarray(np.clip(np.maximum(speed, 0.05) / stride, 0, 2.0))


def gait_angles(phase_rad: Floats, amplitude: Floats) -> Floats:
    """Angles (..., 25) at phases (...,): 0 is the left heel's strike, pi the right heel's. ``yaw`` is left at 0."""
    phase, width = np.broadcast_arrays(np.asarray(phase_rad, float), np.asarray(amplitude, float))
    angles = np.zeros((*phase.shape, NUM_ANGLES))
    for side, own in (("L", phase), ("R", phase + np.pi)):
        hip, knee = _curve(_HIP_DEG, own), _curve(_KNEE_DEG, own)
        running = np.clip(width - 1, 0, 1)
        angles[..., ANGLE_INDEX[f"leg_swing.{side}"]] = np.deg2rad(2) + width * (hip - np.deg2rad(2))
        angles[..., ANGLE_INDEX[f"knee.{side}"]] = np.deg2rad(4) + np.minimum(width, 1.4) * (knee - np.deg2rad(4))
        angles[..., ANGLE_INDEX[f"leg_out.{side}"]] = np.deg2rad(2.5) * (1 - np.minimum(width, 1))
        swing = np.deg2rad(-3) + width * np.deg2rad(17) * -np.cos(own)
        angles[..., ANGLE_INDEX[f"arm_swing.{side}"]] = swing
        bend = np.deg2rad(16) + width * np.deg2rad(9) * (0.6 - np.cos(own)) + running * np.deg2rad(110)
        angles[..., ANGLE_INDEX[f"elbow.{side}"]] = bend
        angles[..., ANGLE_INDEX[f"arm_out.{side}"]] = np.deg2rad(5)
        angles[..., ANGLE_INDEX[f"arm_twist.{side}"]] = np.deg2rad(-12)
    angles[..., ANGLE_INDEX["twist"]] = width * np.deg2rad(5) * np.cos(phase)
    angles[..., ANGLE_INDEX["tilt"]] = np.deg2rad(2) * width
    return angles


def ankle_lift(phase_rad: Floats, amplitude: Floats) -> Floats:
    """(..., 2): angle of the left and right ankle, radians, toes up positive."""
    curves = np.stack([_curve(_ANKLE_DEG, phase_rad), _curve(_ANKLE_DEG, phase_rad + np.pi)], -1)
    return np.asarray(curves * np.asarray(amplitude)[..., None])


def stance(phase_rad: Floats, amplitude: Floats) -> Floats:
    """(..., 2): how surely the left and right foot stand still on the ground, 0 to 1."""
    out = []
    for own in (phase_rad, np.asarray(phase_rad) + np.pi):
        part = np.mod(own, 2 * np.pi) / (2 * np.pi)
        # Flat on the ground from 10 % to 45 % of the cycle, with soft ends; heel strike and push-off are not still.
        walking = np.clip(np.minimum(part - 0.05, 0.50 - part) / 0.08, 0, 1)
        out.append(np.where(np.asarray(amplitude) < 0.05, 1.0, walking))
    return np.stack(out, -1)


def _curve(degrees: tuple[float, ...], phase_rad: Floats) -> Floats:
    """A periodic curve through values at equal steps of the cycle, by its Fourier series: smooth everywhere."""
    values = np.deg2rad(np.array(degrees))
    spectrum = np.fft.rfft(values) / len(values)
    order = np.arange(len(spectrum))
    weight = np.where((order == 0) | (2 * order == len(values)), 1.0, 2.0)
    waves = np.exp(1j * np.asarray(phase_rad)[..., None] * order)
    return np.asarray((waves * spectrum * weight).real.sum(-1))
