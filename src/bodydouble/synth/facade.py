"""A house front: plaster or brick over a plinth, windows that mirror the sky, a door, a shop with an awning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodydouble.synth.light import Daylight, to_linear
from bodydouble.synth.noise import NoiseField

_FACING = np.array([0, -1, 0], np.float32)


class Facade:
    """Colours of a wall that faces the camera, by metres to the right and up."""

    def __init__(self, rng: np.random.Generator, noise: NoiseField, light: Daylight) -> None:
        self._noise = noise
        self._light = light
        self.height_m = float(rng.uniform(4.3, 4.9))
        """Height of the eaves."""
        self._brick = bool(rng.random() < 0.5)
        walls = ((196, 178, 142), (188, 190, 186), (178, 142, 122), (206, 196, 172), (150, 164, 176))
        self._wall = to_linear((152, 88, 68)) if self._brick else to_linear(walls[int(rng.integers(len(walls)))])
        self._plinth = to_linear((112, 108, 104))
        self._frame = to_linear((226, 222, 212))
        doors = ((92, 36, 32), (32, 62, 54), (42, 52, 84), (98, 68, 42))
        self._door = to_linear(doors[int(rng.integers(len(doors)))])
        self._step = float(rng.uniform(2.1, 2.7))
        self._shift = float(rng.uniform(0, 2))
        self._door_cell = int(rng.integers(-1, 2))
        self._shop_cell = self._door_cell + (2 if rng.random() < 0.5 else -2)
        self._awning = to_linear(((158, 42, 38), (38, 92, 72), (44, 66, 120))[int(rng.integers(3))])

    @property
    def door_x_m(self) -> float:
        """Middle of the door."""
        return (self._door_cell + 0.5) * self._step - self._shift

    def colour(self, x: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Linear light ``(N, 3)`` at points of the wall."""
        lit = self._shade(self._masonry(x, z))
        cell = np.floor((x + self._shift) / self._step).astype(np.int64)
        local = x + self._shift - (cell + 0.5) * self._step
        is_door, is_shop = cell == self._door_cell, cell == self._shop_cell
        lit = self._windows(lit, x, z, local, ~is_door & ~is_shop)
        lit = self._door_leaf(lit, x, z, local, is_door)
        lit = self._shop_front(lit, x, z, local, is_shop)
        gutter = z > self.height_m - 0.16
        lit = np.where(gutter[:, None], self._shade(np.broadcast_to(to_linear((122, 126, 128)), lit.shape)) * 0.8, lit)
        under = np.clip((z - (self.height_m - 0.5)) / 0.34, 0, 1) * ~gutter
        # The foot of the wall sees less sky.
        foot = 1 - 0.3 * np.exp(-z / 0.25)
        return np.asarray(lit * (foot * (1 - 0.35 * under))[:, None], np.float32)

    def _shade(self, albedo: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._light.shade(np.asarray(albedo, np.float32), np.broadcast_to(_FACING, albedo.shape))

    def _masonry(self, x: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.float32]:
        noise = self._noise
        stains = 0.86 + 0.28 * noise.rough(x * 0.9, z * 0.5) + 0.12 * (noise.smooth(x * 25, z * 25) - 0.5)
        tone = stains
        if self._brick:
            row = np.floor(z / 0.085)
            u = x / 0.25 + 0.5 * (row % 2)
            joint = (u - np.floor(u) < 0.05) | (z / 0.085 - row < 0.14)
            tone = np.where(joint, 1.25, 0.8 + 0.4 * noise.cells(u, row)) * stains
        plinth = (z < 0.55)[:, None]
        return np.asarray(np.where(plinth, self._plinth, self._wall) * tone[:, None], np.float32)

    def _glass(self, x: NDArray[np.float32], z: NDArray[np.float32], inside: float) -> NDArray[np.float32]:
        """Panes: a dim room with a curtain behind a reflection of sky and opposite houses."""
        skyline = 1.9 + 0.9 * self._noise.cells(x / 1.7, x * 0)
        mirrored = np.where((z > skyline)[:, None], np.array([0.50, 0.58, 0.66]), np.array([0.13, 0.13, 0.14]))
        curtain = np.clip(np.sin(x * 38) * 0.3 + 0.5, 0, 1) * (self._noise.cells(np.floor(x / 1.1), x * 0 + 7) > 0.5)
        room = inside * (0.5 + curtain[:, None] * np.array([1.4, 1.3, 1.1]))
        return np.asarray(0.45 * mirrored + room, np.float32)

    def _windows(
        self, lit: NDArray[np.float32], x: NDArray[np.float32], z: NDArray[np.float32],
        local: NDArray[np.float32], here: NDArray[np.bool_],
    ) -> NDArray[np.float32]:  # fmt: skip
        half, low, high = 0.55, 1.15, 2.85
        dx, dz = half - np.abs(local), np.minimum(z - low, high - z)
        inside, frame = here & (dx > 0) & (dz > 0), np.minimum(dx, dz) < 0.08
        bar = (np.abs(local) < 0.035) | (np.abs(z - (low + high) / 2 - 0.25) < 0.03)
        sill = here & (np.abs(local) < half + 0.12) & (z > low - 0.1) & (z < low)
        out = np.where(inside[:, None], self._glass(x, z, 0.05), lit)
        framed = self._shade(np.broadcast_to(self._frame, lit.shape))
        out = np.where((inside & (frame | bar))[:, None], framed, out)
        # The lintel shades the upper part of the panes.
        out = np.where((inside & (high - z < 0.22) & ~frame)[:, None], out * 0.6, out)
        return np.asarray(np.where(sill[:, None], framed * 1.05, out), np.float32)

    def _door_leaf(
        self, lit: NDArray[np.float32], x: NDArray[np.float32], z: NDArray[np.float32],
        local: NDArray[np.float32], here: NDArray[np.bool_],
    ) -> NDArray[np.float32]:  # fmt: skip
        inside = here & (np.abs(local) < 0.62) & (z < 2.55)
        leaf = inside & (np.abs(local) < 0.52) & (z < 2.1)
        panel = leaf & (np.abs(np.abs(local) - 0.26) < 0.17) & ((np.abs(z - 0.55) < 0.35) | (np.abs(z - 1.5) < 0.42))
        tone = np.where(panel, 0.72, 1.0) * (0.92 + 0.16 * self._noise.rough(x * 3, z * 12))
        wood = self._shade(np.asarray(self._door * tone[:, None], np.float32))
        out = np.where(inside[:, None], self._shade(np.broadcast_to(self._frame, lit.shape)) * 0.85, lit)
        light = inside & (z > 2.17) & (z < 2.48) & (np.abs(local) < 0.52)
        out = np.where(light[:, None], self._glass(x, z, 0.08), out)
        knob = leaf & (np.hypot(local - 0.43, z - 1.05) < 0.045)
        out = np.where(leaf[:, None], wood, out)
        return np.asarray(np.where(knob[:, None], np.array([0.75, 0.62, 0.3]), out), np.float32)

    def _shop_front(
        self, lit: NDArray[np.float32], x: NDArray[np.float32], z: NDArray[np.float32],
        local: NDArray[np.float32], here: NDArray[np.bool_],
    ) -> NDArray[np.float32]:  # fmt: skip
        inside = here & (np.abs(local) < 1.0) & (z > 0.5) & (z < 2.7)
        frame = (np.abs(local) > 0.93) | (z < 0.6) | (np.abs(local) < 0.04)
        goods = self._noise.cells(x / 0.22, z / 0.3)
        shelf = 0.35 * np.stack([goods, self._noise.cells(x / 0.22 + 9, z / 0.3), 0.8 - 0.6 * goods], -1)
        window = 0.6 * self._glass(x, z, 0.1) + 0.35 * shelf
        out = np.where(inside[:, None], window, lit)
        out = np.where((inside & frame)[:, None], self._shade(np.broadcast_to(self._door, lit.shape)), out)
        awning = here & (np.abs(local) < 1.12) & (z > 2.35) & (z < 3.0)
        stripe = (np.floor((local + 2) / 0.2) % 2 == 0)[:, None]
        cloth = np.where(stripe, self._awning, to_linear((232, 228, 216))) * (0.7 + 0.5 * (z - 2.35) / 0.65)[:, None]
        return np.asarray(np.where(awning[:, None], self._shade(np.asarray(cloth, np.float32)) * 1.15, out), np.float32)
