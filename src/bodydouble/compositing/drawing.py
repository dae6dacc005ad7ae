"""Doubles and their shadows, drawn over a frame from which the people are gone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import largest_difference
from bodydouble.compositing.cast_shadows import darken, shade_of
from bodydouble.compositing.compression import FINE_FROM, dct_basis
from bodydouble.compositing.config import CompositingConfig
from bodydouble.compositing.double import LEAST_ALPHA, Layer, contact_shadow, lay_over, make_layer
from bodydouble.compositing.kernels import round_blocks
from bodydouble.compositing.light import develop, light_curve, measure_plate_light, to_grey
from bodydouble.compositing.place_light import LightMap, place_brightness
from bodydouble.compositing.sensor import (
    Noise,
    NoiseField,
    blur_for_render_px,
    estimate_blur_px,
    estimate_chroma_blur_px,
    share_chroma,
)
from bodydouble.compositing.survey import Survey
from bodydouble.compositing.windows import Window
from bodydouble.scene import PersonTrack, SceneBundle, Sprite
from bodydouble.scene.view import estimate_view

_DEFAULT_BLUR_PX: Final[float] = 0.7
"""Softness of common footage, for plates without enough edges to measure it."""
_DEFAULT_CHROMA_BLUR_PX: Final[float] = 1.1
"""Softness of the colour of common footage (4:2:0), for plates without enough coloured edges."""
_LEAST_CHROMA_BLUR_PX: Final[float] = 0.35
"""Less than this cannot be seen."""
_GROUND_DIFFERS_BY_AT_MOST: Final[int] = 30
"""A pixel of the frame that differs more from the plate, in 1/255, shows a thing in front of the ground."""
_SPECK_PX: Final[int] = 5
"""Side of the neighbourhood in which the majority says what is ground."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenery:
    """A frame as the doubles find it."""

    frame_index: int
    frame_rgb: npt.NDArray[np.uint8]
    """(height, width, 3) as filmed."""
    plate_rgb: npt.NDArray[np.uint8]
    """(height, width, 3)."""
    valid: npt.NDArray[np.bool_]
    """(height, width), where the plate was seen."""
    filled: npt.NDArray[np.bool_]
    """(height, width), where people were covered with made-up colours, as the plate could not be trusted."""
    noise: Noise
    """Of the frame."""
    gain: npt.NDArray[np.float32]
    """(3,): how much brighter the frame is than the plate."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Double:
    """Who is to be drawn."""

    track: PersonTrack
    step: int
    sprite: Sprite


class Painter:
    """Draws the doubles of a clip."""

    def __init__(
        self,
        bundle: SceneBundle,
        plate_rgb: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_],
        config: CompositingConfig,
        noise_field: NoiseField,
        *,
        is_grey: bool,
        survey: Survey,
    ) -> None:
        """Measure what is the same in all frames.

        Args:
            bundle: the scene.
            plate_rgb: (height, width, 3) first plate of the clip.
            valid: (height, width), where it was seen.
            config: settings.
            noise_field: noise of the clip.
            is_grey: the clip has no colours.
            survey: what the whole clip told.
        """
        self._config, self._noise_field = config, noise_field
        self._is_grey, self._occluders = is_grey, survey.occluders
        self._frame_window = Window(0, 0, bundle.video.width_px, bundle.video.height_px)
        self._frames_per_second = float(bundle.video.average_rate)
        self._light = measure_plate_light(plate_rgb)
        sensor = config.sensor
        footage_px = estimate_blur_px(plate_rgb, valid) or _DEFAULT_BLUR_PX
        self._blur_px = min(blur_for_render_px(footage_px) * sensor.blur_strength, sensor.max_blur_px)
        chroma_px = estimate_chroma_blur_px(plate_rgb, valid) or max(_DEFAULT_CHROMA_BLUR_PX, footage_px)
        extra_px = math.sqrt(max(0.0, chroma_px**2 - footage_px**2)) * sensor.chroma_strength
        self._sun = bundle.light.sun
        self._view = estimate_view(bundle) if self._sun is not None else None
        self._comb = survey.comb if sensor.compression else None
        self._chroma_px = 0.0 if is_grey or extra_px < _LEAST_CHROMA_BLUR_PX else min(extra_px, sensor.max_blur_px)

    def draw(
        self,
        scenery: Scenery,
        doubles: Sequence[Double],
        result: npt.NDArray[np.uint8],
        changed: npt.NDArray[np.bool_],
    ) -> dict[int, bool]:
        """Draw shadows, then doubles.

        Args:
            scenery: the frame.
            doubles: back to front.
            result: (height, width, 3), drawn into in place.
            changed: (height, width), where compositing wrote; completed in place.

        Returns:
            Per track whether anything of the double is in the frame.
        """
        # All shadows first: they lie on the ground, under every double.
        self._draw_cast_shadows(scenery, doubles, result, changed)
        for double in doubles:
            self._draw_shadow(scenery, double.sprite, result, changed)
        drawn: dict[int, bool] = {}
        for double, brightness in zip(doubles, self._brightness(scenery, doubles), strict=True):
            layer = self._layer(scenery, double.sprite, brightness)
            track_id = double.track.track_id
            drawn[track_id] = bool((layer.alpha >= 0.5).any())
            if layer.window.is_empty:
                continue
            layer = self._behind_occluders(layer, double.sprite, scenery.filled)
            noise = scenery.noise
            piece = self._noise_field.piece(
                layer.window, scenery.frame_index, track_id, noise.grain_px, _anchor_px(double.sprite)
            )
            lay_over(result, layer, piece, noise)
            written = layer.alpha > 0.0
            if self._chroma_px > 0.0:
                share_chroma(result[layer.window.slices], written, self._chroma_px)
            if self._comb is not None:
                sizes = np.array([self._comb.vanishes_below, self._comb.first, self._comb.spacing])
                round_blocks(
                    result, layer.alpha, layer.window.top, layer.window.left, sizes, dct_basis(), FINE_FROM
                )  # fmt: skip
            changed[layer.window.slices] |= written
        return drawn

    def _brightness(self, scenery: Scenery, doubles: Sequence[Double]) -> list[float | None]:
        """Linear luminance of the doubles' places, None beyond the frame."""
        if not doubles:
            return []
        people = [(double.track, double.step) for double in doubles]
        return place_brightness(LightMap(scenery.plate_rgb), people, self._config.light, self._frames_per_second)

    def _layer(self, scenery: Scenery, sprite: Sprite, brightness: float | None) -> Layer:
        lit = sprite.rgba[:, :, :3]
        if lit.size > 0:
            curve = light_curve(self._light, brightness, self._config.light)
            lit = develop(lit, curve, self._light, self._config.light, scenery.gain)
            if self._is_grey:
                lit = to_grey(lit)
        return make_layer(sprite, lit, self._blur_px, self._frame_window)

    def _behind_occluders(self, layer: Layer, sprite: Sprite, filled: npt.NDArray[np.bool_]) -> Layer:
        """Cut what things in front of the double hide; not where they are themselves covered with made-up colours."""
        if self._occluders is None:
            return layer
        seen = self._occluders.seen_share(layer.window, sprite.ground_y_px, self._blur_px)
        if seen is None:
            return layer
        seen = np.where(filled[layer.window.slices], np.float32(1.0), seen)
        alpha = layer.alpha * seen
        alpha[alpha < LEAST_ALPHA] = 0.0
        return Layer(window=layer.window, colour=layer.colour * seen[:, :, None], alpha=alpha)

    def _draw_shadow(
        self,
        scenery: Scenery,
        sprite: Sprite,
        result: npt.NDArray[np.uint8],
        changed: npt.NDArray[np.bool_],
    ) -> None:
        """The soft shadow under a double's feet, where ground is seen."""
        shadow = contact_shadow(sprite, self._frame_window, self._config.shadow)
        if shadow is None:
            return
        shadow = self._behind_occluders(shadow, sprite, scenery.filled)
        where = shadow.window.slices
        share = self._ground_share(scenery, shadow.window, changed)
        alpha = (share * shadow.alpha / 255).astype(np.float32)
        piece = self._noise_field.piece(shadow.window, scenery.frame_index, 0)
        lay_over(result, Layer(window=shadow.window, colour=shadow.colour, alpha=alpha), piece, Noise())
        changed[where] |= alpha > 0.0

    def _draw_cast_shadows(
        self,
        scenery: Scenery,
        doubles: Sequence[Double],
        result: npt.NDArray[np.uint8],
        changed: npt.NDArray[np.bool_],
    ) -> None:
        """Where the sun is known: shade on the ground, never darker where two shadows meet."""
        strength = self._config.shadow.cast_strength
        if self._sun is None or self._view is None or strength <= 0.0:
            return
        found = [
            (cast, double.sprite)
            for double in doubles
            if (cast := shade_of(double.sprite, self._view, self._sun, self._blur_px, self._frame_window)) is not None
        ]
        if not found:
            return
        shade = np.zeros(changed.shape, np.float32)
        for (window, own), sprite in found:
            if self._occluders is not None:
                seen = self._occluders.seen_share(window, sprite.ground_y_px, self._blur_px)
                if seen is not None:
                    own = own * np.where(scenery.filled[window.slices], np.float32(1.0), seen)
            np.maximum(shade[window.slices], own, out=shade[window.slices])
        before = changed.copy()
        for (window, _), _ in found:
            where = window.slices
            # Windows may overlap, and what is written once is not written again.
            part = shade[where] * self._ground_share(scenery, window, before) * np.float32(1 / 255.0)
            changed[where] |= darken(result[where], part, strength * self._sun.darkness)
            shade[where] = 0.0

    def _ground_share(
        self, scenery: Scenery, window: Window, changed: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float32]:
        """(height, width) of a window, 0 to 255: where ground is seen, on what was painted and on pixels like the plate.

        Without single pixels that do not look like their neighbours, which would be specks of light in a shadow.
        """
        where = window.slices
        same = largest_difference(scenery.frame_rgb[where], scenery.plate_rgb[where]) <= _GROUND_DIFFERS_BY_AT_MOST
        ground = changed[where] | (same & scenery.valid[where])
        near = cv2.boxFilter(
            ground.astype(np.uint8), -1, (_SPECK_PX, _SPECK_PX), normalize=False, borderType=cv2.BORDER_REPLICATE
        )
        most = (near > _SPECK_PX**2 // 2).astype(np.uint8) * 255
        return np.asarray(cv2.blur(most, (3, 3)), np.float32)


def _anchor_px(sprite: Sprite) -> tuple[int, int]:
    """x, y of a point that goes along with a double: above the middle of head and chest, which limbs do not move."""
    upper = sprite.rgba[: max(1, sprite.rgba.shape[0] // 3), :, 3]
    cover = upper.sum(axis=0, dtype=np.float64)
    total = float(cover.sum())
    middle = float(cover @ np.arange(len(cover))) / total if total > 0.0 else 0.0
    return sprite.left_px + round(middle), sprite.top_px
