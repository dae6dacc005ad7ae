"""What a run will cost, before it begins: rough figures from a formula that is printed with them.

Seconds are operations divided by the speed of this machine, which is measured with a large multiplication of matrices for a
fraction of a second; networks reach a share of it. Operations of diffusion are counted (below); those of the other stages
are what one run took: 20 frames of vtest.avi (768x576, 80 pictures of people) with the default configuration, start-up
included, on two cores shared with others: 88 s, 74 s and 28 s, while large matrices ran at 2.3 G/s. Nobody knows before
perception how many people there are: that number is assumed and can be given. No figure was compared with a GPU, or with
another machine.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Final

from bodydouble.config import RunConfig
from bodydouble.errors import MissingWeights
from bodydouble.generation import GenerationConfig
from bodydouble.generation.animatediff.components import find_components
from bodydouble.generation.animatediff.memory import choose_layout
from bodydouble.generation.animatediff.sizes import PUBLISHED as PUBLISHED_SD
from bodydouble.generation.animatediff.sizes import Sizes as StableDiffusionSizes
from bodydouble.generation.animatediff.sizes import sizes_in
from bodydouble.generation.vace import memory as vace_memory
from bodydouble.generation.vace.components import find_parts
from bodydouble.generation.vace.memory import PUBLISHED as PUBLISHED_VACE

USED_SHARE: Final = 0.35
"""Share of the speed of large matrices that networks of many small layers reach; a usual figure, not measured here."""

_REFERENCE_PX: Final = 512 * 512
_UNET_FLOPS: Final = 1.15e12
"""UNet of SD 1.5 (0.68e12 for one picture of 512x512), its motion modules and the ControlNet, each once."""
_SD_DECODER_FLOPS: Final = 2.5e12
"""Decoder of SD 1.5 for one picture of 512x512."""
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
    """True for the published networks, False for the weights that options name."""


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
        sizes, published = _animatediff_sizes(generation)
        # Networks of the same kind take operations about as they have parameters.
        unet = _UNET_FLOPS * sizes.unet_parameters / PUBLISHED_SD.unet_parameters
        decoder = _SD_DECODER_FLOPS * sizes.vae_parameters / PUBLISHED_SD.vae_parameters
        flops = people * size * (unet * options.num_steps * twice * again + decoder)
        return flops, (
            f"{people:.0f} pictures of people x {size:.2f} x ({unet / 1e12:.3g} T x {options.num_steps} steps x "
            f"{twice} x {again:.2f} overlap + {decoder / 1e12:.2g} T decoder){_of_named(published)}"
        )
    if generation.backend == "vace":
        vace = generation.vace
        found, published = _vace_sizes(generation)
        tokens = ((vace.window_frames - 1) // 4 + 1) * vace.canvas_px / 256
        one = 2 * found.transformer_parameters * tokens + 4 * tokens**2 * found.width * found.num_layers
        windows = people / (vace.window_frames - vace.overlap_frames)
        twice = 2 if vace.guidance > 1 else 1
        share = found.vae_parameters / PUBLISHED_VACE.vae_parameters
        codec = _WAN_CODEC_FLOPS_PER_PX * share * vace.canvas_px * vace.window_frames
        return windows * (one * vace.steps * twice + codec), (
            f"{windows:.1f} windows x ({one / 1e12:.3g} T x {vace.steps} steps x {twice} + {codec / 1e12:.2g} T autoencoder)"
            f"{_of_named(published)}"
        )
    if generation.backend == "avatar":
        return people * _AVATAR_FLOPS_PER_PERSON, (
            f"{people:.0f} pictures of people x {_AVATAR_FLOPS_PER_PERSON / 1e9:.2f} G"
        )
    return 0.0, "nobody is played"


def _of_named(published: bool) -> str:
    return "" if published else ", scaled to the weights named by their parameters"


def estimate_memory(config: RunConfig) -> MemoryEstimate | None:
    """Memory that a diffusion backend takes on its device; None for the others.

    Raises:
        ConfigError: no layout fits into the budget of ``generation.memory_mb``.
    """
    generation = config.generation
    if generation.backend == "vace":
        found, published = _vace_sizes(generation)
        window = vace_memory.choose_window(found, generation)
        return MemoryEstimate(
            num_bytes=vace_memory.bytes_needed(found, generation, window_frames=window), published=published,
            formula=f"weights + activations of {window} frames (generation/vace/memory.py)",
        )  # fmt: skip
    if generation.backend == "animatediff":
        sizes, published = _animatediff_sizes(generation)
        layout = choose_layout(sizes, generation)
        return MemoryEstimate(
            num_bytes=layout.bytes_needed, published=published,
            formula=f"weights + activations of {layout.window_frames} frames (generation/animatediff/memory.py)",
        )  # fmt: skip
    return None


def _animatediff_sizes(config: GenerationConfig) -> tuple[StableDiffusionSizes, bool]:
    """Sizes of the networks, and True if they are the published ones: also where those named cannot be read."""
    options = config.animatediff
    if config.weights or options.base or options.motion or options.controlnet or options.vae:
        with contextlib.suppress(MissingWeights):  # Which is a problem of its own, and said as such.
            return sizes_in(find_components(config)), False
    return PUBLISHED_SD, True


def _vace_sizes(config: GenerationConfig) -> tuple[vace_memory.Sizes, bool]:
    if config.weights:
        with contextlib.suppress(MissingWeights):
            return vace_memory.sizes_in(find_parts(config)), False
    return PUBLISHED_VACE, True


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
