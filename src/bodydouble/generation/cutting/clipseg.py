"""Cutting with CLIPSeg (Lüddecke and Ecker 2022), as the program of the paper's authors does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import transformers
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.generation.cutting.networks import as_tensor, asked, load_network
from bodydouble.generation.diffusion.devices import checked_device

_SIDE_PX: Final = 352
"""Side of the network's input (``preprocessor_config.json`` of ``CIDAS/clipseg-rd64-refined``)."""
_PROMPT: Final = "person"
"""The authors ask for hands, head, feet and torso too, and use this answer alone (``generate_pipeline.py``)."""
_THRESHOLD: Final = 0.3
"""On generated pictures (``generate_pipeline.py``); on filmed ones they take 0.4."""


class ClipSegCutter:
    """Asks for the person by text: sigmoid of the logits, stretched to the answer's own range, above 0.3.

    Answers are no finer than the network's 352 px, on a generated picture of several hundred: edges are coarse.
    """

    def __init__(self, folder: Path, *, device: str, batch: int, offload: bool) -> None:
        """Load the network.

        Raises:
            MissingWeights: the folder holds no such network, or no tokenizer.
            ConfigError: there is no such device.
        """
        self._device, self._batch, self._offload = checked_device(device), batch, offload
        self._network: Any = load_network(transformers.CLIPSegForImageSegmentation, folder, self._device)
        try:
            tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, TypeError) as error:
            raise MissingWeights(f"no tokenizer can be loaded ({error}): {folder}") from error
        self._tokens = tokenizer([_PROMPT], padding=True, return_tensors="pt")

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `bodydouble.generation.cutting.Cutter`."""
        height, width = rgb.shape[1:3]
        answers = [
            _answer(logits, width, height)
            for start in range(0, len(rgb), self._batch)
            for logits in self._ask(rgb[start : start + self._batch])
        ]
        return np.stack(answers) if answers else np.zeros((0, height, width), np.float32)

    def _ask(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        squares = np.stack([cv2.resize(picture, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA) for picture in rgb])
        with asked(self._network, self._device, offload=self._offload):
            words = {name: value.to(self._device).repeat(len(rgb), 1) for name, value in self._tokens.items()}
            logits = self._network(
                pixel_values=as_tensor(squares.astype(np.uint8), self._device), interpolate_pos_encoding=True,
                input_ids=words["input_ids"], attention_mask=words["attention_mask"],
            ).logits  # fmt: skip
        # A batch of one comes without its first axis.
        answers: NDArray[np.float32] = logits.reshape(len(rgb), *logits.shape[-2:]).float().cpu().numpy()
        return answers


def _answer(logits: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(height, width): 1 where the stretched answer is above the threshold; NaN everywhere if the network gave it."""
    if not np.isfinite(logits).all():
        return np.full((height, width), np.nan, np.float32)
    full = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
    answer = 1.0 / (1.0 + np.exp(-np.clip(full, -60.0, 60.0)))
    # The authors' stretch; it always finds somebody, which is why an empty canvas has to be seen by its shape.
    answer = (answer - answer.min()) / max(float(answer.max()), 1e-6)
    return np.asarray(answer > _THRESHOLD, np.float32)
