"""The generator: runs in, pictures of windows on disk out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS, background_for
from bodydouble.generation.diffusion.devices import count_loaded
from bodydouble.generation.diffusion.drawn import Filming
from bodydouble.generation.diffusion.generator import Clip, DiffusionGenerator
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.view import View
from bodydouble.generation.vace.conditions import Conditions, PlateAt, widened
from bodydouble.generation.vace.memory import Sizes, choose_window
from bodydouble.generation.vace.models import VaceModels, Words, load_vace
from bodydouble.generation.vace.pictures import WindowPictures
from bodydouble.generation.vace.plate import open_plate
from bodydouble.generation.vace.spans import Span, plan_spans
from bodydouble.scene import Appearance, PersonTrack, SceneBundle


class VaceGenerator(DiffusionGenerator):
    """Wan2.1-VACE, told skeletons and a mask."""

    def __init__(self, config: GenerationConfig) -> None:
        super().__init__(config, config.vace)
        self._options = config.vace
        self._models: VaceModels | None = None
        self._window_frames = config.vace.window_frames
        self._plate: PlateAt | None = None

    def _load(self, bundle: SceneBundle) -> None:
        self._plate = open_plate(bundle, Path(self._options.plate)) if self._options.plate else None
        if self._models is None:
            self._models = load_vace(self._config)
            self._window_frames = choose_window(_sizes_of(self._models), self._config)

    def _view(self, track: PersonTrack, run: PlayedRun) -> View:
        return widened(super()._view(track, run))

    def _overlap_frames(self) -> int:
        """Less than asked for where memory has made windows short; 4 k + 1."""
        return min(self._options.overlap_frames, (self._window_frames - 1) // 8 * 4 + 1)

    def _layout_record(self) -> Mapping[str, int]:
        return {"window_frames": self._window_frames, "overlap_frames": self._overlap_frames()}

    def _negative(self) -> str | None:
        return self._options.negative if self._options.guidance > 1 else None

    def _prompt(self, look: Appearance) -> str:
        """The look in the paper's order, word by word as it was cast; this model's text encoder reads plain sentences."""
        where = f"plain uniform {background_for(look, self._options.background)} studio background"
        if self._options.plate:
            where = "in the street"
        return f"Full body video of one person, head to feet in view: {look.prompt}. {where}, static camera, photorealistic"

    def _generate(self, clip: Clip, filming: Filming, scratch: Path) -> WindowPictures:
        if self._models is None:
            raise RuntimeError("prepare() must be called first")
        look = clip.look_of(filming.track.track_id)
        conditions = Conditions(
            track=filming.track, run=filming.run, view=filming.view, options=self._options, plate=self._plate,
            background_rgb=BACKGROUNDS[background_for(look, self._options.background)],
        )  # fmt: skip
        spans = plan_spans(len(filming.run), length=self._window_frames, overlap=self._overlap_frames())
        pictures = WindowPictures(scratch, filming.name, spans)
        missing = [number for number in range(len(spans)) if not pictures.has(number)]
        if missing:
            words = self._models.embed(self._prompt(look), self._negative())
        for number in missing:
            span = spans[number]
            known = pictures.tail(number - 1, span.known) if span.known else None
            made = self._window(clip, self._models, words, conditions, span, known)
            pictures.write(number, made[: span.stop - span.start])
        return pictures

    def _window(
        self, clip: Clip, models: VaceModels, words: Words, conditions: Conditions, span: Span,
        known: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Pictures of one window, with those beyond the run's end."""
        steps = [min(step, span.stop - 1) for step in range(span.start, span.start + span.length)]
        told = [conditions.at(step) for step in steps]
        video = np.stack([rgb for rgb, _ in told]).astype(np.float32) / np.float32(255)
        mask = np.stack([mask for _, mask in told])
        # A window that failed is not gone on from: the next one begins anew.
        if known is not None and np.isfinite(known).all():
            video[: span.known], mask[: span.known] = known, False
        view, first = conditions.view, int(conditions.track.frame_indices[conditions.run.start])
        stride = models.latent_stride_px
        noise = clip.noise(
            conditions.track.track_id, [first + frame for frame in span.latent_frames()],
            (models.latent_channels, view.height_px // stride, view.width_px // stride),
        )  # fmt: skip
        options = self._options
        return models.generate(
            words, video, mask, noise, steps=options.steps, guidance=options.guidance,
            control_strength=options.control_strength,
        )  # fmt: skip

    def _decode(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is on disk is a picture already."""
        return stored


def _sizes_of(models: VaceModels) -> Sizes:
    settings = models.pipeline.transformer.config

    return Sizes(
        transformer_parameters=count_loaded(models.pipeline.transformer), vae_parameters=count_loaded(models.pipeline.vae),
        text_encoder_parameters=count_loaded(models.text_encoder),
        width=int(settings.num_attention_heads * settings.attention_head_dim), feed_forward=int(settings.ffn_dim),
        num_layers=int(settings.num_layers) + len(settings.vace_layers),
    )  # fmt: skip
