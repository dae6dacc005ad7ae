"""The generator: runs in, sprites out."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import ConfigError
from bodydouble.generation.animatediff.denoise import denoise_run
from bodydouble.generation.animatediff.drawn import DrawnBlocks, Filming
from bodydouble.generation.animatediff.latents import LatentFile
from bodydouble.generation.animatediff.loader import load_models, make_sampler
from bodydouble.generation.animatediff.locking import locked
from bodydouble.generation.animatediff.memory import Layout, choose_layout
from bodydouble.generation.animatediff.models import ControlledDenoiser, Models
from bodydouble.generation.animatediff.noise import frame_noise
from bodydouble.generation.animatediff.prompts import weighted_prompt
from bodydouble.generation.animatediff.runs import PlayedRun, run_of
from bodydouble.generation.animatediff.skeleton_drawing import draw_skeleton
from bodydouble.generation.animatediff.view import View, view_of
from bodydouble.generation.animatediff.words import embed
from bodydouble.generation.base import SCRATCH_FOLDER, CannotPlay, Generator
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.cutting import make_cutter
from bodydouble.generation.fallback import Remark, write_remarks
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import Cast, PersonTrack, SceneBundle, TrackWindow
from bodydouble.scene.strict_files import write_bytes

PROMPTS_FILE: Final = "prompts.json"
"""In a performance: what every track's double was asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clip:
    bundle: SceneBundle
    cast: Cast
    seed: int
    tracks: dict[int, PersonTrack]


class AnimateDiffGenerator:
    """Plays doubles by diffusion. See `bodydouble.generation.base.Generator`."""

    def __init__(self, config: GenerationConfig) -> None:
        self._config = config
        self._models: Models | None = None
        self._layout: Layout | None = None
        self._cutter = make_cutter(config)
        self._clip: _Clip | None = None
        self._avatar: Generator | None = None
        self._folder: Path | None = None

    def keep_in(self, folder: Path) -> None:
        """Keep work in progress, prompts and remarks in the folder of a performance, instead of one that is temporary."""
        self._folder = folder

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        """Take a clip and load the networks.

        Raises:
            MissingWeights: a part is absent or does not fit.
            ConfigError: the device is not there, or has too little memory by the budget.
        """
        self._clip = _Clip(
            bundle=bundle, cast=cast, seed=seed, tracks={track.track_id: track for track in bundle.tracks}
        )
        self._avatar = None
        if self._models is None:
            self._models = load_models(self._config)
            self._layout = choose_layout(self._models, self._config.animatediff, self._config.memory_mb)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="bodydouble-diffusion-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        (self._folder / SCRATCH_FOLDER).mkdir(exist_ok=True)
        self._write_prompts(self._clip, self._folder)

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Take one window out of its run; the run is generated as a whole when its first window is asked for."""
        if self._clip is None or self._models is None or self._layout is None or self._folder is None:
            raise RuntimeError("prepare() must be called before play()")
        track = self._clip.tracks[plan.track_id]
        run = run_of(track, plan)
        if not track.play[run.start]:
            return self._play_filtered(self._clip, track, plan, self._folder)
        filming = self._filming(self._clip, track, run)
        blocks = DrawnBlocks(filming, self._config, self._folder)
        with locked(self._folder / SCRATCH_FOLDER / f"{filming.name}.lock"), self._threads(), self._memory():
            if not blocks.are_done:
                latents = self._denoise(self._clip, self._models, self._layout, filming, self._folder / SCRATCH_FOLDER)
                with self._models.at_work(self._models.vae):
                    blocks.draw(
                        latents, self._models, self._cutter, lambda p: self._stand_in(p), tiled=self._layout.tiled
                    )
                latents.path.unlink(missing_ok=True)
        return blocks.window(plan)

    def _filming(self, clip: _Clip, track: PersonTrack, run: PlayedRun) -> Filming:
        options = self._config.animatediff
        view = view_of(
            track, run, canvas_px=options.canvas_px, margin=options.margin, joint_score=options.joint_score
        )  # fmt: skip
        return Filming(track=track, run=run, view=view)

    def _denoise(
        self, clip: _Clip, models: Models, layout: Layout, filming: Filming, scratch: Path
    ) -> LatentFile:  # fmt: skip
        options, track, run, view = self._config.animatediff, filming.track, filming.run, filming.view
        guided = options.guidance_scale > 1
        words, negative = embed(models, self._prompt(clip, track), options.negative if guided else None)
        frames = track.frame_indices[run.start : run.stop]
        shape = (
            models.latent_channels, view.height_px // models.latent_stride_px, view.width_px // models.latent_stride_px,
        )  # fmt: skip
        with models.at_work(models.unet, models.controlnet):
            denoiser = ControlledDenoiser(
                models, words=words, negative_words=negative, guidance=options.guidance_scale,
                drawings=lambda start, stop: drawings(track, run, view, start, stop, options.joint_score),
                control_strength=options.control_strength, together=layout.together,
            )  # fmt: skip
            return denoise_run(
                denoiser, make_sampler(options), folder=scratch, name=filming.name, num_frames=len(run), shape=shape,
                noise=lambda start, stop: frame_noise(
                    clip.seed, clip.bundle.clip_name, track.track_id, frames[start:stop].tolist(), shape
                ),
                window_frames=layout.window_frames, overlap_frames=layout.overlap_frames,
            )  # fmt: skip

    def _prompt(self, clip: _Clip, track: PersonTrack) -> str:
        try:
            return weighted_prompt(clip.cast.appearance_of(track.track_id), self._config.animatediff)
        except KeyError as error:
            raise CannotPlay(track.track_id, "nobody was cast for it") from error

    def _stand_in(self, plan: WindowPlan) -> TrackWindow:
        """The avatar's window.

        Raises:
            CannotPlay: no avatar is wanted, or it cannot play either.
        """
        if self._config.fallback != "avatar":
            raise CannotPlay(plan.track_id, "generation.fallback is 'paint-out'")
        assert self._clip is not None
        if self._avatar is None:
            from bodydouble.generation.avatar.generator import AvatarGenerator

            self._avatar = AvatarGenerator(self._config.avatar)
            self._avatar.prepare(self._clip.bundle, self._clip.cast, self._config, self._clip.seed)
        return self._avatar.play(plan)

    def _play_filtered(self, clip: _Clip, track: PersonTrack, plan: WindowPlan, folder: Path) -> TrackWindow:
        """A window that the sequence filter took away."""
        window = self._stand_in(plan)
        first, last = int(window.frame_indices[0]), int(window.frame_indices[-1])
        remark = Remark(
            track_id=track.track_id, first_frame=first, last_frame=last, reason=f"played by the avatar: {track.reason}",
            instead="avatar",
        )  # fmt: skip
        write_remarks(folder, f"track_{track.track_id:06d}_{first:06d}_filtered", [remark])
        return window

    def _write_prompts(self, clip: _Clip, folder: Path) -> None:
        assert self._layout is not None
        guided = self._config.animatediff.guidance_scale > 1
        record = {
            "seed": clip.seed,
            "layout": dataclasses.asdict(self._layout),
            "negative_prompt": self._config.animatediff.negative if guided else "",
            "prompts": {
                str(track_id): weighted_prompt(appearance, self._config.animatediff)
                for track_id, appearance in clip.cast.parts
            },
        }
        write_bytes(folder / PROMPTS_FILE, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """With the threads of the configuration, on which the last bits of sums depend; not those of who happens to ask."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._config.animatediff.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @contextmanager
    def _memory(self) -> Iterator[None]:
        """Says what to do when the device's memory runs out."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"out of memory on {self._config.device}; give a budget (--generation.memory-mb), a smaller canvas "
                "(--generation.animatediff.canvas-px) or --generation.offload"
            ) from error


def drawings(
    track: PersonTrack, run: PlayedRun, view: View, start: int, stop: int, joint_score: float
) -> NDArray[np.uint8]:
    """Skeletons of some frames of a run: (frames, height, width, 3) RGB; all that the networks learn of who was filmed."""
    return np.stack(
        [
            draw_skeleton(
                view.to_canvas(step, track.joints_xy_px[run.start + step]), track.joint_scores[run.start + step],
                width_px=view.width_px, height_px=view.height_px, lowest_score=joint_score,
            )
            for step in range(start, stop)
        ]
    )  # fmt: skip
