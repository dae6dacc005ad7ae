"""Did anything change outside people and doubles? Found anew from bundle and performance, not told by compositing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.body.cast_shadow import cast_shadow
from bodydouble.errors import InputError
from bodydouble.scene import Frame, SceneBundle, Sprite, Sun
from bodydouble.scene.view import View, estimate_view


class Doubles(Protocol):
    """Doubles by frame; ``scene.performance_files.PerformanceReader`` is one."""

    def sprites_at(self, frame_index: int) -> list[tuple[int, Sprite]]:
        """Pairs of track id and sprite of a frame."""


@dataclass(frozen=True, kw_only=True)
class Margins:
    """How far from silhouettes and doubles the picture may change; as compositing was set."""

    silhouette_share: float = 0.035
    """Dilation of silhouettes, as a share of the box's height."""
    silhouette_min_px: int = 3
    """Least dilation."""
    silhouette_max_px: int = 24
    """Largest dilation."""
    double_px: int = 4
    """Softening of a double's edge: it reaches this far beyond its alpha."""
    shadow_share: float = 0.12
    """Reach of the contact shadow beyond the feet, as a share of the double's height; 0 where there is none."""
    cast_strength: float = 1.0
    """Of the shadows that doubles cast where the scene knows the sun; 0 where there are none."""
    penumbra_share: float = 0.03
    """How far their soft edge reaches, beside ``double_px``, as a share of the double's height."""
    filmed_shadow_px: int = 5
    """Around the shadows that filmed people cast."""
    min_silhouette_share: float = 0.1
    """With a smaller silhouette the whole box may change."""


@dataclass(frozen=True, kw_only=True)
class OutsideResult:
    """What was found in a clip."""

    frames: int
    """Frames compared."""
    largest_difference: int
    """Of all pixels outside, 0 to 255; must be 0 for a lossless result."""
    pixels_changed: int
    """Number of pixels outside that differ at all."""
    worst_frame: int | None
    """0-based frame of the largest difference; None if nothing differs."""


def _grow(mask: npt.NDArray[np.bool_], radius_x: int, radius_y: int) -> npt.NDArray[np.bool_]:
    kernel = np.ones((2 * radius_y + 1, 2 * radius_x + 1), dtype=np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), dtype=np.bool_)


def _far_from(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Distance of each pixel from a mask, px."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _add_double(allowed: npt.NDArray[np.bool_], sprite: Sprite, margins: Margins) -> None:
    alpha = sprite.rgba[:, :, 3] > 0
    rows = np.flatnonzero(alpha.any(axis=1))
    if len(rows) == 0:
        return
    height = int(rows[-1] - rows[0]) + 1
    shadow = int(np.ceil(margins.shadow_share * height))
    reach = max(margins.double_px, shadow)
    soft = _grow(np.pad(alpha, reach), margins.double_px, margins.double_px)
    if shadow > 0:
        # The shadow is under the feet, so only the lowest part of the double may have one.
        feet = np.pad(alpha, reach)
        feet[: reach + int(rows[0]) + int(0.75 * height)] = False
        soft |= _grow(feet, shadow, shadow)
    top, left = sprite.top_px - reach, sprite.left_px - reach
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(allowed.shape[0], top + soft.shape[0]), min(allowed.shape[1], left + soft.shape[1])
    if y1 > y0 and x1 > x0:
        allowed[y0:y1, x0:x1] |= soft[y0 - top : y1 - top, x0 - left : x1 - left]


def allowed_area(
    bundle: SceneBundle, frame_index: int, sprites: Iterable[tuple[int, Sprite]], margins: Margins
) -> npt.NDArray[np.bool_]:
    """Pixels of a frame that may change, (height, width): dilated silhouettes and shadows, doubles with edge and shadow."""
    shape = (bundle.video.height_px, bundle.video.width_px)
    allowed = np.zeros(shape, dtype=np.bool_)
    for track in bundle.tracks:
        step = track.step_of(frame_index)
        if step is None:
            continue
        if track.shadows is not None:
            shadow = np.zeros(shape, dtype=np.bool_)
            track.shadows.paint(step, shadow)
            if shadow.any():
                allowed |= _far_from(shadow) <= margins.filmed_shadow_px
        own = np.zeros(shape, dtype=np.bool_)
        track.silhouettes.paint(step, own)
        x0, y0, x1, y1 = (float(v) for v in track.boxes_xyxy_px[step])
        rows = slice(max(0, int(np.floor(y0))), max(0, int(np.ceil(y1))))
        columns = slice(max(0, int(np.floor(x0))), max(0, int(np.ceil(x1))))
        if np.count_nonzero(own) < margins.min_silhouette_share * own[rows, columns].size:
            own[rows, columns] = True
        if not own.any():
            continue
        wanted = round(margins.silhouette_share * (y1 - y0))
        radius = min(max(wanted, margins.silhouette_min_px), margins.silhouette_max_px)
        allowed |= _far_from(own) <= radius
    sun = bundle.light.sun if margins.cast_strength > 0 else None
    view = None if sun is None else estimate_view(bundle)
    for _, sprite in sprites:
        _add_double(allowed, sprite, margins)
        if sun is not None and view is not None:
            _add_cast_shadow(allowed, sprite, view, sun, margins)
    return allowed


def _add_cast_shadow(allowed: npt.NDArray[np.bool_], sprite: Sprite, view: View, sun: Sun, margins: Margins) -> None:
    alpha = np.ascontiguousarray(sprite.rgba[:, :, 3])
    cast = cast_shadow(alpha, (sprite.left_px, sprite.top_px), sprite.ground_y_px, view, sun.shadow_xz)
    if cast is None:
        return
    left, top, right, bottom = cast[0]
    shadow = np.zeros(allowed.shape, np.bool_)
    shadow[top:bottom, left:right] = cast[1] > 0
    reach = margins.double_px + int(np.ceil(margins.penumbra_share * alpha.shape[0]))
    allowed |= _grow(shadow, reach, reach)


def measure_outside(
    original: Iterable[Frame],
    result: Iterable[Frame],
    bundle: SceneBundle,
    performance: Doubles | None,
    margins: Margins,
) -> OutsideResult:
    """Largest difference of pixels outside all people and doubles, streaming.

    Raises:
        InputError: the clips differ in length or size.
    """
    frames, largest, changed, worst = 0, 0, 0, None
    pairs = iter(result)
    for filmed in original:
        made = next(pairs, None)
        if made is None or made.rgb.shape != filmed.rgb.shape:
            raise InputError(f"frame {filmed.index} of the result is missing or of another size; measure the whole")
        sprites = performance.sprites_at(filmed.index) if performance is not None else []
        allowed = allowed_area(bundle, filmed.index, sprites, margins)
        difference = cv2.absdiff(filmed.rgb, made.rgb).max(axis=2)
        difference[allowed] = 0
        frames += 1
        changed += int(np.count_nonzero(difference))
        if int(difference.max()) > largest:
            largest, worst = int(difference.max()), filmed.index
    if next(pairs, None) is not None:
        raise InputError(f"the result has more than the {frames} frames of the original; measure the whole")
    return OutsideResult(frames=frames, largest_difference=largest, pixels_changed=changed, worst_frame=worst)
