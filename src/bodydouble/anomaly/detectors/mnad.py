"""MNAD: a U-Net with a memory of normal patterns (Park, Noh, Ham: Learning Memory-guided Normality, CVPR 2020).

Prediction: four frames through a U-Net to the fifth. Reconstruction: one frame through the same layers without skips. In
both, every place of the coarsest features asks the memory, and what it reads is put beside the query.

At the paper's scale (256 px, RGB, widths 64, 128, 256, 512) the prediction network has 15,650,819 parameters and the
reconstruction network 17,195,267: those of the authors' code (15,651,843 and 17,196,291, counted by building it at commit
4e108a8) less 1,024 of a batch normalisation that it declares and never uses. Features are 512 x 32 x 32, the memory 10 x
512.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bodydouble.anomaly.config import MemoryConfig
from bodydouble.anomaly.detectors.base import Detector, Terms, frame_terms
from bodydouble.anomaly.detectors.blocks import Decoder, Encoder, frame_head
from bodydouble.anomaly.detectors.memory import NormalMemory, as_features, as_queries


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the layers before the memory make of clips."""

    features: Tensor
    """(B, D, S/8, S/8), each place a query."""
    beside: tuple[Tensor, ...] = ()
    """What reaches the layers after the memory past it, (B, ...) each."""

    def of(self, rows: slice) -> Asked:
        """That of some of the clips."""
        return Asked(features=self.features[rows], beside=tuple(tensor[rows] for tensor in self.beside))


class MemoryDetector(Detector):
    """What detectors with a memory share: the losses, the terms, learning while being tested."""

    memory: NormalMemory

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__()
        self.config = config

    def asked(self, clip: Tensor) -> Asked:
        """Everything before the memory."""
        raise NotImplementedError

    def answered(self, asked: Asked, queries: Tensor, read: Tensor) -> Tensor:
        """The scored frame as it should look, of queries and what they read, both (B * H * W, D)."""
        raise NotImplementedError

    def predicted(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """The scored frame as it should look, and the queries (B * H * W, D)."""
        asked = self.asked(clip)
        queries = as_queries(asked.features)
        return self.answered(asked, queries, self.memory.read(queries)), queries

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Squared error, compactness and separateness; the memory is updated once they are computed."""
        output, queries = self.predicted(clip)
        error = functional.mse_loss(output.float(), target[:, self.scored_frame])
        compactness, separateness = self.memory.losses(queries)
        total = error + self.config.compactness * compactness + self.config.separateness * separateness
        # Reading used the items as they were; a copy keeps them for the gradient.
        self.memory.items = self.memory.items.clone()
        self.memory.update(queries)
        return {"total": total, "frame": error, "compactness": compactness, "separateness": separateness}

    def terms(self, clip: Tensor) -> Terms:
        """Errors of the scored frame and the distance of its queries to the memory."""
        asked = self.asked(clip)
        queries = _by_clip(as_queries(asked.features), clip)
        return self._terms(clip, asked, queries, self.memory.items.expand(len(clip), -1, -1))

    def terms_while_learning(self, clip: Tensor, threshold: float) -> Terms:
        """See `Detector.terms_while_learning`.

        Queries do not depend on the memory, and nearly every clip of a test set is learnt from. So the memory that each
        clip would meet if all before it were is known at once, and all go through the decoder together; what was learnt
        from a clip that should not have been is taken back, and those after it are done again.
        """
        asked = self.asked(clip)
        queries = _by_clip(as_queries(asked.features), clip)
        done: list[Terms] = []
        first = 0
        while first < len(clip):
            # Memories before each clip, and after the last.
            met = [self.memory.items.clone()]
            for own in queries[first:]:
                self.memory.update(own)
                met.append(self.memory.items.clone())
            rows = slice(first, None)
            found = self._terms(clip[rows], asked.of(rows), queries[rows], torch.stack(met[:-1]))
            refused = (~(found.weighted < threshold)).nonzero().flatten()
            count = int(refused[0]) + 1 if len(refused) else len(met) - 1
            self.memory.items.copy_(met[count - 1] if len(refused) else met[count])
            done.append(found.first(count))
            first += count
        return Terms.joined(done)

    def _terms(self, clip: Tensor, asked: Asked, queries: Tensor, items: Tensor) -> Terms:
        """Of clips with queries (B, Q, D) that meet one memory each (B, M, D)."""
        read = self.memory.read(queries, items)
        output = self.answered(asked, queries.flatten(0, 1), read.flatten(0, 1))
        frame, patch, weighted = frame_terms(output, clip[:, self.scored_frame])
        return Terms(frame=frame, patch=patch, feature=self.memory.distances(queries, items), weighted=weighted)


def _by_clip(queries: Tensor, clip: Tensor) -> Tensor:
    """(B * Q, D) to (B, Q, D)."""
    return queries.reshape(len(clip), -1, queries.shape[1])


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

    def asked(self, clip: Tensor) -> Asked:
        """See `MemoryDetector.asked`; the finer features go beside the memory where there are skips."""
        shown = clip[:, : self.scored_frame] if self.skips else clip
        features, finer = self.encoder(shown.flatten(1, 2))
        return Asked(features=features, beside=tuple(finer) if self.skips else ())

    def answered(self, asked: Asked, queries: Tensor, read: Tensor) -> Tensor:
        """See `MemoryDetector.answered`; queries go on beside what they read."""
        both = as_features(torch.cat((queries, read), dim=1), asked.features)
        return self.head(self.decoder(both, asked.beside))  # type: ignore[no-any-return]


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
