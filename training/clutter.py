"""Things that stand about in public places and are not people: what the finder must learn to pass over.

Each drawing routine paints into an RGB float image in place. ``x`` is the middle and ``y`` the foot of the thing in
pixels, ``size`` the height of a person standing there, so that everything keeps its scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]


def _colour(rng: np.random.Generator, low: float = 0.02, high: float = 0.95) -> Colour:
    value = rng.uniform(low, high, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(low, high))
    return (float(value[0]), float(value[1]), float(value[2]))


def _shaded(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _line(image: Floats, a: tuple[float, float], b: tuple[float, float], colour: Colour, width: float) -> None:
    ends = [(int(np.clip(x, -9000, 9000)), int(np.clip(y, -9000, 9000))) for x, y in (a, b)]
    cv2.line(image, ends[0], ends[1], colour, max(1, round(width)), cv2.LINE_AA)


def _disc(image: Floats, x: float, y: float, radius: float, colour: Colour) -> None:
    cv2.circle(image, (round(x), round(y)), max(2, round(radius)), colour, -1, cv2.LINE_AA)


def _oval(image: Floats, x: float, y: float, half_w: float, half_h: float, turn_deg: float, colour: Colour) -> None:
    axes = (max(1, round(half_w)), max(1, round(half_h)))
    cv2.ellipse(image, (round(x), round(y)), axes, turn_deg, 0, 360, colour, -1, cv2.LINE_AA)


def _wedge(image: Floats, x: float, top: float, half_top: float, foot: float, half_foot: float, colour: Colour) -> None:
    """A filled symmetric trapezium."""
    _fill(image, [(x - half_foot, foot), (x + half_foot, foot), (x + half_top, top), (x - half_top, top)], colour)


def _fill(image: Floats, points: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(image, [np.round(np.array(points)).astype(np.int32)], colour, cv2.LINE_AA)


def _bar(image: Floats, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    """A filled upright rectangle, lit from one side."""
    third = (right - left) / 3
    for k, factor in enumerate((1.0, 0.85, 0.65)):
        edge = (left + k * third, left + (k + 1) * third)
        cv2.rectangle(image, (round(edge[0]), round(top)), (round(edge[1]), round(bottom)), _shaded(colour, factor), -1)


def tripod(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A camera on three legs."""
    colour, high, spread = _colour(rng, 0.02, 0.4), size * rng.uniform(0.5, 1.0), size * rng.uniform(0.12, 0.3)
    for foot in (-spread, spread, spread * rng.uniform(-0.4, 0.4)):
        _line(image, (x, y - high * 0.75), (x + foot, y), colour, size * 0.02)
    _line(image, (x, y - high * 0.8), (x, y - high), colour, size * 0.03)
    _bar(image, x - size * 0.06, y - high - size * 0.09, x + size * 0.06, y - high, colour)


def post(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A bollard, post or lamp post, sometimes with a lamp or a sign."""
    colour, high = _colour(rng), size * float(np.exp(rng.uniform(np.log(0.4), np.log(3.5))))
    half = size * rng.uniform(0.015, 0.09)
    _bar(image, x - half, y - high, x + half, y, colour)
    kind = rng.random()
    if kind < 0.3:
        sign = size * rng.uniform(0.1, 0.35)
        _bar(image, x - sign, y - high, x + sign, y - high + sign * rng.uniform(0.6, 1.6), _colour(rng))
    elif kind < 0.5:
        _disc(image, x, y - high, size * rng.uniform(0.06, 0.16), _colour(rng, 0.5, 1))
    elif kind < 0.65:
        _line(image, (x, y - high), (x + size * rng.uniform(-0.6, 0.6), y - high * 1.03), colour, half * 1.4)


def pillar(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A column from the floor out of the picture."""
    half = size * rng.uniform(0.06, 0.35)
    _bar(image, x - half, -5, x + half, y, _colour(rng, 0.1, 0.95))


def chair(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A chair, seen from the side or the front."""
    colour, wide, seat, back = _colour(rng), size * 0.13, size * 0.27, size * 0.52
    thick = size * 0.025
    for dx in (-wide, wide):
        _line(image, (x + dx, y), (x + dx, y - seat), colour, thick)
        _line(image, (x + dx * 0.7, y - size * 0.06), (x + dx * 0.7, y - seat), _shaded(colour, 0.7), thick)
    _wedge(image, x, y - seat, wide, y - seat + thick * 2, wide * 1.2, colour)
    if rng.random() < 0.5:
        _bar(image, x - wide, y - back, x + wide, y - seat - thick, colour)
    else:
        side = float(rng.choice([-1, 1]))
        _line(image, (x + side * wide, y - seat), (x + side * wide * 1.15, y - back), colour, thick * 1.6)


def bench(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A bench or table."""
    colour, wide, high = _colour(rng), size * rng.uniform(0.3, 0.7), size * rng.uniform(0.25, 0.5)
    for k in range(int(rng.integers(1, 4))):
        top = y - high - k * size * 0.08
        _bar(image, x - wide, top, x + wide, top + size * 0.04, colour)
    for dx in (-wide * 0.85, wide * 0.85):
        _bar(image, x + dx - size * 0.02, y - high, x + dx + size * 0.02, y, _shaded(colour, 0.7))


def cone(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A traffic cone."""
    high, wide = size * rng.uniform(0.2, 0.5), size * rng.uniform(0.07, 0.14)
    colour = (rng.uniform(0.7, 1), rng.uniform(0.2, 0.5), 0.1)
    _wedge(image, x, y - high, wide * 0.15, y, wide, colour)
    _wedge(image, x, y - high * 0.65, wide * 0.4, y - high * 0.4, wide * 0.6, (0.9, 0.9, 0.9))


def bin_(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A litter bin, box, crate, locker, vending machine or sign board: upright and about as tall as a person."""
    wide, high = size * rng.uniform(0.08, 0.3), size * rng.uniform(0.3, 1.3)
    colour = _colour(rng)
    _bar(image, x - wide, y - high, x + wide, y, colour)
    if rng.random() < 0.5:
        _oval(image, x, y - high, wide, wide * 0.35, 0.0, _shaded(colour, 0.7))
    for _ in range(int(rng.integers(0, 4))):
        top = y - high * rng.uniform(0.1, 0.95)
        _bar(image, x - wide * 0.8, top, x + wide * 0.8, top + high * rng.uniform(0.02, 0.2), _colour(rng))


def car(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A parked car or van from the side."""
    long, high, colour = size * rng.uniform(0.9, 1.4), size * rng.uniform(0.35, 0.55), _colour(rng)
    _bar(image, x - long, y - high, x + long, y - size * 0.12, colour)
    roof = y - high - size * rng.uniform(0.25, 0.5)
    _wedge(image, x, roof, long * 0.42, y - high, long * 0.72, colour)
    _wedge(image, x, roof + size * 0.05, long * 0.39, y - high, long * 0.61, _colour(rng, 0.05, 0.4))
    for dx in (-long * 0.6, long * 0.6):
        _disc(image, x + dx, y - size * 0.14, size * 0.16, (0.05, 0.05, 0.05))


def bicycle(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A parked bicycle."""
    colour, wheel, apart = _colour(rng, 0.02, 0.7), size * 0.19, size * rng.uniform(0.15, 0.32)
    for dx in (-apart, apart):
        rim = (round(x + dx), round(y - wheel))
        cv2.circle(image, rim, max(2, round(wheel)), colour, max(1, round(size * 0.015)), cv2.LINE_AA)
    across = ((-apart, 1.0), (0.0, 1.0), (apart * 0.7, 2.6), (-apart * 0.4, 2.5))
    corners = [(x + dx, y - wheel * up) for dx, up in across]
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0), (1, 3)):
        _line(image, corners[a], corners[b], colour, size * 0.02)
    _line(image, (x + apart, y - wheel), (x + apart * 0.6, y - wheel * 3.1), colour, size * 0.02)


def tree(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A trunk with branches, with or without leaves."""
    colour, high = _colour(rng, 0.1, 0.5), size * rng.uniform(1.0, 3.0)
    _line(image, (x, y), (x + size * rng.normal(0, 0.15), y - high), colour, size * rng.uniform(0.05, 0.18))
    for _ in range(int(rng.integers(2, 7))):
        start = (x, y - high * rng.uniform(0.4, 1))
        _line(
            image, start, (x + size * rng.normal(0, 0.5), start[1] - size * rng.uniform(0.2, 0.8)), colour, size * 0.035
        )
    if rng.random() < 0.6:
        green = np.array([0.25, 0.4, 0.12]) * rng.uniform(0.4, 1.6)
        for _ in range(int(rng.integers(10, 40))):
            leaf = tuple((green * rng.uniform(0.5, 1.4)).tolist())
            spot = (round(x + size * rng.normal(0, 0.5)), round(y - high - size * rng.normal(0.1, 0.4)))
            cv2.circle(image, spot, max(1, round(size * rng.uniform(0.04, 0.16))), leaf, -1)


def bush(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A bush or a heap of something, as wide as tall or upright like a person."""
    base, wide, high = rng.uniform(0.05, 0.6, 3), size * rng.uniform(0.12, 0.5), size * rng.uniform(0.3, 1.1)
    if rng.random() < 0.6:
        base = np.array([0.2, 0.35, 0.1]) * rng.uniform(0.4, 1.6)
    for _ in range(40):
        spot = (round(x + wide * rng.normal(0, 0.45)), round(y - high * rng.uniform(0.05, 0.95)))
        tone = tuple((base * rng.uniform(0.4, 1.5)).tolist())
        cv2.circle(image, spot, max(1, round(size * rng.uniform(0.02, 0.1))), tone, -1)


def railing(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A fence, rail, tape or queue barrier across part of the picture."""
    colour, long, high = _colour(rng), size * rng.uniform(0.6, 4.0), size * rng.uniform(0.3, 0.7)
    slope = rng.normal(0, 0.06)
    bars = int(rng.integers(1, 4))
    for k in range(bars):
        level = y - high * (1 - k / max(1, bars))
        _line(image, (x - long, level - slope * long), (x + long, level + slope * long), colour, size * 0.022)
    gap = size * rng.uniform(0.08, 0.6)
    for dx in np.arange(-long, long, gap)[:60]:
        _line(image, (x + dx, y + slope * dx), (x + dx, y - high + slope * dx), colour, size * 0.016)


def papers(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """Sheets and bags in the air or on the floor."""
    for _ in range(int(rng.integers(1, 8))):
        middle = np.array([x + size * rng.normal(0, 0.5), y - size * abs(rng.normal(0, 0.7))])
        corners = middle + rng.normal(0, size * 0.09, (4, 2))
        _fill(image, [tuple(c) for c in cv2.convexHull(corners.astype(np.float32))[:, 0]], _colour(rng, 0.6, 1.0))


def window(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A door, window or poster: upright, framed, with something vague inside."""
    wide, high = size * rng.uniform(0.2, 0.6), size * rng.uniform(0.5, 1.6)
    colour = _colour(rng)
    _bar(image, x - wide, y - high, x + wide, y, colour)
    inner = _colour(rng, 0.02, 0.9)
    first = (round(x - wide * 0.85), round(y - high * 0.93))
    cv2.rectangle(image, first, (round(x + wide * 0.85), round(y - high * 0.07)), inner, -1)
    for _ in range(int(rng.integers(0, 6))):
        a = (x + wide * rng.uniform(-0.8, 0.8), y - high * rng.uniform(0.1, 0.9))
        b = (a[0] + wide * rng.normal(0, 0.4), a[1] + high * rng.normal(0, 0.3))
        _line(image, a, b, _shaded(inner, rng.uniform(0.5, 1.6)), size * 0.03)


def stray(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """Person-sized nonsense: stacked boxes and ovals in cloth colours, without limbs."""
    top = y
    for _ in range(int(rng.integers(1, 4))):
        wide, high = size * rng.uniform(0.04, 0.22), size * rng.uniform(0.1, 0.5)
        if rng.random() < 0.5:
            _bar(image, x - wide, top - high, x + wide, top, _colour(rng))
        else:
            _oval(image, x, top - high / 2, wide, high / 2, rng.normal(0, 15), _colour(rng))
        top -= high * rng.uniform(0.7, 1.2)


def trolley(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A suitcase, trolley or bag that stands alone."""
    wide, high, colour = size * rng.uniform(0.08, 0.2), size * rng.uniform(0.15, 0.45), _colour(rng)
    _bar(image, x - wide, y - high, x + wide, y - size * 0.02, colour)
    for dx in (-wide * 0.6, wide * 0.6):
        _line(image, (x + dx, y - high), (x + dx, y - high - size * 0.18), _shaded(colour, 0.6), size * 0.015)


def block(image: Floats, x: float, y: float, half_px: float, high_px: float, rng: np.random.Generator) -> None:
    """A wall, counter, table top, bin or bag of a given size, plain, panelled or patterned."""
    colour, top = _colour(rng), y - high_px
    _bar(image, x - half_px, top, x + half_px, y, colour)
    if rng.random() < 0.5:
        lip = high_px * rng.uniform(0.03, 0.15)
        _bar(image, x - half_px * 1.04, top - lip / 2, x + half_px * 1.04, top + lip / 2, _colour(rng))
    lines = int(rng.integers(0, 7))
    upright = rng.random() < 0.5
    for k in range(lines):
        shade, at = _shaded(colour, rng.uniform(0.5, 1.3)), (k + 1) / (lines + 1)
        a = (x - half_px + 2 * half_px * at, top) if upright else (x - half_px, top + high_px * at)
        b = (a[0], y) if upright else (x + half_px, a[1])
        _line(image, a, b, shade, high_px * rng.uniform(0.005, 0.04))


Drawing = Callable[[Floats, float, float, float, np.random.Generator], None]

THINGS: Final[dict[Drawing, float]] = {
    tripod: 0.09, post: 0.15, pillar: 0.05, chair: 0.09, bench: 0.06, cone: 0.05, bin_: 0.10, car: 0.05, bicycle: 0.04,
    tree: 0.07, bush: 0.06, railing: 0.05, papers: 0.04, window: 0.04, stray: 0.03, trolley: 0.03,
}  # fmt: skip
"""Every drawing routine and its share."""

OCCLUDERS: Final[tuple[Drawing, ...]] = (post, pillar, railing, bench, bush, bin_, chair, car, tree)
"""Those that may stand in front of people."""


def draw_thing(image: Floats, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """Draw one thing of random kind."""
    things = list(THINGS)
    shares = np.array(list(THINGS.values()))
    things[int(rng.choice(len(things), p=shares / shares.sum()))](image, x, y, size, rng)
