"""The loaded networks, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.generation.diffusion.devices import at_work


@dataclass(frozen=True, kw_only=True, eq=False)
class Models:
    """All parts of the generator, ready to be used."""

    unet: Any
    controlnet: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    schedule: Mapping[str, Any]
    """What the weights say about noise and predictions, see `loader.make_sampler`; empty where they say nothing."""
    device: torch.device
    dtype: torch.dtype
    offload: bool
    """Each part is on ``device`` only while it is at work."""

    @property
    def latent_stride_px(self) -> int:
        """Canvas pixels per latent."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return int(self.unet.config.in_channels)

    @property
    def longest_window(self) -> int:
        """Most frames that the motion modules can take."""
        return int(self.unet.config.motion_max_seq_length)

    def at_work(self, *parts: Any) -> AbstractContextManager[None]:
        """Have networks on the device inside a block."""
        return at_work(self.device, *parts, offload=self.offload)

    def decode(self, latents: NDArray[np.float32], *, tiled: bool) -> NDArray[np.float32]:
        """Pictures of latents, one at a time, so that they depend on nothing but their own latents.

        Args:
            latents: (time, channels, height, width).
            tiled: decode large pictures in tiles, for less memory; tiles are blended and nearly invisible.

        Returns:
            (time, height, width, 3) 0 to 1, NaN where the network gave it.
        """
        if tiled:
            self.vae.enable_tiling()
        else:
            self.vae.disable_tiling()
        pictures = []
        with torch.inference_mode():
            for latent in torch.from_numpy(latents):
                scaled = (latent / self.vae.config.scaling_factor).to(self.device, self.dtype)[None]
                picture = self.vae.decode(scaled).sample[0].float().cpu()
                pictures.append((picture / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy())
        return np.stack(pictures)


class ControlledDenoiser:
    """UNet with motion modules, steered by the ControlNet, over one window at a time; see `denoise.Denoiser`."""

    def __init__(
        self,
        models: Models,
        *,
        words: torch.Tensor,
        negative_words: torch.Tensor | None,
        drawings: Callable[[int, int], NDArray[np.uint8]],
        guidance: float,
        control_strength: float,
        together: bool,
    ) -> None:
        """Take what stays the same over a run.

        Args:
            models: the networks, at work.
            words: (1, tokens, size) embedded prompt.
            negative_words: the same for the negative prompt; None without guidance.
            drawings: gives the skeletons of frames from, to: (frames, height, width, 3) RGB.
            guidance: strength of classifier-free guidance.
            control_strength: of the ControlNet.
            together: predict with and without prompt in one batch: faster, and twice the memory.
        """
        self._models = models
        self._words = words
        self._negative_words = negative_words
        self._drawings = drawings
        self._guidance = guidance
        self._control_strength = control_strength
        self._together = together

    def predict(self, latents: torch.Tensor, start: int, stop: int, timestep: torch.Tensor) -> torch.Tensor:
        """Noise in the latents of some frames, (frames, channels, height, width)."""
        device, dtype = self._models.device, self._models.dtype
        sample = latents.to(device, dtype)
        control = torch.from_numpy(self._drawings(start, stop)).permute(0, 3, 1, 2).to(device).to(dtype) / 255
        time = timestep.to(device)
        if self._negative_words is None:
            return self._batch(sample[None], control, self._words, time)[0]
        if self._together:
            words = torch.cat([self._negative_words, self._words])
            twice = sample[None].expand(2, *sample.shape)
            without, with_prompt = self._batch(twice, control.repeat(2, 1, 1, 1), words, time)
        else:
            without = self._batch(sample[None], control, self._negative_words, time)[0]
            with_prompt = self._batch(sample[None], control, self._words, time)[0]
        guided: torch.Tensor = without + self._guidance * (with_prompt - without)
        return guided

    def _batch(
        self, samples: torch.Tensor, controls: torch.Tensor, words: torch.Tensor, timestep: torch.Tensor
    ) -> torch.Tensor:
        """(batch, frames, channels, height, width) in and out; one row of words for each of the batch."""
        batch, frames = samples.shape[:2]
        words = words.to(self._models.device, self._models.dtype).repeat_interleave(frames, dim=0)
        down, middle = self._models.controlnet(
            samples.reshape(batch * frames, *samples.shape[2:]), timestep, encoder_hidden_states=words,
            controlnet_cond=controls, conditioning_scale=self._control_strength, return_dict=False,
        )  # fmt: skip
        # The motion UNet wants time after channels, (batch, channels, frames, height, width).
        predicted: torch.Tensor = self._models.unet(
            samples.transpose(1, 2), timestep, encoder_hidden_states=words, down_block_additional_residuals=down,
            mid_block_additional_residual=middle, return_dict=False,
        )[0]  # fmt: skip
        return predicted.transpose(1, 2)
