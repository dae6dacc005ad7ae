"""MNAD: a U-Net with a memory of normal patterns (Park, Noh, Ham: Learning Memory-guided Normality, CVPR 2020).

Prediction: four frames through a U-Net to the fifth. Reconstruction: one frame through the same layers without skips. In
both, every place of the coarsest features asks the memory, and what it reads is put beside the query.

At the paper's scale (256 px, RGB, widths 64, 128, 256, 512) the prediction network has 15,650,819 parameters and the
reconstruction network 17,195,267: those of the authors' code (15,651,843 and 17,196,291, counted by building it at commit
4e108a8) less 1,024 of a batch normalisation that it declares and never uses. Features are 512 x 32 x 32, the memory 10 x
512.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bodydouble.anomaly.config import MemoryConfig
from bodydouble.anomaly.detectors.base import Detector, Terms, frame_terms
from bodydouble.anomaly.detectors.blocks import Decoder, Encoder, frame_head
from bodydouble.anomaly.detectors.memory import NormalMemory, as_features, as_queries


class MemoryDetector(Detector):
    """What detectors with a memory share: the losses, the terms, learning while being tested."""

    memory: NormalMemory

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__()
        self.config = config
        self._asked: Tensor | None = None

    def predicted(self, clip: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The scored frame as it should look, how it looks, and the queries (B * H * W, D)."""
        raise NotImplementedError

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Squared error, compactness and separateness; the memory is updated once they are computed."""
        output, _, queries = self.predicted(clip)
        error = functional.mse_loss(output.float(), target[:, self.scored_frame])
        compactness, separateness = self.memory.losses(queries)
        total = error + self.config.compactness * compactness + self.config.separateness * separateness
        # Reading used the items as they were; a copy keeps them for the gradient.
        self.memory.items = self.memory.items.clone()
        self.memory.update(queries)
        return {"total": total, "frame": error, "compactness": compactness, "separateness": separateness}

    def terms(self, clip: Tensor) -> Terms:
        """Errors of the scored frame and the distance of its queries to the memory."""
        output, truth, queries = self.predicted(clip)
        self._asked = queries
        frame, patch, weighted = frame_terms(output, truth)
        return Terms(frame=frame, patch=patch, feature=self.memory.distances(queries, clip.shape[0]), weighted=weighted)

    def learn_at_test(self, learns: bool) -> None:
        """Update the memory by the queries of the last `terms`."""
        if learns and self._asked is not None:
            self.memory.update(self._asked)


class Mnad(MemoryDetector):
    """Layers of both variants."""

    skips: bool

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__(config)
        widths, shown = config.widths, self.clip_frames - 1 if self.skips else 1
        self.encoder = Encoder(shown * config.channels, widths)
        self.memory = NormalMemory(config.memory_items, widths[-1], detach_addressing=config.detach_addressing)
        self.decoder = Decoder(2 * widths[-1], widths, skips=self.skips, wide_steps=not self.skips)
        self.head = frame_head(self.decoder.outputs, widths[0], config.channels)

    def predicted(self, clip: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `MemoryDetector.predicted`."""
        shown = clip[:, : self.scored_frame] if self.skips else clip
        features, finer = self.encoder(shown.flatten(1, 2))
        queries = as_queries(features)
        read = torch.cat((queries, self.memory.read(queries)), dim=1)
        output = self.head(self.decoder(as_features(read, features), finer))
        return output, clip[:, self.scored_frame], queries


class MnadPrediction(Mnad):
    """Four frames to the fifth."""

    clip_frames = 5
    scored_frame = 4
    skips = True


class MnadReconstruction(Mnad):
    """One frame to itself, without skips."""

    clip_frames = 1
    scored_frame = 0
    skips = False
