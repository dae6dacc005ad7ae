"""What a run will cost, before it begins: rough figures from a formula that is printed with them.

Seconds are operations divided by the speed of this machine, which is measured with a large multiplication of matrices for a
fraction of a second; networks reach a share of it. Operations of diffusion are counted (below); those of the other stages
are what one run took: 20 frames of vtest.avi (768x576, 80 pictures of people) with the default configuration, start-up
included, on two cores shared with others: 88 s, 74 s and 28 s, while large matrices ran at 2.3 G/s. Nobody knows before
perception how many people there are: that number is assumed and can be given. No figure was compared with a GPU, or with
another machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from bodydouble.config import RunConfig

USED_SHARE: Final = 0.35
"""Share of the speed of large matrices that networks of many small layers reach; a usual figure, not measured here."""

_REFERENCE_PX: Final = 512 * 512
_UNET_FLOPS: Final = 1.15e12
"""UNet of SD 1.5 (0.68e12 for one picture of 512x512), its motion modules and the ControlNet, each once."""
_SD_DECODER_FLOPS: Final = 2.5e12
"""Decoder of SD 1.5 for one picture of 512x512."""
_VACE_PARAMETERS: Final = 1.79e9
"""Transformer with its VACE layers: 7.15 GB in float32."""
_VACE_LAYERS, _VACE_WIDTH = 30 + 15, 1536
_WAN_CODEC_FLOPS_PER_PX: Final = 3 * 9.0e6
"""Two encodings of the conditions and one decoding, a pixel and frame; from the autoencoder's widths, to a factor of two."""

_PERCEPTION_FLOPS_PER_PX: Final = 8.0e3
_AVATAR_FLOPS_PER_PERSON: Final = 0.75e9
_COMPOSITING_FLOPS_PER_PX: Final = 2.5e3


@dataclass(frozen=True, kw_only=True)
class Footage:
    """What is to be worked on."""

    width_px: int
    height_px: int
    num_frames: int
    people_in_view: float
    """Average number of people in a frame; assumed."""


@dataclass(frozen=True, kw_only=True)
class StageEstimate:
    """One stage."""

    stage: str
    seconds: float
    formula: str
    """In words and numbers."""


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """Memory of the generator on its device."""

    num_bytes: int
    formula: str
    published: bool
    """True if it is for the published networks; other weights need something else."""


def estimate_stages(config: RunConfig, footage: Footage, *, flops_per_second: float) -> tuple[StageEstimate, ...]:
    """Seconds of every stage.

    Args:
        config: what is to be done.
        footage: to what.
        flops_per_second: of large matrices on the device of the generator.
    """
    pixels = footage.width_px * footage.height_px * footage.num_frames
    people = footage.people_in_view * footage.num_frames
    speed = flops_per_second * USED_SHARE
    flops, words = _generation(config, people)
    rows = [
        ("perception", _PERCEPTION_FLOPS_PER_PX * pixels,
         f"{pixels / 1e6:.0f} Mpx x {_PERCEPTION_FLOPS_PER_PX / 1e3:.1f} k (of the default backends)"),
        ("generation", flops, words),
        ("compositing", _COMPOSITING_FLOPS_PER_PX * pixels,
         f"{pixels / 1e6:.0f} Mpx x {_COMPOSITING_FLOPS_PER_PX / 1e3:.1f} k"),
    ]  # fmt: skip
    return tuple(StageEstimate(stage=stage, seconds=count / speed, formula=formula) for stage, count, formula in rows)


def _generation(config: RunConfig, people: float) -> tuple[float, str]:
    """Operations of generation, and how they come about."""
    generation = config.generation
    if generation.backend == "animatediff":
        options = generation.animatediff
        size = options.canvas_px / _REFERENCE_PX
        twice = 2 if options.guidance_scale > 1 else 1
        again = options.window_frames / (options.window_frames - options.overlap_frames)
        flops = people * size * (_UNET_FLOPS * options.num_steps * twice * again + _SD_DECODER_FLOPS)
        return flops, (
            f"{people:.0f} pictures of people x {size:.2f} x ({_UNET_FLOPS / 1e12:.2f} T x {options.num_steps} steps x "
            f"{twice} x {again:.2f} overlap + {_SD_DECODER_FLOPS / 1e12:.1f} T decoder)"
        )
    if generation.backend == "vace":
        vace = generation.vace
        tokens = ((vace.window_frames - 1) // 4 + 1) * vace.canvas_px / 256
        one = 2 * _VACE_PARAMETERS * tokens + 4 * tokens**2 * _VACE_WIDTH * _VACE_LAYERS
        windows = people / (vace.window_frames - vace.overlap_frames)
        twice = 2 if vace.guidance > 1 else 1
        codec = _WAN_CODEC_FLOPS_PER_PX * vace.canvas_px * vace.window_frames
        return windows * (one * vace.steps * twice + codec), (
            f"{windows:.1f} windows x ({one / 1e12:.0f} T x {vace.steps} steps x {twice} + {codec / 1e12:.0f} T autoencoder)"
        )
    if generation.backend == "avatar":
        return people * _AVATAR_FLOPS_PER_PERSON, (
            f"{people:.0f} pictures of people x {_AVATAR_FLOPS_PER_PERSON / 1e9:.2f} G"
        )
    return 0.0, "nobody is played"


def estimate_memory(config: RunConfig) -> MemoryEstimate | None:
    """Memory that a diffusion backend takes on its device; None for the others.

    Raises:
        ConfigError: no layout fits into the budget of ``generation.memory_mb``.
    """
    generation = config.generation
    published = not generation.weights
    if generation.backend == "vace":
        from bodydouble.generation.vace.memory import PUBLISHED, bytes_needed, choose_window

        half = generation.dtype != "float32" and (generation.device == "cuda" or generation.dtype != "auto")
        sizes = PUBLISHED if half else PUBLISHED.in_float32()
        window = choose_window(sizes, generation.vace, memory_mb=generation.memory_mb, offload=generation.offload)
        needed = bytes_needed(
            sizes, window_frames=window, canvas_px=generation.vace.canvas_px, offload=generation.offload
        )  # fmt: skip
        return MemoryEstimate(
            num_bytes=needed, published=published,
            formula=f"weights + activations of {window} frames (generation/vace/memory.py)",
        )  # fmt: skip
    if generation.backend == "animatediff":
        from bodydouble.generation.animatediff.memory import choose_layout

        layout = choose_layout(_PublishedStableDiffusion(config), generation.animatediff, generation.memory_mb)  # type: ignore[arg-type]
        return MemoryEstimate(
            num_bytes=layout.bytes_needed, published=published,
            formula=f"weights + activations of {layout.window_frames} frames (generation/animatediff/memory.py)",
        )  # fmt: skip
    return None


class _PublishedStableDiffusion:
    """Sizes of the published networks, in the form in which the estimate asks loaded ones."""

    latent_stride_px = 8
    longest_window = 32

    def __init__(self, config: RunConfig) -> None:
        import torch

        generation = config.generation
        auto = torch.float16 if generation.device == "cuda" else torch.float32
        self.dtype = auto if generation.dtype == "auto" else getattr(torch, generation.dtype)
        self.offload = generation.offload
        # Parameters: UNet 860 M and motion modules 454 M; the sizes of the files say so.
        self.unet = _Network(1_314_000_000, self.dtype, block_out_channels=(320,))
        self.controlnet = _Network(361_000_000, self.dtype)
        self.vae = _Network(83_700_000, self.dtype, block_out_channels=(128,))
        self.text_encoder = _Network(123_000_000, self.dtype)


class _Network:
    """So many parameters that are nowhere."""

    def __init__(self, count: int, dtype: Any, *, block_out_channels: tuple[int, ...] = ()) -> None:
        from types import SimpleNamespace

        self._count, self._dtype = count, dtype
        self.config = SimpleNamespace(block_out_channels=block_out_channels)

    def parameters(self) -> list[Any]:
        """One tensor without memory."""
        import torch

        return [torch.empty(self._count, dtype=self._dtype, device="meta")]


def in_words(seconds: float) -> str:
    """Rounded to what a rough figure deserves.

    >>> in_words(0.2), in_words(75), in_words(4000), in_words(200_000)
    ('under a second', 'about 1 min', 'about 67 min', 'about 56 h')
    """
    if seconds < 1:
        return "under a second"
    if seconds < 60:
        return f"about {math.ceil(seconds)} s"
    return f"about {seconds / 60:.0f} min" if seconds < 7200 else f"about {seconds / 3600:.0f} h"
