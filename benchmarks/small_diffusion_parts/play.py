"""Asking the diffusion generator for people whose skeletons and looks are known, and the same people from the avatar."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from training.diffusion_data import draw_joints, over_background, read_clips, read_looks, shards_in

from bodydouble.generation.animatediff.prompts import weighted_prompt
from bodydouble.generation.diffusion.backgrounds import background_for
from bodydouble.generation.diffusion.noise import frame_noise
from bodydouble.scene import Appearance

Drawings = NDArray[np.uint8]
Pictures = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One person in one movement."""

    look: Appearance
    joints_px: NDArray[np.float32]
    """(time, 18, 2) on the canvas."""
    drawings: Drawings
    """(time, height, width, 3): what the ControlNet is shown."""
    rendered: Pictures
    """(time, height, width, 3): the avatar with this look in these poses, on the background that is asked for."""


def read_askings(renders: Path, number: int) -> list[Asking]:
    """People and movements of the first shard, which neither the model nor the judge has seen."""
    shard = shards_in(renders)[0]
    looks, found = read_looks(renders, shard), []
    for clip in [clip for clip in read_clips(renders, shard) if len(clip.rgba) > 1][:number]:
        look, (height, width) = looks[clip.look], clip.rgba.shape[1:3]
        found.append(
            Asking(
                look=look, joints_px=clip.joints_px, drawings=draw_joints(clip.joints_px, width, height, None),
                rendered=over_background(clip.rgba, background_for(look, "contrast")),
            )
        )  # fmt: skip
    return found


class Player:
    """The generator's own parts, put to work on drawings instead of a clip's tracks."""

    def __init__(self, config: Any) -> None:
        from bodydouble.generation.animatediff.loader import load_models
        from bodydouble.generation.animatediff.memory import choose_layout
        from bodydouble.generation.animatediff.sizes import sizes_of

        self.config = config
        self.models = load_models(config)
        self._layout = choose_layout(sizes_of(self.models), config)

    def play(
        self, drawings: Drawings, look: Appearance, *, seed: int, strength: float | None = None,
        reword: Callable[[str], str] = lambda prompt: prompt,
    ) -> Pictures:  # fmt: skip
        """Pictures (time, height, width, 3), 0 to 1, by the same calls as `AnimateDiffGenerator` makes."""
        from bodydouble.generation.animatediff.denoise import denoise_run
        from bodydouble.generation.animatediff.loader import make_sampler
        from bodydouble.generation.animatediff.models import ControlledDenoiser
        from bodydouble.generation.animatediff.words import embed

        options, models = self.config.animatediff, self.models
        prompt = reword(weighted_prompt(look, options))
        words, negative = embed(models, prompt, options.negative if options.guidance_scale > 1 else None)
        frames, height, width = drawings.shape[:3]
        shape = (models.latent_channels, height // models.latent_stride_px, width // models.latent_stride_px)
        denoiser = ControlledDenoiser(
            models, words=words, negative_words=negative, drawings=lambda start, stop: drawings[start:stop],
            guidance=options.guidance_scale,
            control_strength=options.control_strength if strength is None else strength, together=self._layout.together,
        )  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="bodydouble-bars-") as folder:
            stored = denoise_run(
                denoiser, make_sampler(options, models.schedule), folder=Path(folder), name="asked", num_frames=frames,
                shape=shape, noise=lambda start, stop: frame_noise(
                    seed, "bars", 1, range(start, stop), shape, shared=options.shared_noise
                ),
                window_frames=self._layout.window_frames, overlap_frames=self._layout.overlap_frames,
            )  # fmt: skip
            return models.decode(stored.read(0, frames), tiled=False)


def mirrored(asking: Asking) -> Asking:
    """The same with its drawing turned over, as a generator that muddles sides would see it."""
    return dataclasses.replace(asking, drawings=np.ascontiguousarray(asking.drawings[:, :, ::-1]))
