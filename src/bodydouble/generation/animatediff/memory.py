"""How much memory generation takes, and which windows and batches fit into a budget.

The estimate counts weights exactly and activations by their largest tensors: skip connections of UNet and ControlNet, and
the working set of one transformer block at full resolution, both in units of one feature map of the first block. It was
never compared with a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bodydouble.errors import ConfigError
from bodydouble.generation.animatediff.sizes import Sizes
from bodydouble.generation.config import GenerationConfig

_UNET_MAPS: Final = 45
"""Feature maps of the first block's size alive at once: about 10 skips (UNet and ControlNet), 20 in a transformer block with
its feed-forward part, and half as much again for what the allocator wastes."""
_DECODER_MAPS: Final = 6
"""The same in the decoder, of twice its first block's channels at full resolution."""
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


def number_bytes(config: GenerationConfig) -> int:
    """Bytes of one number of the networks."""
    narrow = config.dtype in ("float16", "bfloat16") or (config.dtype == "auto" and config.device == "cuda")
    return 2 if narrow else 4


def choose_layout(sizes: Sizes, config: GenerationConfig) -> Layout:
    """The fastest layout within ``memory_mb``; depends on nothing but the configuration and the networks' sizes.

    Args:
        sizes: of the networks.
        config: budget (0 is none), device and dtype, and the windows that are wished for.

    Raises:
        ConfigError: the windows are longer than the motion modules, or even the smallest layout does not fit.
    """
    options = config.animatediff
    if options.window_frames > sizes.longest_window:
        raise ConfigError(
            f"generation.animatediff.window_frames is {options.window_frames}; these motion modules end at "
            f"{sizes.longest_window}"
        )
    guided = options.guidance_scale > 1
    windows = [options.window_frames, *range(options.window_frames - 2, _SHORTEST_WINDOW - 1, -2)]
    layouts = [
        _layout(sizes, config, window=window, together=guided and first, tiled=tiled)
        for window in windows
        for first, tiled in ((True, False), (False, False), (False, True))
    ]
    limit = config.memory_mb * 1_000_000
    for layout in layouts:
        if not limit or layout.bytes_needed <= limit:
            return layout
    least = min(layout.bytes_needed for layout in layouts) / 1e6
    raise ConfigError(
        f"generation.memory_mb is {config.memory_mb}, but about {least:.0f} are needed with windows of {windows[-1]} frames "
        f"on a canvas of {options.canvas_px} px; choose a smaller canvas (generation.animatediff.canvas_px), "
        "--generation.offload or a narrower dtype"
    )


def _layout(sizes: Sizes, config: GenerationConfig, *, window: int, together: bool, tiled: bool) -> Layout:
    options, size = config.animatediff, number_bytes(config)
    maps = sizes.unet_channels * options.canvas_px // sizes.stride_px**2
    denoising = _UNET_MAPS * maps * size * window * (2 if together else 1)
    pixels = min(options.canvas_px, sizes.tile_px**2) if tiled else options.canvas_px
    decoding = _DECODER_MAPS * 2 * sizes.vae_channels * pixels * size
    unet, controlnet = sizes.unet_parameters * size, sizes.controlnet_parameters * size
    vae, text_encoder = sizes.vae_parameters * size, sizes.text_encoder_parameters * size
    if config.offload:
        needed = max(unet + controlnet + denoising, vae + decoding, text_encoder)
    else:
        needed = unet + controlnet + vae + text_encoder + max(denoising, decoding)
    overlap = min(options.overlap_frames, window // 2)
    return Layout(
        window_frames=window, overlap_frames=overlap, together=together, tiled=tiled, bytes_needed=needed
    )  # fmt: skip
