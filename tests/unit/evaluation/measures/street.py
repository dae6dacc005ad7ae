"""A drawn street for tests of measures: textured people who walk over a textured ground, and results of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np

from bodydouble.evaluation.measures.base import FramePair, Measure, PairedClip, Tally
from bodydouble.scene import CameraMotion, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry
from bodydouble.scene.skeleton import NUM_JOINTS

WIDTH, HEIGHT = 200, 120
PERSON_W, PERSON_H = 24, 64


def texture(seed: int, height: int, width: int, *, low: int = 40, high: int = 215, sigma: float = 1.5) -> np.ndarray:
    """Smooth coloured noise, (height, width, 3) uint8."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    noise = cv2.GaussianBlur(noise, (0, 0), sigma)
    noise = (noise - noise.min()) / max(float(np.ptp(noise)), 1e-9)
    return (low + (high - low) * noise).astype(np.uint8)


@dataclass(frozen=True)
class Walker:
    """Somebody drawn as a textured rectangle that moves by whole pixels a frame."""

    left: int = 20
    top: int = 30
    step: int = 3
    first: int = 0
    last: int = 10**6
    height: int = PERSON_H
    width: int = PERSON_W
    detected: bool = True


def make_bundle(walkers: Sequence[Walker], num_frames: int, *, width: int = WIDTH, height: int = HEIGHT) -> SceneBundle:
    tracks = []
    for number, walker in enumerate(walkers, start=1):
        frames = np.array([f for f in range(num_frames) if walker.first <= f <= walker.last], np.int64)
        if len(frames) == 0:
            continue
        left = walker.left + walker.step * frames
        boxes = np.stack(
            [left, np.full_like(left, walker.top), left + walker.width, np.full_like(left, walker.top + walker.height)],
            axis=1,
        )
        windows = np.clip(boxes, 0, [width, height, width, height]).astype(np.int32)
        masks = [np.ones((w[3] - w[1], w[2] - w[0]), bool) for w in windows]
        steps = len(frames)
        tracks.append(
            PersonTrack(
                track_id=number,
                frame_indices=frames,
                boxes_xyxy_px=boxes.astype(np.float32),
                box_scores=np.full(steps, 0.9 if walker.detected else 0.0, np.float32),
                joints_xy_px=np.full((steps, NUM_JOINTS, 2), np.nan, np.float32),
                joint_scores=np.zeros((steps, NUM_JOINTS), np.float32),
                joint_visibility=np.zeros((steps, NUM_JOINTS), np.float32),
                silhouettes=MaskStack.pack(windows, masks),
                visible_fraction=np.ones(steps, np.float32),
                play=np.ones(steps, bool),
            )
        )
    return SceneBundle(
        video=VideoGeometry(
            width_px=width,
            height_px=height,
            time_base=Fraction(1, 10),
            average_rate=Fraction(10),
            pts_ticks=tuple(range(num_frames)),
        ),
        tracks=tuple(tracks),
        camera=CameraMotion(to_reference=np.tile(np.eye(3), (num_frames, 1, 1))),
        light=Light(),
        clip_name="street",
        producer="test",
    )


class Street:
    """A clip with its bundle; frames are drawn on demand."""

    def __init__(self, walkers: Sequence[Walker] = (Walker(),), num_frames: int = 12, **size: int) -> None:
        self.walkers, self.num_frames = tuple(walkers), num_frames
        self.bundle = make_bundle(self.walkers, num_frames, **size)
        self.ground = texture(1, size.get("height", HEIGHT), size.get("width", WIDTH), low=90, high=160)

    def frame(self, index: int, *, look: int = 100) -> np.ndarray:
        """The frame, with people who wear the texture of seed ``look`` + their number."""
        picture = self.ground.copy()
        for number, walker in enumerate(self.walkers):
            if walker.first <= index <= walker.last:
                paste(picture, texture(look + number, walker.height, walker.width), walker.left + walker.step * index,
                      walker.top)  # fmt: skip
        return picture

    def clip(self, name: str = "street") -> PairedClip:
        return PairedClip(name=name, bundle=self.bundle)

    def pairs(self, result: Callable[[int], np.ndarray] | None = None) -> Iterable[FramePair]:
        """All pairs; without a result the original against itself."""
        for index in range(self.num_frames):
            original = self.frame(index)
            made = original if result is None else result(index)
            yield FramePair(index=index, original_rgb=original, result_rgb=made)

    def double(self, index: int) -> np.ndarray:
        """Everybody in other clothes that move along."""
        return self.frame(index, look=500)

    def frozen(self, index: int) -> np.ndarray:
        return self.frame(0)

    def noise(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 256, self.ground.shape).astype(np.uint8)

    def blurred(self, index: int) -> np.ndarray:
        return self.changed(index, lambda crop: cv2.GaussianBlur(crop, (0, 0), 8))

    def black(self, index: int) -> np.ndarray:
        return self.changed(index, np.zeros_like)

    def flickering(self, index: int) -> np.ndarray:
        sign = 1 if index % 2 else -1
        return self.changed(index, lambda crop: np.clip(crop.astype(int) + 15 * sign, 0, 255).astype(np.uint8))

    def changed(self, index: int, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The frame with the pixels of each person put through ``change``."""
        picture = self.frame(index)
        for walker in self.walkers:
            if walker.first <= index <= walker.last:
                left = walker.left + walker.step * index
                rows = slice(max(0, walker.top), walker.top + walker.height)
                columns = slice(max(0, left), max(0, left + walker.width))
                if picture[rows, columns].size:
                    picture[rows, columns] = change(picture[rows, columns])
        return picture


def paste(picture: np.ndarray, piece: np.ndarray, left: int, top: int) -> None:
    """Put a piece into a picture, cut at the border."""
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(picture.shape[0], top + piece.shape[0]), min(picture.shape[1], left + piece.shape[1])
    if y1 > y0 and x1 > x0:
        picture[y0:y1, x0:x1] = piece[y0 - top : y1 - top, x0 - left : x1 - left]


def run(
    measure: Measure, street: Street, result: Callable[[int], np.ndarray] | None = None, name: str = "street"
) -> Tally:
    work = measure.start(street.clip(name))
    for pair in street.pairs(result):
        work.see(pair)
    return work.finish()


def values(measure: Measure, *tallies: Tally) -> dict[str, float | None]:
    """Figures of a sum of tallies by the last part of their keys."""
    total = Tally(measure=measure.name)
    for tally in tallies:
        total = total + tally
    return {figure.key: figure.value for figure in measure.figures(total)}


def without_people(street: Street) -> Street:
    other = Street((), street.num_frames)
    other.bundle = replace(street.bundle, tracks=())
    return other
