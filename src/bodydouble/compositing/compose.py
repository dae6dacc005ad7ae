"""Frames in, frames out: filmed people are covered with the plate, doubles are drawn over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.ahead import ahead, read_ahead
from bodydouble.compositing.audit import count_change
from bodydouble.compositing.base import (
    Action,
    ChangeCounts,
    CompositedFrame,
    PlateSource,
    SpriteSource,
    TrackOutcome,
    check_size,
)
from bodydouble.compositing.config import CompositingConfig
from bodydouble.compositing.drawing import Double, Painter, Scenery
from bodydouble.compositing.kernels import paint_plate
from bodydouble.compositing.light import frame_gain, to_grey
from bodydouble.compositing.paint_out import (
    PersonArea,
    fill_from_surroundings,
    fit_plate,
    judge_plate,
    merge,
    person_area,
    with_shadow,
)
from bodydouble.compositing.sensor import Noise, NoiseField, estimate_noise
from bodydouble.compositing.survey import Survey, survey_clip
from bodydouble.compositing.windows import Window
from bodydouble.errors import BundleError
from bodydouble.scene import Frame, FrameSource, PersonTrack, Progress, SceneBundle, SilentProgress, Sprite

_BACKGROUND: Final[int] = 0
"""Stands for the painted background where noise is drawn per track; track ids start at 1."""


class Compositor:
    """Composites single frames of one clip. A frame's result depends on nothing but that frame's inputs."""

    def __init__(
        self,
        bundle: SceneBundle,
        plate: PlateSource,
        config: CompositingConfig,
        *,
        seed: int = 0,
        survey: Survey | None = None,
    ) -> None:
        self._bundle = bundle
        self._config = config
        self._frame_window = Window(0, 0, bundle.video.width_px, bundle.video.height_px)
        self._track_ids = frozenset(track.track_id for track in bundle.tracks)
        self._noise_field = NoiseField(seed, bundle.clip_name)
        # Measured once on the plate of frame 0, so that starting in the middle (resume) gives the same frames.
        first_rgb, first_valid = plate.at(0)
        check_size(first_rgb, bundle, "plate")
        self._is_grey = bundle.video.is_gray or bool(np.ptp(first_rgb, axis=2).max() == 0)
        survey = survey or Survey()
        self._background, self._occluders, self._doubts = survey.background, survey.occluders, survey.doubts
        self._noise_steady = survey.noise_steady
        self._painter = Painter(
            bundle, first_rgb, first_valid, config, self._noise_field, is_grey=self._is_grey, survey=survey
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
        check_size(frame.rgb, self._bundle, f"frame {frame.index}")
        check_size(plate_rgb, self._bundle, f"plate of frame {frame.index}")
        present = [(track, step) for track in self._bundle.tracks if (step := track.step_of(frame.index)) is not None]
        changed = np.zeros(valid.shape, dtype=np.bool_)
        doubles = self._playing(frame.index, present, sprites)
        if not present:
            return CompositedFrame(index=frame.index, rgb=frame.rgb, changed=changed, outcomes=())
        areas = {
            track.track_id: area
            for track, step in present
            if (area := self._area(track, step, frame, plate_rgb)) is not None
        }
        result = frame.rgb.copy()
        for area in areas.values():
            changed[area.window.slices] |= area.plate_weight > 0
        painted = changed.copy()
        surroundings = valid & ~painted
        noise = self._noise(frame.rgb, plate_rgb, surroundings)
        for group in merge(list(areas.values())):
            self._paint_out(frame, plate_rgb, surroundings, painted, group, noise, result)
        filled = np.zeros_like(changed)
        for area in areas.values():
            filled[area.window.slices] |= area.distrusted
        scenery = Scenery(
            frame_index=frame.index,
            frame_rgb=frame.rgb,
            plate_rgb=plate_rgb,
            valid=valid,
            filled=filled,
            noise=noise,
            gain=frame_gain(frame.rgb, plate_rgb, surroundings),
        )
        drawn = self._painter.draw(scenery, doubles, result, changed)
        outcomes = tuple(
            self._outcome(track, step, areas.get(track.track_id), drawn, frame.rgb, plate_rgb, result)
            for track, step in present
        )
        return CompositedFrame(index=frame.index, rgb=result, changed=changed, outcomes=outcomes)

    def _area(self, track: PersonTrack, step: int, frame: Frame, plate_rgb: npt.NDArray[np.uint8]) -> PersonArea | None:
        config = self._config.paint_out
        area = person_area(track, step, self._frame_window, config)
        if area is not None:
            area = self._judged(area, track, step, frame, plate_rgb)
        return with_shadow(area, track, step, self._frame_window, config.shadow_margin_px)

    def _judged(
        self, area: PersonArea, track: PersonTrack, step: int, frame: Frame, plate_rgb: npt.NDArray[np.uint8]
    ) -> PersonArea:
        # Where nothing of somebody is seen, the plate rightly looks like the frame.
        if track.visible_fraction[step] <= 0:
            return area
        limit = self._doubts.limit(track.track_id, frame.index, self._config.paint_out.distrust_share)
        box = track.boxes_xyxy_px[step]
        return judge_plate(area, box, frame.rgb, plate_rgb, limit, self._background, self._occluders)

    def _playing(
        self, frame_index: int, present: Sequence[tuple[PersonTrack, int]], sprites: Sequence[tuple[int, Sprite]]
    ) -> list[Double]:
        """Doubles to draw, back to front: by ground row, then by track id."""
        plays = {track.track_id: (track, step) for track, step in present if bool(track.play[step])}
        for track_id, _ in sprites:
            if track_id not in self._track_ids:
                raise BundleError(
                    f"the performance has a double for track {track_id} in frame {frame_index}, the scene bundle has "
                    "no such track; generate the performance from this bundle"
                )
        if len({track_id for track_id, _ in sprites}) != len(sprites):
            raise BundleError(f"the performance has two doubles of one track in frame {frame_index}; generate it anew")
        playing = [
            Double(track=plays[track_id][0], step=plays[track_id][1], sprite=sprite)
            for track_id, sprite in sprites
            if track_id in plays
        ]
        return sorted(playing, key=lambda double: (double.sprite.ground_y_px, double.track.track_id))

    def _noise(
        self, frame_rgb: npt.NDArray[np.uint8], plate_rgb: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]
    ) -> Noise:
        sensor = self._config.sensor
        if sensor.noise_strength <= 0.0:
            return Noise()
        found = estimate_noise(frame_rgb, plate_rgb, usable)
        sigma = min(found.sigma * sensor.noise_strength, sensor.max_noise)
        return replace(found, sigma=sigma, steady=self._noise_steady)

    def _paint_out(
        self,
        frame: Frame,
        plate_rgb: npt.NDArray[np.uint8],
        surroundings: npt.NDArray[np.bool_],
        painted: npt.NDArray[np.bool_],
        group: PersonArea,
        noise: Noise,
        result: npt.NDArray[np.uint8],
    ) -> None:
        """Write the plate, fitted to the frame around it, over a group of people."""
        config = self._config.paint_out
        window = group.window.grown(config.seam_ring_px).clipped(self._frame_window)
        inner = group.window.slices_in(window)
        weight = np.zeros((window.height, window.width), dtype=np.uint8)
        weight[inner] = group.plate_weight
        distrusted = np.zeros(weight.shape, dtype=np.bool_)
        distrusted[inner] = group.distrusted
        size = 2 * config.seam_ring_px + 1
        near = cv2.dilate(weight, np.ones((size, size), dtype=np.uint8)) > 0
        rgb, cover = frame.rgb[window.slices], plate_rgb[window.slices]
        if self._is_grey:
            cover = to_grey(cover)
        fit = fit_plate(rgb, cover, near & surroundings[window.slices], config.seam_max_offset)
        if distrusted.any():
            # Where the plate is written beside it, the filling goes on from the plate.
            shown = (weight == 255) & ~distrusted
            known = np.where(shown[:, :, None], cover, rgb)
            fill = fill_from_surroundings(known, ~painted[window.slices] | shown)
            cover = np.where(distrusted[:, :, None], fill, cover)
        piece = self._noise_field.piece(window, frame.index, _BACKGROUND, noise.grain_px)
        paint_plate(
            result[window.slices], cover, distrusted, fit, config.seam_max_offset,
            piece.tile, piece.places, np.array(noise.sigmas), weight,
        )  # fmt: skip

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
            reason = "the double cannot be there, or is outside the frame"
        else:
            action, reason = "replaced", ""
        if area is None:
            return TrackOutcome(track_id=track.track_id, action=action, reason=reason, change=ChangeCounts())
        where = area.window.slices
        # Where nothing of somebody is seen, the silhouette is a precaution, and need not have changed.
        there = area.silhouette if track.visible_fraction[step] > 0 else np.zeros_like(area.silhouette)
        change = count_change(original[where], plate_rgb[where], result[where], there, area.background)
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
    progress: Progress | None = None,
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
        progress: told how far it is: ``survey`` where the clip is read beforehand, then ``compositing``.

    Yields:
        Frames ``start`` to the end, in order. A frame without people is handed on as it is.

    Raises:
        BundleError: bundle, plate, performance and clip do not belong together.
        UnreadableVideo: a frame cannot be decoded.
    """
    told = progress or SilentProgress()
    survey = survey_clip(source, bundle, plate, config, with_doubles=performance is not None, progress=told)
    told.start("compositing", bundle.video.num_frames - start)
    compositor = Compositor(bundle, plate, config, seed=seed, survey=survey)
    with closing(read_ahead(_inputs(source, bundle, plate, performance, start), workers=config.threads)) as inputs:
        for _, composited in ahead(inputs, lambda given: compositor.compose(*given), workers=config.threads):
            yield composited
            told.advance()
    told.finish()


_Input = tuple[Frame, npt.NDArray[np.uint8], npt.NDArray[np.bool_], Sequence[tuple[int, Sprite]]]


def _inputs(
    source: FrameSource, bundle: SceneBundle, plate: PlateSource, performance: SpriteSource | None, start: int
) -> Iterator[_Input]:
    """What `Compositor.compose` takes, frame by frame."""
    for frame in source.frames(start):
        if frame.index >= bundle.video.num_frames:
            raise BundleError(
                f"the clip has more frames than the {bundle.video.num_frames} of the scene bundle; "
                "use the clip that the bundle was made from"
            )
        plate_rgb, valid = plate.at(frame.index)
        yield frame, plate_rgb, valid, performance.sprites_at(frame.index) if performance is not None else []
