"""Drawing: a dressed mesh, bones and light in, a sprite out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.avatar import kernels, surfaces
from bodydouble.generation.avatar.folds import fold_chart
from bodydouble.generation.avatar.mesh import Dressed, Outfit
from bodydouble.generation.avatar.skeleton import BONE_INDEX, Floats, Pose, Skeleton
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Light, Sprite

_MARGIN_PX: Final = 2
_USUAL_THIGH_M: Final = 0.43
_LEG_STARTS_M, _LEG_ENDS_M = [0.112, 0.096], [0.098, 0.064]
"""Radii of thigh and shin, with a finger's breadth of room, where they begin and end."""
_USUAL_HEIGHT_PX: Final = 120
"""Height that ``AvatarConfig.supersampling`` is meant for."""
_FINE_PX_PER_M: Final = (110.0, 240.0)
"""Scale from which on light is found at every sample instead of every vertex, and at which all fine detail is there."""
_LEAST_MOTION_PX: Final = 0.4
"""Less motion during an exposure cannot be told from the softness of an edge."""
_MOST_MOTION_SHARE: Final = 0.12
"""Of the body's height: no limb moves farther in an exposure; what does is a jump of the fit."""
_FEW_SHARE: Final = 0.95
"""Of vertices move less than what counts as the motion of all."""
_ROW_STRIDE: Final = 0.618034
"""The golden ratio spreads moments evenly over rows of samples, however many there are."""
_MOMENTS_APART_PX: Final = 1.2
"""Images of an edge further apart are seen one by one."""
_MOST_MOMENTS: Final = 4
_LEAST_SAMPLES: Final = 2.0
"""Per pixel and axis, however large a person is; for the edges of hair."""
_CHART_SHARPNESS: Final = 0.5
"""Side of a texel of a head's chart in pixels; less than one, as mixing texels softens eyes and brows once more."""
_STILL: Final = np.zeros((1, 2), np.float32)
"""Ways of vertices that do not move."""
_STRAIGHT: Final = np.zeros((1, 3), np.float32)
_EVEN: Final = np.zeros((1, 9), np.float32)
_NO_CHART: Final = np.zeros((2, 2, 3), np.float32)
"""Ways of strands and folds, and chart of the head, of people too small for them to be seen."""
_CODES: Final = np.round(
    255 * np.where(
        np.linspace(0, 1, 65536) <= 0.0031308, 12.92 * np.linspace(0, 1, 65536),
        1.055 * np.linspace(0, 1, 65536) ** (1 / 2.4) - 0.055,
    )
).astype(np.uint8)  # fmt: skip
"""sRGB bytes for linear light (IEC 61966-2-1)."""
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Framing:
    """How the camera sees a double over time, one row per step."""

    elevation_rad: Floats
    """(T,): how steeply it looks down."""
    scale_px_per_m: Floats
    """(T,)."""
    root_px: Floats
    """(T, 2): place of the root bone."""
    times_s: Floats | None = None
    """(T,), rising; None draws without blur of motion."""


def camera_axes(elevation_rad: float) -> Floats:
    """(3, 3): from the body frame to x right, y down, z away, seen from ``elevation_rad`` above."""
    sine, cosine = np.sin(elevation_rad), np.cos(elevation_rad)
    return np.array([[1, 0, 0], [0, -sine, -cosine], [0, cosine, -sine]])


def draw(
    outfit: Outfit, skeleton: Skeleton, poses: Pose, step: int, *, framing: Framing, lamp: Lamp,
    frame_size_px: tuple[int, int], config: AvatarConfig, seed: int,
) -> Sprite:  # fmt: skip
    """Draw one frame.

    Args:
        outfit: the dressed double.
        skeleton: its bones.
        poses: its poses over time.
        step: which of them to draw.
        framing: where it is seen.
        lamp: light.
        frame_size_px: width and height of the frame; what lies outside is not drawn.
        config: supersampling, time of exposure.
        seed: of the fabric's folds.
    """
    scale_px_per_m = float(framing.scale_px_per_m[step])
    dressed = outfit.at(scale_px_per_m)
    axes = camera_axes(float(framing.elevation_rad[step]))
    points = _posed(outfit, dressed, skeleton, poses, step, framing)
    pixels = projected_vertices(dressed, points, framing, step)
    crown, ground = (float(end[1]) for end in kernels.extent(pixels, _STILL))
    most_px = _MOST_MOTION_SHARE * (ground - crown)
    moved = _moved(outfit, dressed, skeleton, poses, step, framing, config.exposure_seconds, pixels, most_px)
    low, high = kernels.extent(pixels, moved)
    width, height = frame_size_px
    left, top = (max(-_MARGIN_PX, int(np.floor(v)) - 1) for v in low)
    right, bottom = (min(e + _MARGIN_PX, int(np.ceil(v)) + 1) for e, v in zip((width, height), high, strict=True))
    if right <= left or bottom <= top:
        return Sprite(left_px=0, top_px=0, rgba=np.zeros((0, 0, 4), np.uint8), ground_y_px=ground)
    tall = float(high[1] - low[1])
    samples = _samples(tall, right - left, bottom - top, config, _reach_px(moved, tall))
    times = _moments(samples) if len(moved) > 1 else np.zeros(1, np.float32)
    moments = np.empty((len(times), *pixels.shape), np.float32)
    kernels.expose(pixels, moved, times, np.float32(left), np.float32(top), samples, moments)
    seed %= 2**31
    shape = ((bottom - top) * samples, (right - left) * samples)
    depth, triangle = np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int32)
    normals, light = np.empty_like(points), np.empty((len(points), 2), np.float32)
    kernels.vertex_normals(points, dressed.faces, normals)
    up = axes[:, 2].astype(np.float32)
    near, full = _FINE_PX_PER_M
    fine = float(np.clip(0.02 + (scale_px_per_m - near) / (full - near), 0, 1)) if scale_px_per_m >= near else 0.0
    kernels.fill(moments, dressed.faces, dressed.density, dressed.cloth_m, seed, fine, depth, triangle)
    strands, ways = _STRAIGHT, _EVEN
    if fine == 0:
        creases = outfit.creases(dressed, seed)
        surfaces.light_vertices(
            normals, creases, dressed.surface, dressed.surfaces, up, lamp.key, lamp.key_strength, light
        )
    else:
        strands = np.empty_like(points)
        ways = outfit.fold_ways(dressed, points)
        kernels.strand_ways(points, dressed.faces, dressed.cloth_m, dressed.surface, dressed.surfaces, strands)
    rgba = np.zeros((bottom - top, right - left, 4), np.uint8)
    kernels.shade(
        triangle, depth, samples, scale_px_per_m * samples, moments, dressed.faces, light, normals, dressed.vertices_m,
        dressed.albedo, dressed.cloth_m, dressed.surface, dressed.surfaces, up, lamp.key, lamp.key_strength, lamp.ambient,
        seed, fine, outfit.chart(_CHART_SHARPNESS / scale_px_per_m) if fine else _NO_CHART, strands, ways,
        fold_chart(), _CODES, rgba,
    )  # fmt: skip
    return Sprite(left_px=left, top_px=top, rgba=rgba, ground_y_px=ground)


def posed_vertices(dressed: Dressed, skeleton: Skeleton, poses: Pose, step: int, axes: Floats) -> NDArray[np.float32]:
    """(N, 3): the vertices as bones and legs leave them, camera axes."""
    rotations = axes @ poses.rotations[step]
    offsets = poses.heads_m[step] @ axes.T - np.einsum("bij,bj->bi", rotations, skeleton.heads_m)
    points = np.empty_like(dressed.vertices_m)
    kernels.skin(
        dressed.vertices_m, dressed.bone_index, dressed.bone_weight, rotations.astype(np.float32),
        offsets.astype(np.float32), points,
    )  # fmt: skip
    if len(dressed.grids):
        _push_out(dressed, points, poses.heads_m[step] @ axes.T)
    return points


def _posed(
    outfit: Outfit, dressed: Dressed, skeleton: Skeleton, poses: Pose, step: int, framing: Framing
) -> NDArray[np.float32]:
    """`posed_vertices`, as the camera looks at them at that step."""
    elevation_rad = float(framing.elevation_rad[step])
    return outfit.posed(
        dressed, poses, step, elevation_rad,
        lambda: posed_vertices(dressed, skeleton, poses, step, camera_axes(elevation_rad)),
    )  # fmt: skip


def projected_vertices(
    dressed: Dressed, points: NDArray[np.float32], framing: Framing, step: int
) -> NDArray[np.float32]:  # fmt: skip
    """(N, 3): place in the picture, and depth in pixels, of vertices in camera axes."""
    scale = np.float32(framing.scale_px_per_m[step])
    pixels = np.empty_like(points)
    kernels.project(points, dressed.nearer_m, scale, framing.root_px[step].astype(np.float32), pixels)
    return pixels


def _moved(
    outfit: Outfit, dressed: Dressed, skeleton: Skeleton, poses: Pose, step: int, framing: Framing, exposure_s: float,
    pixels: NDArray[np.float32], most_px: float,
) -> NDArray[np.float32]:  # fmt: skip
    """(N, 2): how far vertices move in the picture while the shutter is open; `_STILL` where nobody would see it."""
    if framing.times_s is None or exposure_s <= 0 or len(framing.times_s) < 2:
        return _STILL
    other = step + 1 if step + 1 < len(framing.times_s) else step - 1
    there = projected_vertices(dressed, _posed(outfit, dressed, skeleton, poses, other, framing), framing, other)
    between_s = float(framing.times_s[other] - framing.times_s[step])
    share = min(exposure_s, abs(between_s)) / between_s
    moved = np.empty((len(pixels), 2), np.float32)
    farthest = kernels.displace(pixels, there, np.float32(share), np.float32(most_px), moved)
    return moved if farthest >= _LEAST_MOTION_PX else _STILL


def _moments(samples: int) -> NDArray[np.float32]:
    """(samples,): moments of the exposure, -0.5 to 0.5, one for each row of samples in a pixel.

    Each row sees another moment (interleaved sampling, Keller & Heidrich 2001), so that blur of motion costs few samples
    more than none; rows that lie beside each other see moments far apart.
    """
    order = np.argsort([(row * _ROW_STRIDE) % 1.0 for row in range(samples)]).argsort()
    return np.asarray((order + 0.5) / samples - 0.5, np.float32)


def _push_out(dressed: Dressed, points: NDArray[np.float32], heads: Floats) -> None:
    """Let thighs and shins push skirts and coats outwards; ``heads`` (bones, 3) in camera axes."""
    chains = [
        (f"{bone}.{side}", f"{below}.{side}")
        for side in "LR"
        for bone, below in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))
    ]
    starts = np.stack([heads[BONE_INDEX[bone]] for bone, _ in chains])
    ends = np.stack([heads[BONE_INDEX[below]] for _, below in chains])
    size = float(np.linalg.norm(ends[0] - starts[0])) / _USUAL_THIGH_M
    kernels.push_out(
        points, dressed.grids, starts, ends, size * np.array(_LEG_STARTS_M * 2), size * np.array(_LEG_ENDS_M * 2)
    )


def _reach_px(moved: NDArray[np.float32], person_px: float) -> float:
    """How far limbs move during the exposure; the farthest few vertices do not count."""
    if len(moved) < 2:
        return 0.0
    place = _FEW_SHARE * (len(moved) - 1)
    below = int(place)
    squares = np.partition(moved[:, 0] ** 2 + moved[:, 1] ** 2, (below, below + 1))
    near, far = np.sqrt(squares[below : below + 2])
    return min(float(near + (place - below) * (far - near)), _MOST_MOTION_SHARE * person_px)


def _samples(person_px: float, width_px: int, height_px: int, config: AvatarConfig, motion_px: float) -> int:
    """Samples per pixel and axis: more for small people, fewer where the picture of samples would grow too large.

    Each row of samples is a moment; with too few of them what moves would be seen several times instead of blurred.
    """
    wanted = config.supersampling * (_USUAL_HEIGHT_PX / max(person_px, 1.0)) ** 0.35
    # Where light is found once for all samples of a pixel, more of them cost little.
    wanted = max(wanted, _LEAST_SAMPLES, min(motion_px / _MOMENTS_APART_PX, float(_MOST_MOMENTS)))
    allowed = config.max_raster_side_px // max(width_px, height_px)
    return int(np.clip(min(round(float(wanted)), allowed), 1, 8))
