"""Renders of avatars for the small diffusion model: doubles of the whole wardrobe in all kinds of poses, and short clips.

Nobody filmed or photographed enters: looks come from casting, bodies and clothes from the avatar, poses from here. What is
stored is the double with its alpha, on the canvas that the generator would lay out for it, and its joints. Run as::

    python -m training.diffusion_renders --out /tmp/training/diffusion/renders --shards 40
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
import tyro
from numpy.typing import NDArray

from bodydouble.body.model import BodyModel
from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.generation.avatar.draw import Framing, Lamp, camera_axes, draw, lamp_of
from bodydouble.generation.avatar.motion import Motion, poses_of
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import Skeleton, forward
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.view import View, view_of
from bodydouble.scene import Appearance, Light, PersonTrack, SceneBundle
from bodydouble.seeds import derive_seed
from training.diffusion_poses import Script, draw_clip, draw_moment

log = logging.getLogger(__name__)

CANVAS_PX: Final = 64 * 128
MARGIN: Final = 0.12
CLIP_FRAMES: Final = 16
_CHILD_SHARE: Final = 0.1
LIGHT: Final = Light(ambient_rgb=(0.36, 0.36, 0.36), key_direction_xyz=(-0.4, -0.8, -0.5), key_strength=0.35)
"""One light for all: the prompt cannot ask for another, and compositing fits the double to the light of its place."""


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """Which shards to render."""

    out: Path = Path("/tmp/training/diffusion/renders")
    """Folder for the shards, outside the repository."""
    shards: int = 40
    """Total number of shards; the first one is kept for measuring."""
    per_shard: int = 24
    """Looks in a shard; each gives one clip and some single pictures."""
    singles: int = 10
    """Single pictures of a look."""
    first: int = 0
    """First shard of this process."""
    step: int = 1
    """Distance between the shards of this process."""
    supersampling: int = 2
    """Samples per pixel and axis for people of usual size."""
    seed: int = 20261123
    """Root seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Filmed:
    """A clip, or a single picture: frames on one canvas."""

    rgba: NDArray[np.uint8]
    """(time, height, width, 4)."""
    joints_px: NDArray[np.float32]
    """(time, 18, 2) on the canvas."""


def looks_of(config: RenderConfig, shard: int) -> list[Appearance]:
    """The looks of a shard, balanced as in a clip with that many people; one in ten is a child."""
    rng = np.random.default_rng(derive_seed(config.seed, "children", shard))
    tracks = range(1, config.per_shard + 1)
    pins = tuple(f"{track}:age_years={int(rng.integers(5, 12))}" for track in tracks if rng.random() < _CHILD_SHARE)
    people = SimpleNamespace(clip_name=f"shard {shard}", tracks=[SimpleNamespace(track_id=track) for track in tracks])
    drawn = cast_tracks(cast(SceneBundle, people), CastingConfig(child_height=False, pin=pins), config.seed)
    return [look for _, look in drawn.parts]


def view_on(joints_px: NDArray[np.float64], rng: np.random.Generator) -> View:
    """Lay out the canvas as the generator does, from joints and a box that is a little off, as found ones are."""
    low, high = joints_px.min(axis=1), joints_px.max(axis=1)
    tall = float(np.median(high[:, 1] - low[:, 1]))
    # The crown lies about a tenth above eyes and nose, the soles a twentieth below the ankles, sleeves around the joints.
    around = tall * np.array([[0.06, 0.10, 0.06, 0.06]]) * rng.uniform(0.6, 1.5, (1, 4))
    boxes = np.concatenate([low - around[:, :2], high + around[:, 2:]], axis=1)
    track = SimpleNamespace(
        boxes_xyxy_px=boxes, joints_xy_px=joints_px, joint_scores=np.ones(joints_px.shape[:2], np.float32)
    )
    run = PlayedRun(track_id=1, start=0, stop=len(joints_px))
    return view_of(cast(PersonTrack, track), run, canvas_px=CANVAS_PX, margin=MARGIN, joint_score=0.1)


def film(
    dressed: Any, skeleton: Skeleton, script: Script, lamp: Lamp, config: RenderConfig, rng: np.random.Generator, seed: int
) -> Filmed:  # fmt: skip
    """Draw a double at every moment of a script."""
    joints_m = forward(skeleton, script.angles).joints_m
    flat = np.stack(
        [joints @ camera_axes(float(e)).T for joints, e in zip(joints_m, script.elevation_rad, strict=True)]
    )
    scale = 100.0
    view = view_on(flat[..., :2] * scale, rng)
    steps = range(len(script.angles))
    motion = Motion(
        angles=script.angles, root_px=-view.origin_px * view.zoom[:, None], scale_px_per_m=scale * view.zoom,
        elevation_rad=script.elevation_rad, planted=script.planted, ankle_rad=script.ankle_rad,
        error_m=np.zeros((len(script.angles), 18)), lost=np.zeros(len(script.angles), np.bool_),
    )  # fmt: skip
    poses = poses_of(skeleton, motion)
    framing = Framing(
        elevation_rad=motion.elevation_rad, scale_px_per_m=motion.scale_px_per_m, root_px=motion.root_px
    )  # fmt: skip
    frames = np.zeros((len(script.angles), view.height_px, view.width_px, 4), np.uint8)
    for step in steps:
        sprite = draw(
            dressed, skeleton, poses, step, framing=framing, lamp=lamp, frame_size_px=(view.width_px, view.height_px),
            config=AvatarConfig(supersampling=config.supersampling), seed=seed,
        )  # fmt: skip
        _place(frames[step], sprite.rgba, sprite.left_px, sprite.top_px)
    joints = np.stack([view.to_canvas(step, (flat[step, :, :2] * scale).astype(np.float32)) for step in steps])
    return Filmed(rgba=frames, joints_px=joints.astype(np.float32))


def _place(canvas: NDArray[np.uint8], rgba: NDArray[np.uint8], left: int, top: int) -> None:
    """Put a sprite, which may reach beyond the border, on an empty canvas."""
    height, width = canvas.shape[:2]
    rows = slice(max(0, top), max(0, min(height, top + rgba.shape[0])))
    columns = slice(max(0, left), max(0, min(width, left + rgba.shape[1])))
    canvas[rows, columns] = rgba[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def film_look(model: BodyModel, look: Appearance, config: RenderConfig, seed: int) -> list[Filmed]:
    """One clip of a look, then its single pictures."""
    physique = build_physique(model, phenotype_of(look, seed))
    dressed = dress(model, physique, look, seed)
    rng = np.random.default_rng(derive_seed(seed, "poses"))
    scripts = [draw_clip(rng, CLIP_FRAMES), *(draw_moment(rng) for _ in range(config.singles))]
    lamp = lamp_of(LIGHT)
    return [film(dressed, physique.skeleton, script, lamp, config, rng, seed) for script in scripts]


def render_shard(model: BodyModel, config: RenderConfig, shard: int) -> None:
    """Render and write one shard; whole or not at all."""
    looks = looks_of(config, shard)
    pixels, joints, rows = [], [], []
    offset = 0
    for number, look in enumerate(looks):
        seed = derive_seed(config.seed, "double", shard, number)
        for filmed in film_look(model, look, config, seed):
            length, height, width = filmed.rgba.shape[:3]
            rows.append((number, length, height, width, offset))
            pixels.append(filmed.rgba.reshape(-1))
            joints.append(filmed.joints_px.reshape(-1))
            offset += filmed.rgba.size
    config.out.mkdir(parents=True, exist_ok=True)
    described = json.dumps([asdict(look) for look in looks])
    (config.out / f"shard_{shard:03d}.json").write_text(described, encoding="utf-8")
    part = config.out / f"shard_{shard:03d}.part.npz"
    np.savez(part, pixels=np.concatenate(pixels), joints_px=np.concatenate(joints), rows=np.array(rows, np.int64))
    part.rename(config.out / f"shard_{shard:03d}.npz")


def main(config: RenderConfig) -> None:
    """Render the shards that are not there yet."""
    import torch

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    model = BodyModel.load()
    for shard in range(config.first, config.shards, config.step):
        if not (config.out / f"shard_{shard:03d}.npz").exists():
            render_shard(model, config, shard)
            log.info("shard %d", shard)


if __name__ == "__main__":
    main(tyro.cli(RenderConfig))
