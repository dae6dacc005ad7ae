"""The two networks. Both take RGB in 0..255 and answer in the units of their ONNX contract.

Plain residual blocks with batch normalisation: 3x3 convolutions are what CPUs run best (in bfloat16 while training, in
float32 afterwards), and the normalisation folds away on export.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from bodydouble.scene.skeleton import NUM_JOINTS

FINDER_STRIDE: Final[int] = 4
_TYPICAL_WH_PX: Final[tuple[float, float]] = (32.0, 80.0)
"""Size that a box regression of 0 means; only the starting point of the training."""


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two 3x3 convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(norm.weight)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), norm)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        return torch.relu(x + self.second(self.first(x)))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(conv(inputs, outputs, 2), *(Residual(outputs) for _ in range(blocks)))


def _up(x: Tensor, like: Tensor) -> Tensor:
    return nn.functional.interpolate(x, size=like.shape[2:], mode="nearest")


def normalise(rgb: Tensor) -> Tensor:
    """0..255 to about -2..2."""
    return (rgb - 112.0) / 64.0


class Finder(nn.Module):
    """Centre heat map and box at stride 4 (after Zhou et al. 2019, "Objects as Points"), on a small U-shaped network."""

    def __init__(self, widths: tuple[int, ...] = (24, 40, 72, 136, 216)) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.stem = conv(3, a, 2)
        self.down4 = nn.Sequential(conv(a, b, 2), Residual(b))
        self.down8, self.down16, self.down32 = _stage(b, c, 2), _stage(c, d, 3), _stage(d, e, 2)
        self.lateral32, self.lateral16, self.lateral8 = nn.Conv2d(e, d, 1), nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1)
        self.up16, self.up8, self.up4 = Residual(d), Residual(c), Residual(b)
        answer = nn.Conv2d(48, 5, 1)
        assert answer.bias is not None
        # Nearly all cells are background: start there.
        nn.init.constant_(answer.bias.data[:1], -3.5)
        self.head = nn.Sequential(conv(b, 48), answer)

    def raw(self, rgb: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 5, H/4, W/4)``: centre logit, offset of the box's middle (in sizes), log size."""
        at4 = self.down4(self.stem(normalise(rgb)))
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        at32 = self.down32(at16)
        at16 = self.up16(at16 + _up(self.lateral32(at32), at16))
        at8 = self.up8(at8 + _up(self.lateral16(at16), at8))
        at4 = self.up4(at4 + _up(self.lateral8(at8), at4))
        out: Tensor = self.head(at4)
        return out

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 3, H, W)``, H and W multiples of 32, to scores ``(N, 1, H/4, W/4)`` and boxes ``(N, 4, H/4, W/4)``."""
        raw = self.raw(rgb)
        return torch.sigmoid(raw[:, :1]), decode_boxes(raw)


def decode_boxes(raw: Tensor) -> Tensor:
    """Boxes ``(N, 4, h, w)``: left, top, right, bottom in input pixels, from `Finder.raw`."""
    rows = torch.arange(raw.shape[2], dtype=torch.float32, device=raw.device).view(1, 1, -1, 1)
    columns = torch.arange(raw.shape[3], dtype=torch.float32, device=raw.device).view(1, 1, 1, -1)
    size = torch.exp(raw[:, 3:5].clamp(-4, 4)) * torch.tensor(_TYPICAL_WH_PX).view(1, 2, 1, 1)
    middle_x = (columns + 0.5) * FINDER_STRIDE + raw[:, 1:2] * size[:, :1]
    middle_y = (rows + 0.5) * FINDER_STRIDE + raw[:, 2:3] * size[:, 1:2]
    half_w, half_h = size[:, :1] / 2, size[:, 1:2] / 2
    return torch.cat([middle_x - half_w, middle_y - half_h, middle_x + half_w, middle_y + half_h], 1)


class PersonNet(nn.Module):
    """Joint heat maps at stride 4, the mask at full size, and whether there is a person in the middle of a crop at all."""

    def __init__(self, widths: tuple[int, ...] = (24, 40, 72, 128, 176)) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.stem = conv(3, a, 2)
        self.down4 = nn.Sequential(conv(a, b, 2), Residual(b))
        self.down8, self.down16, self.down32 = _stage(b, c, 2), _stage(c, d, 2), _stage(d, e, 1)
        self.lateral32, self.lateral16, self.lateral8 = nn.Conv2d(e, d, 1), nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1)
        self.up16, self.up8, self.up4 = Residual(d), Residual(c), Residual(b)
        self.joints = nn.Sequential(conv(b, 64), nn.Conv2d(64, NUM_JOINTS, 1))
        self.lateral2 = nn.Conv2d(b, a, 1)
        self.mask = nn.Sequential(conv(a, a), nn.Conv2d(a, 4, 1))
        # Not pooled: what makes a person is where its parts are.
        self.presence = nn.Sequential(conv(e, 64), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * 4 * 3, 1))

    def raw(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, 128, 96)`` to heat maps ``(N, 18, 32, 24)``, logits of mask ``(N, 1, 128, 96)`` and person ``(N,)``."""
        at2 = self.stem(normalise(rgb))
        at4 = self.down4(at2)
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        at32 = self.down32(at16)
        at16 = self.up16(at16 + _up(self.lateral32(at32), at16))
        at8 = self.up8(at8 + _up(self.lateral16(at16), at8))
        at4 = self.up4(at4 + _up(self.lateral8(at8), at4))
        mask = self.mask(at2 + _up(self.lateral2(at4), at2))
        return self.joints(at4), nn.functional.pixel_shuffle(mask, 2), self.presence(at32)[:, 0]

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Heat maps as in `raw`, and the probabilities of mask and person."""
        heat, mask, person = self.raw(rgb)
        return heat, torch.sigmoid(mask), torch.sigmoid(person)
