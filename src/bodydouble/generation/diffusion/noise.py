"""The noise that a double is made of: one picture for each frame of the clip, whatever it is generated together with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bodydouble.seeds import derive_seed


def frame_noise(
    seed: int, clip_name: str, track_id: int, frame_indices: Iterable[int], shape: tuple[int, int, int], *,
    shared: float = 0.0,
) -> NDArray[np.float32]:  # fmt: skip
    """Standard normal noise.

    Args:
        seed: the run's root seed.
        clip_name: of the scene.
        track_id: whose double.
        frame_indices: absolute frames of the clip.
        shape: (channels, height, width) of one frame's latents.
        shared: share of the variance, 0 to 1, that is the same in all frames of the track (mixed noise of Ge et al. 2023,
            "Preserve your own correlation", section 4.1).

    Returns:
        (time, channels, height, width); a frame's noise depends on nothing but seed, clip, track, frame, shape and share.
    """

    def drawn(*of: str | int) -> NDArray[np.float32]:
        chance = np.random.default_rng(derive_seed(seed, "diffusion", clip_name, track_id, *of))
        return chance.standard_normal(shape, dtype=np.float32)

    own = np.stack([drawn(int(frame)) for frame in frame_indices])
    if shared == 0:
        return own
    return np.float32(np.sqrt(shared)) * drawn("all frames")[None] + np.float32(np.sqrt(1 - shared)) * own
