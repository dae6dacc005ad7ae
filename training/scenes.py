"""Whole pictures for the finder: any number of people of any size among things that are not people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.scene.skeleton import JOINT_INDEX
from training.backgrounds import Backgrounds
from training.clutter import OCCLUDERS, bench, block, chair, draw_thing
from training.degrade import degrade
from training.dress import Light, draw_light
from training.figures import Figure, Floats, changed, figure_of, paste, shadow
from training.glass import LEAST_CONTRAST, Pane
from training.shards import RenderLibrary

WINDOW_HW_PX: Final[tuple[int, int]] = (288, 384)
"""Size of a training picture."""
_SURE_FROM: Final[float] = 0.25
"""Share of a person's pixels in the frame that must be seen for it to count as one to find."""
_IGNORE_FROM: Final[float] = 0.06
"""Below this share a person is nobody; between, finding it or not is no mistake."""
_GLASS: Final[float] = 0.2
"""Share of pictures with a window front, most of which somebody is behind."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A picture and who is in it."""

    rgb: NDArray[np.uint8]
    """``(H, W, 3)``."""
    boxes_xyxy_px: Floats
    """``(N, 4)`` clipped to the picture; hidden parts included."""
    sure: NDArray[np.bool_]
    """``(N,)`` False where a person is hidden so far that it should be ignored."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    foot: float
    middle: float
    height: float


def make_scene(
    library: RenderLibrary, backgrounds: Backgrounds, rng: np.random.Generator,
    size_hw_px: tuple[int, int] = WINDOW_HW_PX,
) -> Scene:  # fmt: skip
    """Draw one picture."""
    height, width = size_hw_px
    image = backgrounds.draw(height, width)
    light = draw_light(rng)
    places = sorted(_places(height, width, rng), key=lambda place: place.foot)
    owner = np.zeros((height, width), np.int32)
    boxes: list[Floats] = []
    areas: list[float] = []
    faint: list[int] = []
    if rng.random() < _GLASS:
        boxes, areas, faint = _behind_glass(image, owner, library, backgrounds, light, rng)
    shadows = rng.random() < 0.6
    occluders = rng.random() < 0.45
    for place in places:
        figure = figure_of(library.draw(rng), place.height, _nearly(light, rng), rng)
        left = round(place.middle - (figure.box_px[0] + figure.box_px[2]) / 2)
        top = round(place.foot - figure.box_px[3])
        if shadows and place.height > 24:
            shadow(image, figure, left, top, rng)
        if rng.random() < 0.75:
            _seat(image, owner, figure, left, top, rng)
        region = paste(image, figure, left, top)
        box = figure.box_px + np.array([left, top, left, top], np.float32)
        inside = np.clip(box, 0, [width, height, width, height]).astype(np.float32)
        if region is None or min(inside[2] - inside[0], inside[3] - inside[1]) < 4:
            continue
        solid = figure.person[region[2], region[3]] > 0.5
        boxes.append(inside)
        areas.append(max(1.0, float(solid.sum())))
        owner[region[0], region[1]][figure.alpha[region[2], region[3]] > 0.5] = 0
        owner[region[0], region[1]][solid] = len(boxes)
        if occluders and rng.random() < 0.3:
            _stand_in_front(image, owner, place, rng)
        elif rng.random() < 0.12:
            _cover(image, owner, box, rng)
    if rng.random() < 0.25:
        _stand_in_front(
            image, owner, _Place(foot=height * 1.05, middle=rng.uniform(0, width), height=height * 0.6), rng
        )
    seen = np.bincount(owner.ravel(), minlength=len(boxes) + 1)[1:] / np.array(areas or [1.0])[: max(len(boxes), 0)]
    keep = seen > _IGNORE_FROM
    sure = seen > _SURE_FROM
    sure[faint] = False
    smallest = min([*(place.height for place in places), *(float(box[3] - box[1]) for box in boxes)], default=80.0)
    return Scene(
        rgb=degrade(np.clip(image, 0, 1), rng, lowest_scale=float(np.clip(28 / smallest, 0.4, 1))),
        boxes_xyxy_px=np.array(boxes, np.float32).reshape(-1, 4)[keep], sure=sure[keep],
    )  # fmt: skip


def _behind_glass(
    image: Floats, owner: NDArray[np.int32], library: RenderLibrary, backgrounds: Backgrounds, light: Light,
    rng: np.random.Generator,
) -> tuple[list[Floats], list[float], list[int]]:  # fmt: skip
    """Put a window front with people behind it into a picture, in place: boxes, areas, rows of those hardly seen."""
    pane = Pane(image, backgrounds, rng)
    dim = np.float32(rng.uniform(0.2, 1.0))
    room = Light(direction=light.direction, ambient=light.ambient * dim, key=light.key * dim, tint=light.tint)
    boxes: list[Floats] = []
    areas: list[float] = []
    faint: list[int] = []
    for middle, foot, tall in pane.people():
        figure = figure_of(library.draw(rng), tall, _nearly(room, rng), rng)
        left, top = round(middle - (figure.box_px[0] + figure.box_px[2]) / 2), round(foot - figure.box_px[3])
        seen, contrast = pane.inside(image, partial(paste, figure=figure, left=left, top=top))
        box = np.clip(figure.box_px + np.array([left, top, left, top], np.float32), 0, np.tile(owner.shape[::-1], 2))
        if not seen.any() or min(box[2] - box[0], box[3] - box[1]) < 4:
            continue
        if contrast < LEAST_CONTRAST:
            faint.append(len(boxes))
        boxes.append(box.astype(np.float32))
        areas.append(max(1.0, float((figure.person > 0.5).sum())))
        owner[seen] = len(boxes)
    owner[pane.glaze(image)] = 0
    return boxes, areas, faint


def _places(height: int, width: int, rng: np.random.Generator) -> list[_Place]:
    """Where people stand: scattered, in a queue or crowd, or one or two close to the camera."""
    kind = rng.random()
    if kind < 0.07:
        return []
    if kind < 0.19:
        places, crossing = [], rng.random() < 0.5
        largest = 1.1 if crossing else 1.7
        for _ in range(int(rng.integers(2 if crossing else 1, 4))):
            tall = rng.uniform(0.4 if crossing else 0.55, largest) * height
            middle = rng.uniform(-0.02, 1.02) * width
            if crossing and places:
                # Who passes close to somebody covers a good part of them.
                middle = places[0].middle + tall * rng.uniform(-0.4, 0.4)
            places.append(
                _Place(foot=rng.uniform(0.75, 1.0) * height + max(0.0, tall - height) * rng.uniform(0.2, 1.1),
                       middle=middle, height=tall)
            )  # fmt: skip
        return places + (_scattered(height, width, rng, 3) if rng.random() < 0.4 else [])
    if kind < 0.42:
        count, tall = int(rng.integers(4, 13)), float(np.exp(rng.uniform(np.log(40), np.log(210))))
        foot, start, gap = (
            rng.uniform(0.45, 1.0) * height,
            rng.uniform(-0.1, 0.8) * width,
            tall * rng.uniform(0.12, 0.5),
        )
        return [
            _Place(foot=foot + tall * rng.normal(0, 0.08), middle=start + k * gap + tall * rng.normal(0, 0.06),
                   height=tall * rng.uniform(0.85, 1.12))
            for k in range(count)
        ]  # fmt: skip
    return _scattered(height, width, rng, int(rng.choice([1, 2, 3, 4, 6, 9], p=[0.14, 0.2, 0.22, 0.2, 0.15, 0.09])))


def _scattered(height: int, width: int, rng: np.random.Generator, count: int) -> list[_Place]:
    """People on one ground plane: the further down their feet, the taller."""
    near = float(np.exp(rng.uniform(np.log(50), np.log(340))))
    horizon = rng.uniform(-0.6, 0.45) * height
    places = []
    for _ in range(count):
        foot = rng.uniform(max(0.12 * height, horizon + 0.1 * height), 1.08 * height)
        tall = near * (foot - horizon) / (height - horizon) * rng.uniform(0.85, 1.15)
        middle = rng.uniform(-0.03, 1.03) * width
        places.append(_Place(foot=foot, middle=middle, height=float(np.clip(tall, 18, 420))))
        if rng.random() < 0.2:
            beside = middle + places[-1].height * rng.uniform(0.15, 0.4)
            tall = places[-1].height * rng.uniform(0.8, 1.1)
            places.append(_Place(foot=foot + rng.normal(0, 2), middle=beside, height=tall))
    return places


def _nearly(light: Light, rng: np.random.Generator) -> Light:
    """Somebody may stand in the shade."""
    dim = rng.uniform(0.3, 0.7) if rng.random() < 0.15 else rng.uniform(0.9, 1.1)
    return Light(direction=light.direction, ambient=light.ambient * dim, key=light.key * dim, tint=light.tint)


def _seat(
    image: Floats, owner: NDArray[np.int32], figure: Figure, left: int, top: int, rng: np.random.Generator
) -> None:  # fmt: skip
    """Draw what somebody sits on behind them, in place; nothing under people whose thighs are not level."""
    joints = figure.joints_px[:, :2] + np.array([left, top], np.float32)
    hips, knees, ankles = (joints[[JOINT_INDEX[f"{side}_{name}"] for side in ("left", "right")]].mean(axis=0)
                           for name in ("hip", "knee", "ankle"))  # fmt: skip
    shin = float(ankles[1] - knees[1])
    if shin < 4 or knees[1] - hips[1] > 0.5 * shin:
        return
    before = image.copy()
    high, wide = shin * rng.uniform(0.9, 1.2), shin * rng.uniform(0.6, 3.5)
    seat = _Place(foot=float(hips[1]) + high, middle=float(hips[0]) + wide * rng.uniform(-0.7, 0.7), height=high)
    if rng.random() < 0.4:
        (bench if wide > 1.2 * shin else chair)(image, seat.middle, seat.foot, high * 2.8, rng)
    else:
        block(image, seat.middle, seat.foot, wide, high, rng)
    owner[changed(before, image)] = 0


def _cover(image: Floats, owner: NDArray[np.int32], box: Floats, rng: np.random.Generator) -> None:
    """Hide a good part of one person behind a wall, table, bin, pillar or bag, in place."""
    before = image.copy()
    wide, tall = float(box[2] - box[0]), float(box[3] - box[1])
    kind = rng.random()
    if kind < 0.5:
        # Up to the knees, the hips or the chest.
        half, high = wide * rng.uniform(0.4, 3.0), tall * rng.uniform(0.25, 0.75)
        middle = float(box[0] + box[2]) / 2 + half * rng.uniform(-0.8, 0.8)
        block(image, middle, float(box[3]) + tall * rng.uniform(0.0, 0.1), half, high * 1.05, rng)
    elif kind < 0.85:
        # One side, from the ground to over the head.
        half = wide * rng.uniform(0.15, 0.6)
        middle = float(rng.choice([box[0], box[2]])) + wide * rng.normal(0, 0.2)
        block(image, middle, float(box[3]) + tall * 0.05, half, tall * rng.uniform(0.9, 2.5), rng)
    else:
        # Something held or lying in the lap.
        half = wide * rng.uniform(0.15, 0.4)
        middle = float(box[0] + box[2]) / 2 + wide * rng.normal(0, 0.2)
        block(image, middle, float(box[3]) - tall * rng.uniform(0.15, 0.4), half, tall * rng.uniform(0.1, 0.3), rng)
    owner[changed(before, image)] = 0


def _stand_in_front(image: Floats, owner: NDArray[np.int32], place: _Place, rng: np.random.Generator) -> None:
    """Draw a thing in front of the people drawn so far and take its pixels from them, in place."""
    before = image.copy()
    x = place.middle + place.height * rng.normal(0, 0.3)
    y = place.foot + place.height * rng.uniform(0.0, 0.2)
    if rng.random() < 0.8:
        OCCLUDERS[int(rng.integers(len(OCCLUDERS)))](image, x, y, place.height, rng)
    else:
        draw_thing(image, x, y, place.height, rng)
    owner[changed(before, image)] = 0
