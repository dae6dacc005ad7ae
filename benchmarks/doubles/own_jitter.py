"""Does the colour of doubles jitter, asked of their own pixels.

`bodydouble evaluate` knows a result and who was where, not who plays: it takes colours inside filmed silhouettes. Where a
silhouette takes in a pillar for a frame, or trembles about a double who moves smoothly, that counts as jitter of the
double. Here a double's colour is the mean over the pixels that its sprite covers and no nearer one does; filmed people
are measured inside their silhouettes as before, in the same frames.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from perception.table import Row

from bodydouble.evaluation.measures._tracks import people_at, silhouettes_at
from bodydouble.evaluation.measures.flicker import FLOOR_LEVELS, MIN_PERSON_PX, STEADY_SHARE, Flicker
from bodydouble.scene import SceneBundle, Sprite
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.performance_files import PerformanceReader
from bodydouble.video_io import open_source

_SOLID = 250

Floats = npt.NDArray[np.float64]
Seen = tuple[int, int, Floats]
"""Frame, pixels, mean colour."""


def _owners(sprites: list[tuple[int, Sprite]], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """(H, W): whose sprite is seen where; -1 nobody's. Nearer is who stands lower in the picture."""
    owners = np.full(shape, -1, np.int64)
    for track_id, sprite in sorted(sprites, key=lambda one: one[1].ground_y_px):
        height, width = sprite.rgba.shape[:2]
        top, left = max(sprite.top_px, 0), max(sprite.left_px, 0)
        bottom, right = min(sprite.top_px + height, shape[0]), min(sprite.left_px + width, shape[1])
        if bottom > top and right > left:
            rows = slice(top - sprite.top_px, bottom - sprite.top_px)
            columns = slice(left - sprite.left_px, right - sprite.left_px)
            solid = sprite.rgba[rows, columns, 3] >= _SOLID
            owners[top:bottom, left:right][solid] = track_id
    return owners


def _taken(before: list[Seen], index: int, pixels: npt.NDArray[np.uint8]) -> list[Seen]:
    """The last three frames in a row, this one with its pixels (n, 3) included."""
    kept = [row for row in before if row[0] >= index - 2]
    return [*kept, (index, len(pixels), pixels.mean(axis=0, dtype=np.float64))]


def _bend(rows: list[Seen]) -> float | None:
    """Mean square of the second difference; None without three frames in which the size is steady."""
    sizes = [row[1] for row in rows]
    if len(rows) < 3 or min(sizes) < STEADY_SHARE * max(sizes):
        return None
    return float(np.mean((rows[1][2] - (rows[0][2] + rows[2][2]) / 2) ** 2))


def own_jitter_row(clip: str, original: Path, result: Path, run: Path, *, frames: int | None) -> Row:
    """Jitter of doubles over that of filmed people."""
    bundle, reader = read_bundle(run / "scene"), PerformanceReader(run / "performance")
    filmed: dict[int, list[Seen]] = {}
    made: dict[int, list[Seen]] = {}
    sums, triples = np.zeros(2), 0
    with open_source(original) as source, open_source(result) as played:
        for frame, other in islice(zip(source.frames(), played.frames(), strict=True), frames):
            sprites = [(track_id, sprite) for track_id, sprite in reader.sprites_at(frame.index) if sprite.rgba.size]
            here = _present(bundle, frame.index, frame.rgb, other.rgb, _owners(sprites, frame.rgb.shape[:2]))
            filmed = {key: _taken(filmed.get(key, []), frame.index, pair[0]) for key, pair in here.items()}
            made = {key: _taken(made.get(key, []), frame.index, pair[1]) for key, pair in here.items()}
            for key in here:
                bends = _bend(filmed[key]), _bend(made[key])
                if bends[0] is not None and bends[1] is not None:
                    sums += np.array(bends) + FLOOR_LEVELS**2
                    triples += 1
                filmed[key], made[key] = filmed[key][-2:], made[key][-2:]
    return Row(
        clip=clip, what="colour jitter of doubles on their own pixels, over filmed people's",
        value=float(np.sqrt(sums[1] / sums[0])) if triples else None,
        how=f"{triples} triples; root mean square of second differences {np.sqrt(sums[1] / max(triples, 1)):.2f} and "
        f"{np.sqrt(sums[0] / max(triples, 1)):.2f} levels",
    )  # fmt: skip


def _present(
    bundle: SceneBundle,
    index: int,
    filmed_rgb: npt.NDArray[np.uint8],
    made_rgb: npt.NDArray[np.uint8],
    owners: npt.NDArray[np.int64],
) -> dict[int, tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Pixels (n, 3) of each person who plays, filmed and made, where enough of both are seen."""
    silhouettes = silhouettes_at(bundle, index)
    found = {}
    for person in people_at(bundle, index, min_height_px=Flicker().min_height_px):
        own, double = silhouettes == person.track_id, owners == person.track_id
        if min(np.count_nonzero(own), np.count_nonzero(double)) >= MIN_PERSON_PX:
            found[person.track_id] = filmed_rgb[own], made_rgb[double]
    return found
