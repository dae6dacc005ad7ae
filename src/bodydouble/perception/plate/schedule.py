"""Which frames serve as samples of the background, and for which key plates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import PlateConfig

_FEWEST_SAMPLES = 9


@dataclass(frozen=True, kw_only=True)
class KeyPlan:
    """One key plate and the stretch of the clip that it is made from."""

    frame_index: int
    first_sample: int
    last_sample: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """All key plates of a clip."""

    sample_frames: NDArray[np.int64]
    """Frames that are looked at, ascending."""
    keys: tuple[KeyPlan, ...]
    """Ascending by frame."""


def plan_keys(num_frames: int, frames_per_second: float, config: PlateConfig, *, sample_bytes: int) -> Schedule:
    """Spread samples and keys over a clip of a camera that stands still.

    Args:
        num_frames: at least 1.
        frames_per_second: rate of the clip.
        config: lengths in seconds and the most samples.
        sample_bytes: memory of one sample.
    """
    spacing = max(1, round(config.key_seconds * frames_per_second))
    reach = max(1, round(config.window_seconds * frames_per_second))
    span = min(num_frames, 2 * reach + 1)
    stride = max(1, span // most_samples(config, sample_bytes))
    sample_frames = np.arange(min(stride // 2, num_frames - 1), num_frames, stride, dtype=np.int64)
    # A clip of less than one and a half stretches gets one key, in its middle.
    count = max(1, round(num_frames / spacing))
    keys = []
    for number in range(count):
        frame = int((number + 0.5) * num_frames / count)
        # The window keeps its length at both ends of the clip.
        first = int(np.clip(frame - reach, 0, max(0, num_frames - 1 - 2 * reach)))
        chosen = sample_frames[(sample_frames >= first) & (sample_frames <= first + 2 * reach)]
        keys.append(KeyPlan(frame_index=frame, first_sample=int(chosen[0]), last_sample=int(chosen[-1])))
    return Schedule(sample_frames=sample_frames, keys=tuple(keys))


def most_samples(config: PlateConfig, sample_bytes: int) -> int:
    """How many samples may be held at once."""
    return int(np.clip(config.sample_bytes // max(sample_bytes, 1), _FEWEST_SAMPLES, config.max_samples))


def spread_samples(num_frames: int, config: PlateConfig, *, sample_bytes: int) -> NDArray[np.int64]:
    """Frames spread evenly over a whole clip, as many as memory allows."""
    stride = -(-num_frames // most_samples(config, sample_bytes))
    return np.arange(min(stride // 2, num_frames - 1), num_frames, stride, dtype=np.int64)
