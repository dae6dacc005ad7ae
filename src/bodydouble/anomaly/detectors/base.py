"""What a detector is: a module that turns clips into losses while it learns, and into error terms when it is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

PATCHES_PER_SIDE = 8
"""The worst square of a frame has an eighth of its side; a person of UCSD Ped2 is about that tall."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Error terms of a batch of clips, one value per clip; larger is less normal. Shape (B,), float32."""

    frame: Tensor
    """Mean squared error of the frame, pixels on 0..1 (for `flow`: speed in shares of the side per frame)."""
    patch: Tensor
    """The same of the worst square."""
    feature: Tensor | None
    """Mean squared distance of features to memory or prototypes; None where a detector has no such term."""
    weighted: Tensor
    """Squared error, weighted by itself, which decides whether a memory learns from the frame (MNAD, section 3.3)."""

    def first(self, count: int) -> Terms:
        """Those of the first clips."""
        feature = None if self.feature is None else self.feature[:count]
        return Terms(
            frame=self.frame[:count], patch=self.patch[:count], feature=feature, weighted=self.weighted[:count]
        )

    @staticmethod
    def joined(parts: Sequence[Terms]) -> Terms:
        """One after another; at least one part, and all with or all without features."""
        features = [part.feature for part in parts if part.feature is not None]
        return Terms(
            frame=torch.cat([part.frame for part in parts]),
            patch=torch.cat([part.patch for part in parts]),
            feature=torch.cat(features) if features else None,
            weighted=torch.cat([part.weighted for part in parts]),
        )


class Detector(nn.Module, ABC):
    """A clip is a float tensor (B, T, C, S, S) on -1..1; ``clip_frames`` frames, of which one is scored."""

    clip_frames: ClassVar[int]
    """Frames of a clip."""
    scored_frame: ClassVar[int]
    """Which of them its score belongs to, from 0; the frames before the first and after the last scored one of a video
    get no score."""

    @abstractmethod
    def losses(self, clip: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What to minimise: ``total``, and its parts for the log.

        Args:
            clip: what the detector is shown.
            target: the same clip as it should be; another one only where a detector made ``clip`` abnormal.
        """

    @abstractmethod
    def terms(self, clip: Tensor) -> Terms:
        """Error terms of clips, each on its own; learns nothing."""

    def terms_while_learning(self, clip: Tensor, threshold: float) -> Terms:
        """Error terms of clips that follow one another, while a memory goes on learning.

        Args:
            clip: in the order of the video.
            threshold: a clip whose ``weighted`` error is below it is learnt from, after it was scored and before the next
                one is.

        Returns:
            As `terms`; the same for a detector without a memory.
        """
        del threshold
        return self.terms(clip)

    def draw(
        self, videos: Sequence[npt.NDArray[np.uint8]], video: int, start: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Take a clip for training.

        Args:
            videos: all training videos, each (N, S, S, C).
            video: which one.
            start: first frame of the clip; the clip fits.
            rng: for what a detector draws; it depends on seed, epoch and clip only.

        Returns:
            Clip and target, each (T, S, S, C); the same array where nothing was changed.
        """
        del rng
        clip = videos[video][start : start + self.clip_frames]
        return clip, clip


def frame_terms(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, worst-patch and self-weighted squared error of frames on -1..1, computed on 0..1.

    The weights of the third are ``1 - exp(-error)`` (MNAD, equation 12).

    Args:
        output: (B, C, S, S).
        target: (B, C, S, S).

    Returns:
        Three tensors (B,).
    """
    squared = ((output.float() - target.float()) / 2).square()
    side = max(1, squared.shape[-1] // PATCHES_PER_SIDE)
    local = functional.avg_pool2d(squared.mean(1, keepdim=True), side, stride=max(1, side // 2))
    weight = 1 - torch.exp(-squared)
    weighted = (weight * squared).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-12)
    return squared.flatten(1).mean(1), local.flatten(1).amax(1), weighted


def count_parameters(module: nn.Module) -> int:
    """Trainable numbers of a module."""
    return sum(parameter.numel() for parameter in module.parameters())
