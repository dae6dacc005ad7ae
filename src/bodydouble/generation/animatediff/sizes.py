"""Sizes of the networks, as far as memory and time follow from them; of loaded ones, of files, or of the public ones.

Imports nothing heavy: asked before a run begins, and by `bodydouble doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bodydouble.errors import MissingWeights
from bodydouble.generation.animatediff.components import Components
from bodydouble.generation.diffusion.files import count_parameters, read_settings

if TYPE_CHECKING:
    from bodydouble.generation.animatediff.models import Models

_MOTION_FRAMES: Final = 32
"""Where motion modules end whose settings do not say it: the single files of AnimateDiff-Lightning."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What estimates need to know of the networks."""

    unet_parameters: int
    """With its motion modules."""
    controlnet_parameters: int
    vae_parameters: int
    text_encoder_parameters: int
    unet_channels: int
    """Of the first block."""
    vae_channels: int
    """Of the decoder's last block, at full resolution."""
    stride_px: int
    """Canvas pixels per latent."""
    tile_px: int
    """Side of the decoder's tiles."""
    longest_window: int
    """Most frames that the motion modules can take."""


PUBLISHED: Final = Sizes(
    unet_parameters=1_314_000_000, controlnet_parameters=361_000_000, vae_parameters=83_700_000,
    text_encoder_parameters=123_000_000, unet_channels=320, vae_channels=128, stride_px=8, tile_px=256,
    longest_window=_MOTION_FRAMES,
)  # fmt: skip
"""Stable Diffusion 1.5 (860 M) with motion modules (454 M), OpenPose ControlNet and ``sd-vae-ft-mse``: the sizes of their
files say so; the rest is in their config.json."""


def sizes_of(models: Models) -> Sizes:
    """Of loaded networks."""
    # Here, because it loads PyTorch.
    from bodydouble.generation.diffusion.devices import count_loaded

    return Sizes(
        unet_parameters=count_loaded(models.unet), controlnet_parameters=count_loaded(models.controlnet),
        vae_parameters=count_loaded(models.vae), text_encoder_parameters=count_loaded(models.text_encoder),
        unet_channels=int(models.unet.config.block_out_channels[0]),
        vae_channels=int(models.vae.config.block_out_channels[0]), stride_px=models.latent_stride_px,
        tile_px=int(models.vae.config.sample_size), longest_window=models.longest_window,
    )  # fmt: skip


def sizes_in(parts: Components) -> Sizes:
    """Of networks that lie in files and are not loaded.

    Raises:
        MissingWeights: a file is damaged, or does not say what is to be known.
    """
    motion = parts.motion_adapter

    def parameters(*names: str) -> int:
        found = (getattr(parts, name) for name in names)
        return sum(count_parameters(part.weights) for part in found if part is not None)

    unet, vae = read_settings(parts.unet.path), read_settings(parts.vae.path)
    moving = unet if motion is None else read_settings(motion.path) if motion.path.is_dir() else {}
    try:
        return Sizes(
            unet_parameters=parameters("unet", "motion_adapter"), controlnet_parameters=parameters("controlnet"),
            vae_parameters=parameters("vae"), text_encoder_parameters=parameters("text_encoder"),
            unet_channels=int(unet["block_out_channels"][0]), vae_channels=int(vae["block_out_channels"][0]),
            stride_px=2 ** (len(vae["block_out_channels"]) - 1), tile_px=int(vae.get("sample_size", 32)),
            longest_window=int(moving.get("motion_max_seq_length", _MOTION_FRAMES)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MissingWeights(f"config.json of a part does not say its sizes ({error!r}): {parts.unet.path}") from error
