"""Crops without a person in their middle: what the person network must learn to call nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.backgrounds import Backgrounds
from training.crops import CROP_HW_PX
from training.degrade import degrade
from training.dress import draw_light
from training.figures import figure_of, paste
from training.shards import RenderLibrary

_PAD = 24


class FalseFinds:
    """Crops around what an earlier finder took for people in places without any (`training.mine`).

    Args:
        path: array file ``(N, 128, 96, 3)`` uint8; may not exist yet.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._crops: NDArray[np.uint8] | None = None
        self.refresh()

    @classmethod
    def none(cls) -> FalseFinds:
        """Without any."""
        return cls(None)

    def refresh(self) -> None:
        """Take up the file if it has come since the last call."""
        if self._crops is None and self._path is not None and self._path.exists():
            self._crops = np.load(self._path, mmap_mode="r")

    def __len__(self) -> int:
        return 0 if self._crops is None else len(self._crops)

    def draw(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """A random one, ``(128, 96, 3)``, mirrored half of the time."""
        assert self._crops is not None
        crop = self._crops[int(rng.integers(len(self._crops)))]
        return np.array(crop[:, ::-1] if rng.random() < 0.5 else crop)


def make_nobody(
    library: RenderLibrary, backgrounds: Backgrounds, mistakes: FalseFinds, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One crop ``(128, 96, 3)``: a false find, a thing where a person would stand, an empty place, or people beside it."""
    if len(mistakes) and rng.random() < 0.45:
        return mistakes.draw(rng)
    height, width = (n + 2 * _PAD for n in CROP_HW_PX)
    image = backgrounds.draw(height, width)
    kind = rng.random()
    if kind < 0.65:
        backgrounds.stand(
            image, width / 2 + rng.normal(0, 8), height - _PAD - rng.uniform(0, 16), CROP_HW_PX[0] * rng.uniform(0.6, 1.0)
        )  # fmt: skip
    elif kind < 0.85:
        _beside(image, library, rng)
    rows, columns = (slice(_PAD, _PAD + n) for n in CROP_HW_PX)
    return degrade(np.ascontiguousarray(np.clip(image[rows, columns], 0, 1)), rng, lowest_scale=0.3)


def _beside(image: NDArray[np.float32], library: RenderLibrary, rng: np.random.Generator) -> None:
    """People so far off the middle, or so much smaller, that a box around the middle is not theirs; in place."""
    height, width = image.shape[:2]
    light = draw_light(rng)
    for _ in range(int(rng.integers(1, 3))):
        small = rng.random() < 0.4
        tall = CROP_HW_PX[0] * (rng.uniform(0.15, 0.3) if small else rng.uniform(0.6, 1.1))
        figure = figure_of(library.draw(rng), tall, light, rng)
        half = (figure.box_px[2] - figure.box_px[0]) / 2
        away = rng.uniform(0, 0.5) * width if small else half + rng.uniform(0.12, 0.3) * CROP_HW_PX[1]
        x = width / 2 + rng.choice([-1, 1]) * away - (figure.box_px[0] + figure.box_px[2]) / 2
        y = rng.uniform(0.3, 0.98) * height - figure.box_px[3]
        paste(image, figure, round(float(x)), round(float(y)))
