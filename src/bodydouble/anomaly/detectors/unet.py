"""A plain U-Net that predicts a frame from the four before it: no memory, no prototypes, one loss.

Not from a paper; the row of the table that says what the ideas of the others are worth. 833,121 parameters with widths 16,
32, 64, 128 and grey frames.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bodydouble.anomaly.config import UnetConfig
from bodydouble.anomaly.detectors.base import Detector, Terms, frame_terms
from bodydouble.anomaly.detectors.blocks import Decoder, Encoder, frame_head


class PlainUnet(Detector):
    """Encoder, decoder with skips, head."""

    clip_frames = 5
    scored_frame = 4

    def __init__(self, config: UnetConfig) -> None:
        super().__init__()
        self.encoder = Encoder((self.clip_frames - 1) * config.channels, config.widths)
        self.decoder = Decoder(config.widths[-1], config.widths, skips=True)
        self.head = frame_head(self.decoder.outputs, config.widths[0], config.channels)

    def predicted(self, clip: Tensor) -> Tensor:
        """The last frame (B, C, S, S) from those before it."""
        features, finer = self.encoder(clip[:, : self.scored_frame].flatten(1, 2))
        return self.head(self.decoder(features, finer))  # type: ignore[no-any-return]

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Squared error of the frame."""
        error = functional.mse_loss(self.predicted(clip).float(), target[:, self.scored_frame])
        return {"total": error, "frame": error}

    def terms(self, clip: Tensor) -> Terms:
        """Errors of the frame."""
        frame, patch, weighted = frame_terms(self.predicted(clip), clip[:, self.scored_frame])
        return Terms(frame=frame, patch=patch, feature=None, weighted=weighted)
