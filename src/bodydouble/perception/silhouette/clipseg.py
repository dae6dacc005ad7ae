"""CLIPSeg (Lüddecke and Ecker 2022, "Image segmentation using text and image prompts") through transformers 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from transformers import CLIPTokenizer

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import ClipSegConfig
from bodydouble.perception.crops import Crop
from bodydouble.perception.geometry import window
from bodydouble.perception.people.torch_use import checked_device, inference
from bodydouble.perception.person import SoftMask
from bodydouble.perception.torch_models import as_tensor, load_model

_SIDE_PX: Final = 352
"""Side of the network's input (``preprocessor_config.json`` of ``CIDAS/clipseg-rd64-refined``)."""


class ClipSegReader:
    """Silhouettes as in the paper, section 3.1: the box is cut out, brought to a square, and asked about by text.

    The region is the box itself in whole pixels, without a margin, clipped to the frame (``pre_processing_pipeline.py``
    of the authors); logits are brought back to its size by linear interpolation and go through a sigmoid. A pixel has
    the highest answer of all prompts. The authors' program asks for five things too, but uses the first answer alone,
    and stretches it to its own range: ``prompts=("person",)`` and ``stretch=True``.

    Raises:
        MissingWeights: the folder holds no such model, or no tokenizer.
        MissingDependency: there is no such device.
        ValueError: nothing is to be asked for.
    """

    def __init__(self, folder: Path, config: ClipSegConfig, *, threads: int, batch: int) -> None:
        if not config.prompts:
            raise ValueError("perception.silhouette.clipseg.prompts is empty; name at least one, such as person")
        self._device = checked_device(config.device, "perception.silhouette.clipseg.device")
        self._threads, self._stretch = threads, config.stretch
        self._model: Any = load_model("CLIPSegForImageSegmentation", folder, self._device)
        self._prompts = self._embed(folder, config)
        # Every region is decoded once per prompt.
        self._batch = max(1, batch // len(config.prompts))

    def masks(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> list[SoftMask]:
        """See ``SilhouetteReader``."""
        windows = [window(box, rgb.shape[1], rgb.shape[0]) for box in boxes_xyxy_px]
        found = [SoftMask(probabilities=np.zeros((0, 0), np.float32), crop=_at(place)) for place in windows]
        seen = [row for row, (left, top, right, bottom) in enumerate(windows) if right > left and bottom > top]
        for start in range(0, len(seen), self._batch):
            rows = seen[start : start + self._batch]
            regions = [rgb[windows[row][1] : windows[row][3], windows[row][0] : windows[row][2]] for row in rows]
            for row, logits in zip(rows, self._ask(regions), strict=True):
                left, top, right, bottom = windows[row]
                found[row] = SoftMask(
                    probabilities=self._answer(logits, (right - left, bottom - top)), crop=_at(windows[row])
                )
        return found

    def _embed(self, folder: Path, config: ClipSegConfig) -> Any:
        """(prompts, dimensions): what is asked for, in the network's words."""
        try:
            tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, TypeError) as error:
            raise MissingWeights(f"no tokenizer can be loaded ({error}): {folder}") from error
        tokens = tokenizer(list(config.prompts), padding=True, return_tensors="pt").to(self._device)
        with inference(self._threads):
            return self._model.get_conditional_embeddings(
                batch_size=len(config.prompts), input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            )

    def _ask(self, regions: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Logits (regions, prompts, rows, columns). A region is looked at once, and decoded for each prompt."""
        squares = np.stack([_square(region) for region in regions])
        count = len(self._prompts)
        with inference(self._threads):
            vision = self._model.clip.vision_model(
                pixel_values=as_tensor(squares, self._device), output_hidden_states=True, interpolate_pos_encoding=True
            )
            layers = [vision.hidden_states[index + 1] for index in self._model.extract_layers]
            logits = self._model.decoder(
                [layer.repeat_interleave(count, dim=0) for layer in layers], self._prompts.repeat(len(regions), 1)
            ).logits
        # A batch of one comes without its first axis.
        answers: NDArray[np.float32] = logits.reshape(len(regions), count, *logits.shape[-2:]).cpu().numpy()
        return answers

    def _answer(self, logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """The highest probability of all prompts, (height, width) of the region."""
        best = np.zeros(size[::-1], np.float32)
        for own in logits:
            full = cv2.resize(own, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
            answer = 1.0 / (1.0 + np.exp(-np.clip(full, -60.0, 60.0)))
            if self._stretch:
                answer = (answer - answer.min()) / answer.max()
            best = np.maximum(best, answer.astype(np.float32))
        return best


def _square(region: NDArray[np.uint8]) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if min(region.shape[:2]) > _SIDE_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(region, (_SIDE_PX, _SIDE_PX), interpolation=method), np.uint8)


def _at(place: tuple[int, int, int, int]) -> Crop:
    return Crop(left_px=float(place[0]), top_px=float(place[1]), scale=1.0)
