"""How much memory generation takes, and which windows fit into a budget.

Weights are counted exactly; activations by the largest tensors of one transformer block and of the decoder. It was never
compared with a GPU. A published figure to hold it against: ReGenHuman's README reports a peak of 18 to 22 GB for 49 frames
of 832x480 with the same networks and no offload, where this says 20 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.diffusion.files import count_parameters, read_settings
from bodydouble.generation.vace.components import VaceParts

_BLOCK_WIDTHS: Final = 16
"""Tensors of (tokens, width) alive at once: queries, keys, values, residuals and conditions of all VACE layers, and half as
much again for what the allocator wastes."""
_DECODER_BYTES_PER_PX: Final = 96 * 4 * 6
"""Six feature maps of 96 channels in float32 at full resolution; the decoder keeps one latent's four frames at a time."""
_PX_PER_TOKEN: Final = 16 * 16


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What estimates need to know of the networks."""

    transformer_parameters: int
    """With its VACE layers."""
    vae_parameters: int
    text_encoder_parameters: int
    width: int
    """Of the transformer."""
    feed_forward: int
    """Width between its two linear layers."""
    num_layers: int
    """Of the transformer, VACE layers counted as well."""


PUBLISHED: Final = Sizes(
    transformer_parameters=1_786_500_000, vae_parameters=126_900_000, text_encoder_parameters=5_680_950_000, width=1536,
    feed_forward=8960, num_layers=30 + 15,
)  # fmt: skip
"""Wan2.1-VACE-1.3B: sizes of its files (transformer and autoencoder in float32, text encoder in bfloat16); the rest is in
the transformer's config.json."""


def sizes_in(parts: VaceParts) -> Sizes:
    """Of networks that lie in files and are not loaded.

    Raises:
        MissingWeights: a file is damaged, or does not say what is to be known.
    """
    settings = read_settings(parts.folder("transformer"))

    def parameters(name: str) -> int:
        return sum(count_parameters(file) for file in parts.weight_files if file.parent == parts.folder(name))

    try:
        return Sizes(
            transformer_parameters=parameters("transformer"), vae_parameters=parameters("vae"),
            text_encoder_parameters=parameters("text_encoder"),
            width=int(settings["num_attention_heads"]) * int(settings["attention_head_dim"]),
            feed_forward=int(settings["ffn_dim"]),
            num_layers=int(settings["num_layers"]) + len(settings["vace_layers"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise MissingWeights(f"config.json of the transformer lacks a size ({error!r}): {parts.root}") from error


def number_bytes(config: GenerationConfig) -> int:
    """Bytes of one number of transformer and text encoder; the autoencoder's have four in any case."""
    narrow = config.dtype in ("float16", "bfloat16") or (config.dtype == "auto" and config.device == "cuda")
    return 2 if narrow else 4


def bytes_needed(sizes: Sizes, config: GenerationConfig, *, window_frames: int) -> int:
    """Estimated peak on the device."""
    canvas_px, size = config.vace.canvas_px, number_bytes(config)
    latents = (window_frames - 1) // 4 + 1
    tokens = latents * canvas_px // _PX_PER_TOKEN
    block = tokens * (sizes.feed_forward * 2 + sizes.width * _BLOCK_WIDTHS) * size
    # All pictures of the window in float32, twice, and the decoder's working set for four frames.
    decoder = canvas_px * (4 * _DECODER_BYTES_PER_PX + window_frames * 3 * 4 * 2)
    transformer, vae = sizes.transformer_parameters * size, sizes.vae_parameters * 4
    text_encoder = sizes.text_encoder_parameters * size
    if config.offload:
        return max(transformer + block, vae + decoder, text_encoder)
    return transformer + vae + text_encoder + max(block, decoder)


def choose_window(sizes: Sizes, config: GenerationConfig) -> int:
    """The longest window within ``memory_mb``, at most the one that is configured.

    Args:
        sizes: of the networks.
        config: budget (0 is none), device and dtype, and the window that is wished for.

    Raises:
        ConfigError: even the shortest window does not fit.
    """
    options = config.vace
    shortest = min(options.window_frames, max(5, 2 * options.overlap_frames + 3))
    for window in range(options.window_frames, shortest - 1, -4):
        needed = bytes_needed(sizes, config, window_frames=window)
        if not config.memory_mb or needed <= config.memory_mb * 1_000_000:
            return window
    raise ConfigError(
        f"generation.memory_mb is {config.memory_mb}, but about {needed / 1e6:.0f} are needed with windows of {window} "
        f"frames on a canvas of {options.canvas_px} px; choose a smaller canvas (--generation.vace.canvas-px) or "
        "--generation.offload"
    )
