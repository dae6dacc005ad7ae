"""Cutting with BiRefNet (Zheng et al. 2024, "Bilateral Reference for High-Resolution Dichotomous Image Segmentation").

The network is no part of transformers: its Python code comes with its weights and runs in our process, with our rights.
It is run only when ``generation.cutting.trust_remote_code`` says so; the store compares code and weights with the
sha256 of the pinned revision first. A folder that is named by path is not compared with anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import transformers
from numpy.typing import NDArray

from bodydouble.errors import ConfigError
from bodydouble.generation.cutting.networks import as_tensor, asked, load_network
from bodydouble.generation.diffusion.devices import checked_device

SIDE_PX: Final = 1024
"""Side of the network's input, of the model card; pictures are brought to a square, as its authors do."""


class BiRefNetCutter:
    """The paper's cutter of generated people (section 3.3)."""

    def __init__(self, folder: Path, *, device: str, batch: int, offload: bool, trusted: bool) -> None:
        """Load the network, running the code that lies beside its weights.

        Args:
            folder: with ``config.json``, code and ``model.safetensors``.
            device: where it shall run.
            batch: pictures at a time.
            offload: keep it in main memory while it is not at work.
            trusted: the user's consent to run that code.

        Raises:
            ConfigError: there is no consent, or no such device.
            MissingWeights: the folder holds no such network, or the packages that its code imports are missing.
        """
        if not trusted:
            raise ConfigError(
                "generation.cutting.backend is 'birefnet', whose Python code comes with its weights and would run with "
                "your rights; read it, and say --generation.cutting.trust-remote-code if you agree, or choose another "
                f"cutter (plain, clipseg): {folder}"
            )
        self._device, self._batch, self._offload = checked_device(device), batch, offload
        self._network: Any = load_network(
            transformers.AutoModelForImageSegmentation,
            folder,
            self._device,
            trust_remote_code=True,
            use_safetensors=True,
        )

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `bodydouble.generation.cutting.Cutter`. NaN where the network gave it."""
        height, width = rgb.shape[1:3]
        found = [np.zeros((0, height, width), np.float32)]
        for start in range(0, len(rgb), self._batch):
            answers = self._ask(rgb[start : start + self._batch])
            found.append(np.stack([cv2.resize(a, (width, height), interpolation=cv2.INTER_LINEAR) for a in answers]))
        return np.concatenate(found).astype(np.float32)

    def _ask(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        squares = np.stack([cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR) for picture in rgb])
        with asked(self._network, self._device, offload=self._offload):
            # Its last prediction is the one at full resolution.
            logits = self._network(as_tensor(squares.astype(np.uint8), self._device))[-1]
            answers: NDArray[np.float32] = logits.sigmoid()[:, 0].float().cpu().numpy()
        return answers
