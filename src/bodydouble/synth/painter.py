"""Draws figures into the street: shadows on the pavement, then bodies through one z-buffer with the scenery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.body.raster import Raster, interpolate, rasterise
from bodydouble.synth.camera import Camera
from bodydouble.synth.figure import Figure, Person, Thing
from bodydouble.synth.light import Daylight
from bodydouble.synth.scenery import Scenery, cast_shadow, flatten_along_sun

_CONTACT_BELOW_M: Final[float] = 0.35
_CONTACT_STRENGTH: Final[float] = 0.55
THING: Final[int] = 255
"""Owner of pixels that show something that is nobody's body and nobody holds."""


@dataclass(kw_only=True, eq=False)
class Canvas:
    """A frame in the making, at the resolution of the scenery."""

    linear_rgb: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    owner: NDArray[np.uint8]
    """``(H, W)`` id of the person seen at a pixel; 0 nobody."""

    @classmethod
    def of(cls, scenery: Scenery) -> Canvas:
        """The empty street."""
        return cls(
            linear_rgb=scenery.linear_rgb.copy(),
            depth_m=scenery.depth_m.copy(),
            owner=np.zeros(scenery.depth_m.shape, np.uint8),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Outline:
    """How one person lies in the picture, whole, whatever hides or cuts them; in pixels of the canvas."""

    box_xyxy: tuple[float, float, float, float]
    num_pixels: int
    """Size of the whole silhouette, parts beyond the picture included."""


def draw_shadows(canvas: Canvas, scenery: Scenery, camera: Camera, light: Daylight, figure: Figure) -> None:
    """Darken the pavement where the figure keeps the sun away, and a little around its feet."""
    import cv2

    vertices, shape = figure.vertices_m, canvas.depth_m.shape
    softness = max(camera.height_px / 450, 0.6)
    flat = camera.project(flatten_along_sun(vertices, light))
    everything = np.ones(len(vertices), bool)
    covered, window = _cover(flat, figure.faces, everything, shape, int(4 * softness))
    if covered is not None:
        blocked = cv2.GaussianBlur(covered, (0, 0), softness)
        cast_shadow(scenery, np.asarray(blocked, np.float32), window, canvas.linear_rgb)
    low = vertices[:, 2] < _CONTACT_BELOW_M
    below = camera.project(vertices * np.array([1, 1, 0], np.float32))
    covered, window = _cover(below, figure.faces[low[figure.faces].all(1)], low, shape, int(12 * softness))
    if covered is not None:
        near = cv2.GaussianBlur(covered, (0, 0), 2.5 * softness)
        dim = _CONTACT_STRENGTH * np.where(scenery.is_ground[window], near, 0)
        canvas.linear_rgb[window] *= 1 - dim[..., None]


def draw_figure(
    canvas: Canvas, camera: Camera, light: Daylight, person: Person, figure: Figure, *, track_id: int
) -> Outline:
    """Draw a figure where nothing nearer is."""
    points = camera.project(figure.vertices_m)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    left, top = (int(v) for v in np.floor(low))
    width, height = (int(v) for v in np.ceil(high) - np.floor(low))
    shifted = points - np.array([left, top, 0], np.float32)
    raster = rasterise(shifted, figure.faces, height=max(height, 1), width=max(width, 1), perspective=True)
    rows, columns, seen = _inside(raster, canvas.depth_m, left, top)
    if seen.any():
        cut = _cut_raster(raster, rows, columns, left, top)
        colour = _colours(cut, figure, person, camera, light, seen)
        canvas.linear_rgb[rows, columns][seen] = colour
        canvas.depth_m[rows, columns][seen] = cut.depth[seen]
        canvas.owner[rows, columns][seen] = track_id
    return Outline(
        box_xyxy=(float(low[0]), float(low[1]), float(high[0]), float(high[1])), num_pixels=int(raster.covered.sum())
    )


def draw_thing(canvas: Canvas, camera: Camera, light: Daylight, thing: Thing) -> None:
    """Draw a thing where nothing nearer is."""
    points = camera.project(thing.vertices_m)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    left, top = (int(v) for v in np.floor(low))
    width, height = (int(v) for v in np.ceil(high) - np.floor(low))
    shifted = points - np.array([left, top, 0], np.float32)
    raster = rasterise(shifted, thing.faces, height=max(height, 1), width=max(width, 1), perspective=True)
    rows, columns, seen = _inside(raster, canvas.depth_m, left, top)
    if not seen.any():
        return
    cut = _cut_raster(raster, rows, columns, left, top)
    normal = interpolate(cut, thing.faces, thing.normals)[seen]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    canvas.linear_rgb[rows, columns][seen] = light.shade(
        thing.albedo[cut.triangle[seen]], np.asarray(normal, np.float32)
    )
    canvas.depth_m[rows, columns][seen] = cut.depth[seen]
    canvas.owner[rows, columns][seen] = THING


def _colours(
    raster: Raster, figure: Figure, person: Person, camera: Camera, light: Daylight, seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Linear colour ``(N, 3)`` of the pixels seen."""
    reference = np.zeros_like(figure.vertices_m)
    reference[: len(person.reference_m)] = person.reference_m
    carried = interpolate(raster, figure.faces, np.concatenate([figure.normals, figure.vertices_m, reference], 1))[seen]
    face = raster.triangle[seen]
    normal = carried[:, :3] / np.maximum(np.linalg.norm(carried[:, :3], axis=1, keepdims=True), 1e-6)
    towards = np.array([0, 0, camera.height_m], np.float32) - carried[:, 3:6]
    normal *= np.where((normal * towards).sum(1, keepdims=True) < 0, -1, 1)
    albedo = figure.albedo[face]
    body = face < figure.num_body_faces
    albedo[body] *= person.look.tone(carried[body, 6:9], face[body])
    colour = light.shade(albedo, np.asarray(normal, np.float32))
    # Less sky reaches what is close to the ground.
    return np.asarray(colour * (1 - 0.25 * np.exp(-np.maximum(carried[:, 5], 0) / 0.3))[:, None], np.float32)


def _cover(
    points: NDArray[np.float32], faces: NDArray[np.int32], used: NDArray[np.bool_], shape: tuple[int, ...], margin: int
) -> tuple[NDArray[np.float32] | None, tuple[slice, slice]]:
    """Where a flattened mesh covers the picture, on a window just large enough; None when it is outside.

    ``used`` marks the vertices that ``faces`` has. Of a closed mesh the faces turned one way cover all that both do.
    """
    nothing = (slice(0, 0), slice(0, 0))
    if not used.any():
        return None, nothing
    low, high = points[used, :2].min(0), points[used, :2].max(0)
    left, top = (max(int(v) - margin, 0) for v in np.floor(low))
    right, bottom = (min(int(v) + margin, size) for v, size in zip(np.ceil(high), (shape[1], shape[0]), strict=True))
    if right <= left or bottom <= top:
        return None, nothing
    shifted = points - np.array([left, top, 0], np.float32)
    raster = rasterise(shifted, faces, height=bottom - top, width=right - left, perspective=True, cull_back_faces=True)
    return raster.covered.astype(np.float32), (slice(top, bottom), slice(left, right))


def _inside(
    raster: Raster, depth_m: NDArray[np.float32], left: int, top: int
) -> tuple[slice, slice, NDArray[np.bool_]]:
    """The window of the picture under a raster, and where the raster is nearest there."""
    height, width = raster.depth.shape
    rows = slice(min(max(top, 0), depth_m.shape[0]), max(min(top + height, depth_m.shape[0]), 0))
    columns = slice(min(max(left, 0), depth_m.shape[1]), max(min(left + width, depth_m.shape[1]), 0))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return slice(0, 0), slice(0, 0), np.zeros((0, 0), bool)
    own = raster.depth[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return rows, columns, own < depth_m[rows, columns]


def _cut_raster(raster: Raster, rows: slice, columns: slice, left: int, top: int) -> Raster:
    window = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    return Raster(
        depth=raster.depth[window],
        triangle=np.ascontiguousarray(raster.triangle[window]),
        barycentric=np.ascontiguousarray(raster.barycentric[window]),
    )
