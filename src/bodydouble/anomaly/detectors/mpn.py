"""MPN: prototypes of the normal, made anew from each clip (Lv et al., CVPR 2021); the variant without meta-learning.

A U-Net without batch normalisation brings four frames to features at full size. Attention heads each gather one prototype
from all places; every place reads them and adds what it read to itself; a head makes the frame. The paper's second variant
also learns how to adapt the weights to a new scene by a few gradient steps; it is not here.

At the paper's scale (256 px, RGB) the network has 13,285,251 parameters, exactly those of the authors' code (counted by
building it at commit a941cec). Features are 128 x 256 x 256, prototypes 10 x 128.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bodydouble.anomaly.config import MpnConfig
from bodydouble.anomaly.detectors.base import Detector, Terms, frame_terms
from bodydouble.anomaly.detectors.blocks import Decoder, Encoder, frame_head

MARGIN = 1.0
"""Distance that prototypes should keep at least."""

LEAST_SQUARED = 1e-12
"""Added before a root is taken, whose slope at zero is infinite."""


class DynamicPrototypes(nn.Module):
    """The dynamic prototype unit (section 3.2)."""

    def __init__(self, width: int, prototypes: int) -> None:
        super().__init__()
        self.attention = nn.Linear(width, prototypes, bias=False)

    def forward(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Gather prototypes and read them.

        Args:
            places: (B, N, D), unit length.

        Returns:
            What each place becomes (B, N, D): itself and what it read, of unit length, added. And the prototypes
            (B, M, D), unit length.
        """
        weights = torch.softmax(self.attention(places), dim=1)  # each head spreads one over all places
        prototypes = functional.normalize(weights.transpose(1, 2) @ places, dim=-1)
        mixture = torch.softmax(places @ prototypes.transpose(1, 2), dim=2) @ prototypes
        return places + functional.normalize(mixture, dim=-1), prototypes


def feature_distance(places: Tensor, prototypes: Tensor) -> Tensor:
    """Mean squared distance from places (B, N, D) to the nearest of the prototypes (B, M, D), per clip: (B,)."""
    # Both have unit length, so the largest product is the smallest distance; gathering it keeps the gradient.
    order = (places.detach() @ prototypes.detach().transpose(1, 2)).argmax(2)
    nearest = prototypes.gather(1, order[:, :, None].expand(-1, -1, prototypes.shape[2]))
    return (places - nearest).square().mean((1, 2))


def distinction(prototypes: Tensor, *, squared: bool) -> Tensor:
    """Hinge loss over all pairs of prototypes (B, M, D): how much nearer they are than the margin; a scalar.

    Args:
        prototypes: of unit length.
        squared: compare squared distances with the margin, as the authors' code does. Their slope is twice the distance, so
            prototypes that lie together, as they do at first, are hardly driven apart, and not at all where they coincide.
            False: distances themselves, whose slope is one however small they are.
    """
    count = prototypes.shape[1]
    apart = (prototypes[:, :, None] - prototypes[:, None]).square().sum(-1)
    if not squared:
        apart = (apart + LEAST_SQUARED).sqrt()
    lacking = torch.triu((MARGIN - apart).clamp_min(0), diagonal=1)
    return lacking.sum((1, 2)).mean() * 2 / (count * (count - 1))


class Mpn(Detector):
    """U-Net, prototypes, head."""

    clip_frames = 5
    scored_frame = 4

    def __init__(self, config: MpnConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder((self.clip_frames - 1) * config.channels, config.widths, normalise=False)
        self.decoder = Decoder(config.widths[-1], config.widths, skips=True, normalise=False)
        self.prototypes = DynamicPrototypes(self.decoder.outputs, config.prototypes)
        self.head = frame_head(self.decoder.outputs, config.widths[0], config.channels, normalise=False)

    def predicted(self, clip: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The frame (B, C, S, S), places (B, S * S, D) and prototypes (B, M, D)."""
        features, finer = self.encoder(clip[:, : self.scored_frame].flatten(1, 2))
        full = self.decoder(features, finer)
        places = functional.normalize(full.float(), dim=1).flatten(2).transpose(1, 2)
        enriched, prototypes = self.prototypes(places)
        return self.head(enriched.transpose(1, 2).reshape(full.shape)), places, prototypes

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Squared error of the frame, distance to prototypes, nearness among them (equations 5 to 8)."""
        output, places, prototypes = self.predicted(clip)
        error = functional.mse_loss(output.float(), target[:, self.scored_frame])
        feature = feature_distance(places, prototypes).mean()
        apart = distinction(prototypes, squared=self.config.squared_distinction)
        weights = self.config
        total = weights.frame_weight * error + weights.feature_weight * feature + weights.distinction * apart
        return {"total": total, "frame": error, "feature": feature, "distinction": apart}

    def terms(self, clip: Tensor) -> Terms:
        """Errors of the frame, and the distance of its features to the prototypes of the clip."""
        output, places, prototypes = self.predicted(clip)
        frame, patch, weighted = frame_terms(output, clip[:, self.scored_frame])
        return Terms(frame=frame, patch=patch, feature=feature_distance(places, prototypes), weighted=weighted)
