"""Parts that an anomaly detector should notice, and a pram, which it should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.synth import acts
from bodydouble.synth.behaviour import Points, Script, Stand, Walk, ease
from bodydouble.synth.gait import Performance
from bodydouble.synth.props import Colour, Prop

Seconds = NDArray[np.float64]

_FALL_SECONDS: Final = 0.9
_THROW_SECONDS: Final = 1.2
_GRAVITY: Final = 9.81
_RUN_STRIDE_PER_SPEED: Final = 0.72
"""Metres of a running stride (two steps) per metre a second: about 1.4 strides a second."""
_RELEASE: Final = 0.6
"""Share of a throw at which the ball is let go."""


def _plain(seconds: Seconds, **changes: object) -> Performance:
    zero = np.zeros_like(seconds)
    values: dict[str, object] = {
        "seconds": seconds, "stride_turns": zero, "walking": zero, "talking": zero, "look_rad": zero,
    }  # fmt: skip
    return Performance(**(values | changes))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class PushPram(Walk):
    """Walk behind a pram; ordinary."""

    colour: Colour = (0.08, 0.1, 0.2)

    @property
    def name(self) -> str:
        """``push_pram``."""
        return "push_pram"

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Walk with both hands on the handle."""
        walk = super().script(seconds, stature_m=stature_m, stride_m=stride_m)
        doing = walk.doing
        pushing = _plain(
            seconds, stride_turns=doing.stride_turns, walking=doing.walking, look_rad=doing.look_rad,
            act=acts.pushing(seconds),
        )  # fmt: skip
        return Script(doing=pushing, path_xy_m=walk.path_xy_m, prop=Prop(kind="pram", colour=self.colour))


@dataclass(frozen=True, kw_only=True)
class WrongWay(Walk):
    """Walk against everybody else; unusual all the time."""

    @property
    def name(self) -> str:
        """``wrong_way``."""
        return "wrong_way"

    def is_normal_at(self, seconds: float) -> bool:
        """False."""
        return False


@dataclass(frozen=True, kw_only=True)
class Loiter(Walk):
    """Go to and fro where others pass; unusual all the time. The way turns back on itself."""

    @property
    def name(self) -> str:
        """``loiter``."""
        return "loiter"

    def is_normal_at(self, seconds: float) -> bool:
        """False."""
        return False


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run along a way."""

    way_xy_m: Points
    speed_mps: float = 3.6
    first_turn: float = 0.0

    @property
    def name(self) -> str:
        """``run``."""
        return "run"

    def is_normal_at(self, seconds: float) -> bool:
        """False."""
        return False

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Run; both feet leave the ground twice in a stride."""
        turns = self.first_turn + seconds * self.speed_mps / (_RUN_STRIDE_PER_SPEED * self.speed_mps)
        flight = 0.05 * np.clip(np.sin(4 * np.pi * turns - 0.6), 0, 1)
        act = acts.running(turns, np.ones_like(seconds))
        return Script(
            doing=_plain(seconds, act=act), path_xy_m=np.array(self.way_xy_m, float),
            speed_mps=np.full_like(seconds, self.speed_mps), lift_m=flight,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fall:
    """Walk, fall, and stay down."""

    way_xy_m: Points
    falls_at_seconds: float
    speed_mps: float = 1.2
    backwards: bool = False

    @property
    def name(self) -> str:
        """``fall``."""
        return "fall"

    def is_normal_at(self, seconds: float) -> bool:
        """True until the knees give way."""
        return seconds < self.falls_at_seconds

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Walk, and tip over within a second."""
        progress = np.clip((seconds - self.falls_at_seconds) / _FALL_SECONDS, 0, 1)
        walking = 1 - ease((seconds - self.falls_at_seconds) / 0.3)
        speed = self.speed_mps * (1 - progress) ** 2
        turns = np.cumsum(np.diff(seconds, prepend=seconds[:1]) * self.speed_mps / stride_m * walking)
        act = acts.falling(progress, backwards=self.backwards)
        return Script(
            doing=_plain(seconds, stride_turns=turns, walking=walking, act=act),
            path_xy_m=np.array(self.way_xy_m, float), speed_mps=speed,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fight(Stand):
    """Stand with raised fists and strike out."""

    from_seconds: float = 0.0

    @property
    def name(self) -> str:
        """``fight``."""
        return "fight"

    def is_normal_at(self, seconds: float) -> bool:
        """True until the fists go up."""
        return seconds < self.from_seconds

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Stand, then fight."""
        stand = super().script(seconds, stature_m=stature_m, stride_m=stride_m)
        share = ease((seconds - self.from_seconds) / 0.4)
        act = acts.fighting(seconds, share, shift=self.first_turn / 2)
        talking = stand.doing.talking * (1 - share)
        return Script(
            doing=_plain(seconds, talking=talking, act=act), path_xy_m=stand.path_xy_m, facing_rad=stand.facing_rad
        )


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """Ride a bicycle where people walk."""

    way_xy_m: Points
    speed_mps: float = 4.5
    colour: Colour = (0.4, 0.05, 0.04)

    @property
    def name(self) -> str:
        """``cycle``."""
        return "cycle"

    def is_normal_at(self, seconds: float) -> bool:
        """False."""
        return False

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Ride; the lower foot stays a hand above the ground."""
        return Script(
            doing=_plain(seconds, act=acts.cycling(seconds * self.speed_mps / 4.2)),
            path_xy_m=np.array(self.way_xy_m, float), speed_mps=np.full_like(seconds, self.speed_mps),
            lift_m=np.full_like(seconds, 0.12), prop=Prop(kind="bicycle", colour=self.colour),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Throw(Stand):
    """Throw a ball into the air and away, again and again."""

    from_seconds: float = 0.5
    every_seconds: float = 3.0
    ball_mps: tuple[float, float] = (3.0, 4.5)
    """Forwards and upwards."""
    colour: Colour = (0.6, 0.55, 0.1)

    @property
    def name(self) -> str:
        """``throw``."""
        return "throw"

    def is_normal_at(self, seconds: float) -> bool:
        """False from the first swing of the arm until the ball lies still, for every throw."""
        since = seconds - self.from_seconds
        return since < 0 or since % self.every_seconds > _RELEASE * _THROW_SECONDS + self._flight_seconds(1.6)

    def script(self, seconds: Seconds, *, stature_m: float, stride_m: float) -> Script:
        """Throw; the ball follows a parabola from the hand and is gone where it lands."""
        stand = super().script(seconds, stature_m=stature_m, stride_m=stride_m)
        since = seconds - self.from_seconds
        phase = np.where(since < 0, 0.0, since % self.every_seconds)
        act = acts.throwing(np.clip(phase / _THROW_SECONDS, 0, 1))
        hand_m = 1.12 * stature_m
        flying = phase - _RELEASE * _THROW_SECONDS
        forward, upward = self.ball_mps
        height = hand_m + upward * flying - _GRAVITY / 2 * flying**2
        ball = np.stack([np.full_like(seconds, -0.2), -0.35 - forward * flying, height], axis=1)
        ball[(since < 0) | (flying < 0) | (height < 0.11)] = np.nan
        return Script(
            doing=_plain(seconds, act=act), path_xy_m=stand.path_xy_m, facing_rad=stand.facing_rad,
            prop=Prop(kind="ball", colour=self.colour, offset_m=ball),
        )  # fmt: skip

    def _flight_seconds(self, hand_m: float) -> float:
        upward = self.ball_mps[1]
        return float((upward + np.sqrt(upward**2 + 2 * _GRAVITY * hand_m)) / _GRAVITY)
