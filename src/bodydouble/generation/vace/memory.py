"""How much memory generation takes, and which windows fit into a budget.

Weights are counted exactly; activations by the largest tensors of one transformer block and of the decoder. It was never
compared with a GPU. A published figure to hold it against: ReGenHuman's README reports a peak of 18 to 22 GB for 49 frames
of 832x480 with the same networks and no offload, where this says 20 GB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bodydouble.errors import ConfigError
from bodydouble.generation.config import VaceConfig

_BLOCK_WIDTHS: Final = 16
"""Tensors of (tokens, width) alive at once: queries, keys, values, residuals and conditions of all VACE layers, and half as
much again for what the allocator wastes."""
_DECODER_BYTES_PER_PX: Final = 96 * 4 * 6
"""Six feature maps of 96 channels in float32 at full resolution; the decoder keeps one latent's four frames at a time."""
_PX_PER_TOKEN: Final = 16 * 16


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the estimate needs to know of the networks."""

    transformer_bytes: int
    vae_bytes: int
    text_encoder_bytes: int
    width: int
    """Of the transformer."""
    feed_forward: int
    """Width between its two linear layers."""
    number_bytes: int
    """Of one number of the transformer."""

    def in_float32(self) -> Sizes:
        """The same networks with numbers of four bytes; the autoencoder has them in any case."""
        more = 4 // self.number_bytes
        return replace(
            self, transformer_bytes=self.transformer_bytes * more, text_encoder_bytes=self.text_encoder_bytes * more,
            number_bytes=4,
        )  # fmt: skip


PUBLISHED: Final = Sizes(
    transformer_bytes=3_573_000_000, vae_bytes=507_600_000, text_encoder_bytes=11_361_900_000, width=1536,
    feed_forward=8960, number_bytes=2,
)  # fmt: skip
"""Wan2.1-VACE-1.3B with transformer and text encoder in bfloat16: sizes of its files, half of them for the transformer's,
which are float32; width and feed-forward of its config.json."""


def bytes_needed(sizes: Sizes, *, window_frames: int, canvas_px: int, offload: bool) -> int:
    """Estimated peak on the device."""
    latents = (window_frames - 1) // 4 + 1
    tokens = latents * canvas_px // _PX_PER_TOKEN
    block = tokens * (sizes.feed_forward * 2 + sizes.width * _BLOCK_WIDTHS) * sizes.number_bytes
    # All pictures of the window in float32, twice, and the decoder's working set for four frames.
    decoder = canvas_px * (4 * _DECODER_BYTES_PER_PX + window_frames * 3 * 4 * 2)
    if offload:
        return max(sizes.transformer_bytes + block, sizes.vae_bytes + decoder, sizes.text_encoder_bytes)
    return sizes.transformer_bytes + sizes.vae_bytes + sizes.text_encoder_bytes + max(block, decoder)


def choose_window(sizes: Sizes, config: VaceConfig, *, memory_mb: int, offload: bool) -> int:
    """The longest window within a budget, at most the one that is configured.

    Args:
        sizes: of the networks.
        config: the window that is wished for.
        memory_mb: budget in megabytes; 0 is none.
        offload: parts are on the device only while at work.

    Raises:
        ConfigError: even the shortest window does not fit.
    """
    shortest = min(config.window_frames, max(5, 2 * config.overlap_frames + 3))
    for window in range(config.window_frames, shortest - 1, -4):
        needed = bytes_needed(sizes, window_frames=window, canvas_px=config.canvas_px, offload=offload)
        if not memory_mb or needed <= memory_mb * 1_000_000:
            return window
    raise ConfigError(
        f"generation.memory_mb is {memory_mb}, but about {needed / 1e6:.0f} are needed with windows of {window} frames on a "
        f"canvas of {config.canvas_px} px; choose a smaller canvas (--generation.vace.canvas-px) or --generation.offload"
    )
