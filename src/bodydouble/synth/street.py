"""A rendered street, frame by frame, with the truth about everybody in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.seeds import derive_seed
from bodydouble.synth.behaviour import Behaviour
from bodydouble.synth.camera import Camera
from bodydouble.synth.cast_of_street import ordinary_day
from bodydouble.synth.figure import Person
from bodydouble.synth.light import Daylight, make_daylight, to_srgb
from bodydouble.synth.painter import Canvas, Outline, draw_figure, draw_shadows, draw_thing
from bodydouble.synth.scenery import build_scenery

SUPERSAMPLING: Final[int] = 2
"""Pixels of the canvas along each side of a pixel of the frame."""
MAX_PEOPLE: Final[int] = 200
_BATCH_FRAMES: Final[int] = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Sighting:
    """One person in one frame."""

    track_id: int
    box_xyxy_px: tuple[float, float, float, float]
    """Of the whole person, also where hidden or beyond the frame."""
    joints_xy_px: NDArray[np.float32]
    """``(18, 2)``, exact, also where hidden or beyond the frame."""
    visible_fraction: float
    """Share of the whole silhouette that is seen."""
    is_normal: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class StreetFrame:
    """One frame and its truth."""

    index: int
    rgb: NDArray[np.uint8]
    """``(H, W, 3)`` with sensor noise."""
    labels: NDArray[np.uint8]
    """``(H, W)``: track id of the person who fills at least half of a pixel; 0 nobody, 255 a thing that flies."""
    sightings: tuple[Sighting, ...]
    """People of whom something is seen, by track id."""


def camera_of_place(place_seed: int, *, width_px: int, height_px: int) -> Camera:
    """The camera of a `Street` with this ``place_seed``, without building the street."""
    return _draw_camera(_place_rng(place_seed), width_px, height_px)


class Street:
    """A street that can be rendered once, front to back."""

    def __init__(
        self,
        *,
        seed: int,
        num_frames: int,
        width_px: int,
        height_px: int,
        num_people: int,
        fps: float,
        is_gray: bool = False,
        noise_levels: float = 1.6,
        parts: Sequence[Behaviour] | None = None,
        place_seed: int | None = None,
        light: Daylight | None = None,
        with_shadows: bool = True,
    ) -> None:
        """Lay out a street.

        Args:
            seed: decides everything that is not given.
            num_frames: length.
            width_px: width of a frame.
            height_px: height of a frame.
            num_people: how many come by; ignored when ``parts`` are given.
            fps: frames a second.
            is_gray: three equal channels.
            noise_levels: standard deviation of the sensor's noise, of 255.
            parts: what each person does; None for an ordinary day.
            place_seed: decides the place, the camera and the light, for several clips of one street; ``seed`` if None.
            light: sun and sky, where the place is not to decide.
            with_shadows: people cast shadows; without, all else is the same to the bit.

        Raises:
            ValueError: a size or number is impossible.
        """
        if min(num_frames, width_px, height_px) < 1 or fps <= 0 or not 0 <= num_people <= MAX_PEOPLE:
            raise ValueError(
                f"cannot render {num_frames} frames of {width_px}x{height_px} px at {fps} a second with {num_people} "
                f"people; sizes are at least 1, people at most {MAX_PEOPLE}"
            )
        place_seed = seed if place_seed is None else place_seed
        rng = _place_rng(place_seed)
        self._camera = _draw_camera(rng, width_px, height_px)
        self._canvas_camera = self._camera.scaled(SUPERSAMPLING)
        drawn = make_daylight(rng)
        self._light = drawn if light is None else light
        pole_x = float(rng.uniform(-0.25, 0.3)) * self._camera.ground_width_m(8.6)
        self._scenery = build_scenery(self._canvas_camera, self._light, pole_x_m=pole_x, seed=place_seed)
        if parts is None:
            parts = ordinary_day(
                self._camera, num_people=num_people, seconds=num_frames / fps, pole_x_m=pole_x, seed=seed
            )
        self._parts = tuple(parts)
        self._seed, self._num_frames, self._fps = seed, num_frames, fps
        self._is_gray, self._noise_levels, self._with_shadows = is_gray, noise_levels, with_shadows

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """What each person does; track ids are positions from 1."""
        return self._parts

    def plate_rgb(self) -> NDArray[np.uint8]:
        """``(H, W, 3)``: the street without anybody and without noise."""
        return self._develop(self._scenery.linear_rgb)

    def frames(self) -> Iterator[StreetFrame]:
        """Render the frames in order."""
        model = BodyModel.load() if self._parts else None
        people = [
            Person(model, part, num_frames=self._num_frames, fps=self._fps, seed=derive_seed(self._seed, "person", i))
            for i, part in enumerate(self._parts)
            if model is not None
        ]
        for start in range(0, self._num_frames, _BATCH_FRAMES):
            batch = range(start, min(start + _BATCH_FRAMES, self._num_frames))
            played = [person.play(batch) for person in people]
            for i, index in enumerate(batch):
                canvas, outlines = Canvas.of(self._scenery), dict[int, Outline]()
                figures = [(t + 1, people[t], shots[i]) for t, shots in enumerate(played)]
                for _, _, figure in figures:
                    if figure is not None and self._with_shadows:
                        draw_shadows(canvas, self._scenery, self._canvas_camera, self._light, figure)
                joints: dict[int, NDArray[np.float32]] = {}
                for track_id, person, figure in figures:
                    if figure is not None:
                        outlines[track_id] = draw_figure(
                            canvas, self._canvas_camera, self._light, person, figure, track_id=track_id
                        )
                        joints[track_id] = self._camera.project(figure.joints_m)[:, :2]
                        if figure.thing is not None:
                            draw_thing(canvas, self._canvas_camera, self._light, figure.thing)
                yield self._frame(index, canvas, outlines, joints)

    def _frame(
        self, index: int, canvas: Canvas, outlines: dict[int, Outline], joints: dict[int, NDArray[np.float32]]
    ) -> StreetFrame:
        rgb = self._develop(canvas.linear_rgb)
        if self._noise_levels > 0:
            rng = np.random.default_rng(derive_seed(self._seed, "sensor", index))
            grain = rng.normal(0, self._noise_levels, rgb.shape[: 2 if self._is_gray else 3]).astype(np.float32)
            noisy = rgb + (grain[..., None] if self._is_gray else grain)
            rgb = np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)
        sightings = []
        for track_id, outline in outlines.items():
            seen = int((canvas.owner == track_id).sum())
            if seen:
                left, top, right, bottom = (value / SUPERSAMPLING for value in outline.box_xyxy)
                sightings.append(
                    Sighting(
                        track_id=track_id,
                        box_xyxy_px=(left, top, right, bottom),
                        joints_xy_px=joints[track_id],
                        visible_fraction=seen / outline.num_pixels,
                        is_normal=self._parts[track_id - 1].is_normal_at(index / self._fps),
                    )
                )
        return StreetFrame(index=index, rgb=rgb, labels=_majority(canvas.owner), sightings=tuple(sightings))

    def _develop(self, linear_rgb: NDArray[np.float32]) -> NDArray[np.uint8]:
        """What the lens and the sensor make of light, noise aside: pixels average, then a slight blur."""
        import cv2

        size = (self._camera.width_px, self._camera.height_px)
        small = cv2.resize(linear_rgb, size, interpolation=cv2.INTER_AREA)
        soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.45), np.float32)
        rgb = to_srgb(soft)
        if self._is_gray:
            luma = np.rint(rgb @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.uint8)
            return np.repeat(luma[..., None], 3, axis=2)
        return rgb


def _place_rng(place_seed: int) -> np.random.Generator:
    return np.random.default_rng(derive_seed(place_seed, "street"))


def _draw_camera(rng: np.random.Generator, width_px: int, height_px: int) -> Camera:
    return Camera(
        width_px=width_px,
        height_px=height_px,
        focal_px=1.7 * height_px,
        height_m=float(rng.uniform(3.2, 3.7)),
        pitch_rad=float(np.deg2rad(rng.uniform(10.0, 11.5))),
    )


def _majority(owner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Owner of at least half of each 2x2 block; of two who share it evenly, the one with the higher id."""
    blocks = np.stack([owner[y::SUPERSAMPLING, x::SUPERSAMPLING] for y in range(2) for x in range(2)])
    ordered = np.sort(blocks, axis=0)
    # With four values in order, one that comes twice is at two neighbouring places.
    out = np.zeros(blocks.shape[1:], np.uint8)
    for k in range(3):
        twice = (ordered[k] == ordered[k + 1]) & (ordered[k] > 0)
        out[twice] = ordered[k][twice]
    return out
