"""Layers that several detectors are built of: the U-Net of MNAD, LGN-Net and MPN (MNAD, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def two_convolutions(inputs: int, outputs: int, *, normalise: bool = True, open_end: bool = False) -> nn.Sequential:
    """Twice a 3x3 convolution, batch normalisation and ReLU; ``open_end``: the second convolution stays bare."""
    layers: list[nn.Module] = []
    for index, channels in enumerate((inputs, outputs)):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1))
        if index == 1 and open_end:
            break
        if normalise:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def doubled(inputs: int, outputs: int, *, normalise: bool = True) -> nn.Sequential:
    """Twice as high and wide, by a transposed 3x3 convolution."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)]
    if normalise:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, nn.ReLU())


def frame_head(inputs: int, width: int, channels: int, *, normalise: bool = True) -> nn.Sequential:
    """Features to a frame on -1..1."""
    return nn.Sequential(
        *two_convolutions(inputs, width, normalise=normalise), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh()
    )


class Encoder(nn.Module):
    """Four levels, each half as high and wide as the one above; the last ends in a bare convolution."""

    def __init__(self, inputs: int, widths: Sequence[int], *, normalise: bool = True) -> None:
        super().__init__()
        ins = (inputs, *widths[:-1])
        self.levels = nn.ModuleList(
            two_convolutions(i, o, normalise=normalise, open_end=level == len(widths) - 1)
            for level, (i, o) in enumerate(zip(ins, widths, strict=True))
        )

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, widths[-1], S/8, S/8), and those of the finer levels, finest first."""
        finer: list[Tensor] = []
        features = frames
        for level, block in enumerate(self.levels):
            features = block(features if level == 0 else functional.max_pool2d(features, 2))
            finer.append(features)
        return features, finer[:-1]


class Decoder(nn.Module):
    """Back up to full size; with skips, the encoder's features of each level join."""

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        *,
        skips: bool,
        normalise: bool = True,
        wide_steps: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            inputs: channels of the features.
            widths: as of the encoder, finest first.
            skips: join the encoder's finer features after each doubling.
            normalise: batch normalisation.
            wide_steps: doubling keeps the channels of its level, as in MNAD's reconstruction.
        """
        super().__init__()
        coarse = list(widths[::-1])
        self.skips = skips
        self.bottom = two_convolutions(inputs, coarse[0], normalise=normalise)
        self.ups = nn.ModuleList()
        self.joins = nn.ModuleList()
        for level in range(1, len(coarse)):
            above, here = coarse[level - 1], coarse[level]
            up = above if wide_steps else here
            self.ups.append(doubled(above, up, normalise=normalise))
            if level < len(coarse) - 1:
                self.joins.append(two_convolutions(up + here if skips else up, here, normalise=normalise))
        last = coarse[-2] if wide_steps else coarse[-1]
        self.outputs = last + coarse[-1] if skips else last
        """Channels that come out at full size."""

    def forward(self, features: Tensor, finer: Sequence[Tensor] = ()) -> Tensor:
        """Features (B, outputs, S, S) of those at an eighth of the size."""
        x: Tensor = self.bottom(features)
        for level, up in enumerate(self.ups):
            x = up(x)
            if self.skips:
                x = torch.cat((finer[-1 - level], x), dim=1)
            if level < len(self.joins):
                x = self.joins[level](x)
        return x
