"""The autoencoder of the small diffusion model: an encoder that is computed, and a decoder that is trained.

Latents are the first principal components of patches of 4x4 px, each divided by the root of its spread: whatever is trained
on them waits for no encoder, and colours are in them from the beginning. The encoder is an `AutoencoderKL`'s whose weights
compute just that; its residual branches are zero, and its last normalisation and activation work where they are straight
lines. The decoder begins as an enlargement of the patches' mean colours, and learns the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bodydouble.generation.diffusion.backgrounds import BACKGROUNDS
from training.diffusion_data import Clip, over_background, seed_of

Floats = NDArray[np.float32]

PATCH_PX: Final = 4
_CROP_PX: Final = 48
_LATENT_NOISE: Final = 0.06
"""What generated latents are off by, about; the decoder is to make a person of them all the same."""
_COLOUR_WEIGHT: Final = 4.0


@dataclass(frozen=True, kw_only=True)
class Patches:
    """The linear map between patches and latents."""

    mean: Floats
    """(48,): row, column, channel of a patch of -1 to 1."""
    basis: Floats
    """(48, channels): latents are (patch - mean) @ basis."""
    back: Floats
    """(48, channels): the patch is mean + back @ latents, as far as the latents know."""

    @classmethod
    def fitted(cls, clips: list[Clip], channels: int, seed: int) -> Patches:
        """Principal components of renders on all backgrounds."""
        rng = np.random.default_rng(seed_of(seed, "patches"))
        found = []
        for clip in clips[:: max(1, len(clips) // 300)]:
            rgb = over_background(clip.rgba[:1], str(rng.choice([*BACKGROUNDS])))
            found.append(_patches(rgb * 2 - 1).reshape(-1, PATCH_PX**2 * 3))
        values = np.concatenate(found).astype(np.float64)
        spread, axes = np.linalg.eigh(np.cov(values.T))
        spread, axes = spread[::-1][:channels], axes[:, ::-1][:, :channels]
        axes = axes * np.sign(axes.sum(0) + 1e-9)
        # A floor, for renders so flat that nothing but rounding is left.
        root = np.maximum(spread, 1e-4 * spread[0]) ** 0.25
        return cls(
            mean=values.mean(0).astype(np.float32), basis=(axes / root).astype(np.float32),
            back=(axes * root).astype(np.float32),
        )  # fmt: skip

    def encode(self, rgb: Floats) -> Floats:
        """(time, height, width, 3) of 0 to 1 as latents (time, channels, height / 4, width / 4)."""
        flat = _patches(rgb * 2 - 1)
        return np.ascontiguousarray(((flat - self.mean) @ self.basis).transpose(0, 3, 1, 2))


def _patches(signed: Floats) -> Floats:
    time, height, width, _ = signed.shape
    cells = signed.reshape(time, height // PATCH_PX, PATCH_PX, width // PATCH_PX, PATCH_PX, 3)
    return cells.transpose(0, 1, 3, 2, 4, 5).reshape(time, height // PATCH_PX, width // PATCH_PX, -1)


@torch.no_grad()
def prepare_vae(vae: Any, patches: Patches) -> None:
    """Give an `AutoencoderKL` with three blocks and four groups the weights described above."""
    for module in vae.modules():
        if hasattr(module, "conv2") and hasattr(module, "norm2"):
            nn.init.zeros_(module.conv2.weight)
            nn.init.zeros_(module.conv2.bias)
    _prepare_encoder(vae, patches)
    _prepare_decoder(vae.decoder, patches)
    for conv in (vae.quant_conv, vae.post_quant_conv):
        conv.weight.copy_(torch.eye(len(conv.weight))[:, :, None, None])
        nn.init.zeros_(conv.bias)


def _clear(conv: Any) -> None:
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)


def _prepare_encoder(vae: Any, patches: Patches) -> None:
    encoder, count = vae.encoder, patches.basis.shape[1]
    first, second = encoder.down_blocks[0].downsamplers[0].conv, encoder.down_blocks[1].downsamplers[0].conv
    widen, last = encoder.down_blocks[1].resnets[0].conv_shortcut, encoder.down_blocks[2].resnets[0].conv_shortcut
    for conv in (encoder.conv_in, first, second, widen, last, encoder.conv_out):
        _clear(conv)
    encoder.conv_in.weight[range(3), range(3), 1, 1] = 1
    # Strided convolutions see the pixel and those right of and below it: four places, four times as many channels.
    for row in range(2):
        for column in range(2):
            for channel in range(3):
                first.weight[(row * 2 + column) * 3 + channel, channel, row, column] = 1
    widen.weight[range(12), range(12), 0, 0] = 1
    basis = torch.from_numpy(patches.basis)
    for row in range(PATCH_PX):
        for column in range(PATCH_PX):
            for channel in range(3):
                inner = ((row % 2) * 2 + column % 2) * 3 + channel
                second.weight[:count, inner, row // 2, column // 2] = basis[(row * PATCH_PX + column) * 3 + channel]
    second.bias[:count] = -(torch.from_numpy(patches.mean) @ basis)
    _straight_outlet(last, encoder.conv_norm_out, encoder.conv_out, count, constant=24.0, offset=9.0)
    encoder.conv_out.bias[count:] = -12.0  # Logarithm of the variance: none to speak of.


def _prepare_decoder(decoder: Any, patches: Patches) -> None:
    count = patches.back.shape[1]
    known = 3 + count
    back = torch.from_numpy(patches.back).reshape(-1, 3, count).mean(0)
    decoder.conv_in.weight[:known] = 0
    decoder.conv_in.bias[:known] = 0
    decoder.conv_in.weight[:3, :, 1, 1] = back
    decoder.conv_in.bias[:3] = torch.from_numpy(patches.mean).reshape(-1, 3).mean(0)
    decoder.conv_in.weight[range(3, known), range(count), 1, 1] = 1
    ramp = torch.tensor([0.25, 0.5, 0.25])
    for block in decoder.up_blocks[:2]:
        conv = block.upsamplers[0].conv
        conv.weight[:known] = 0
        conv.bias[:known] = 0
        conv.weight[range(known), range(known)] = ramp[:, None] * ramp[None, :]
    through = decoder.up_blocks[1].resnets[0].conv_shortcut
    through.weight[:known] = 0
    through.bias[:known] = 0
    through.weight[range(known), range(known), 0, 0] = 1
    last = decoder.up_blocks[2].resnets[0].conv_shortcut
    nn.init.zeros_(decoder.conv_out.weight)
    nn.init.zeros_(decoder.conv_out.bias)
    _straight_outlet(last, decoder.conv_norm_out, decoder.conv_out, 3, constant=4.0, offset=3.0)


def _straight_outlet(into: Any, norm: Any, out: Any, count: int, *, constant: float, offset: float) -> None:
    """Carry channels through group normalisation and SiLU as they are.

    A group holds each channel twice, with both signs, and as many large constants of both signs: its mean is 0, and its
    spread that of the constants. SiLU is a line far above 0, and the difference of the two signs cancels its bend.
    """
    size = len(into.weight) // norm.num_groups
    per_group = -(-count // norm.num_groups)
    if size < 4 * per_group:
        raise ValueError(f"{size} channels a group do not hold {per_group} signals twice, and constants")
    for channel in range(count):
        group, place = divmod(channel, per_group)
        plus, minus = group * size + place, group * size + per_group + place
        for row, sign in ((plus, 1.0), (minus, -1.0)):
            into.weight[row] = 0
            into.bias[row] = 0
            into.weight[row, channel, 0, 0] = sign
            out.weight[channel, row, 1, 1] = sign / 2
            norm.bias[row] = offset
        constants = range(group * size + 2 * per_group, (group + 1) * size)
        for number, row in enumerate(constants):
            into.weight[row] = 0
            into.bias[row] = constant if number % 2 else -constant
        # The constants' share of the spread; signals add a few percent.
        norm.weight[[plus, minus]] = constant * (len(constants) / size) ** 0.5


class DecoderLoss:
    """Crops of doubles on plain backgrounds, to be seen again from latents that are a little off.

    Differences of pixels, of their gradients, and of colours over some pixels; no network judges likeness, as the usual
    ones saw photographs.
    """

    def __init__(self, clips: list[Clip], patches: Patches, seed: int, batch: int) -> None:
        self._clips, self._patches, self._seed, self._batch = clips, patches, seed, batch

    def __call__(self, vae: nn.Module, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(seed_of(self._seed, "vae", step))
        rgb = np.stack([self._crop(rng) for _ in range(self._batch)])
        latents = self._patches.encode(rgb)
        latents += _LATENT_NOISE * rng.standard_normal(latents.shape, dtype=np.float32)
        wanted = torch.from_numpy(rgb.transpose(0, 3, 1, 2).copy()) * 2 - 1
        seen = vae.decode(torch.from_numpy(latents)).sample  # type: ignore[operator]
        off = seen - wanted
        edges = sum(torch.diff(off, dim=d).abs().mean() for d in (2, 3))
        colours = nn.functional.avg_pool2d(off, 4).abs().mean()
        pixels = off.abs().mean()
        return {"loss": pixels + edges + _COLOUR_WEIGHT * colours, "pixels": pixels, "squares": (off**2).mean() / 4}

    def _crop(self, rng: np.random.Generator) -> Floats:
        """Around a point of the person, on the grid of patches."""
        clip = self._clips[int(rng.integers(len(self._clips)))]
        frame = clip.rgba[int(rng.integers(len(clip.rgba)))]
        rows, columns = np.nonzero(frame[..., 3] > 128)
        pick = int(rng.integers(len(rows))) if len(rows) else 0
        corner = [
            int(np.clip((at[pick] if len(at) else 0) - rng.integers(_CROP_PX), 0, max(0, size - _CROP_PX))) // 4 * 4
            for at, size in zip((rows, columns), frame.shape[:2], strict=True)
        ]
        part = frame[corner[0] : corner[0] + _CROP_PX, corner[1] : corner[1] + _CROP_PX]
        pads = [(0, _CROP_PX - size) for size in part.shape[:2]]
        picture = over_background(np.pad(part, [*pads, (0, 0)])[None], str(rng.choice([*BACKGROUNDS])))[0]
        return picture[:, ::-1] if rng.random() < 0.5 else picture
