"""LGN-Net: what happens next by an ST-LSTM, what is normal by a memory (Zhao et al., arXiv 2211.07454).

The local branch reads four frames one after another into a stack of spatiotemporal LSTM cells (PredRNN, Wang et al. 2017),
whose memory runs up the stack and on to the next frame. The global branch is MNAD's encoder and memory, but what goes on is
only what was *read*: the query itself is dropped, and so are the skips. Both meet at full size.

At the paper's scale the network has 22,752,643 parameters: those of the authors' code (22,753,667, counted by building it
at commit 7afbfcb) less 1,024 of a batch normalisation that it declares and never uses. The states are 128 x 64 x 64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bodydouble.anomaly.config import LgnNetConfig
from bodydouble.anomaly.detectors.blocks import Decoder, Encoder, doubled, frame_head
from bodydouble.anomaly.detectors.memory import NormalMemory, as_features
from bodydouble.anomaly.detectors.mnad import Asked, MemoryDetector

FORGET_BIAS = 1.0
"""States are kept at first (PredRNN)."""


class SpatiotemporalCell(nn.Module):
    """One ST-LSTM cell: a state over time ``cell`` and one that travels through all layers, ``memory``."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.of_input = nn.Conv2d(inputs, 7 * width, 3, padding=1, bias=False)
        self.of_hidden = nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)
        self.of_memory = nn.Conv2d(width, 3 * width, 3, padding=1, bias=False)
        self.of_states = nn.Conv2d(2 * width, width, 3, padding=1, bias=False)
        self.merged = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, seen: Tensor, hidden: Tensor, cell: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """New hidden state, cell and memory, all (B, width, H, W)."""
        x_in, x_keep, x_new, x_in_m, x_keep_m, x_new_m, x_out = self.of_input(seen).chunk(7, dim=1)
        h_in, h_keep, h_new, h_out = self.of_hidden(hidden).chunk(4, dim=1)
        m_in, m_keep, m_new = self.of_memory(memory).chunk(3, dim=1)
        kept = torch.sigmoid(x_keep + h_keep + FORGET_BIAS) * cell
        cell = kept + torch.sigmoid(x_in + h_in) * torch.tanh(x_new + h_new)
        kept = torch.sigmoid(x_keep_m + m_keep + FORGET_BIAS) * memory
        memory = kept + torch.sigmoid(x_in_m + m_in) * torch.tanh(x_new_m + m_new)
        states = torch.cat((cell, memory), dim=1)
        out = torch.sigmoid(x_out + h_out + self.of_states(states))
        return out * torch.tanh(self.merged(states)), cell, memory


class LocalBranch(nn.Module):
    """Frames, one at a time, to what the top of the stack knows after the last."""

    def __init__(self, channels: int, width: int, layers: int, finest: int) -> None:
        super().__init__()
        steps = ((channels, finest, 2), (finest, finest, 1), (finest, width, 2), (width, width, 1))
        self.frame = nn.Sequential(
            *(
                layer
                for i, o, stride in steps
                for layer in (nn.Conv2d(i, o, 3, stride=stride, padding=1), nn.BatchNorm2d(o), nn.ReLU())
            )
        )
        self.width = width
        self.cells = nn.ModuleList(SpatiotemporalCell(width, width) for _ in range(layers))
        self.full_size = nn.Sequential(doubled(2 * width, width), doubled(width, finest))

    def forward(self, clip: Tensor) -> Tensor:
        """(B, T, C, S, S) to features (B, finest, S, S)."""
        batch, frames, _, side, _ = clip.shape
        zero = clip.new_zeros(batch, self.width, side // 4, side // 4)
        hidden, cell, memory = [zero] * len(self.cells), [zero] * len(self.cells), zero
        for index in range(frames):
            # Batch normalisation sees one moment at a time, as in the authors' code.
            below = self.frame(clip[:, index])
            for layer, one in enumerate(self.cells):
                hidden[layer], cell[layer], memory = one(below, hidden[layer], cell[layer], memory)
                below = hidden[layer]
        return self.full_size(torch.cat((hidden[-1], memory), dim=1))  # type: ignore[no-any-return]


class LgnNet(MemoryDetector):
    """Both branches."""

    clip_frames = 5
    scored_frame = 4

    def __init__(self, config: LgnNetConfig) -> None:
        super().__init__(config)
        widths = config.widths
        self.encoder = Encoder((self.clip_frames - 1) * config.channels, widths)
        self.memory = NormalMemory(config.memory_items, widths[-1], detach_addressing=config.detach_addressing)
        self.decoder = Decoder(widths[-1], widths, skips=False)
        self.local = LocalBranch(config.channels, config.lstm_width, config.lstm_layers, widths[0])
        self.head = frame_head(2 * widths[0], widths[0], config.channels)

    def asked(self, clip: Tensor) -> Asked:
        """See `MemoryDetector.asked`; the local branch goes beside the memory."""
        shown = clip[:, : self.scored_frame]
        features, _ = self.encoder(shown.flatten(1, 2))
        return Asked(features=features, beside=(self.local(shown),))

    def answered(self, asked: Asked, queries: Tensor, read: Tensor) -> Tensor:
        """See `MemoryDetector.answered`; the queries themselves do not go on."""
        normal = self.decoder(as_features(read, asked.features))
        return self.head(torch.cat((normal, *asked.beside), dim=1))  # type: ignore[no-any-return]
