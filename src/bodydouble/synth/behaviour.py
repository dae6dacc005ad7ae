"""What people do on the street. A `Behaviour` says it in terms of paths and activities; the body follows in `figure`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.synth.gait import Performance
from bodydouble.synth.props import Prop

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Script:
    """A behaviour worked out for one body."""

    doing: Performance
    path_xy_m: NDArray[np.float64]
    """``(P, 2)`` corners of the way on the ground, at least two; the body advances along it as far as its feet carry it."""
    facing_rad: NDArray[np.float64] | None = None
    """``(T,)`` heading where it is not that of the way; 0 looks away from the camera, pi / 2 to the right."""
    speed_mps: NDArray[np.float64] | None = None
    """``(T,)`` advance along the way where it is not the feet on the ground that decide (running, riding)."""
    lift_m: NDArray[np.float64] | None = None
    """``(T,)`` height of the lowest point of the body above the ground, where that is not 0."""
    prop: Prop | None = None
    """What the person pushes, rides or throws."""


class Behaviour(Protocol):
    """One person's part. Anything that can be written as a `Script` fits, also what is out of the ordinary."""

    @property
    def name(self) -> str:
        """One word for lists of events."""

    def is_normal_at(self, seconds: float) -> bool:
        """False while the person does what an anomaly detector should notice."""

    def script(self, seconds: NDArray[np.float64], *, stature_m: float, stride_m: float) -> Script:
        """Work it out.

        Args:
            seconds: ``(T,)`` moments of the frames.
            stature_m: of the person who plays it.
            stride_m: how far a stride carries that person.
        """


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Walk along a way, and stand still for a while if told so."""

    way_xy_m: Points
    speed_mps: float = 1.3
    first_turn: float = 0.0
    """Where in the stride the first frame finds the walker, 0 to 1."""
    pause_from_seconds: float = float("inf")
    pause_seconds: float = 0.0
    look_rad: float = 0.0
    """Turn of the head during the pause."""

    @property
    def name(self) -> str:
        """``walk``."""
        return "walk"

    def is_normal_at(self, seconds: float) -> bool:
        """True."""
        return True

    def script(self, seconds: NDArray[np.float64], *, stature_m: float, stride_m: float) -> Script:
        """Walk, with half a second to stop and to start again."""
        ramp = 0.5
        until = self.pause_from_seconds + self.pause_seconds
        rest = ease((seconds - self.pause_from_seconds) / ramp) * (1 - ease((seconds - until) / ramp))
        walking = 1 - rest
        rate = self.speed_mps / stride_m * np.clip(walking * 1.3, 0, 1)
        steps = np.diff(seconds, prepend=seconds[:1]) * rate
        doing = Performance(
            seconds=seconds,
            stride_turns=self.first_turn + np.cumsum(steps),
            walking=walking,
            talking=np.zeros_like(seconds),
            look_rad=self.look_rad * rest,
        )
        return Script(doing=doing, path_xy_m=np.array(self.way_xy_m, float))


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Stand in one place and look about, or talk to somebody."""

    place_xy_m: tuple[float, float]
    facing_rad: float
    talks: bool = False
    turn_seconds: float = 4.0
    """Whoever talks does so for this long, then listens as long."""
    first_turn: float = 0.0
    """0 begins with talking, 1 with listening."""

    @property
    def name(self) -> str:
        """``stand``."""
        return "stand"

    def is_normal_at(self, seconds: float) -> bool:
        """True."""
        return True

    def script(self, seconds: NDArray[np.float64], *, stature_m: float, stride_m: float) -> Script:
        """Stand; talk in turns."""
        zero = np.zeros_like(seconds)
        wave = 0.5 + 1.5 * np.cos(np.pi * (seconds / self.turn_seconds + self.first_turn))
        talking = np.clip(wave, 0.1, 1) if self.talks else zero
        doing = Performance(seconds=seconds, stride_turns=zero, walking=zero, talking=talking, look_rad=zero)
        x, y = self.place_xy_m
        ahead = (x + np.sin(self.facing_rad), y + np.cos(self.facing_rad))
        path = np.array([self.place_xy_m, ahead], float)
        return Script(doing=doing, path_xy_m=path, facing_rad=np.full_like(seconds, self.facing_rad))


def ease(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth step from 0 at 0 to 1 at 1, elementwise."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
