"""The contract of a cutter, and the table of those that exist."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.config import GenerationConfig
from bodydouble.model_store import locate


class Cutter(Protocol):
    """Finds a generated person on a background that was asked to be plain."""

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Which share of each pixel is the person's.

        Must treat every frame alone: which frames come together is a matter of memory.

        Args:
            rgb: (time, height, width, 3) generated pictures.

        Returns:
            (time, height, width) 0 to 1.
        """


BIREFNET_MODEL: Final = "birefnet"
CLIPSEG_MODEL: Final = "clipseg-rd64-refined"


def cutter_model(config: GenerationConfig) -> str:
    """The published model that a cutter loads unless ``generation.cutting.weights`` names another; empty for none."""
    return {"birefnet": BIREFNET_MODEL, "clipseg": CLIPSEG_MODEL}.get(config.cutting.backend, "")


def make_cutter(config: GenerationConfig) -> Cutter:
    """The cutter that a configuration names; its heavy imports happen here.

    Raises:
        ConfigError: its code is not trusted, or there is no such device.
        MissingWeights: its weights are not there, or cannot be used.
    """
    from bodydouble.generation.cutting.edges import SoftEdges

    return SoftEdges(_sharp_cutter(config), config.cutting.edge_blur)


def _sharp_cutter(config: GenerationConfig) -> Cutter:
    options = config.cutting
    if options.backend == "plain":
        from bodydouble.generation.cutting.plain import PlainCutter

        return PlainCutter(options.threshold)
    folder = locate(options.weights, default=cutter_model(config), option="generation.cutting.weights")
    if options.backend == "clipseg":
        from bodydouble.generation.cutting.clipseg import ClipSegCutter

        return ClipSegCutter(folder, device=config.device, batch=options.batch, offload=config.offload)
    from bodydouble.generation.cutting.birefnet import BiRefNetCutter

    return BiRefNetCutter(
        folder, device=config.device, batch=options.batch, offload=config.offload, trusted=options.trust_remote_code
    )
