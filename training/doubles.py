"""Renders of doubles as the product draws them, whole wardrobe and all kinds of motion, into shards for both trainings.

The uncoloured renders of `training.renders` vary more in colour and light, these are nearer to footage: clothes that
hang and fold, hair that ends in strands, faces. They are seen at eye level as often as from above, as people in footage
are. Run as::

    python -m training.doubles --out /tmp/training/shards --shards 8 --first 0 --step 2
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final, cast

import numpy as np
import tyro
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.body.raster import rasterise
from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.generation.avatar.draw import (
    Framing,
    Lamp,
    camera_axes,
    draw,
    lamp_of,
    posed_vertices,
    projected_vertices,
)  # fmt: skip
from bodydouble.generation.avatar.mesh import Outfit
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import Pose, Skeleton, forward
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Appearance, Light, SceneBundle
from bodydouble.scene.appearance import RGB
from bodydouble.seeds import derive_seed
from training.dress import draw_cloth
from training.motions import draw_angles

log = logging.getLogger(__name__)

_HEIGHT_PX: Final = (150.0, 250.0)
"""Of a standing adult; a training picture shows people smaller than this, as a rule."""
_USUAL_M: Final = 1.7
_CANVAS_PX: Final = 800
"""Room for a double of any pose; sprites are cut to what is drawn."""
_CHILD_SHARE: Final = 0.1
_ACT_STEPS: Final = 75
"""Of a motion, six seconds; moments are taken out of it."""
_MOMENTS: Final = 6
_HIDDEN_BEHIND_M: Final = 0.13
"""A joint lies inside the limb: it counts as hidden when the surface seen at its pixel is nearer by more than this."""


@dataclass(frozen=True, kw_only=True)
class DoublesConfig:
    """Which shards to render."""

    out: Path = Path("/tmp/training/shards")
    """Folder for the shards, outside the repository."""
    shards: int = 8
    """Total number of shards; the first one is kept for measuring."""
    looks: int = 84
    """Doubles in a shard."""
    acts: int = 4
    """Motions of a double; `_MOMENTS` pictures are taken of each."""
    first: int = 0
    """First shard of this process."""
    step: int = 1
    """Distance between the shards of this process."""
    seed: int = 20261130
    """Root seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnDouble:
    """One picture of a double, cut to what was drawn."""

    rgba: NDArray[np.uint8]
    """``(h, w, 4)`` sRGB, straight alpha."""
    joints_px: NDArray[np.float32]
    """``(18, 3)``: x, y in the picture; 1 seen, 0 hidden by the body itself."""


def looks_of(config: DoublesConfig, shard: int) -> list[Appearance]:
    """The looks of a shard: balanced as casting does it, cloth of any colour, one in ten a child, nobody with a bag.

    Bags do not widen people's boxes (see `training.renders`), and a drawn double no longer tells bag from body.
    """
    rng = np.random.default_rng(derive_seed(config.seed, "looks", shard))
    tracks = range(1, config.looks + 1)
    pins = tuple(f"{track}:age_years={int(rng.integers(5, 12))}" for track in tracks if rng.random() < _CHILD_SHARE)
    people = SimpleNamespace(clip_name=f"shard {shard}", tracks=[SimpleNamespace(track_id=track) for track in tracks])
    drawn = cast_tracks(cast(SceneBundle, people), CastingConfig(child_height=False, pin=pins), config.seed)
    return [_recoloured(look, rng) for _, look in drawn.parts]


def _recoloured(look: Appearance, rng: np.random.Generator) -> Appearance:
    """The palette of casting is what looks good; people also wear everything else."""

    def shade(own: RGB) -> RGB:
        if rng.random() < 0.35:
            return own
        red, green, blue = (int(v) for v in np.round(255 * draw_cloth(rng)))
        return red, green, blue

    return replace(
        look, bag="none", top_rgb=shade(look.top_rgb), bottom_rgb=shade(look.bottom_rgb),
        shoes_rgb=shade(look.shoes_rgb), headwear_rgb=shade(look.headwear_rgb),
    )  # fmt: skip


def draw_elevations(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """``(count,)`` how steeply the camera looks down, radians: half near eye level, the others up to 50 degrees."""
    kind = rng.random(count)
    level, mast, roof = rng.normal(0.04, 0.06, count), rng.uniform(0.1, 0.45, count), rng.uniform(0.4, 0.9, count)
    return np.where(kind < 0.5, level, np.where(kind < 0.85, mast, roof))


def draw_lamp(rng: np.random.Generator) -> Lamp:
    """Light from any side above; how bright it is, is the matter of whoever uses the picture."""
    key = rng.normal(size=3)
    x, y, z = float(key[0]), -abs(float(key[1])) - 0.3, -abs(float(key[2]))
    light = Light(ambient_rgb=(0.36, 0.36, 0.36), key_direction_xyz=(x, y, z), key_strength=float(rng.uniform(0, 0.9)))
    return lamp_of(light)


def draw_double(
    outfit: Outfit, skeleton: Skeleton, poses: Pose, step: int, framing: Framing, lamp: Lamp, seed: int
) -> DrawnDouble | None:
    """Draw one moment; None where nothing of it shows."""
    sprite = draw(
        outfit, skeleton, poses, step, framing=framing, lamp=lamp, frame_size_px=(_CANVAS_PX, _CANVAS_PX),
        config=AvatarConfig(supersampling=2), seed=seed,
    )  # fmt: skip
    rows, columns = np.nonzero(sprite.rgba[..., 3] > 8)
    if not len(rows):
        return None
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    scale = float(framing.scale_px_per_m[step])
    axes = camera_axes(float(framing.elevation_rad[step]))
    dressed = outfit.at(scale)
    vertices = projected_vertices(dressed, posed_vertices(dressed, skeleton, poses, step, axes), framing, step)
    corner = np.array([sprite.left_px + left, sprite.top_px + top, 0], np.float32)
    surface = rasterise(vertices - corner, dressed.faces, height=int(bottom - top), width=int(right - left))
    joints = (poses.joints_m[step] @ axes.T) * scale + np.append(framing.root_px[step], 0.0) - corner
    row = np.clip(joints[:, 1].astype(int), 0, bottom - top - 1)
    column = np.clip(joints[:, 0].astype(int), 0, right - left - 1)
    seen = surface.depth[row, column] > joints[:, 2] - _HIDDEN_BEHIND_M * scale
    return DrawnDouble(
        rgba=np.ascontiguousarray(sprite.rgba[top:bottom, left:right]),
        joints_px=np.c_[joints[:, :2], seen].astype(np.float32),
    )


def draw_look(model: BodyModel, look: Appearance, config: DoublesConfig, seed: int) -> list[DrawnDouble]:
    """All pictures of one look."""
    physique = build_physique(model, phenotype_of(look, seed))
    outfit = dress(model, physique, look, seed)
    rng = np.random.default_rng(derive_seed(seed, "moments"))
    found = []
    for _ in range(config.acts):
        angles, _ = draw_angles(rng, _ACT_STEPS)
        poses = forward(physique.skeleton, angles[rng.integers(0, _ACT_STEPS, _MOMENTS)])
        shortest_px, tallest_px = _HEIGHT_PX
        scale = np.exp(rng.uniform(np.log(shortest_px), np.log(tallest_px), _MOMENTS)) / _USUAL_M
        framing = Framing(
            elevation_rad=draw_elevations(rng, _MOMENTS), scale_px_per_m=scale,
            # A fraction of a pixel: edges shall not lie on the raster.
            root_px=np.full((_MOMENTS, 2), _CANVAS_PX / 2) + rng.random((_MOMENTS, 2)),
        )  # fmt: skip
        drawn = (
            draw_double(outfit, physique.skeleton, poses, step, framing, draw_lamp(rng), seed)
            for step in range(_MOMENTS)
        )
        found += [double for double in drawn if double is not None]
    return found


def render_shard(model: BodyModel, config: DoublesConfig, shard: int) -> None:
    """Render one shard into ``<out>/doubles_NN.bin`` (pixels) and ``.npz`` (where each lies, joints)."""
    stem = config.out / f"doubles_{shard:02d}"
    offsets, shapes, joints, position = [], [], [], 0
    with stem.with_suffix(".bin.part").open("wb") as file:
        for number, look in enumerate(looks_of(config, shard)):
            for double in draw_look(model, look, config, derive_seed(config.seed, "double", shard, number)):
                offsets.append(position)
                shapes.append(double.rgba.shape[:2])
                joints.append(double.joints_px)
                position += file.write(double.rgba.tobytes())
    stem.with_suffix(".bin.part").rename(stem.with_suffix(".bin"))
    part = stem.with_suffix(".part.npz")
    np.savez(part, offsets=offsets, shapes=shapes, joints=np.stack(joints))
    part.rename(stem.with_suffix(".npz"))
    log.info("shard %d: %d pictures, %.0f MB", shard, len(offsets), position / 1e6)


def main(config: DoublesConfig) -> None:
    """Render this process's shards; shards that exist are left alone."""
    import torch

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    config.out.mkdir(parents=True, exist_ok=True)
    model = BodyModel.load()
    for shard in range(config.first, config.shards, config.step):
        if not (config.out / f"doubles_{shard:02d}.npz").exists():
            render_shard(model, config, shard)


if __name__ == "__main__":
    main(tyro.cli(DoublesConfig))
