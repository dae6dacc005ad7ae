"""Frames in, frames out: filmed people are covered with the plate, doubles are drawn over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import count_change
from bodydouble.compositing.base import Action, ChangeCounts, CompositedFrame, PlateSource, SpriteSource, TrackOutcome
from bodydouble.compositing.config import CompositingConfig
from bodydouble.compositing.double import LEAST_ALPHA, Layer, contact_shadow, lay_over, make_layer
from bodydouble.compositing.light import (
    apply_curve,
    light_curve,
    local_brightness,
    measure_plate_light,
    mix_brightness,
    to_grey,
)
from bodydouble.compositing.occlusion import OccluderMap, find_occluders
from bodydouble.compositing.paint_out import (
    PersonArea,
    fill_from_surroundings,
    judge_plate,
    merge,
    paint_over,
    person_area,
    plate_offset,
)
from bodydouble.compositing.sensor import NoiseField, blur_for_render_px, estimate_blur_px, estimate_noise
from bodydouble.compositing.windows import Window
from bodydouble.errors import BundleError
from bodydouble.scene import Frame, FrameSource, PersonTrack, SceneBundle, Sprite

_BACKGROUND: Final[int] = 0
"""Stands for the painted background where noise is drawn per track; track ids start at 1."""
_DEFAULT_BLUR_PX: Final[float] = 0.7
"""Softness of common footage, for plates without enough edges to measure it."""
_GROUND_DIFFERS_BY_AT_MOST: Final[int] = 30
"""A pixel of the frame that differs more from the plate, in 1/255, shows a thing in front of the ground."""
_FEET_WIDTH_SHARE: Final[float] = 0.8
_FEET_HEIGHT_SHARE: Final[float] = 0.25


class Compositor:
    """Composites single frames of one clip. A frame's result depends on nothing but that frame's inputs."""

    def __init__(
        self,
        bundle: SceneBundle,
        plate: PlateSource,
        config: CompositingConfig,
        *,
        seed: int = 0,
        occluders: OccluderMap | None = None,
    ) -> None:
        self._bundle = bundle
        self._occluders = occluders
        self._config = config
        self._frame_window = Window(0, 0, bundle.video.width_px, bundle.video.height_px)
        self._track_ids = frozenset(track.track_id for track in bundle.tracks)
        self._noise_field = NoiseField(seed, bundle.clip_name)
        # Measured once on the plate of frame 0, so that starting in the middle (resume) gives the same frames.
        first_rgb, first_valid = plate.at(0)
        self._check_size(first_rgb, "plate")
        self._is_grey = bundle.video.is_gray or bool(np.ptp(first_rgb, axis=2).max() == 0)
        self._light = measure_plate_light(first_rgb)
        footage_blur_px = estimate_blur_px(first_rgb, first_valid) or _DEFAULT_BLUR_PX
        sensor = config.sensor
        self._blur_px = min(blur_for_render_px(footage_blur_px) * sensor.blur_strength, sensor.max_blur_px)

    def _check_size(self, rgb: npt.NDArray[np.uint8], what: str) -> None:
        expected = (self._frame_window.height, self._frame_window.width, 3)
        if rgb.shape != expected:
            raise BundleError(
                f"the {what} is {rgb.shape[1]}x{rgb.shape[0]} px, the scene bundle is of a clip of "
                f"{expected[1]}x{expected[0]} px; use the clip that the bundle was made from"
            )

    def compose(
        self,
        frame: Frame,
        plate_rgb: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_],
        sprites: Sequence[tuple[int, Sprite]],
    ) -> CompositedFrame:
        """Composite one frame.

        Args:
            frame: as filmed.
            plate_rgb: (height, width, 3) its clean plate.
            valid: (height, width), where the plate was seen.
            sprites: pairs of track id and double, in any order.

        Raises:
            BundleError: sizes do not fit, or a double belongs to no track.
        """
        self._check_size(frame.rgb, f"frame {frame.index}")
        self._check_size(plate_rgb, f"plate of frame {frame.index}")
        present = [(track, step) for track in self._bundle.tracks if (step := track.step_of(frame.index)) is not None]
        changed = np.zeros(valid.shape, dtype=np.bool_)
        doubles = self._playing(frame.index, present, sprites)
        if not present:
            return CompositedFrame(index=frame.index, rgb=frame.rgb, changed=changed, outcomes=())
        paint_out = self._config.paint_out
        areas = {
            # Where nothing of somebody is seen, the plate rightly looks like the frame.
            track.track_id: judge_plate(area, frame.rgb, plate_rgb, paint_out.distrust_share)
            if track.visible_fraction[step] > 0
            else area
            for track, step in present
            if (area := person_area(track, step, self._frame_window, paint_out)) is not None
        }
        result = frame.rgb.copy()
        for area in areas.values():
            changed[area.window.slices] |= area.plate_weight > 0
        painted = changed.copy()
        surroundings = valid & ~painted
        noise = self._noise_sigma(frame.rgb, plate_rgb, surroundings)
        for group in merge(list(areas.values())):
            self._paint_out(frame, plate_rgb, surroundings, painted, group, noise, result)
        filled = np.zeros_like(changed)
        for area in areas.values():
            filled[area.window.slices] |= area.distrusted
        drawn = self._draw_doubles(frame, plate_rgb, valid, doubles, noise, filled, result, changed)
        outcomes = tuple(
            self._outcome(track, step, areas.get(track.track_id), drawn, frame.rgb, plate_rgb, result)
            for track, step in present
        )
        return CompositedFrame(index=frame.index, rgb=result, changed=changed, outcomes=outcomes)

    def _playing(
        self, frame_index: int, present: Sequence[tuple[PersonTrack, int]], sprites: Sequence[tuple[int, Sprite]]
    ) -> list[tuple[int, Sprite]]:
        """Doubles to draw, back to front: by ground row, then by track id."""
        plays = {track.track_id for track, step in present if bool(track.play[step])}
        for track_id, _ in sprites:
            if track_id not in self._track_ids:
                raise BundleError(
                    f"the performance has a double for track {track_id} in frame {frame_index}, the scene bundle has "
                    "no such track; generate the performance from this bundle"
                )
        if len({track_id for track_id, _ in sprites}) != len(sprites):
            raise BundleError(f"the performance has two doubles of one track in frame {frame_index}; generate it anew")
        playing = [(track_id, sprite) for track_id, sprite in sprites if track_id in plays]
        return sorted(playing, key=lambda pair: (pair[1].ground_y_px, pair[0]))

    def _noise_sigma(
        self, frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]
    ) -> float:
        sensor = self._config.sensor
        if sensor.noise_strength <= 0.0:
            return 0.0
        return min(estimate_noise(frame_rgb, plate_rgb, usable) * sensor.noise_strength, sensor.max_noise)

    def _paint_out(
        self,
        frame: Frame,
        plate_rgb: npt.NDArray[np.uint8],
        surroundings: npt.NDArray[np.bool_],
        painted: npt.NDArray[np.bool_],
        group: PersonArea,
        noise: float,
        result: npt.NDArray[np.uint8],
    ) -> None:
        """Write the plate, fitted to the frame around it, over a group of people."""
        config = self._config.paint_out
        window = group.window.grown(config.seam_ring_px).clipped(self._frame_window)
        weight = np.zeros((window.height, window.width), dtype=np.uint8)
        weight[group.window.slices_in(window)] = group.plate_weight
        size = 2 * config.seam_ring_px + 1
        near = cv2.dilate(weight, np.ones((size, size), dtype=np.uint8)) > 0
        plate = plate_rgb[window.slices]
        if self._is_grey:
            plate = to_grey(plate)
        ring = near & surroundings[window.slices]
        cover = plate + plate_offset(frame.rgb[window.slices], plate, ring, config.seam_max_offset)
        if group.distrusted.any():
            distrusted = np.zeros(weight.shape, dtype=np.bool_)
            distrusted[group.window.slices_in(window)] = group.distrusted
            cover[distrusted] = fill_from_surroundings(frame.rgb[window.slices], ~painted[window.slices])[distrusted]
        if noise > 0.0:
            cover += noise * self._noise_field.on(window, frame.index, _BACKGROUND)[:, :, None]
        result[window.slices] = paint_over(result[window.slices], cover, weight)

    def _draw_doubles(
        self,
        frame: Frame,
        plate_rgb: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_],
        doubles: Sequence[tuple[int, Sprite]],
        noise: float,
        filled: npt.NDArray[np.bool_],
        result: npt.NDArray[np.uint8],
        changed: npt.NDArray[np.bool_],
    ) -> dict[int, bool]:
        """Draw shadows, then doubles; returns per track whether anything of the double is in the frame."""
        # All shadows first: they lie on the ground, under every double.
        for _, sprite in doubles:
            shadow = contact_shadow(sprite, self._frame_window, self._config.shadow)
            if shadow is not None:
                shadow = self._behind_occluders(shadow, sprite, filled)
                self._lay_on_ground(shadow, frame.rgb, plate_rgb, valid, result, changed)
        drawn: dict[int, bool] = {}
        for track_id, sprite in doubles:
            layer = self._double(sprite, plate_rgb)
            drawn[track_id] = bool((layer.alpha >= 0.5).any())
            if layer.window.is_empty:
                continue
            layer = self._behind_occluders(layer, sprite, filled)
            if noise > 0.0:
                grain = noise * self._noise_field.on(layer.window, frame.index, track_id)
                layer.colour[:] += (grain * layer.alpha)[:, :, None]
            lay_over(result, layer)
            changed[layer.window.slices] |= layer.alpha > 0.0
        return drawn

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

    def _double(self, sprite: Sprite, plate_rgb: npt.NDArray[np.uint8]) -> Layer:
        lit = sprite.rgba[:, :, :3]
        if lit.size > 0:
            curve = light_curve(self._light, self._place_brightness(sprite, plate_rgb), self._config.light)
            lit = apply_curve(lit, curve)
            if self._is_grey:
                lit = to_grey(lit)
        return make_layer(sprite, lit, self._blur_px, self._frame_window)

    def _place_brightness(self, sprite: Sprite, plate_rgb: npt.NDArray[np.uint8]) -> float | None:
        """Linear luminance of the plate around the feet and around the whole body, as far as they are in the frame."""
        height, width = sprite.rgba.shape[:2]
        middle, ground = sprite.left_px + width / 2.0, sprite.ground_y_px
        half = 0.5 * _FEET_WIDTH_SHARE * height
        left, right = int(middle - half), int(middle + half) + 1
        reach = 0.5 * _FEET_HEIGHT_SHARE * height
        feet = Window(left, int(ground - reach), right, int(ground + reach) + 1).clipped(self._frame_window)
        body = Window(left, sprite.top_px, right, sprite.top_px + height).clipped(self._frame_window)
        at_feet, at_body = local_brightness(plate_rgb, feet), local_brightness(plate_rgb, body)
        return mix_brightness(at_feet, at_body, self._config.light.body_share)

    def _lay_on_ground(
        self,
        shadow: Layer,
        frame_rgb: npt.NDArray[np.uint8],
        plate_rgb: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_],
        result: npt.NDArray[np.uint8],
        changed: npt.NDArray[np.bool_],
    ) -> None:
        """Draw a shadow only where the ground of the plate is seen: painted pixels, and pixels that look like it."""
        window = shadow.window
        difference = cv2.absdiff(frame_rgb[window.slices], plate_rgb[window.slices])
        ground = changed[window.slices] | (difference.max(axis=2) <= _GROUND_DIFFERS_BY_AT_MOST)
        alpha = np.where(ground & valid[window.slices], shadow.alpha, np.float32(0.0))
        lay_over(result, Layer(window=window, colour=shadow.colour, alpha=alpha))
        changed[window.slices] |= alpha > 0.0

    def _outcome(
        self,
        track: PersonTrack,
        step: int,
        area: PersonArea | None,
        drawn: dict[int, bool],
        original: npt.NDArray[np.uint8],
        plate_rgb: npt.NDArray[np.uint8],
        result: npt.NDArray[np.uint8],
    ) -> TrackOutcome:
        action: Action = "painted_out"
        if not bool(track.play[step]):
            reason = track.reason or "not to be played"
        elif track.track_id not in drawn:
            reason = "no double was generated"
        elif not drawn[track.track_id]:
            reason = "the double is empty or outside the frame"
        else:
            action, reason = "replaced", ""
        if area is None:
            return TrackOutcome(track_id=track.track_id, action=action, reason=reason, change=ChangeCounts())
        where = area.window.slices
        # Where nothing of somebody is seen, the silhouette is a precaution, and need not have changed.
        there = area.silhouette if track.visible_fraction[step] > 0 else np.zeros_like(area.silhouette)
        change = count_change(original[where], plate_rgb[where], result[where], there)
        distrusted = bool(area.distrusted.any())
        return TrackOutcome(
            track_id=track.track_id, action=action, reason=reason, change=change, plate_distrusted=distrusted
        )


def composite(
    source: FrameSource,
    bundle: SceneBundle,
    plate: PlateSource,
    performance: SpriteSource | None,
    config: CompositingConfig,
    *,
    seed: int = 0,
    start: int = 0,
) -> Iterator[CompositedFrame]:
    """Composite a clip, streaming.

    Args:
        source: the clip as filmed.
        bundle: its scene.
        plate: its clean plates.
        performance: the doubles; None paints everybody out.
        config: settings.
        seed: the run's seed, for noise.
        start: first frame; the frames do not depend on it.

    Yields:
        Frames ``start`` to the end, in order. A frame without people is handed on as it is.

    Raises:
        BundleError: bundle, plate, performance and clip do not belong together.
        UnreadableVideo: a frame cannot be decoded.
    """
    occluders = find_occluders(source, bundle, plate, config.occlusion) if performance is not None else None
    compositor = Compositor(bundle, plate, config, seed=seed, occluders=occluders)
    for frame in source.frames(start):
        if frame.index >= bundle.video.num_frames:
            raise BundleError(
                f"the clip has more frames than the {bundle.video.num_frames} of the scene bundle; "
                "use the clip that the bundle was made from"
            )
        plate_rgb, valid = plate.at(frame.index)
        sprites = performance.sprites_at(frame.index) if performance is not None else []
        yield compositor.compose(frame, plate_rgb, valid, sprites)
