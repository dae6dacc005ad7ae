"""What the adapters of transformers' models of people share: loading from a folder, pictures to tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights

_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)
"""ImageNet's, of RGB from 0 to 1. The ``preprocessor_config.json`` of CLIPSeg (from revision 583b388 on), and the
defaults of the processors of ViTPose and SAM 2 in transformers 5 name these."""


def load_model(class_name: str, folder: Path, device: torch.device) -> Any:
    """A model of transformers, ready to be asked.

    Args:
        class_name: such as ``VitPoseForPoseEstimation``.
        folder: with ``config.json`` and weights.
        device: where it shall run.

    Raises:
        MissingWeights: the folder does not hold such a model, or not all of its weights.
    """
    kind = getattr(transformers, class_name)
    found = _model_type(folder)
    # SAM 2 is published as a model of videos, which holds the one of pictures.
    if found not in (kind.config_class.model_type, f"{kind.config_class.model_type}_video"):
        raise MissingWeights(f"the model is of type {found!r}, not {kind.config_class.model_type!r}: {folder}")
    transformers.utils.logging.disable_progress_bar()
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        model, seen = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingWeights(f"no {class_name} can be loaded ({error}): {folder}") from error
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
    lacking = sorted(seen["missing_keys"]) + sorted(str(key) for key in seen["mismatched_keys"])
    if lacking:
        # transformers would go on with random numbers in their place.
        raise MissingWeights(f"weights of {class_name} are missing or misshapen, such as {lacking[0]}: {folder}")
    return model.float().eval().requires_grad_(False).to(device)


def _model_type(folder: Path) -> str:
    """What ``config.json`` says it is of."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingWeights(f"no folder in the layout of transformers ({error!r}): {folder}") from error


def as_tensor(pictures: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Pictures (N, H, W, 3) uint8 RGB as (N, 3, H, W) float32, normalised as ImageNet's."""
    scaled = (pictures.astype(np.float32) / 255.0 - np.array(_MEAN, np.float32)) / np.array(_STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))).to(device)
