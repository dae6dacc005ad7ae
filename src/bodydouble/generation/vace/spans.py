"""Windows over a run: each goes on from the last frames of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRAMES_PER_LATENT: Final = 4
"""Wan's autoencoder takes one frame, then four at a time: 4 k + 1 frames have k + 1 latents."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A window of a run."""

    start: int
    """First frame, counted from the run's start."""
    stop: int
    """Frame after the last one that is in the run."""
    known: int
    """Frames at the beginning that the window before has made: 0, or 4 k + 1."""

    @property
    def length(self) -> int:
        """Frames that are generated: 4 k + 1; those beyond ``stop`` repeat the last one and are thrown away."""
        return -(-(self.stop - self.start - 1) // FRAMES_PER_LATENT) * FRAMES_PER_LATENT + 1

    @property
    def num_latents(self) -> int:
        """Latents in time."""
        return (self.length - 1) // FRAMES_PER_LATENT + 1

    def latent_frames(self) -> list[int]:
        """First frame of each latent, counted from the run's start."""
        return [self.start, *range(self.start + 1, self.start + self.length, FRAMES_PER_LATENT)]


def plan_spans(num_frames: int, *, length: int, overlap: int) -> list[Span]:
    """Windows that cover every frame once, apart from ``overlap`` frames of neighbours.

    Args:
        num_frames: of the run, 1 or more.
        length: frames of a window, 4 k + 1.
        overlap: frames that a window is given from the one before, 4 k + 1, below half of ``length``.
    """
    spans = [Span(start=0, stop=min(length, num_frames), known=0)]
    while spans[-1].stop < num_frames:
        start = spans[-1].stop - overlap
        spans.append(Span(start=start, stop=min(start + length, num_frames), known=overlap))
    return spans
