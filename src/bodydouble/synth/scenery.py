"""The street without people: pavement, a house front, sky, and things that stand about.

Planes are traced per pixel, things are meshes through the z-buffer; both share the camera and the light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.model import vertex_normals
from bodydouble.body.parts import Part
from bodydouble.body.primitives import Mesh, box, ellipsoid, tube
from bodydouble.body.raster import interpolate, rasterise
from bodydouble.seeds import derive_seed
from bodydouble.synth.camera import Camera
from bodydouble.synth.facade import Facade
from bodydouble.synth.light import Daylight, to_linear
from bodydouble.synth.noise import NoiseField

WALL_Y_M: Final[float] = 16.5
"""Distance of the house front."""
_BAND_ROWS: Final[int] = 64
_UPRIGHT: Final = np.eye(3, dtype=np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenery:
    """The empty street as the camera sees it."""

    linear_rgb: NDArray[np.float32]
    """``(H, W, 3)`` linear light, shadows of things included."""
    depth_m: NDArray[np.float32]
    """``(H, W)``; infinite in the sky."""
    is_ground: NDArray[np.bool_]
    """``(H, W)``: pavement, where shadows of people fall."""
    sun_share: NDArray[np.float32]
    """``(H, W, 3)``: what is left of a pixel's light when the sun is blocked; 1 where there is no sun to block."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Thing:
    mesh: Mesh
    albedo: NDArray[np.float32]
    roughness: float = 0.15


def build_scenery(camera: Camera, light: Daylight, *, pole_x_m: float, seed: int) -> Scenery:
    """Draw the empty street.

    Args:
        camera: the view, at the resolution wanted.
        light: sun and sky.
        pole_x_m: where the lamp post stands; people walk behind it.
        seed: decides materials, windows and what stands where.
    """
    shape = (camera.height_px, camera.width_px)
    linear, depth = np.zeros((*shape, 3), np.float32), np.full(shape, np.inf, np.float32)
    is_ground, sun_share = np.zeros(shape, bool), np.ones((*shape, 3), np.float32)
    noise = NoiseField(derive_seed(seed, "scenery"))
    rng = np.random.default_rng(derive_seed(seed, "scenery", "layout"))
    facade, paving = Facade(rng, noise, light), _Paving(rng, noise)
    for start in range(0, shape[0], _BAND_ROWS):
        rows = slice(start, min(start + _BAND_ROWS, shape[0]))
        rays = camera.rays(rows)
        _trace(rays, camera.height_m, light, facade, paving, noise, linear[rows], depth[rows], is_ground[rows])
    sky_only = light.sky_rgb / (light.sky_rgb + light.sun_rgb * light.sun_xyz[2])
    sun_share[is_ground] = sky_only
    scenery = Scenery(linear_rgb=linear, depth_m=depth, is_ground=is_ground, sun_share=sun_share)
    _stand_things(scenery, camera, light, _things(rng, pole_x_m, facade.door_x_m, camera), noise)
    return scenery


def cast_shadow(
    scenery: Scenery, shadow: NDArray[np.float32], window: tuple[slice, slice], target: NDArray[np.float32]
) -> None:
    """Take the sun from pavement pixels, in place.

    Args:
        scenery: the empty street.
        shadow: ``(h, w)`` share of the sun that is blocked.
        window: rows and columns of the picture that ``shadow`` covers.
        target: ``(H, W, 3)`` linear picture.
    """
    share = scenery.sun_share[window]
    blocked = np.where(scenery.is_ground[window], shadow, 0)[..., None]
    target[window] *= 1 - blocked * (1 - share)


def flatten_along_sun(vertices_m: NDArray[np.float32], light: Daylight) -> NDArray[np.float32]:
    """Where the shadows of points fall on the ground, ``(..., 3)`` with z = 0."""
    reach = vertices_m[..., 2:] / light.sun_xyz[2]
    flat = vertices_m - reach * light.sun_xyz
    flat[..., 2] = 0
    return np.asarray(flat, np.float32)


class _Paving:
    """Slabs with joints, a darker band, and asphalt before a kerb."""

    def __init__(self, rng: np.random.Generator, noise: NoiseField) -> None:
        self._noise = noise
        self._slab = rng.uniform(0.5, 0.9), rng.uniform(0.45, 0.8)
        self._stone = _grey(rng, 138, 176)
        self._band = _grey(rng, 84, 118)
        self._band_y = float(rng.uniform(12.2, 13.4))
        self._kerb_y = float(rng.uniform(7.4, 7.9))

    def albedo(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours ``(..., 3)`` at points of the ground."""
        noise = self._noise
        width, length = self._slab
        row = np.floor(y / length)
        u, v = x / width + 0.5 * (row % 2), y / length
        fu, fv = u - np.floor(u), v - np.floor(v)
        joint = np.minimum(np.minimum(fu, 1 - fu) * width, np.minimum(fv, 1 - fv) * length)
        tone = 0.88 + 0.2 * noise.cells(u, row) + 0.22 * (noise.rough(x * 1.3, y * 1.3) - 0.5)
        tone += 0.25 * (noise.smooth(x * 40, y * 40) - 0.5)
        tone *= np.where(joint < 0.012, 0.62, 1.0)
        stone = self._stone * tone[..., None]
        cobble_u, cobble_v = x / 0.16 + 0.5 * (np.floor(y / 0.16) % 2), y / 0.16
        edge = np.minimum(np.abs(cobble_u - np.round(cobble_u)), np.abs(cobble_v - np.round(cobble_v)))
        cobble = (0.8 + 0.4 * noise.cells(cobble_u, cobble_v)) * np.where(edge < 0.09, 0.6, 1.0)
        band = self._band * cobble[..., None]
        in_band = (y > self._band_y) & (y < self._band_y + 0.8)
        asphalt = (
            to_linear((88, 88, 92))
            * (0.85 + 0.35 * noise.rough(x * 6, y * 6) + 0.2 * noise.smooth(x * 60, y * 60))[..., None]
        )
        line = (np.abs(y - (self._kerb_y - 0.45)) < 0.06)[..., None]
        asphalt = np.where(
            line, to_linear((205, 202, 192)) * (0.8 + 0.2 * noise.smooth(x * 9, y * 9))[..., None], asphalt
        )
        kerb = to_linear((172, 170, 165)) * (0.9 + 0.15 * noise.cells(x / 1.0, y * 0))[..., None]
        out = np.where(in_band[..., None], band, stone)
        out = np.where((y < self._kerb_y)[..., None], asphalt, out)
        on_kerb = (y >= self._kerb_y) & (y < self._kerb_y + 0.16)
        return np.asarray(np.where(on_kerb[..., None], kerb, out), np.float32)


def _grey(rng: np.random.Generator, low: int, high: int) -> NDArray[np.float32]:
    """A stone's colour: grey with a hint of warmth or cold."""
    base, warm = int(rng.integers(low, high)), int(rng.integers(-6, 9))
    return to_linear((base + warm, base, base - warm))


def _trace(
    rays: NDArray[np.float32],
    eye_m: float,
    light: Daylight,
    facade: Facade,
    paving: _Paving,
    noise: NoiseField,
    linear: NDArray[np.float32],
    depth: NDArray[np.float32],
    is_ground: NDArray[np.bool_],
) -> None:
    """Fill one band of the picture, in place."""
    down = np.minimum(rays[..., 2], np.float32(-1e-6))
    to_ground = np.float32(-eye_m) / down
    to_wall = np.float32(WALL_Y_M) / np.maximum(rays[..., 1], np.float32(1e-6))
    ground = (rays[..., 2] < 0) & (to_ground <= to_wall)
    height = np.asarray(np.float32(eye_m) + to_wall * rays[..., 2], np.float32)
    wall = ~ground & (height < facade.height_m)
    sky = ~ground & ~wall
    x, y = rays[ground, 0] * to_ground[ground], rays[ground, 1] * to_ground[ground]
    up = np.broadcast_to(np.array([0, 0, 1], np.float32), (int(ground.sum()), 3))
    # Light from the house is missing near its foot.
    near_wall = 1 - 0.35 * np.exp(-(WALL_Y_M - y) / 0.5)
    linear[ground] = light.shade(paving.albedo(x, y), up) * near_wall[:, None]
    linear[wall] = facade.colour(rays[wall, 0] * to_wall[wall], height[wall])
    linear[sky] = _sky(rays[sky], noise)
    depth[ground], depth[wall] = to_ground[ground], to_wall[wall]
    is_ground |= ground


def _sky(rays: NDArray[np.float32], noise: NoiseField) -> NDArray[np.float32]:
    slope = rays[:, 2] / rays[:, 1]
    blue = np.clip(slope * 2.2, 0, 1)[:, None]
    clouds = np.clip(noise.rough(rays[:, 0] * 4, slope * 14 + 5, 5) * 2.6 - 0.9, 0, 1)[:, None]
    clear = (1 - blue) * np.array([0.72, 0.80, 0.88], np.float32) + blue * np.array([0.36, 0.55, 0.82], np.float32)
    return np.asarray(clear * (1 - clouds) + clouds * np.array([0.86, 0.87, 0.89], np.float32), np.float32)


def _things(rng: np.random.Generator, pole_x_m: float, door_x_m: float, camera: Camera) -> list[_Thing]:
    """Lamp post, bench, bin, planters and bollards; away from where people walk, but for the post."""
    iron, wood = to_linear((52, 58, 60)), to_linear((134, 92, 56))
    pole_y = 8.6
    things = [
        _Thing(
            mesh=tube(
                [[pole_x_m, pole_y, 0], [pole_x_m, pole_y, 1.0], [pole_x_m, pole_y, 6.5]],
                0.075,
                Part.NOTHING,
                segments=14,
            ),
            albedo=iron,
        ),
        _Thing(
            mesh=tube([[pole_x_m, pole_y, 0], [pole_x_m, pole_y, 0.55]], 0.125, Part.NOTHING, segments=14), albedo=iron
        ),
    ]
    half = camera.ground_width_m(WALL_Y_M)
    bench_x = _beside(float(rng.uniform(-0.55, -0.1)) * half, door_x_m, 1.7)
    things += [
        _Thing(mesh=box([bench_x, 15.6, 0.45], [0.85, 0.21, 0.03], _UPRIGHT, Part.NOTHING), albedo=wood),
        _Thing(mesh=box([bench_x, 15.84, 0.78], [0.85, 0.03, 0.17], _UPRIGHT, Part.NOTHING), albedo=wood),
    ]
    for dx in (-0.72, 0.72):
        leg = box([bench_x + dx, 15.65, 0.21], [0.04, 0.2, 0.21], _UPRIGHT, Part.NOTHING)
        things.append(_Thing(mesh=leg, albedo=iron))
    bin_x = _beside(bench_x + 1.4, door_x_m, 0.9)
    things.append(
        _Thing(
            mesh=tube([[bin_x, 15.7, 0.0], [bin_x, 15.7, 0.8]], 0.24, Part.NOTHING, segments=16),
            albedo=to_linear((44, 82, 66)),
        )
    )
    things.append(_Thing(mesh=ellipsoid([bin_x, 15.7, 0.8], [0.26, 0.26, 0.06], _UPRIGHT, Part.NOTHING), albedo=iron))
    for share in (0.35, 0.72):
        x = _beside(float(share + rng.uniform(-0.05, 0.05)) * half, door_x_m, 1.4)
        things.append(
            _Thing(
                mesh=box([x, 15.75, 0.3], [0.5, 0.32, 0.3], _UPRIGHT, Part.NOTHING), albedo=to_linear((148, 118, 100))
            )
        )
        for _ in range(7):
            offset = rng.uniform([-0.38, -0.2, 0.62], [0.38, 0.2, 0.95])
            leaf = ellipsoid(np.array([x, 15.75, 0]) + offset, rng.uniform(0.16, 0.3, 3), _UPRIGHT, Part.NOTHING)
            things.append(_Thing(mesh=leaf, albedo=to_linear((58, int(rng.integers(88, 122)), 48)), roughness=1.0))
    for x in np.arange(-2, 3) * 2.6 + 0.9:
        if abs(x - pole_x_m) > 0.6:
            things.append(
                _Thing(mesh=tube([[x, 8.15, 0], [x, 8.15, 0.75]], 0.06, Part.NOTHING, segments=12), albedo=iron)
            )
            things.append(
                _Thing(
                    mesh=ellipsoid([x, 8.15, 0.75], [0.07, 0.07, 0.05], _UPRIGHT, Part.NOTHING),
                    albedo=to_linear((170, 170, 165)),
                )
            )
    return things


def _beside(x_m: float, door_x_m: float, room_m: float) -> float:
    """A place that leaves room before the door."""
    if abs(x_m - door_x_m) >= room_m:
        return x_m
    return door_x_m + room_m * (1 if x_m >= door_x_m else -1)


def _stand_things(scenery: Scenery, camera: Camera, light: Daylight, things: list[_Thing], noise: NoiseField) -> None:
    """Draw things and their shadows into the scenery, in place."""
    import cv2

    offsets = np.cumsum([0] + [len(t.mesh.vertices_m) for t in things])
    vertices = np.concatenate([t.mesh.vertices_m for t in things])
    faces = np.concatenate([t.mesh.faces + o for t, o in zip(things, offsets[:-1], strict=True)]).astype(np.int32)
    albedo = np.concatenate([np.tile(t.albedo, (len(t.mesh.vertices_m), 1)) for t in things])
    rough = np.concatenate([np.full(len(t.mesh.vertices_m), t.roughness, np.float32) for t in things])
    normals = vertex_normals(vertices[None], faces)[0]

    blocked = rasterise(
        camera.project(flatten_along_sun(vertices, light)),
        faces,
        height=camera.height_px,
        width=camera.width_px,
        perspective=True,
    ).covered
    softness = max(camera.height_px / 400, 0.5)
    shadow = cv2.GaussianBlur(blocked.astype(np.float32), (0, 0), softness)
    everywhere = (slice(None), slice(None))
    cast_shadow(scenery, np.asarray(shadow, np.float32), everywhere, scenery.linear_rgb)
    # A second shadow over the first would take the sun twice.
    scenery.sun_share[...] = 1 - (1 - scenery.sun_share) * (1 - shadow[..., None])

    raster = rasterise(
        camera.project(vertices), faces, height=camera.height_px, width=camera.width_px, perspective=True
    )
    seen = raster.covered & (raster.depth < scenery.depth_m)
    carried = interpolate(
        raster, faces, np.concatenate([normals, albedo, vertices, rough[:, None]], 1).astype(np.float32)
    )[seen]
    normal = carried[:, :3] / np.maximum(np.linalg.norm(carried[:, :3], axis=1, keepdims=True), 1e-6)
    # Open surfaces are seen from behind as well: turn the normal to the camera.
    towards = np.array([0, 0, camera.height_m], np.float32) - carried[:, 6:9]
    normal *= np.where((normal * towards).sum(1, keepdims=True) < 0, -1, 1)
    grain = noise.rough(carried[:, 6] * 9 + carried[:, 7] * 5, carried[:, 8] * 9)
    tone = 1 + carried[:, 9] * (grain - 0.5) * 1.2
    scenery.linear_rgb[seen] = light.shade(carried[:, 3:6], normal) * tone[:, None]
    scenery.depth_m[seen] = raster.depth[seen]
    scenery.is_ground[seen] = False
