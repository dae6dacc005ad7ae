"""Reads the renders of `training.renders` through ``mmap``: both trainings share one copy in the page cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.renders import CHANNELS


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """One uncoloured render."""

    pixels: NDArray[np.uint8]
    """``(h, w, 5)``: part, normal x, normal y, garment u, v."""
    joints_px: NDArray[np.float32]
    """``(18, 3)``: x, y, seen."""
    box_px: NDArray[np.float32]
    """``(4,)``."""


class RenderLibrary:
    """All finished shards of a folder; the last shard is held out for validation.

    Args:
        folder: where `training.renders` writes.
        held_out: serve only the validation shard, else only the others.
    """

    VALIDATION_SHARD = "shard_00"

    def __init__(self, folder: Path, *, held_out: bool) -> None:
        self._folder, self._held_out = folder, held_out
        self._stems: list[Path] = []
        self._pixels: list[NDArray[np.uint8]] = []
        self._tables: list[dict[str, NDArray[np.float32]]] = []
        self._rows = np.zeros((0, 2), np.int64)
        self.refresh()

    def refresh(self) -> None:
        """Take up shards finished since the last call."""
        for table in sorted(self._folder.glob("shard_*.npz")):
            if table in self._stems or (table.stem == self.VALIDATION_SHARD) != self._held_out:
                continue
            with np.load(table) as data:
                self._tables.append({key: data[key] for key in data.files})
            self._pixels.append(np.memmap(table.with_suffix(".bin"), np.uint8, "r"))
            self._stems.append(table)
            count = len(self._tables[-1]["offsets"])
            rows = np.stack([np.full(count, len(self._tables) - 1), np.arange(count)], 1)
            self._rows = np.concatenate([self._rows, rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Body:
        shard, row = self._rows[index]
        table = self._tables[shard]
        height, width = (int(v) for v in table["shapes"][row])
        start = int(table["offsets"][row])
        flat = self._pixels[shard][start : start + height * width * CHANNELS]
        return Body(
            pixels=flat.reshape(height, width, CHANNELS), joints_px=table["joints"][row], box_px=table["boxes"][row]
        )

    def draw(self, rng: np.random.Generator) -> Body:
        """A random render, mirrored half of the time."""
        body = self[int(rng.integers(len(self)))]
        return mirrored(body) if rng.random() < 0.5 else body


def mirrored(body: Body) -> Body:
    """The same body in a mirror: left and right change names."""
    from bodydouble.scene.skeleton import MIRRORED

    width = body.pixels.shape[1]
    pixels = body.pixels[:, ::-1].copy()
    shown = pixels[..., 0] > 0
    pixels[..., 1][shown] = 256 - np.maximum(pixels[..., 1][shown], 1).astype(np.int32)
    joints = body.joints_px[list(MIRRORED)].copy()
    joints[:, 0] = width - joints[:, 0]
    left, top, right, bottom = body.box_px
    return Body(
        pixels=pixels, joints_px=joints, box_px=np.array([width - right, top, width - left, bottom], np.float32)
    )
