"""Drawing: a dressed mesh, bones and light in, a sprite out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.raster import rasterise
from bodydouble.generation.avatar import kernels
from bodydouble.generation.avatar.mesh import Dressed
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats, Pose, Skeleton
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Light, Sprite

_MARGIN_PX: Final = 2
_USUAL_HEIGHT_PX: Final = 120
"""Height that ``AvatarConfig.supersampling`` is meant for."""
_PLATE_ALBEDO: Final = 0.36
"""Share of light that ground and walls usually throw back; tells the light from the plate's mean colour."""
_TINT: Final = 0.5
"""How much of the plate's colour cast is light and not the colour of the ground."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lamp:
    """Light as drawing wants it."""

    ambient: NDArray[np.float32]
    """(3,) linear."""
    key: NDArray[np.float32]
    """(3,) unit vector towards the light, camera axes."""
    key_strength: float


def lamp_of(light: Light) -> Lamp:
    """Light on the doubles from the light measured on the plate."""
    plate = np.clip(np.array(light.ambient_rgb, float), 1e-3, 1)
    level = float(plate @ [0.2126, 0.7152, 0.0722])
    tint = (plate / level) ** _TINT
    brightness = np.clip((level / _PLATE_ALBEDO) ** 0.5, 0.35, 1.2)
    key = np.array(light.key_direction_xyz, float)
    length = float(np.linalg.norm(key))
    key = key / length if length > 1e-6 else np.array([0.0, -1.0, 0.0])
    return Lamp(
        ambient=(brightness * tint).astype(np.float32), key=key.astype(np.float32),
        key_strength=float(np.clip(light.key_strength, 0, 1)),
    )  # fmt: skip


def camera_axes(elevation_rad: float) -> Floats:
    """(3, 3): from the body frame to x right, y down, z away, seen from ``elevation_rad`` above."""
    sine, cosine = np.sin(elevation_rad), np.cos(elevation_rad)
    return np.array([[1, 0, 0], [0, -sine, -cosine], [0, cosine, -sine]])


def draw(
    dressed: Dressed, skeleton: Skeleton, poses: Pose, step: int, *, elevation_rad: float, scale_px_per_m: float,
    root_px: Floats,
    lamp: Lamp, frame_size_px: tuple[int, int], config: AvatarConfig, seed: int,
) -> Sprite:  # fmt: skip
    """Draw one frame.

    Args:
        dressed: the double.
        skeleton: its bones.
        poses: its poses over time.
        step: which of them to draw.
        elevation_rad: how steeply the camera looks down.
        scale_px_per_m: pixels per metre.
        root_px: (2,) place of the root bone.
        lamp: light.
        frame_size_px: width and height of the frame; what lies outside is not drawn.
        config: supersampling.
        seed: of the fabric's folds.
    """
    axes = camera_axes(elevation_rad)
    rotations = axes @ poses.rotations[step]
    offsets = poses.heads_m[step] @ axes.T - np.einsum("bij,bj->bi", rotations, skeleton.heads_m)
    points = np.empty_like(dressed.vertices_m)
    kernels.skin(
        dressed.vertices_m, dressed.bone_index, dressed.bone_weight, rotations.astype(np.float32),
        offsets.astype(np.float32), points,
    )  # fmt: skip
    _push_out(dressed, points, poses.heads_m[step] @ axes.T)
    normals = np.empty_like(points)
    kernels.vertex_normals(points, dressed.faces, normals)
    pixels = points * np.float32(scale_px_per_m)
    pixels[:, 2] -= dressed.nearer_m * np.float32(scale_px_per_m)
    pixels[:, :2] += root_px.astype(np.float32)
    ground = float(pixels[:, 1].max())
    low, high = pixels[:, :2].min(0), pixels[:, :2].max(0)
    width, height = frame_size_px
    left, top = (max(-_MARGIN_PX, int(np.floor(v)) - 1) for v in low)
    right, bottom = (min(e + _MARGIN_PX, int(np.ceil(v)) + 1) for e, v in zip((width, height), high, strict=True))
    if right <= left or bottom <= top:
        return Sprite(left_px=0, top_px=0, rgba=np.zeros((0, 0, 4), np.uint8), ground_y_px=ground)
    samples = _samples(float(high[1] - low[1]), right - left, bottom - top, config)
    pixels[:, 0] = (pixels[:, 0] - left) * samples
    pixels[:, 1] = (pixels[:, 1] - top) * samples
    raster = rasterise(pixels, dressed.faces, height=(bottom - top) * samples, width=(right - left) * samples)
    colour = np.zeros((*raster.triangle.shape, 4), np.float32)
    per_metre = scale_px_per_m * samples
    kernels.shade(
        raster.triangle, raster.barycentric, raster.depth, per_metre, dressed.faces, dressed.face_material, normals,
        dressed.vertices_m,
        dressed.albedo, axes[:, 2].astype(np.float32), lamp.key, lamp.key_strength, lamp.ambient,
        seed % (2**31), float(np.clip(per_metre / 400, 0, 1)), colour,
    )  # fmt: skip
    rgba = _resolve(colour, samples)
    return Sprite(left_px=left, top_px=top, rgba=rgba, ground_y_px=ground)


def _push_out(dressed: Dressed, points: NDArray[np.float32], heads: Floats) -> None:
    """Let thighs and shins push skirts and coats outwards; ``heads`` (bones, 3) in camera axes."""
    if not len(dressed.loose):
        return
    starts = np.stack([heads[BONE_INDEX[f"{bone}.{side}"]] for side in "LR" for bone in ("upperleg01", "lowerleg01")])
    ends = np.stack([heads[BONE_INDEX[f"{bone}.{side}"]] for side in "LR" for bone in ("lowerleg01", "foot")])
    start_radii, end_radii = np.array([0.088, 0.070] * 2), np.array([0.070, 0.055] * 2)
    kernels.push_out(points, dressed.loose, starts, ends, start_radii, end_radii)


def _samples(person_px: float, width_px: int, height_px: int, config: AvatarConfig) -> int:
    """Samples per pixel and axis: more for small people, fewer where the picture of samples would grow too large."""
    wanted = config.supersampling * np.sqrt(_USUAL_HEIGHT_PX / max(person_px, 1.0))
    allowed = config.max_raster_side_px // max(width_px, height_px)
    return int(np.clip(min(round(float(wanted)), allowed), 1, 8))


def _resolve(colour: NDArray[np.float32], samples: int) -> NDArray[np.uint8]:
    """Average samples into pixels: sRGB colour not multiplied by alpha, and alpha."""
    height, width = colour.shape[0] // samples, colour.shape[1] // samples
    total = colour.reshape(height, samples, width, samples, 4).sum((1, 3))
    covered = total[..., 3:]
    value = np.clip(total[..., :3] / np.maximum(covered, 1), 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    rgba = np.concatenate([encoded, covered / samples**2], -1)
    return np.asarray(np.round(rgba * 255).astype(np.uint8))
