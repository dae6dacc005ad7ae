"""How much memory generation takes, and which windows and batches fit into a budget.

The estimate counts weights exactly and activations by their largest tensors: skip connections of UNet and ControlNet, and
the working set of one transformer block at full resolution, both in units of one feature map of the first block. It was
never compared with a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from bodydouble.errors import ConfigError
from bodydouble.generation.animatediff.models import Models
from bodydouble.generation.config import AnimateDiffConfig
from bodydouble.generation.diffusion.devices import weight_bytes

_UNET_MAPS: Final = 45
"""Feature maps of the first block's size alive at once: about 10 skips (UNet and ControlNet), 20 in a transformer block with
its feed-forward part, and half as much again for what the allocator wastes."""
_DECODER_MAPS: Final = 6
"""The same in the decoder, of twice its first block's channels at full resolution."""
_TILE_PX: Final = 512 * 512
"""The decoder's tiles."""
_SHORTEST_WINDOW: Final = 6


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the work is cut to fit into memory."""

    window_frames: int
    overlap_frames: int
    together: bool
    """With and without prompt in one batch."""
    tiled: bool
    """Decode in tiles."""
    bytes_needed: int
    """Estimate of what that takes."""


def choose_layout(models: Models, config: AnimateDiffConfig, memory_mb: int) -> Layout:
    """The fastest layout within a budget; depends on nothing but the configuration and the networks' sizes.

    Args:
        models: the networks.
        config: windows that are wished for.
        memory_mb: budget in megabytes; 0 is none.

    Raises:
        ConfigError: the windows are longer than the motion modules, or even the smallest layout does not fit.
    """
    if config.window_frames > models.longest_window:
        raise ConfigError(
            f"generation.animatediff.window_frames is {config.window_frames}; these motion modules end at "
            f"{models.longest_window}"
        )
    guided = config.guidance_scale > 1
    windows = [config.window_frames, *range(config.window_frames - 2, _SHORTEST_WINDOW - 1, -2)]
    options = [
        _layout(models, config, window=window, together=guided and first, tiled=tiled)
        for window in windows
        for first, tiled in ((True, False), (False, False), (False, True))
    ]
    limit = memory_mb * 1_000_000
    for layout in options:
        if not limit or layout.bytes_needed <= limit:
            return layout
    least = min(layout.bytes_needed for layout in options) / 1e6
    raise ConfigError(
        f"generation.memory_mb is {memory_mb}, but about {least:.0f} are needed with windows of {windows[-1]} frames on a "
        f"canvas of {config.canvas_px} px; choose a smaller canvas (generation.animatediff.canvas_px), --generation.offload "
        "or a narrower dtype"
    )


def _layout(models: Models, config: AnimateDiffConfig, *, window: int, together: bool, tiled: bool) -> Layout:
    size = torch.empty((), dtype=models.dtype).element_size()
    maps = int(models.unet.config.block_out_channels[0]) * config.canvas_px // models.latent_stride_px**2
    denoising = _UNET_MAPS * maps * size * window * (2 if together else 1)
    pixels = min(config.canvas_px, _TILE_PX // 2) if tiled else config.canvas_px
    decoding = _DECODER_MAPS * 2 * int(models.vae.config.block_out_channels[0]) * pixels * size
    nets = {name: weight_bytes(getattr(models, name)) for name in ("unet", "controlnet", "vae", "text_encoder")}
    if models.offload:
        needed = max(nets["unet"] + nets["controlnet"] + denoising, nets["vae"] + decoding, nets["text_encoder"])
    else:
        needed = sum(nets.values()) + max(denoising, decoding)
    overlap = min(config.overlap_frames, window // 2)
    return Layout(
        window_frames=window, overlap_frames=overlap, together=together, tiled=tiled, bytes_needed=needed
    )  # fmt: skip
