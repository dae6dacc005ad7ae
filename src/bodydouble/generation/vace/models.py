"""The loaded networks, and what is asked of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.diffusion.devices import at_work, checked_device
from bodydouble.generation.diffusion.quiet import quiet
from bodydouble.generation.vace.components import VaceParts, find_parts

TOKENS: Final = 512
"""Length that prompts are padded or cut to; the model was trained with it (default of diffusers' pipeline)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """Embedded prompts, (1, tokens, size) each."""

    prompt: torch.Tensor
    negative: torch.Tensor | None
    """None without guidance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VaceModels:
    """diffusers' pipeline without its text encoder, which is asked once a run and else only in the way."""

    pipeline: Any
    text_encoder: Any
    tokenizer: Any
    device: torch.device
    offload: bool
    """Each part is on ``device`` only while it is at work."""

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return int(self.pipeline.vae.config.z_dim)

    @property
    def latent_stride_px(self) -> int:
        """Canvas pixels per latent."""
        return int(self.pipeline.vae_scale_factor_spatial)

    def embed(self, prompt: str, negative: str | None) -> Words:
        """Embed a prompt, and what must not be seen.

        The pipeline's own way needs ftfy to mend broken text; ours is never broken, so the encoder is asked directly.
        """
        with self._at_work(self.text_encoder):
            return Words(
                prompt=self._embed_one(prompt), negative=None if negative is None else self._embed_one(negative)
            )

    def _embed_one(self, text: str) -> torch.Tensor:
        tokens = self.tokenizer(
            [text], padding="max_length", max_length=TOKENS, truncation=True, return_attention_mask=True,
            return_tensors="pt",
        )  # fmt: skip
        mask = tokens.attention_mask.to(self.device)
        with torch.inference_mode():
            hidden = self.text_encoder(tokens.input_ids.to(self.device), mask).last_hidden_state
        # Beyond the prompt's end there are zeros, as in the model's training.
        embedded: torch.Tensor = hidden * mask[..., None].to(hidden.dtype)
        return embedded.cpu()

    def generate(
        self,
        words: Words,
        video: NDArray[np.float32],
        mask: NDArray[np.bool_],
        noise: NDArray[np.float32],
        *,
        steps: int,
        guidance: float,
        control_strength: float,
    ) -> NDArray[np.float32]:
        """Generate one window.

        Args:
            words: from `embed`.
            video: (time, height, width, 3), 0 to 1: skeletons, background, frames that are known.
            mask: (time, height, width): True where a picture is to be generated.
            noise: (latents, channels, height, width) to begin with.
            steps: of denoising.
            guidance: 1 is none.
            control_strength: 1 is as trained.

        Returns:
            (time, height, width, 3) 0 to 1, NaN where the networks gave it.
        """
        height, width = video.shape[1:3]
        frames = torch.from_numpy(video).permute(0, 3, 1, 2)[None]
        masks = torch.from_numpy(mask.astype(np.float32))[None, :, None].expand(-1, -1, 3, -1, -1)
        parts = () if self._pipeline_offloads else (self.pipeline.transformer, self.pipeline.vae)
        with self._at_work(*parts), torch.inference_mode(), quiet():
            made = self.pipeline(
                video=frames, mask=masks, prompt_embeds=words.prompt.to(self.device),
                negative_prompt_embeds=None if words.negative is None else words.negative.to(self.device),
                latents=torch.from_numpy(noise).transpose(0, 1)[None], height=height, width=width, num_frames=len(video),
                num_inference_steps=steps, guidance_scale=guidance, conditioning_scale=control_strength, output_type="pt",
            ).frames[0]  # fmt: skip
        pictures: NDArray[np.float32] = made.float().clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return pictures

    @property
    def _pipeline_offloads(self) -> bool:
        return self.offload and self.device.type == "cuda"

    def _at_work(self, *parts: Any) -> AbstractContextManager[None]:
        return at_work(self.device, *parts, offload=self.offload)


def load_vace(config: GenerationConfig) -> VaceModels:
    """Load everything that a configuration asks for.

    Raises:
        MissingWeights: a part is absent, does not fit the others, is no valid safetensors file, or holds NaN.
        ConfigError: the device is not there.
    """
    parts, device, dtype = find_parts(config), checked_device(config.device), dtype_of(config)
    transformer = _load("transformer", parts, dtype)
    # Its authors keep the autoencoder in float32; half precision shows as stripes.
    vae = _load("vae", parts, torch.float32)
    text_encoder = _load("text_encoder", parts, dtype)
    _check_fit(parts, transformer=transformer, vae=vae, text_encoder=text_encoder)
    from diffusers import WanVACEPipeline

    with quiet():
        pipeline = WanVACEPipeline(
            tokenizer=None, text_encoder=None, vae=vae, transformer=transformer, scheduler=_load_scheduler(parts)
        )
        pipeline.set_progress_bar_config(disable=True)
        models = VaceModels(
            pipeline=pipeline, text_encoder=text_encoder, tokenizer=_load_tokenizer(parts), device=device,
            offload=config.offload,
        )  # fmt: skip
        if models._pipeline_offloads:
            pipeline.enable_model_cpu_offload(device=device)
    return models


def dtype_of(config: GenerationConfig) -> torch.dtype:
    """Numbers of transformer and text encoder; ``auto`` is bfloat16 on cuda, which they were published in."""
    if config.dtype == "auto":
        return torch.bfloat16 if config.device == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, config.dtype)
    return dtype


def _load(name: str, parts: VaceParts, dtype: torch.dtype) -> Any:
    import diffusers
    import transformers
    from safetensors import SafetensorError

    kind: Any = {
        "transformer": diffusers.WanVACETransformer3DModel, "vae": diffusers.AutoencoderKLWan,
        "text_encoder": transformers.UMT5EncoderModel,
    }[name]  # fmt: skip
    folder = parts.folder(name)
    # diffusers and transformers name the same option differently.
    options = {"dtype": dtype} if name == "text_encoder" else {"torch_dtype": dtype}
    try:
        with quiet():
            model, info = kind.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **options
            )
    except (OSError, ValueError, RuntimeError, SafetensorError, KeyError, TypeError) as error:
        brief = " ".join(str(error).split())[:300]
        raise MissingWeights(f"{name} cannot be used: {brief}: {folder}") from error
    # The published text encoder stores its embedding once, under one of the two names that share it.
    missing = sorted(set(info["missing_keys"]) - {"encoder.embed_tokens.weight", "shared.weight"})
    if missing:
        raise MissingWeights(f"{name} lacks {len(missing)} tensors, such as {missing[0]}: {folder}")
    if info["mismatched_keys"]:
        raise MissingWeights(f"{name}: a tensor has another shape than config.json says: {folder}")
    for tensor_name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise MissingWeights(
                f"{name}: the tensor {tensor_name} holds NaN or infinity; the file is damaged: {folder}"
            )
    return model.eval()


def _load_tokenizer(parts: VaceParts) -> Any:
    from transformers import AutoTokenizer

    folder = parts.folder("tokenizer")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise MissingWeights(f"tokenizer cannot be used: {' '.join(str(error).split())[:300]}: {folder}") from error


def _load_scheduler(parts: VaceParts) -> Any:
    from diffusers import UniPCMultistepScheduler

    try:
        return UniPCMultistepScheduler.from_pretrained(parts.folder("scheduler"), local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingWeights(f"scheduler cannot be used: {' '.join(str(error).split())[:300]}: {parts.root}") from error


def _check_fit(parts: VaceParts, *, transformer: Any, vae: Any, text_encoder: Any) -> None:
    """See that sizes agree between parts, which nobody else checks before the first multiplication fails."""
    if text_encoder.config.d_model != transformer.config.text_dim:
        raise MissingWeights(
            f"the text encoder has words of size {text_encoder.config.d_model}, the transformer takes "
            f"{transformer.config.text_dim}: {parts.root}"
        )
    channels, stride = int(vae.config.z_dim), 2 ** len(vae.temperal_downsample)
    # Conditions are the latents of what is known and what is not, and the mask of all pixels under a latent.
    wanted = {"in_channels": channels, "vace_in_channels": 2 * channels + stride**2}
    for name, size in wanted.items():
        if getattr(transformer.config, name) != size:
            raise MissingWeights(
                f"the transformer has {name} {getattr(transformer.config, name)}, the autoencoder gives {size}: {parts.root}"
            )
    if stride * transformer.config.patch_size[1] != 16:
        raise ConfigError(
            f"the canvas is laid out for patches of 16 px, these networks have {stride * transformer.config.patch_size[1]}"
        )
