"""The generator: runs in, latents on disk, pictures out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.animatediff.denoise import denoise_run
from bodydouble.generation.animatediff.latents import LatentFile
from bodydouble.generation.animatediff.loader import load_models, make_sampler
from bodydouble.generation.animatediff.memory import Layout, choose_layout
from bodydouble.generation.animatediff.models import ControlledDenoiser, Models
from bodydouble.generation.animatediff.prompts import weighted_prompt
from bodydouble.generation.animatediff.sizes import sizes_of
from bodydouble.generation.animatediff.words import embed
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.diffusion.drawn import Filming
from bodydouble.generation.diffusion.generator import Clip, DiffusionGenerator
from bodydouble.generation.diffusion.skeleton_drawing import draw_skeleton
from bodydouble.scene import Appearance, SceneBundle


class AnimateDiffGenerator(DiffusionGenerator):
    """Stable Diffusion with motion modules and a ControlNet for skeletons."""

    def __init__(self, config: GenerationConfig) -> None:
        super().__init__(config, config.animatediff)
        self._options = config.animatediff
        self._models: Models | None = None
        self._layout: Layout | None = None

    def _load(self, bundle: SceneBundle) -> None:
        if self._models is None:
            self._models = load_models(self._config)
            self._layout = choose_layout(sizes_of(self._models), self._config)

    def _loaded(self) -> tuple[Models, Layout]:
        if self._models is None or self._layout is None:
            raise RuntimeError("prepare() must be called first")
        return self._models, self._layout

    def _layout_record(self) -> Mapping[str, int]:
        return dataclasses.asdict(self._loaded()[1])

    def _prompt(self, look: Appearance) -> str:
        return weighted_prompt(look, self._options)

    def _negative(self) -> str | None:
        return self._options.negative if self._options.guidance_scale > 1 else None

    def _generate(self, clip: Clip, filming: Filming, scratch: Path) -> LatentFile:
        models, layout = self._loaded()
        track, run, view = filming.track, filming.run, filming.view
        words, negative = embed(models, self._prompt(clip.look_of(track.track_id)), self._negative())
        frames = track.frame_indices[run.start : run.stop]
        shape = (
            models.latent_channels, view.height_px // models.latent_stride_px, view.width_px // models.latent_stride_px,
        )  # fmt: skip
        with models.at_work(models.unet, models.controlnet):
            denoiser = ControlledDenoiser(
                models, words=words, negative_words=negative, guidance=self._options.guidance_scale,
                drawings=lambda start, stop: drawings(filming, start, stop, self._options.joint_score),
                control_strength=self._options.control_strength, together=layout.together,
            )  # fmt: skip
            return denoise_run(
                denoiser, make_sampler(self._options, models.schedule), folder=scratch, name=filming.name,
                num_frames=len(run), shape=shape,
                noise=lambda start, stop: clip.noise(
                    track.track_id, frames[start:stop].tolist(), shape, shared=self._options.shared_noise
                ),
                window_frames=layout.window_frames, overlap_frames=layout.overlap_frames,
            )  # fmt: skip

    def _decode(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        models, layout = self._loaded()
        with models.at_work(models.vae):
            return models.decode(stored, tiled=layout.tiled)


def drawings(filming: Filming, start: int, stop: int, joint_score: float) -> NDArray[np.uint8]:
    """Skeletons of some frames of a run: (frames, height, width, 3) RGB; all that the networks learn of who was filmed."""
    track, run, view = filming.track, filming.run, filming.view
    return np.stack(
        [
            draw_skeleton(
                view.to_canvas(step, track.joints_xy_px[run.start + step]), track.joint_scores[run.start + step],
                width_px=view.width_px, height_px=view.height_px, lowest_score=joint_score,
            )
            for step in range(start, stop)
        ]
    )  # fmt: skip
