"""Who does what in a data set for anomaly detection: one street, its ordinary traffic, and now and then an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from bodydouble.seeds import derive_seed
from bodydouble.synth.behaviour import Behaviour, Stand, Walk
from bodydouble.synth.camera import Camera
from bodydouble.synth.unusual import Cycle, Fall, Fight, Loiter, PushPram, Run, Throw, WrongWay

Difficulty = Literal["easy", "medium", "hard"]
Event = Literal["run", "fall", "fight", "cycle", "wrong_way", "throw", "loiter"]

_NEAR_Y_M: Final = (9.0, 10.6)
"""Lanes of those who go to the right."""
_FAR_Y_M: Final = (11.0, 12.6)
"""Lanes of those who go to the left."""
_WALL_Y_M: Final = (13.4, 14.6)
"""Where people stand and talk."""
_FIRST_SHARE: Final = (0.25, 0.5)
"""Share of a clip after which its event begins, from and to; before it everything is ordinary."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a difficulty means."""

    events: tuple[Event, ...]
    """Kinds that occur, in turn."""
    num_people: int
    """Ordinary people in a clip."""
    noise_levels: float
    """Standard deviation of the sensor's noise, of 255."""
    far: bool
    """Events happen in the far lanes as well."""


LEVELS: Final[dict[Difficulty, Level]] = {
    "easy": Level(events=("cycle", "run", "fall", "throw"), num_people=3, noise_levels=1.0, far=False),
    "medium": Level(
        events=("cycle", "run", "fall", "fight", "throw", "wrong_way"), num_people=5, noise_levels=1.6, far=True
    ),
    "hard": Level(
        events=("run", "wrong_way", "fight", "loiter", "fall", "throw", "cycle"),
        num_people=8,
        noise_levels=3.0,
        far=True,
    ),
}


def ordinary_parts(camera: Camera, *, num_people: int, seconds: float, seed: int) -> list[Behaviour]:
    """Parts of a clip without an event: people walk on the right, somebody pushes a pram, two talk at the wall.

    Args:
        camera: decides where the picture ends.
        num_people: 0 or more; from four on two of them stand and talk.
        seconds: length of the clip; walkers are spread over it.
        seed: decides speeds, places and who does what.
    """
    rng = np.random.default_rng(derive_seed(seed, "ordinary parts"))
    parts: list[Behaviour] = []
    if num_people >= 4 and rng.random() < 0.6:
        parts += _talkers(camera, rng)
    while len(parts) < num_people:
        to_right = bool(rng.random() < 0.5)
        parts.append(_walker(camera, rng, seconds, to_right=to_right, pram=bool(rng.random() < 0.15)))
    return parts[:num_people]


def event_parts(camera: Camera, event: Event, *, level: Level, seconds: float, seed: int) -> list[Behaviour]:
    """Parts of those who do what is out of the ordinary; two for a fight, else one.

    Args:
        camera: decides where the picture ends.
        event: the kind.
        level: decides on the lanes.
        seconds: length of the clip.
        seed: decides moment, place and speed.
    """
    rng = np.random.default_rng(derive_seed(seed, "event", event))
    begins = float(rng.uniform(*_FIRST_SHARE)) * seconds
    far = level.far and bool(rng.random() < 0.5)
    lane = float(rng.uniform(*(_FAR_Y_M if far else _NEAR_Y_M)))
    half = camera.ground_width_m(lane)
    sign = -1.0 if far else 1.0
    if event in ("run", "cycle"):
        speed = float(rng.uniform(3.2, 4.2) if event == "run" else rng.uniform(3.8, 5.2))
        way = _way_that_enters_at(begins, speed, sign, lane, half)
        if event == "run":
            return [Run(way_xy_m=way, speed_mps=speed, first_turn=float(rng.random()))]
        return [Cycle(way_xy_m=way, speed_mps=speed, colour=_colour(rng))]
    if event == "wrong_way":
        speed = float(rng.uniform(1.1, 1.6))
        way = _way_that_enters_at(begins, speed, -sign, lane, half)
        return [WrongWay(way_xy_m=way, speed_mps=speed, first_turn=float(rng.random()))]
    x = float(rng.uniform(-0.5, 0.5)) * half
    if event == "fall":
        speed = float(rng.uniform(1.0, 1.4))
        start = x - sign * speed * begins
        end = (sign * (half + 3), lane)
        return [
            Fall(
                way_xy_m=((start, lane), end), falls_at_seconds=begins, speed_mps=speed,
                backwards=bool(rng.random() < 0.3),
            )
        ]  # fmt: skip
    if event == "fight":
        first = Fight(place_xy_m=(x - 0.45, lane), facing_rad=np.pi / 2, talks=True, from_seconds=begins)
        second = Fight(
            place_xy_m=(x + 0.45, lane + 0.1),
            facing_rad=-np.pi / 2,
            talks=True,
            from_seconds=begins + 0.3,
            first_turn=1.0,
        )
        return [first, second]
    if event == "throw":
        facing = float(rng.choice([-1, 1])) * np.pi / 2
        return [Throw(place_xy_m=(x, lane), facing_rad=facing, from_seconds=begins, colour=_colour(rng))]
    return [_loiterer(rng, x, lane)]


def _walker(camera: Camera, rng: np.random.Generator, seconds: float, *, to_right: bool, pram: bool) -> Walk:
    lane = float(rng.uniform(*(_NEAR_Y_M if to_right else _FAR_Y_M)))
    half, sign = camera.ground_width_m(lane), 1.0 if to_right else -1.0
    speed = float(rng.uniform(1.0, 1.5))
    # Some are in the picture when the clip begins, others come in later.
    way = _way_that_enters_at(float(rng.uniform(-2 * half / speed, 0.7 * seconds)), speed, sign, lane, half)
    turn = float(rng.random())
    if pram:
        return PushPram(way_xy_m=way, speed_mps=speed, first_turn=turn, colour=_colour(rng))
    return Walk(way_xy_m=way, speed_mps=speed, first_turn=turn)


def _way_that_enters_at(
    seconds: float, speed_mps: float, sign: float, lane_m: float, half_m: float
) -> tuple[tuple[float, float], ...]:
    """A straight way whose walker comes into the picture after some seconds (before its beginning if negative)."""
    start = -sign * (half_m + 0.5) - sign * speed_mps * seconds
    end = sign * (half_m + 2.0)
    if (end - start) * sign < 1.0:
        end = start + sign
    return ((start, lane_m), (end, lane_m))


def _talkers(camera: Camera, rng: np.random.Generator) -> list[Behaviour]:
    y = float(rng.uniform(*_WALL_Y_M))
    x = float(rng.uniform(-0.6, 0.6)) * camera.ground_width_m(y)
    return [
        Stand(place_xy_m=(x - 0.42, y), facing_rad=np.pi / 2, talks=True),
        Stand(place_xy_m=(x + 0.42, y + 0.1), facing_rad=-np.pi / 2, talks=True, first_turn=1.0),
    ]


def _loiterer(rng: np.random.Generator, x: float, lane: float) -> Loiter:
    reach = float(rng.uniform(1.2, 2.0))
    corners = [(x + side * reach, lane + 0.3 * side) for _ in range(40) for side in (-1.0, 1.0)]
    return Loiter(way_xy_m=tuple(corners), speed_mps=float(rng.uniform(0.8, 1.1)), first_turn=float(rng.random()))


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = rng.uniform(0.02, 0.5, 3)
    return (float(red), float(green), float(blue))
