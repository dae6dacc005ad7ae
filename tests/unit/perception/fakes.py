"""Clips of coloured rectangles on a textured grey ground, and networks that find them by colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.perception.crops import crop_of, cut
from bodydouble.perception.people.base import Detections
from bodydouble.perception.person import Joints, PersonReadings, SoftMask
from bodydouble.perception.stages import Networks
from bodydouble.scene import Frame, VideoGeometry

RED, GREEN, BLUE, PINK = (200, 30, 30), (30, 190, 40), (40, 40, 210), (220, 60, 200)
PALETTE = (RED, GREEN, BLUE)
"""Colours that the finder knows as people; pink is nobody to it."""

Box = tuple[int, int, int, int]


class RectClip:
    """Frames with rectangles; ``people[colour][frame]`` is a box or missing."""

    name = "rectangles"

    def __init__(
        self,
        people: Mapping[tuple[int, int, int], Mapping[int, Box]],
        *,
        num_frames: int,
        size: tuple[int, int] = (160, 120),
        rate: int = 10,
        gains: Mapping[int, float] | None = None,
        pan_px: float = 0.0,
        noise: float = 1.5,
    ) -> None:
        width, height = size
        self.people, self.gains, self.pan_px, self.noise = people, gains or {}, pan_px, noise
        self.geometry = VideoGeometry(
            width_px=width,
            height_px=height,
            time_base=Fraction(1, rate),
            average_rate=Fraction(rate),
            pts_ticks=tuple(range(num_frames)),
        )
        wide = width + int(abs(pan_px) * num_frames) + 2
        grey = np.random.default_rng(7).integers(90, 150, (height // 6 + 2, wide // 6 + 2)).astype(np.float32)
        ground = cv2.resize(grey, (wide, height), interpolation=cv2.INTER_CUBIC)
        self.ground = np.repeat(np.clip(ground, 60, 180)[..., None], 3, axis=2)

    def empty_rgb(self, index: int) -> npt.NDArray[np.uint8]:
        """The frame without people and noise."""
        height, width = self.geometry.height_px, self.geometry.width_px
        left = round(self.pan_px * index)
        return np.clip(np.round(self.ground[:height, left : left + width]), 0, 255).astype(np.uint8)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Render frames."""
        last = self.geometry.num_frames if stop is None else min(stop, self.geometry.num_frames)
        for index in range(start, last):
            picture = self.empty_rgb(index).astype(np.float64)
            for colour, boxes in self.people.items():
                if index in boxes:
                    left, top, right, bottom = boxes[index]
                    picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = colour
            picture *= self.gains.get(index, 1.0)
            picture += np.random.default_rng(index).normal(0, self.noise, picture.shape)
            rgb = np.clip(np.round(picture), 0, 255).astype(np.uint8)
            yield Frame(index=index, pts_ticks=index, rgb=rgb)


def coloured(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Pixels that are not grey."""
    return np.asarray(np.ptp(rgb.astype(np.int16), axis=2) > 60)


class ColourFinder:
    """Finds each rectangle of the palette; ``skip`` are colours it misses in frames it is asked in that order."""

    def __init__(
        self, *, score: float = 0.9, miss: Mapping[int, tuple[tuple[int, int, int], ...]] | None = None
    ) -> None:
        self.score, self.miss, self.calls = score, miss or {}, 0

    def find(self, rgb: npt.NDArray[np.uint8]) -> Detections:
        """Boxes of the known colours."""
        missed = self.miss.get(self.calls, ())
        self.calls += 1
        boxes = []
        for colour in PALETTE:
            if colour in missed:
                continue
            # Brightness may change; hue tells the colours apart.
            strong = (rgb.argmax(axis=2) == int(np.argmax(colour))) & coloured(rgb)
            strong &= rgb.astype(np.int16).min(axis=2) < 75
            if colour == RED:
                strong &= rgb[..., 2] < 110
            rows, columns = np.nonzero(strong)
            if len(rows) >= 8:
                boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        return Detections(
            boxes_xyxy_px=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), self.score, np.float32),
        )


class ColourReader:
    """Mask: coloured pixels. Joints: fixed places of the crop with a given peak."""

    def __init__(self, peak: float = 0.8) -> None:
        self.peak = peak

    def masks(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> list[SoftMask]:
        """The coloured pixels of each crop."""
        crops = [crop_of(box) for box in boxes]
        return [SoftMask(probabilities=coloured(cut(rgb, crop)).astype(np.float32) * 0.9, crop=crop) for crop in crops]

    def joints(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> Joints:
        """One below the other in the middle of the crop."""
        places = np.stack([np.full(18, 50.0), 18.0 + 4.0 * np.arange(18)], axis=1).astype(np.float32)
        located = [crop_of(box).to_frame(places) for box in boxes]
        xy = np.stack(located) if located else np.zeros((0, 18, 2), np.float32)
        return Joints(xy_px=xy, scores=np.full((len(boxes), 18), self.peak, np.float32))

    def read(self, rgb: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32]) -> PersonReadings:
        """Both."""
        return PersonReadings(masks=self.masks(rgb, boxes), joints=self.joints(rgb, boxes))


def fakes(**options: object) -> Networks:
    """A finder and a reader; options go to the finder."""
    return Networks(finder=ColourFinder(**options), reader=ColourReader())  # type: ignore[arg-type]


def walk(
    start: int, stop: int, left: float, step: float, *, top: int = 40, width: int = 16, height: int = 44
) -> dict[int, Box]:
    """Boxes of somebody who walks at constant speed."""
    boxes = {}
    for index in range(start, stop):
        x = round(left + step * (index - start))
        boxes[index] = (x, top, x + width, top + height)
    return boxes
