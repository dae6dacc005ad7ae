"""The noise that a double is made of: one picture for each frame of the clip, whatever it is generated together with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bodydouble.seeds import derive_seed


def frame_noise(
    seed: int, clip_name: str, track_id: int, frame_indices: Iterable[int], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Standard normal noise.

    Args:
        seed: the run's root seed.
        clip_name: of the scene.
        track_id: whose double.
        frame_indices: absolute frames of the clip.
        shape: (channels, height, width) of one frame's latents.

    Returns:
        (time, channels, height, width); a frame's noise depends on nothing but seed, clip, track, frame and shape.
    """
    return np.stack(
        [
            np.random.default_rng(derive_seed(seed, "diffusion", clip_name, track_id, int(frame))).standard_normal(
                shape, dtype=np.float32
            )
            for frame in frame_indices
        ]
    )
