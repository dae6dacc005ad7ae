"""Who does what on a rendered street: a mix of what happens on an ordinary day, laid out so that people meet and overlap."""

from __future__ import annotations

import numpy as np

from bodydouble.seeds import derive_seed
from bodydouble.synth.behaviour import Behaviour, Stand, Walk
from bodydouble.synth.camera import Camera

NEAREST_Y_M = 8.3
FARTHEST_Y_M = 14.8


def ordinary_day(camera: Camera, *, num_people: int, seconds: float, pole_x_m: float, seed: int) -> list[Behaviour]:
    """Parts for ``num_people``.

    In this order: two who cross each other, the farther one behind the lamp post; two who stand and talk; one who comes
    towards the camera and is cut by the border; one who stops to look at a window; then walkers to and fro.

    Args:
        camera: decides where the picture ends.
        num_people: 0 or more.
        seconds: length of the clip; those who cross do so half-way through it.
        pole_x_m: where the lamp post stands, left or right.
        seed: decides speeds, places and directions.
    """
    rng = np.random.default_rng(derive_seed(seed, "ordinary day"))
    parts: list[Behaviour] = []
    direction = int(rng.choice([-1, 1]))
    for lane, sign in ((9.3, direction), (10.6, -direction)):
        parts.append(_crosser(camera, lane, sign, seconds, meet_x_m=pole_x_m, rng=rng))
    parts += _talkers(camera, rng, away_from_x_m=pole_x_m)
    parts.append(_towards_camera(camera, rng))
    parts.append(_window_shopper(camera, rng, seconds))
    while len(parts) < num_people:
        lane = float(rng.uniform(NEAREST_Y_M + 0.6, FARTHEST_Y_M))
        parts.append(_passer_by(camera, lane, int(rng.choice([-1, 1])), rng))
    return parts[:num_people]


def _crosser(camera: Camera, y: float, sign: int, seconds: float, *, meet_x_m: float, rng: np.random.Generator) -> Walk:
    """Walks straight and is at the meeting point half-way through the clip."""
    speed = float(rng.uniform(1.15, 1.45))
    start = meet_x_m - sign * speed * seconds / 2
    end = sign * (camera.ground_width_m(y) + 1.5)
    return Walk(
        way_xy_m=((start, y), (max(end, start + 1) if sign > 0 else min(end, start - 1), y + 0.1)),
        speed_mps=speed,
        first_turn=float(rng.random()),
    )


def _talkers(camera: Camera, rng: np.random.Generator, *, away_from_x_m: float) -> list[Stand]:
    y = float(rng.uniform(11.8, 13.6))
    side = -1 if away_from_x_m > 0 else 1
    x = side * float(rng.uniform(0.35, 0.6)) * camera.ground_width_m(y)
    turn = float(rng.uniform(-0.35, 0.35))
    gap = 0.42
    first = Stand(place_xy_m=(x - gap, y), facing_rad=np.pi / 2 + turn, talks=True)
    second = Stand(place_xy_m=(x + gap, y + 0.15), facing_rad=-np.pi / 2 + turn, talks=True, first_turn=1.0)
    return [first, second]


def _towards_camera(camera: Camera, rng: np.random.Generator) -> Walk:
    """From the background down to the near corner, where the border cuts the legs and then the rest."""
    side = float(rng.choice([-1, 1]))
    far = side * 0.15 * camera.ground_width_m(13.5)
    near = side * (camera.ground_width_m(NEAREST_Y_M - 0.6) - 0.1)
    way = ((far, 13.5), (0.55 * near, 10.2), (near, NEAREST_Y_M - 0.6), (1.6 * near, NEAREST_Y_M - 1.0))
    return Walk(way_xy_m=way, speed_mps=float(rng.uniform(1.2, 1.5)), first_turn=float(rng.random()))


def _window_shopper(camera: Camera, rng: np.random.Generator, seconds: float) -> Walk:
    y = float(rng.uniform(14.2, FARTHEST_Y_M))
    sign = float(rng.choice([-1, 1]))
    half = camera.ground_width_m(y)
    way = ((-sign * 0.75 * half, y), (sign * (half + 1.5), y))
    return Walk(
        way_xy_m=way, speed_mps=float(rng.uniform(0.95, 1.2)), first_turn=float(rng.random()),
        pause_from_seconds=0.3 * seconds, pause_seconds=0.35 * seconds, look_rad=sign * 1.1,
    )  # fmt: skip


def _passer_by(camera: Camera, y: float, sign: int, rng: np.random.Generator) -> Walk:
    half = camera.ground_width_m(y)
    start = -sign * float(rng.uniform(0.1, 1.15)) * half
    slant = float(rng.uniform(-0.7, 0.7))
    end_y = float(np.clip(y + slant, NEAREST_Y_M, FARTHEST_Y_M))
    return Walk(
        way_xy_m=((start, y), (sign * (half + 1.5), end_y)),
        speed_mps=float(rng.uniform(1.0, 1.6)),
        first_turn=float(rng.random()),
    )
