"""Places without people: grounds, walls, foliage, glass fronts, and crops of the photographs that scikit-image ships.

Every photograph used was looked at: none shows a person (`PHOTOGRAPHS`). scikit-image's ``astronaut``, ``camera``,
``lfw_subset``, ``coins`` (portraits), ``retina`` and ``ihc`` are left out on purpose.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.clutter import draw_thing
from training.dress import smooth_noise

Floats = NDArray[np.float32]

PHOTOGRAPHS: Final[tuple[str, ...]] = (
    "coffee.png", "gravel.png", "brick.png", "grass.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg",
    "chelsea.png", "page.png", "text.png", "moon.png", "hubble_deep_field.jpg",
)  # fmt: skip
"""Files of ``skimage/data`` in the wheel: a cup, gravel, bricks, grass, a motorcycle in a garage (twice), a rocket at
dusk, a cat, two pages, the moon, galaxies."""


class Backgrounds:
    """A pool of places; each request returns another crop of one, and places are replaced as time goes by.

    Args:
        rng: source of chance.
        photographs: folder with ``backgrounds/*.jpg`` and ``things/*.png`` of `training.photographs`; either may be
            missing.
        size_hw_px: size of the places, larger than the crops.
        count: places kept at a time.
    """

    def __init__(
        self, rng: np.random.Generator, photographs: Path, size_hw_px: tuple[int, int] = (400, 540), count: int = 96
    ) -> None:
        self._rng, self._size = rng, size_hw_px
        self._photographs = load_photographs()
        self._files = sorted(photographs.glob("backgrounds/*.jpg"))
        self.things = [_read_thing(path) for path in sorted(photographs.glob("things/*.png"))]
        self._pool = [(self._make() * 255).astype(np.uint8) for _ in range(count)]

    def draw(self, height: int, width: int) -> Floats:
        """``(height, width, 3)`` RGB in 0..1."""
        rng = self._rng
        if rng.random() < 0.06:
            self._pool[int(rng.integers(len(self._pool)))] = (self._make() * 255).astype(np.uint8)
        place = self._pool[int(rng.integers(len(self._pool)))]
        most = min(place.shape[0] / height, place.shape[1] / width)
        scale = most * np.exp(rng.uniform(np.log(0.35), 0))
        rows, columns = max(8, int(height * scale)), max(8, int(width * scale))
        top, left = rng.integers(place.shape[0] - rows + 1), rng.integers(place.shape[1] - columns + 1)
        crop = cv2.resize(place[top : top + rows, left : left + columns], (width, height), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        image = crop.astype(np.float32) / 255
        gain = np.exp(rng.normal(0, 0.3)) * (1 + rng.normal(0, 0.06, 3))
        return np.ascontiguousarray(
            np.clip(image * gain.astype(np.float32) + np.float32(rng.uniform(-0.05, 0.1)), 0, 1)
        )

    def _make(self) -> Floats:
        height, width = self._size
        rng = self._rng
        kind = rng.random()
        if kind < (0.6 if self._files else 0.3):
            image = self._photograph(height, width)
        elif kind < 0.63:
            image = np.clip(0.5 + fractal(height, width, rng, 3) * np.float32(rng.uniform(0.05, 0.3)), 0, 1)
        else:
            image = street(height, width, rng)
        if rng.random() < 0.8:
            horizon = height * rng.uniform(0.1, 0.6)
            size_at_bottom = height * rng.uniform(0.2, 0.9)
            for foot in np.sort(rng.uniform(horizon, height * 1.05, int(rng.integers(1, 14)))):
                near = (foot - horizon) / (height - horizon)
                size = max(14.0, size_at_bottom * (0.15 + 0.85 * near))
                self.stand(image, rng.uniform(0, width), foot, size)
        return np.clip(image, 0, 1)

    def stand(self, image: Floats, x: float, foot: float, size: float) -> None:
        """Put a thing into a place where a person would be ``size`` pixels tall, in place."""
        rng = self._rng
        if self.things and rng.random() < 0.4:
            thing = self.things[int(rng.integers(len(self.things)))]
            tall = max(6, round(size * np.exp(rng.uniform(np.log(0.4), np.log(1.8)))))
            wide = max(4, round(tall * thing.shape[1] / thing.shape[0] * np.exp(rng.normal(0, 0.15))))
            if wide < 3 * image.shape[1]:
                small = np.asarray(cv2.resize(thing, (wide, tall), interpolation=cv2.INTER_AREA), np.float32)
                _lay(image, small[:, ::-1] if rng.random() < 0.5 else small, round(x - wide / 2), round(foot - tall))
            return
        draw_thing(image, x, foot, size, rng)

    def _photograph(self, height: int, width: int) -> Floats:
        rng = self._rng
        if self._files and rng.random() < 0.9:
            path = self._files[int(rng.integers(len(self._files)))]
            photo = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)
        else:
            photo = self._photographs[int(rng.integers(len(self._photographs)))]
        rows, columns = photo.shape[:2]
        scale = min(rows / height, columns / width) * rng.uniform(0.45, 1)
        h, w = int(height * scale), int(width * scale)
        top, left = rng.integers(rows - h + 1), rng.integers(columns - w + 1)
        image = cv2.resize(photo[top : top + h, left : left + w], (width, height)).astype(np.float32) / 255
        if rng.random() < 0.5:
            image = image * rng.uniform(0.5, 1.3, 3).astype(np.float32)
        return np.ascontiguousarray(image)


def _read_thing(path: Path) -> Floats:
    """``(h, w, 4)`` RGBA in 0..1, colours multiplied by the cover."""
    bgra = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.float32) / 255
    return np.concatenate([bgra[..., 2::-1] * bgra[..., 3:], bgra[..., 3:]], -1)


def _lay(image: Floats, thing: Floats, left: int, top: int) -> None:
    """Lay premultiplied RGBA over a picture, in place."""
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(image.shape[0], top + thing.shape[0]), min(image.shape[1], left + thing.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    part = thing[y0 - top : y1 - top, x0 - left : x1 - left]
    image[y0:y1, x0:x1] = image[y0:y1, x0:x1] * (1 - part[..., 3:]) + part[..., :3]


def load_photographs() -> list[NDArray[np.uint8]]:
    """The photographs of `PHOTOGRAPHS`, RGB.

    Raises:
        FileNotFoundError: if this scikit-image does not ship one of them.
    """
    from importlib.util import find_spec

    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("scikit-image is not installed: pip install scikit-image")
    folder = Path(spec.origin).parent / "data"
    photographs = []
    for name in PHOTOGRAPHS:
        image = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
        if image is None:
            raise FileNotFoundError(f"scikit-image does not ship {name}: {folder}")
        photographs.append(np.ascontiguousarray(image[..., ::-1]).astype(np.uint8))
    return photographs


def fractal(height: int, width: int, rng: np.random.Generator, channels: int = 1) -> Floats:
    """Noise of many scales, ``(height, width, channels)``, roughly unit variance."""
    cells, total, weight = float(rng.choice([60, 120, 240])), np.zeros((height, width, channels), np.float32), 1.0
    roughness = rng.uniform(0.45, 0.9)
    while cells >= 1.5:
        total += smooth_noise(height, width, cells, rng, channels) * np.float32(weight)
        cells, weight = cells / 2, weight * roughness
    return total / max(float(total.std()), 1e-3)


def surface(height: int, width: int, rng: np.random.Generator) -> Floats:
    """A flat material seen straight on: plaster, asphalt, bricks, tiles, planks, grass, leaves, panels."""
    kind = rng.choice(["plain", "asphalt", "bricks", "planks", "green", "panels", "glass"])
    if kind == "green":
        base = np.array([0.28, 0.4, 0.14]) * rng.uniform(0.4, 1.5)
    elif kind == "bricks" and rng.random() < 0.5:
        base = np.array([0.55, 0.33, 0.25]) * rng.uniform(0.6, 1.3)
    elif kind == "glass":
        base = rng.uniform(0.03, 0.3, 3)
    else:
        base = np.full(3, rng.uniform(0.08, 0.9)) * (1 + rng.normal(0, 0.08, 3))
    rough = rng.uniform(0.1, 0.3) if kind == "green" else rng.uniform(0.005, 0.09)
    image = (base * (1 + fractal(height, width, rng) * rough)).astype(np.float32)
    if kind in ("bricks", "planks", "panels"):
        _joints(image, kind == "bricks", rng)
    if kind == "glass":
        for _ in range(int(rng.integers(3, 14))):
            left, top = rng.integers(-40, width), rng.integers(-40, height)
            blob = image[max(0, top) : top + rng.integers(10, 160), max(0, left) : left + rng.integers(8, 120)]
            blob += rng.uniform(-0.1, 0.35, 3).astype(np.float32) * np.float32(rng.uniform(0.2, 1))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 4)), np.float32)
        _joints(image, False, rng)
    return np.clip(image, 0, 1)


def _joints(image: Floats, staggered: bool, rng: np.random.Generator) -> None:
    """Gaps between bricks, tiles or panes, in place."""
    height, width = image.shape[:2]
    high, wide = rng.uniform(6, 90), rng.uniform(10, 140)
    tone, thick = (rng.uniform(0.3, 1.6, 1) * image.mean((0, 1))).tolist(), max(1, int(rng.integers(1, 4)))
    for row, y in enumerate(np.arange(0, height, high)):
        cv2.line(image, (0, int(y)), (width, int(y)), tone, thick)
        shift = wide / 2 * (row % 2) if staggered else 0
        for x in np.arange(shift, width, wide):
            cv2.line(image, (int(x), int(y)), (int(x), int(y + high)), tone, thick)


def street(height: int, width: int, rng: np.random.Generator) -> Floats:
    """A ground in perspective before one or more walls or a sky, with patches, lines, lamps and shadows."""
    horizon = int(height * rng.uniform(-0.1, 0.65))
    flat = surface(height, width, rng)
    pinch = rng.uniform(0.0, 0.42) * width
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array(
        [[-0.2 * width + pinch, max(horizon, -20)], [1.2 * width - pinch, max(horizon, -20)],
         [1.5 * width, height * 1.1], [-0.5 * width, height * 1.1]], np.float32,
    )  # fmt: skip
    warp = cv2.getPerspectiveTransform(corners, seen)
    image = np.asarray(cv2.warpPerspective(flat, warp, (width, height), borderMode=cv2.BORDER_REFLECT), np.float32)
    if horizon > 8:
        image[:horizon] = surface(horizon, width, rng)
        for _ in range(int(rng.integers(0, 5))):
            w, h = int(rng.integers(20, width // 2)), int(rng.integers(10, max(12, horizon)))
            left, top = int(rng.integers(-20, width - 10)), int(rng.integers(0, max(1, horizon - 8)))
            patch = surface(h, w, rng)[: horizon - top, : width - max(left, 0)]
            image[top : top + patch.shape[0], max(left, 0) : max(left, 0) + patch.shape[1]] = patch
    for _ in range(int(rng.integers(0, 4))):
        spots = rng.uniform([-50, horizon], [width + 50, height + 30], (int(rng.integers(3, 6)), 2))
        mask = np.zeros((height, width), np.float32)
        cv2.fillPoly(mask, [cv2.convexHull(spots.astype(np.int32))], 1.0, cv2.LINE_AA)
        if rng.random() < 0.4:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), rng.uniform(1, 12)), np.float32)
        image = np.asarray(image * (1 + mask[..., None] * np.float32(rng.uniform(-0.6, 0.5))), np.float32)
    for _ in range(int(rng.integers(0, 5))):
        a, b = rng.uniform([0, max(0, horizon)], [width, height], (2, 2)).astype(int)
        cv2.line(image, a.tolist(), b.tolist(), rng.uniform(0.2, 1, 3).tolist(), int(rng.integers(1, 5)), cv2.LINE_AA)
    across, down = np.linspace(-1, 1, width)[None, :, None], np.linspace(-1, 1, height)[:, None, None]
    vignette = 1 + across * rng.normal(0, 0.2) + down * rng.normal(0, 0.2)
    return np.clip(image * vignette.astype(np.float32), 0, 1)
