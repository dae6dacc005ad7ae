"""Loading the parts: safetensors only, from this machine only, and only if they fit to the last tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from bodydouble.errors import MissingWeights
from bodydouble.generation.animatediff.components import Component, Components, find_components
from bodydouble.generation.animatediff.denoise import Sampler
from bodydouble.generation.animatediff.models import Models
from bodydouble.generation.config import AnimateDiffConfig, GenerationConfig
from bodydouble.generation.diffusion.devices import checked_device
from bodydouble.generation.diffusion.quiet import quiet
from bodydouble.generation.diffusion.view import SIDE_MULTIPLE_PX

_BETAS: Final = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear", "num_train_timesteps": 1000}
"""AnimateDiff's noise schedule (Guo et al. 2023): linear, where Stable Diffusion's own is scaled linear."""

_PREDICTIONS: Final = ("epsilon", "v_prediction", "sample")


def load_models(config: GenerationConfig) -> Models:
    """Load everything that a configuration asks for.

    Raises:
        MissingWeights: a part is absent, does not fit the others, is no valid safetensors file, or holds NaN.
        ConfigError: the device is not there.
    """
    parts = find_components(config)
    device, dtype = checked_device(config.device), _dtype_of(config)
    unet = _load_unet(parts, dtype)
    controlnet = _load("controlnet", parts.controlnet, dtype)
    vae = _load("vae", parts.vae, dtype)
    text_encoder = _load("text_encoder", parts.text_encoder, dtype)
    _check_fit(parts, unet=unet, controlnet=controlnet, vae=vae, text_encoder=text_encoder)
    tokenizer = _load_tokenizer(parts.tokenizer)
    _check_pixels_and_words(parts, controlnet=controlnet, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer)
    return Models(
        unet=unet, controlnet=controlnet, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer,
        schedule=_read_schedule(parts.schedule, config.animatediff), device=device, dtype=dtype, offload=config.offload,
    )  # fmt: skip


def make_sampler(config: AnimateDiffConfig, schedule: Mapping[str, Any] | None = None) -> Sampler:
    """The sampler that motion modules were made for.

    AnimateDiff-Lightning: Euler, trailing spacing, linear betas (its model card). The standard motion module: DDIM, as in
    diffusers' documentation of AnimateDiff.

    Args:
        config: which kind of steps, and how many.
        schedule: settings as diffusers saves them in ``scheduler/scheduler_config.json`` (betas, what is predicted, spacing
            of the steps). They go before the usual ones; those that the sampler does not know are passed over, so that
            the file may be another scheduler's, as diffusers' own ``from_config`` allows.
    """
    return Sampler(_make_scheduler(config, schedule or {}), config.num_steps)


def _make_scheduler(config: AnimateDiffConfig, schedule: Mapping[str, Any]) -> Any:
    from diffusers import DDIMScheduler, EulerDiscreteScheduler

    usual: dict[str, Any]
    if config.sampler == "lightning":
        kind, usual = EulerDiscreteScheduler, {"timestep_spacing": "trailing"}
    else:
        kind, usual = DDIMScheduler, {"timestep_spacing": "linspace", "clip_sample": False, "steps_offset": 1}
    with quiet():
        return kind.from_config({**_BETAS, **usual, **schedule})


def _read_schedule(path: Path | None, config: AnimateDiffConfig) -> dict[str, Any]:
    """Settings of a folder's scheduler; empty where there is no file. Tried here, so that a bad one is found at once."""
    if path is None:
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise ValueError("it is no table")
        scheduler = _make_scheduler(config, settings)
        scheduler.set_timesteps(config.num_steps)
        if scheduler.config.prediction_type not in _PREDICTIONS:
            raise ValueError(f"prediction_type must be one of {', '.join(_PREDICTIONS)}")
        if not bool(torch.isfinite(scheduler.alphas_cumprod).all()):
            raise ValueError("its betas give no noise levels")
    except (OSError, ValueError, TypeError, NotImplementedError, RuntimeError) as error:
        raise MissingWeights(f"scheduler cannot be used: {_brief(error)}: {path}") from error
    return settings


def _dtype_of(config: GenerationConfig) -> torch.dtype:
    if config.dtype == "auto":
        return torch.float16 if config.device == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, config.dtype)
    return dtype


def _load_unet(parts: Components, dtype: torch.dtype) -> Any:
    from diffusers import UNetMotionModel

    if parts.motion_adapter is None:
        return _load("unet_with_motion", parts.unet, dtype)
    plain = _load("unet", parts.unet, dtype)
    adapter = _load_motion(parts.motion_adapter, dtype)
    with quiet():
        try:
            unet = UNetMotionModel.from_unet2d(plain, adapter).to(dtype)
        except (ValueError, RuntimeError) as error:
            raise _unfit(
                parts.motion_adapter, f"it does not fit the UNet of {parts.unet.path}: {_brief(error)}"
            ) from error
    return unet.eval()


def _load_motion(part: Component, dtype: torch.dtype) -> Any:
    """A motion adapter; AnimateDiff-Lightning comes as a bare file, for the shapes that `MotionAdapter` has by default."""
    if part.path.is_dir():
        return _load("motion_adapter", part, dtype)
    from diffusers import MotionAdapter
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    adapter = MotionAdapter()
    try:
        adapter.load_state_dict(load_file(part.path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise _unfit(part, _brief(error)) from error
    _check_finite(part, adapter)
    return adapter.to(dtype)


def _load(kind: str, part: Component, dtype: torch.dtype) -> Any:
    """Load one model of diffusers or transformers, and see that no tensor is left as it happened to be initialised."""
    from safetensors import SafetensorError

    with quiet():
        try:
            model, info = _class_of(kind).from_pretrained(
                part.path, dtype=dtype, use_safetensors=True, local_files_only=True, variant=part.variant,
                output_loading_info=True,
            )  # fmt: skip
        except (OSError, ValueError, RuntimeError, SafetensorError, KeyError, TypeError) as error:
            raise _unfit(part, _brief(error)) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise _unfit(part, f"{len(missing)} tensors are missing, such as {missing[0]}")
    if info["mismatched_keys"]:
        raise _unfit(part, f"a tensor has another shape than the configuration says: {info['mismatched_keys'][0]}")
    _check_finite(part, model)
    return model.eval()


def _class_of(kind: str) -> Any:
    import diffusers
    import transformers

    return {
        "unet": diffusers.UNet2DConditionModel, "unet_with_motion": diffusers.UNetMotionModel,
        "controlnet": diffusers.ControlNetModel, "vae": diffusers.AutoencoderKL,
        "motion_adapter": diffusers.MotionAdapter, "text_encoder": transformers.CLIPTextModel,
    }[kind]  # fmt: skip


def _load_tokenizer(part: Component) -> Any:
    from transformers import CLIPTokenizer

    try:
        return CLIPTokenizer.from_pretrained(part.path, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unfit(part, _brief(error)) from error


def _check_finite(part: Component, model: Any) -> None:
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise _unfit(
                part, f"the tensor {name} holds NaN or infinity; the file is damaged, or float16 was too narrow"
            )


def _check_fit(parts: Components, *, unet: Any, controlnet: Any, vae: Any, text_encoder: Any) -> None:
    """See that sizes agree between parts, which nobody else checks before the first multiplication fails."""
    width = unet.config.cross_attention_dim
    for part, size, what in (
        (parts.text_encoder, text_encoder.config.hidden_size, "words of"),
        (parts.controlnet, controlnet.config.cross_attention_dim, "cross attention of"),
    ):
        if size != width:
            raise _unfit(part, f"it has {what} size {size}, the UNet cross attention of size {width}")
    channels = unet.config.in_channels
    for part, size in ((parts.vae, vae.config.latent_channels), (parts.controlnet, controlnet.config.in_channels)):
        if size != channels:
            raise _unfit(part, f"it has {size} latent channels, the UNet {channels}")
    if tuple(controlnet.config.block_out_channels) != tuple(unet.config.block_out_channels):
        raise _unfit(
            parts.controlnet,
            f"its blocks have {list(controlnet.config.block_out_channels)} channels, the UNet's "
            f"{list(unet.config.block_out_channels)}",
        )


def _check_pixels_and_words(parts: Components, *, controlnet: Any, vae: Any, text_encoder: Any, tokenizer: Any) -> None:
    """See that pixels per latent agree, also with the canvas, and that every word has a place in the text encoder."""
    stride = 2 ** (len(vae.config.block_out_channels) - 1)
    if SIDE_MULTIPLE_PX % stride:
        raise _unfit(
            parts.vae, f"it has {stride} px a latent; the canvas is laid out for {SIDE_MULTIPLE_PX} or a divisor"
        )
    drawn = 2 ** (len(controlnet.config.conditioning_embedding_out_channels) - 1)
    if drawn != stride:
        raise _unfit(parts.controlnet, f"it takes {drawn} px of a drawing a latent, the autoencoder {stride}")
    if len(tokenizer) > text_encoder.config.vocab_size:
        raise _unfit(
            parts.tokenizer, f"it knows {len(tokenizer)} words, the text encoder {text_encoder.config.vocab_size}"
        )


def _unfit(part: Component, reason: str) -> MissingWeights:
    return MissingWeights(f"{part.name} cannot be used: {reason}: {part.path}")


def _brief(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
