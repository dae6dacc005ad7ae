"""Renders posed, dressed bodies into shards that the training loaders read through ``mmap``.

A render is uncoloured: per pixel the part, the surface normal and a coordinate on the garment, so that one render can be
coloured anew every time it is used (`training.dress`). Run as::

    python -m training.renders --out /tmp/training/shards --shards 14 --per-shard 2000 --first 0 --step 2
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import tyro
from numpy.typing import NDArray

from bodydouble.body import outfit
from bodydouble.body.model import BODY_TO_CAMERA, BodyModel, PosedBody, RestBody, vertex_normals
from bodydouble.body.parts import Part
from bodydouble.body.primitives import Mesh
from bodydouble.body.raster import interpolate, rasterise
from bodydouble.seeds import derive_seed
from training.poses import ACTIVITIES, LOW_ACTIVITIES, PoseSampler

log = logging.getLogger(__name__)

CANVAS_HW_PX: Final[tuple[int, int]] = (256, 192)
"""Largest render; the person's box is fitted into it with a margin."""
CHANNELS: Final[int] = 5
"""Per pixel: part, normal x, normal y (int8 around 128), garment coordinate u, v."""
NOT_IN_BOX: Final[tuple[Part, ...]] = (Part.BAG, Part.UMBRELLA, Part.PRAM)
"""Parts that do not widen the person's box; annotators box the body, not the luggage."""
_HIDDEN_BEHIND_M: Final[float] = 0.13
"""A joint lies inside the limb: it counts as hidden when the surface seen at its pixel is nearer by more than this."""


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """Which shards to render."""

    out: Path = Path("/tmp/training/shards")
    """Folder for the shards, outside the repository."""
    shards: int = 14
    """Total number of shards."""
    per_shard: int = 2000
    """Renders in a shard."""
    first: int = 0
    """First shard of this process."""
    step: int = 1
    """Distance between the shards of this process."""
    seed: int = 20261122
    """Root seed."""
    low: bool = False
    """Only people who sit, crouch, bend, ride or lie."""


@dataclass(kw_only=True)
class Render:
    """One render, cropped to what was drawn."""

    pixels: NDArray[np.uint8]
    """``(h, w, CHANNELS)``."""
    joints_px: NDArray[np.float32]
    """``(18, 3)``: x, y in the crop; 1 seen, 0 hidden by the body or its luggage."""
    box_px: NDArray[np.float32]
    """``(4,)`` box of the person in the crop."""


def draw_phenotype(rng: np.random.Generator) -> dict[str, float]:
    """One body shape: adults mostly, some children and old people."""
    kind = rng.random()
    age = rng.uniform(0.27, 0.5) if kind < 0.12 else rng.uniform(0.55, 0.8) if kind < 0.8 else rng.uniform(0.8, 1.0)
    return {
        "gender": float(rng.choice([rng.uniform(0, 0.25), rng.uniform(0.75, 1)])), "age": float(age),
        "muscle": float(rng.uniform(0.2, 0.8)), "weight": float(rng.beta(2.2, 2.4)),
        "height": float(rng.uniform(0.2, 0.8)), "proportions": float(rng.uniform(0.25, 0.75)),
    }  # fmt: skip


def inflation_m(vertex_parts: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """How far clothes and hair stand off the skin at each vertex, ``(V,)``."""
    per_part = np.zeros(len(Part), np.float32)
    if rng.random() < 0.85:
        puffy = rng.random() < 0.2
        trunk = rng.uniform(0.02, 0.07) if puffy else rng.uniform(0.0, 0.035)
        per_part[[Part.TORSO, Part.HIPS]] = trunk
        per_part[[Part.UPPER_ARM, Part.FOREARM]] = trunk * rng.uniform(0.4, 0.9)
        per_part[[Part.THIGH, Part.SHIN]] = rng.uniform(0.0, 0.035) * (1 + 0.6 * (rng.random() < 0.15))
        per_part[Part.NECK] = trunk * 0.7 * (rng.random() < 0.4)
        per_part[Part.FOOT] = rng.uniform(0, 0.012)
    per_part[Part.HAIR] = rng.uniform(0, 0.015) if rng.random() < 0.4 else rng.uniform(0.01, 0.06)
    return per_part[vertex_parts]


def draw_outfit(on: outfit.Anchors, activity: str, rng: np.random.Generator) -> list[Mesh]:
    """Garments, hair and luggage of one person."""
    u, chance, pieces = rng.uniform, rng.random, []
    upright = activity in ("walk", "stand", "run", "wild")
    kind = chance()
    if kind < 0.13:
        length = float(rng.choice([u(0.4, 0.8), u(0.8, 1.2), u(1.2, 1.85)]))
        pieces.append(outfit.skirt(on, length=length, flare_m=u(0.0, 0.12), ruffle=u(0, 0.12)))
    elif kind < 0.27:
        pieces.append(
            outfit.skirt(
                on, length=u(0.15, 1.5), flare_m=u(0.0, 0.06), looseness_m=u(0.02, 0.06), open_front=chance() < 0.5,
                part=Part.COAT_TAIL,
            )
        )  # fmt: skip
    head = chance()
    if head < 0.10:
        pieces.append(outfit.hood(on, looseness=u(1.1, 1.4)))
    elif head < 0.24:
        peak = u(0.05, 0.11) if chance() < 0.5 else 0.0
        pieces.append(outfit.hat(on, height=u(0.25, 0.8), brim_m=u(0.04, 0.14) * (chance() < 0.25), peak_m=peak))
    if head > 0.10 and chance() < 0.3:
        pieces.append(outfit.long_hair(on, length_m=u(0.12, 0.38), volume=u(1.02, 1.3)))
    elif chance() < 0.1:
        pieces.append(outfit.bun(on, radius_m=u(0.03, 0.07), up=u(0, 1)))
    if (upright or activity in ("cycle", "sit", "bend")) and chance() < 0.16:
        pieces.append(outfit.backpack(on, half_sizes_m=(u(0.11, 0.18), u(0.05, 0.14), u(0.15, 0.3))))
    if upright:
        side, carried = str(rng.choice(["left", "right"])), chance()
        if carried < 0.14:
            pieces.append(
                outfit.hand_bag(
                    on, side=side, half_sizes_m=(u(0.07, 0.22), u(0.02, 0.1), u(0.08, 0.22)), handle_m=u(0.02, 0.3)
                )
            )
        elif carried < 0.28:
            half = (u(0.03, 0.1), u(0.08, 0.2), u(0.08, 0.19))
            pieces.append(outfit.shoulder_bag(on, side=side, half_sizes_m=half, drop=u(0.5, 1.05)))
        elif carried < 0.31:
            half = (u(0.14, 0.26), u(0.08, 0.16), u(0.2, 0.38))
            pieces.append(outfit.suitcase(on, side=side, half_sizes_m=half))
        elif carried < 0.33:
            pieces.append(outfit.umbrella(on, side=side, radius_m=u(0.35, 0.6), stick_m=u(0.35, 0.6)))
        elif carried < 0.35:
            pieces.append(outfit.pram(on))
    return pieces


def draw_camera(tilt_rad: tuple[float, float], rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
    """Rotation from the body to the camera ``(3, 3)`` and the camera's distance in body heights."""
    angle, azimuth = tilt_rad
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * angle
    yaw, roll = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.04)
    pitch = rng.uniform(-0.1, 0.4) if rng.random() < 0.62 else rng.uniform(0.2, 0.9)
    rotation = _rodrigues([0, 0, roll]) @ _rodrigues([pitch, 0, 0]) @ _rodrigues([0, yaw, 0])
    distance = float(np.exp(rng.uniform(np.log(1.9), np.log(30.0))))
    return (rotation @ BODY_TO_CAMERA @ _rodrigues(axis)).astype(np.float32), distance


def render_body(
    model: BodyModel, rest: RestBody, posed: PosedBody, index: int, activity: str, tilt_rad: tuple[float, float],
    rng: np.random.Generator,
) -> Render:  # fmt: skip
    """Dress and draw body ``index`` of a posed batch."""
    normals = vertex_normals(posed.vertices_m[index : index + 1], model.faces)[0]
    body = posed.vertices_m[index] + normals * inflation_m(model.vertex_parts, rng)[:, None]
    pieces = draw_outfit(outfit.anchors(model, rest, posed, index), activity, rng)
    rotation, distance = draw_camera(tilt_rad, rng)
    to_screen = _Projection(body @ rotation.T, rotation, distance, rng)
    height, width = CANVAS_HW_PX
    drawn = rasterise(to_screen(body), model.faces, height=height, width=width, cull_back_faces=True, perspective=True)
    attributes = np.concatenate([normals @ rotation.T[:, :2], _garment_coordinates(model)], 1).astype(np.float32)
    values = interpolate(drawn, model.faces, attributes)
    part = np.where(drawn.covered, model.face_parts[drawn.triangle], 0).astype(np.uint8)
    depth = drawn.depth
    for mesh in pieces:
        over = rasterise(to_screen(mesh.vertices_m), mesh.faces, height=height, width=width, perspective=True)
        mesh_normals = vertex_normals(mesh.vertices_m[None], mesh.faces)[0] @ rotation.T
        extra = interpolate(over, mesh.faces, np.concatenate([mesh_normals, mesh.uv], 1).astype(np.float32))
        # Open surfaces are seen from both sides: turn the normals towards the camera.
        extra[extra[..., 2] > 0, :3] *= -1
        nearer = over.depth < depth
        values[nearer], part[nearer] = extra[nearer][:, [0, 1, 3, 4]], mesh.part
        depth = np.minimum(depth, over.depth)
    joints = to_screen(posed.joints_m[index])
    return _pack(part, values, depth, joints)


class _Projection:
    """Perspective camera that fits the body into the canvas."""

    def __init__(
        self, seen_m: NDArray[np.float32], rotation: NDArray[np.float32], distance: float, rng: np.random.Generator
    ) -> None:
        low, high = seen_m.min(0), seen_m.max(0)
        self._rotation, self._middle = rotation, (low + high) / 2
        self._away = distance * float(max(high - low)) + float(high[2] - low[2]) / 2
        flat = self._flat(seen_m)
        low2, high2 = flat.min(0), flat.max(0)
        height, width = CANVAS_HW_PX
        # Room beside the body for skirts, bags and hats, which are not measured here.
        self._scale = min(0.86 * height / (high2 - low2)[1], 0.86 * width / (high2 - low2)[0])
        self._offset = np.array([width, height]) / 2 - (low2 + high2) / 2 * self._scale + rng.normal(0, 2.0, 2)

    def _flat(self, seen_m: NDArray[np.float32]) -> NDArray[np.float32]:
        local = seen_m - self._middle
        return np.asarray(local[:, :2] / (local[:, 2:] + self._away))

    def __call__(self, points_m: NDArray[np.float32]) -> NDArray[np.float32]:
        seen = points_m @ self._rotation.T
        depth = seen[:, 2:] - self._middle[2] + self._away
        return np.concatenate([self._flat(seen) * self._scale + self._offset, depth], 1).astype(np.float32)


def _pack(
    part: NDArray[np.uint8], values: NDArray[np.float32], depth: NDArray[np.float32], joints: NDArray[np.float32]
) -> Render:
    rows, columns = np.nonzero(part)
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    person = np.isin(part, NOT_IN_BOX, invert=True) & (part > 0)
    y, x = np.nonzero(person)
    box = np.array([x.min() - left, y.min() - top, x.max() + 1 - left, y.max() + 1 - top], np.float32)
    column = np.clip(joints[:, 0].astype(int), 0, part.shape[1] - 1)
    row = np.clip(joints[:, 1].astype(int), 0, part.shape[0] - 1)
    seen = depth[row, column] > joints[:, 2] - _HIDDEN_BEHIND_M
    packed = np.concatenate(
        [part[..., None], np.clip(values[..., :2] * 127 + 128, 1, 255), np.clip(values[..., 2:] * 255, 0, 255)], -1
    ).astype(np.uint8)
    return Render(
        pixels=packed[top:bottom, left:right],
        joints_px=np.stack([joints[:, 0] - left, joints[:, 1] - top, seen], -1).astype(np.float32), box_px=box,
    )  # fmt: skip


def _garment_coordinates(model: BodyModel) -> NDArray[np.float32]:
    """``(V, 2)`` in 0..1: across the template body, and up it. Sleeve and hem lengths are thresholds on them."""
    template = model.template_vertices_m
    low, high = template.min(0), template.max(0)
    return np.asarray((template[:, [0, 2]] - low[[0, 2]]) / (high - low)[[0, 2]], np.float32)


def _rodrigues(rotvec: object) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(np.asarray(rotvec, float)).as_matrix())


def render_shard(config: RenderConfig, shard: int, model: BodyModel, poses: PoseSampler, batch: int = 20) -> None:
    """Render one shard into ``<out>/shard_NN.bin`` (pixels) and ``.npz`` (where each render lies, joints, boxes)."""
    stem = config.out / f"shard_{shard:02d}"
    offsets, shapes, joints, boxes, position = [], [], [], [], 0
    activities = LOW_ACTIVITIES if config.low else ACTIVITIES
    with stem.with_suffix(".bin.part").open("wb") as file:
        for start in range(0, config.per_shard, batch):
            rng = np.random.default_rng(derive_seed(config.seed, "renders", shard, start))
            shapes_drawn = [draw_phenotype(rng) for _ in range(batch)]
            rest = model.rest({name: np.array([shape[name] for shape in shapes_drawn]) for name in shapes_drawn[0]})
            drawn = [poses.draw(rng, activities) for _ in range(batch)]
            posed = model.pose(np.stack([pose for pose, _, _ in drawn]), rest)
            for index, (_, tilt, activity) in enumerate(drawn):
                render = render_body(model, rest, posed, index, activity, tilt, rng)
                offsets.append(position)
                shapes.append(render.pixels.shape[:2])
                joints.append(render.joints_px)
                boxes.append(render.box_px)
                position += file.write(np.ascontiguousarray(render.pixels).tobytes())
    stem.with_suffix(".bin.part").rename(stem.with_suffix(".bin"))
    np.savez(stem.with_suffix(".npz"), offsets=offsets, shapes=shapes, joints=np.stack(joints), boxes=np.stack(boxes))
    log.info("shard %d: %d renders, %.0f MB", shard, len(offsets), position / 1e6)


def main(config: RenderConfig) -> None:
    """Render this process's shards; shards that exist are left alone."""
    import torch

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    config.out.mkdir(parents=True, exist_ok=True)
    model = BodyModel.load()
    poses = PoseSampler(model)
    for shard in range(config.first, config.shards, config.step):
        if not (config.out / f"shard_{shard:02d}.npz").exists():
            render_shard(config, shard, model, poses)


if __name__ == "__main__":
    main(tyro.cli(RenderConfig))
