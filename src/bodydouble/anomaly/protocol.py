"""How error terms of frames become scores and a figure; every choice that the published codes differ in, by name.

The frame-level AUC of two implementations of one detector can differ by ten points through these choices alone, so a
figure is never reported without them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bodydouble.anomaly.config import config_type
from bodydouble.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Choices of scoring. None means: as the detector's authors do, see `resolved`.

    The default is the frame-level AUC of the paper: all frames of all videos ranked together (micro) after each video's
    scores were stretched to 0..1.
    """

    frame_term: Literal["psnr", "error"] | None = None
    """``psnr``: decibels of the frame's error, negated. ``error``: the error itself."""
    frame_error: Literal["mean", "patch"] = "mean"
    """``mean``: mean squared error of the whole frame, as published. ``patch``: of the worst square of an eighth of the
    side, which does not drown a small anomaly in a large frame."""
    feature_term: Literal["distance", "psnr"] | None = None
    """Mean squared distance of features to memory items or prototypes, as it is or in negated decibels."""
    frame_weight: float | None = None
    """Share of the frame's term, 0 to 1; the rest is the feature's. 1 where a detector has no feature term."""
    normalisation: Literal["per-video", "global", "none"] = "per-video"
    """What each term is stretched to 0..1 over, before they are added."""
    smoothing_sigma_frames: float | None = None
    """Width of the Gaussian along each video, after stretching; 0: none."""
    memory_update: Literal["off", "per-video", "across-videos"] | None = None
    """Whether a memory goes on learning while it is tested: anew in every video, or carried along in the order of the
    videos, so that a video's scores depend on those before it."""
    update_threshold: float | None = None
    """Frames whose weighted error is below it are learnt from."""

    def __post_init__(self) -> None:
        if self.frame_weight is not None and not 0 <= self.frame_weight <= 1:
            raise ConfigError(f"frame_weight is {self.frame_weight}; it must lie in 0..1")
        if self.smoothing_sigma_frames is not None and not 0 <= self.smoothing_sigma_frames < 1000:
            raise ConfigError(f"smoothing_sigma_frames is {self.smoothing_sigma_frames}; it must lie in 0..1000")

    def resolved(self, detector: str) -> Protocol:
        """Fill in what the detector's authors do; the result has no None.

        Raises:
            ConfigError: there is no such detector.
        """
        config_type(detector)
        own = _AUTHORS.get(detector, _PLAIN)
        return replace(
            self,
            frame_term=self.frame_term or own.frame_term,
            feature_term=self.feature_term or own.feature_term,
            frame_weight=own.frame_weight if self.frame_weight is None else self.frame_weight,
            smoothing_sigma_frames=own.smoothing_sigma_frames
            if self.smoothing_sigma_frames is None
            else self.smoothing_sigma_frames,
            memory_update=self.memory_update or own.memory_update,
            update_threshold=own.update_threshold if self.update_threshold is None else self.update_threshold,
        )

    def described(self) -> str:
        """One line for a report, such as ``micro AUC, per-video normalisation, …``."""
        weight = "authors'" if self.frame_weight is None else f"{self.frame_weight:g}"
        smoothing = (
            "authors' smoothing"
            if self.smoothing_sigma_frames is None
            else f"smoothing sigma {self.smoothing_sigma_frames:g} frames"
            if self.smoothing_sigma_frames
            else "no smoothing"
        )
        return (
            f"frame-level AUC, normalisation {self.normalisation}, {self.frame_error} frame error as "
            f"{self.frame_term or 'authors'} with weight {weight}, feature term as {self.feature_term or 'authors'}, "
            f"{smoothing}, memory update {self.memory_update or 'authors'}"
        )


UNIFORM = Protocol(
    frame_term="psnr", frame_weight=1.0, smoothing_sigma_frames=0.0, memory_update="off", update_threshold=0.0
)
"""The same for every detector: decibels of the whole frame, nothing else. A second row beside the authors' own choices,
where their extra terms or smoothing decide who wins."""

_PLAIN = Protocol(
    frame_term="psnr", feature_term="distance", frame_weight=1.0, smoothing_sigma_frames=0.0, memory_update="off",
    update_threshold=0.0,
)  # fmt: skip

_AUTHORS: dict[str, Protocol] = {
    # Weights and thresholds of the authors' evaluation code (commits in `config`); MPN smooths by a Gaussian of sigma 2.
    "mnad-pred": replace(_PLAIN, frame_weight=0.6, memory_update="across-videos", update_threshold=0.01),
    "mnad-recon": replace(_PLAIN, frame_weight=0.7, memory_update="across-videos", update_threshold=0.015),
    "lgn-net": replace(_PLAIN, frame_weight=0.6, memory_update="across-videos", update_threshold=0.009),
    "mpn": replace(_PLAIN, feature_term="psnr", frame_weight=0.5, smoothing_sigma_frames=2.0),
    "flow": replace(_PLAIN, frame_term="error"),
}
