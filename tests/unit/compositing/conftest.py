"""A drawn street: textured ground, people as filled ellipses in loud colours, doubles as soft ellipses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest

from bodydouble.scene import (
    CameraMotion,
    Frame,
    Light,
    MaskStack,
    PersonTrack,
    SceneBundle,
    Sprite,
    VideoGeometry,
)


def ellipse(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return ((x - (width - 1) / 2) / (width / 2)) ** 2 + ((y - (height - 1) / 2) / (height / 2)) ** 2 <= 1.0


@dataclass
class Walker:
    """One person: where the box is in each frame (left, top), its size and colour."""

    track_id: int
    places: dict[int, tuple[int, int]]
    size: tuple[int, int] = (30, 12)
    rgb: tuple[int, int, int] = (250, 10, 240)
    plays: bool = True
    reason: str = ""
    empty_silhouette: bool = False


@dataclass
class Street:
    """A drawn clip with all that compositing is given. ``plate`` is brighter than the frames by ``plate_offset``."""

    width: int = 96
    height: int = 72
    frames_count: int = 3
    walkers: Sequence[Walker] = ()
    is_gray: bool = False
    plate_offset: int = 0
    noise: float = 0.0
    name: str = "street"
    sprites: dict[int, list[tuple[int, Sprite]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(5)
        ground = rng.integers(90, 130, size=(self.height, self.width, 3))
        ground[self.height // 2 :] += 20
        if self.is_gray:
            ground[:] = ground[:, :, :1]
        self.ground = ground.astype(np.uint8)
        self.valid = np.ones((self.height, self.width), dtype=bool)

    @property
    def geometry(self) -> VideoGeometry:
        return VideoGeometry(
            width_px=self.width,
            height_px=self.height,
            time_base=Fraction(1, 25),
            average_rate=Fraction(25),
            pts_ticks=tuple(range(self.frames_count)),
            is_gray=self.is_gray,
        )

    def at(self, frame_index: int) -> tuple[np.ndarray, np.ndarray]:
        return (self.ground.astype(int) + self.plate_offset).clip(0, 255).astype(np.uint8), self.valid.copy()

    def sprites_at(self, frame_index: int) -> list[tuple[int, Sprite]]:
        return self.sprites.get(frame_index, [])

    def mask_of(self, walker: Walker, index: int) -> np.ndarray:
        """Full-frame pixels of a walker."""
        canvas = np.zeros((self.height, self.width), dtype=bool)
        if index not in walker.places:
            return canvas
        left, top = walker.places[index]
        h, w = walker.size
        shape = ellipse(h, w)
        rows, cols = np.nonzero(shape)
        rows, cols = rows + top, cols + left
        inside = (rows >= 0) & (rows < self.height) & (cols >= 0) & (cols < self.width)
        canvas[rows[inside], cols[inside]] = True
        return canvas

    def people(self, index: int) -> np.ndarray:
        canvas = np.zeros((self.height, self.width), dtype=bool)
        for walker in self.walkers:
            canvas |= self.mask_of(walker, index)
        return canvas

    def rgb(self, index: int) -> np.ndarray:
        picture = self.ground.astype(float)
        if self.noise:
            rng = np.random.default_rng(100 + index)
            picture = picture + rng.normal(0, self.noise, size=(self.height, self.width, 1))
        picture = picture.round().clip(0, 255).astype(np.uint8)
        for walker in self.walkers:
            colour = np.array(walker.rgb, dtype=np.uint8)
            picture[self.mask_of(walker, index)] = colour if not self.is_gray else colour[:1]
        return picture

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for index in range(start, self.frames_count if stop is None else stop):
            yield Frame(index=index, pts_ticks=index, rgb=self.rgb(index))

    def track(self, walker: Walker) -> PersonTrack:
        indices = sorted(walker.places)
        steps = len(indices)
        boxes, windows, masks = [], [], []
        for index in indices:
            left, top = walker.places[index]
            h, w = walker.size
            boxes.append([left, top, left + w, top + h])
            window = [max(0, left), max(0, top), max(0, min(self.width, left + w)), max(0, min(self.height, top + h))]
            window[0], window[1] = min(window[0], window[2]), min(window[1], window[3])
            mask = self.mask_of(walker, index)[window[1] : window[3], window[0] : window[2]]
            windows.append(window)
            masks.append(mask & (not walker.empty_silhouette))
        return PersonTrack(
            track_id=walker.track_id,
            frame_indices=np.array(indices, dtype=np.int64),
            boxes_xyxy_px=np.array(boxes, dtype=np.float32),
            box_scores=np.ones(steps, dtype=np.float32),
            joints_xy_px=np.full((steps, 18, 2), np.nan, dtype=np.float32),
            joint_scores=np.zeros((steps, 18), dtype=np.float32),
            joint_visibility=np.zeros((steps, 18), dtype=np.float32),
            silhouettes=MaskStack.pack(np.array(windows, dtype=np.int32), masks),
            visible_fraction=np.ones(steps, dtype=np.float32),
            play=np.full(steps, walker.plays),
            reason=walker.reason,
        )

    @property
    def bundle(self) -> SceneBundle:
        return SceneBundle(
            video=self.geometry,
            tracks=tuple(self.track(w) for w in sorted(self.walkers, key=lambda w: w.track_id)),
            camera=CameraMotion(to_reference=np.tile(np.eye(3), (self.frames_count, 1, 1))),
            light=Light(),
            clip_name=self.name,
            producer="test",
        )

    def recoloured(self, rgb: tuple[int, int, int]) -> Street:
        """The same street with other colours on its people; doubles and ground as they are."""
        other = replace(self, walkers=[replace(w, rgb=rgb) for w in self.walkers])
        other.ground, other.valid = self.ground, self.valid
        return other


def soft_double(
    left: int, top: int, *, size: tuple[int, int] = (28, 10), rgb: tuple[int, int, int] = (20, 200, 60)
) -> Sprite:
    """An ellipse with a soft edge; touches the ground at its lowest row."""
    h, w = size
    y, x = np.mgrid[0:h, 0:w]
    radius = np.hypot((x - (w - 1) / 2) / (w / 2), (y - (h - 1) / 2) / (h / 2))
    alpha = np.clip((1.15 - radius) * 4, 0, 1)
    rgba = np.zeros((h, w, 4), dtype=np.uint8)
    rgba[:, :, :3] = rgb
    rgba[:, :, 3] = np.rint(alpha * 255)
    return Sprite(left_px=left, top_px=top, rgba=rgba, ground_y_px=float(top + h))


@pytest.fixture
def walker() -> type[Walker]:
    return Walker


@pytest.fixture
def street() -> type[Street]:
    return Street


@pytest.fixture
def double() -> Callable[..., Sprite]:
    return soft_double
