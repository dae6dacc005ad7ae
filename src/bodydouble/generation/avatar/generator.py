"""The avatar generator: fits, dresses and draws doubles."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from bodydouble.body.model import BodyModel
from bodydouble.errors import ConfigError
from bodydouble.generation.avatar.draw import Framing, Lamp, draw, lamp_of
from bodydouble.generation.avatar.mesh import Outfit
from bodydouble.generation.avatar.motion import Motion, fit_motion, poses_of
from bodydouble.generation.avatar.physique import Physique, build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import Pose
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.base import CannotPlay
from bodydouble.generation.config import AvatarConfig, GenerationConfig
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import Cast, PersonTrack, SceneBundle, Sprite, TrackWindow
from bodydouble.scene.view import View, estimate_view
from bodydouble.seeds import derive_seed

_KEPT_DOUBLES = 6
"""Doubles kept between windows; one takes about 3 MB. Windows come ordered by track, so few are needed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clip:
    bundle: SceneBundle
    cast: Cast
    seed: int
    view: View
    lamp: Lamp
    tracks: dict[int, PersonTrack]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Double:
    """A dressed double and its motion over the whole track."""

    physique: Physique
    outfit: Outfit
    framing: Framing
    poses: Pose
    lost: NDArray[np.bool_]
    """(steps,): where the double is not where the person was, and is not drawn; the person is painted out."""
    seed: int


class AvatarGenerator:
    """Plays doubles with the parametric body. See `bodydouble.generation.base.Generator`."""

    def __init__(self, config: AvatarConfig) -> None:
        if not 1 <= config.supersampling <= 8:
            raise ConfigError(f"generation.avatar.supersampling is {config.supersampling}; allowed is 1 to 8")
        if config.max_raster_side_px < 64:
            raise ConfigError(
                f"generation.avatar.max_raster_side_px is {config.max_raster_side_px}; allowed is 64 or more"
            )
        if not 0.005 <= config.joint_noise_m <= 0.5:
            raise ConfigError(f"generation.avatar.joint_noise_m is {config.joint_noise_m}; allowed is 0.005 to 0.5")
        if not 0 <= config.private_strength <= 2:
            raise ConfigError(f"generation.avatar.private_strength is {config.private_strength}; allowed is 0 to 2")
        if not 0 <= config.exposure_seconds <= 1:
            raise ConfigError(f"generation.avatar.exposure_seconds is {config.exposure_seconds}; allowed is 0 to 1")
        self._config = config
        self._clip: _Clip | None = None
        self._doubles: dict[int, _Double] = {}

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        """Take a clip; doubles are made when their first window is played."""
        self._doubles.clear()
        self._clip = _Clip(
            bundle=bundle, cast=cast, seed=seed, view=estimate_view(bundle), lamp=lamp_of(bundle.light),
            tracks={track.track_id: track for track in bundle.tracks},
        )  # fmt: skip

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Draw one window; the double and its motion are made for the whole track, whoever asks for which window."""
        if self._clip is None:
            raise RuntimeError("prepare() must be called before play()")
        clip = self._clip
        track = clip.tracks[plan.track_id]
        if not 0 <= plan.step_start < plan.step_stop <= len(track):
            raise ValueError(
                f"window {plan.step_start}..{plan.step_stop} of track {plan.track_id} with {len(track)} steps"
            )
        double = self._double(clip, track)
        steps = range(plan.step_start, plan.step_stop)
        return TrackWindow(
            track_id=plan.track_id,
            frame_indices=track.frame_indices[plan.step_start : plan.step_stop].copy(),
            sprites=tuple(
                _nothing(track, step) if double.lost[step] else self._sprite(clip, double, step) for step in steps
            ),
        )

    def _double(self, clip: _Clip, track: PersonTrack) -> _Double:
        if track.track_id in self._doubles:
            return self._doubles[track.track_id]
        try:
            appearance = clip.cast.appearance_of(track.track_id)
        except KeyError as error:
            raise CannotPlay(track.track_id, "nobody was cast for it") from error
        seed = derive_seed(clip.seed, "avatar", clip.bundle.clip_name, track.track_id)
        model = BodyModel.load()
        physique = build_physique(model, phenotype_of(appearance, seed))
        try:
            with _one_blas_thread():
                motion = fit_motion(
                    track, clip.bundle, clip.view, physique.skeleton, noise_m=self._config.joint_noise_m,
                    style=self._config.motion, seed=derive_seed(seed, "motion"), strength=self._config.private_strength,
                )  # fmt: skip
        except FloatingPointError as error:
            raise CannotPlay(track.track_id, str(error)) from error
        double = _Double(
            physique=physique, outfit=dress(model, physique, appearance, seed), framing=_framing(clip, track, motion),
            poses=poses_of(physique.skeleton, motion), lost=motion.lost, seed=seed,
        )  # fmt: skip
        while len(self._doubles) >= _KEPT_DOUBLES:
            self._doubles.pop(next(iter(self._doubles)))
        self._doubles[track.track_id] = double
        return double

    def _sprite(self, clip: _Clip, double: _Double, step: int) -> Sprite:
        video = clip.bundle.video
        return draw(
            double.outfit, double.physique.skeleton, double.poses, step, framing=double.framing, lamp=clip.lamp,
            frame_size_px=(video.width_px, video.height_px), config=self._config, seed=double.seed,
        )  # fmt: skip


def _nothing(track: PersonTrack, step: int) -> Sprite:
    """An empty picture at the feet of a box."""
    left, _, _, bottom = (float(value) for value in track.boxes_xyxy_px[step])
    empty = np.zeros((0, 0, 4), np.uint8)
    return Sprite(left_px=round(left), top_px=round(bottom), rgba=empty, ground_y_px=bottom)


def _one_blas_thread() -> AbstractContextManager[object]:
    """While the fit is solved: its systems are narrow bands, for which more threads gain nothing.

    Where other work takes their cores, threads wait for each other at every one of thousands of small products.
    """
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> ThreadpoolController:
    """Those that are loaded, found once: SciPy's, which the fit imports, is among them."""
    return ThreadpoolController()


def _framing(clip: _Clip, track: PersonTrack, motion: Motion) -> Framing:
    times = np.array([clip.bundle.video.pts_seconds(int(frame)) for frame in track.frame_indices])
    return Framing(
        elevation_rad=motion.elevation_rad, scale_px_per_m=motion.scale_px_per_m, root_px=motion.root_px, times_s=times
    )
