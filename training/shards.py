"""Reads the renders of `training.renders` and `training.doubles` through ``mmap``: trainings share one copy of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

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


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnBody:
    """One picture of a double, which has its colours."""

    rgba: NDArray[np.uint8]
    """``(h, w, 4)`` sRGB, straight alpha."""
    joints_px: NDArray[np.float32]
    """``(18, 3)``: x, y, seen."""
    box_px: NDArray[np.float32]
    """``(4,)``."""


class RenderLibrary:
    """All finished shards of a folder; the first shard of each kind is held out for validation.

    Args:
        folder: where `training.renders` and `training.doubles` write.
        held_out: serve only the validation shards, else only the others.
        drawn_share: how often a double is drawn, where there are any; else an uncoloured body.
    """

    VALIDATION_SHARDS: Final = ("shard_00", "doubles_00")

    def __init__(self, folder: Path, *, held_out: bool, drawn_share: float = 0.5) -> None:
        self._folder, self._held_out, self._drawn_share = folder, held_out, drawn_share
        self._stems: list[Path] = []
        self._pixels: list[NDArray[np.uint8]] = []
        self._tables: list[dict[str, NDArray[np.float32]]] = []
        self._rows = {kind: np.zeros((0, 2), np.int64) for kind in ("shard", "doubles")}
        self.refresh()

    def refresh(self) -> None:
        """Take up shards finished since the last call."""
        for kind in self._rows:
            for table in sorted(self._folder.glob(f"{kind}_[0-9][0-9].npz")):
                if table in self._stems or (table.stem in self.VALIDATION_SHARDS) != self._held_out:
                    continue
                with np.load(table) as data:
                    self._tables.append({key: data[key] for key in data.files})
                self._pixels.append(np.memmap(table.with_suffix(".bin"), np.uint8, "r"))
                self._stems.append(table)
                count = len(self._tables[-1]["offsets"])
                rows = np.stack([np.full(count, len(self._tables) - 1), np.arange(count)], 1)
                self._rows[kind] = np.concatenate([self._rows[kind], rows])

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows.values())

    def draw(self, rng: np.random.Generator) -> Body | DrawnBody:
        """A random render, mirrored half of the time."""
        bodies, doubles = self._rows["shard"], self._rows["doubles"]
        drawn = len(doubles) and (not len(bodies) or rng.random() < self._drawn_share)
        shard, row = (doubles if drawn else bodies)[rng.integers(len(doubles if drawn else bodies))]
        body = self._drawn(shard, row) if drawn else self._uncoloured(shard, row)
        return mirrored(body) if rng.random() < 0.5 else body

    def _uncoloured(self, shard: int, row: int) -> Body:
        table = self._tables[shard]
        return Body(
            pixels=self._picture(shard, row, CHANNELS), joints_px=table["joints"][row], box_px=table["boxes"][row]
        )

    def _drawn(self, shard: int, row: int) -> DrawnBody:
        rgba = self._picture(shard, row, 4)
        height, width = rgba.shape[:2]
        return DrawnBody(
            rgba=rgba, joints_px=self._tables[shard]["joints"][row], box_px=np.array([0, 0, width, height], np.float32)
        )

    def _picture(self, shard: int, row: int, channels: int) -> NDArray[np.uint8]:
        table = self._tables[shard]
        height, width = (int(v) for v in table["shapes"][row])
        start = int(table["offsets"][row])
        return self._pixels[shard][start : start + height * width * channels].reshape(height, width, channels)


def mirrored(body: Body | DrawnBody) -> Body | DrawnBody:
    """The same body in a mirror: left and right change names."""
    from bodydouble.scene.skeleton import MIRRORED

    width = (body.rgba if isinstance(body, DrawnBody) else body.pixels).shape[1]
    joints = body.joints_px[list(MIRRORED)].copy()
    joints[:, 0] = width - joints[:, 0]
    left, top, right, bottom = body.box_px
    box = np.array([width - right, top, width - left, bottom], np.float32)
    if isinstance(body, DrawnBody):
        return DrawnBody(rgba=body.rgba[:, ::-1].copy(), joints_px=joints, box_px=box)
    pixels = body.pixels[:, ::-1].copy()
    shown = pixels[..., 0] > 0
    pixels[..., 1][shown] = 256 - np.maximum(pixels[..., 1][shown], 1).astype(np.int32)
    return Body(pixels=pixels, joints_px=joints, box_px=box)
