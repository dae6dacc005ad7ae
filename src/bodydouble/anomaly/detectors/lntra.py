"""LNTRA: an autoencoder taught what not to reconstruct (Astrid et al.: Learning Not to Reconstruct Anomalies, BMVC 2021).

Sixteen grey frames through a 3D convolutional autoencoder (that of MemAE, Gong et al. 2019, without its memory). Some clips
are made abnormal on purpose, by frames taken in jumps or by a patch of something else; the normal clip must come out, so
that the network learns to repair instead of to copy.

At the paper's scale (256 px, widths 96, 128, 256, 256) it has 5,980,801 parameters, exactly those of the authors' code
(counted by building it at commit bce1fbb). Features are 256 x 2 x 16 x 16.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn
from torch.nn import functional

from bodydouble.anomaly.config import LntraConfig
from bodydouble.anomaly.detectors.base import Detector, Terms, frame_terms

SLOPE = 0.2
"""Of the leaky ReLU below zero."""

BORDER = 0.1
"""Over which share of half a patch's side it fades out (SmoothMixS of the paper)."""

LEAST_PATCH = 10 / 256
"""Smallest side of a patch, in shares of the frame's."""


def _coded(inputs: int, outputs: int, stride: tuple[int, int, int]) -> list[nn.Module]:
    return [nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1), nn.BatchNorm3d(outputs), nn.LeakyReLU(SLOPE)]


def _decoded(inputs: int, outputs: int, stride: tuple[int, int, int]) -> nn.ConvTranspose3d:
    more = (stride[0] - 1, stride[1] - 1, stride[2] - 1)
    return nn.ConvTranspose3d(inputs, outputs, 3, stride=stride, padding=1, output_padding=more)


class Lntra(Detector):
    """The autoencoder and its pseudo anomalies."""

    clip_frames = 16
    scored_frame = 8

    def __init__(self, config: LntraConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c, d = config.widths
        flat, halved = (1, 2, 2), (2, 2, 2)
        self.encoder = nn.Sequential(
            *_coded(config.channels, a, flat), *_coded(a, b, halved), *_coded(b, c, halved), *_coded(c, d, halved)
        )
        steps = ((d, c), (c, b), (b, a))
        self.decoder = nn.Sequential(
            *(layer for i, o in steps for layer in (_decoded(i, o, halved), nn.BatchNorm3d(o), nn.LeakyReLU(SLOPE))),
            _decoded(a, config.channels, flat),
            nn.Tanh(),
        )

    def reconstructed(self, clip: Tensor) -> Tensor:
        """The clip (B, T, C, S, S) as it should look."""
        return self.decoder(self.encoder(clip.transpose(1, 2))).transpose(1, 2)  # type: ignore[no-any-return]

    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Squared error of all frames against the normal clip."""
        error = functional.mse_loss(self.reconstructed(clip).float(), target)
        return {"total": error, "frame": error}

    def terms(self, clip: Tensor) -> Terms:
        """Errors of the ninth frame."""
        output = self.reconstructed(clip)[:, self.scored_frame]
        frame, patch, weighted = frame_terms(output, clip[:, self.scored_frame])
        return Terms(frame=frame, patch=patch, feature=None, weighted=weighted)

    def draw(
        self, videos: Sequence[npt.NDArray[np.uint8]], video: int, start: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """A clip, abnormal with the probabilities of the settings, and the normal one."""
        frames, count = videos[video], self.clip_frames
        normal = frames[start : start + count]
        kind = rng.random()
        if kind < self.config.skip_probability:
            jump = int(rng.choice(self.config.jumps))
            # Past the end the last frame stands still, as in the authors' code.
            taken = np.minimum(start + jump * np.arange(count), len(frames) - 1)
            return frames[taken], normal
        if kind < self.config.skip_probability + self.config.patch_probability:
            other = videos[int(rng.integers(len(videos)))]
            intruder = other[int(rng.integers(len(other)))]
            return blended(normal, intruder, self.config, rng), normal
        return normal, normal


def blended(
    clip: npt.NDArray[np.uint8], intruder: npt.NDArray[np.uint8], config: LntraConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Blend a patch of another picture into a clip; it wanders from frame to frame and fades out at its border.

    Args:
        clip: (T, S, S, C).
        intruder: (S, S, C); what the patch shows is what this picture has at the same place.
        config: size and speed of the patch.
        rng: draws place, size and way.
    """
    side = clip.shape[1]
    least = max(2, round(LEAST_PATCH * side))
    width, height = (max(least, int(rng.uniform(0, config.patch_size) * side)) for _ in range(2))
    x, y = (int(rng.integers(side)) for _ in range(2))
    move = max(1, round(config.patch_move_px * side / 256))
    changed = clip.copy()
    for index in range(len(clip)):
        mask = (_faded(side, y, height)[:, None] * _faded(side, x, width)[None])[:, :, None]
        changed[index] = np.rint(mask * intruder + (1 - mask) * clip[index])
        x, y = (int(np.clip(at + rng.integers(-move, move + 1), 0, side - 1)) for at in (x, y))
    return changed


def _faded(side: int, centre: int, length: int) -> npt.NDArray[np.float64]:
    """One inside ``length`` pixels around the centre, falling to zero over the border; (side,)."""
    beyond = np.abs(np.arange(side) - centre) - length / 2
    return np.clip(1 - beyond / max(BORDER * length / 2, 1e-9), 0.0, 1.0)
