"""Where the parts of Wan2.1-VACE lie. Imports nothing heavy: asked before a run begins, and by `bodydouble doctor`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bodydouble.errors import MissingWeights
from bodydouble.generation.config import GenerationConfig
from bodydouble.model_store import MODELS, locate

VACE_MODEL: Final = "wan2.1-vace-1.3b"

_WEIGHTS: Final = {
    "transformer": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Stem of the weights' files in each folder of diffusers' layout."""
_TOKENIZER_FILES: Final = ("tokenizer.json", "spiece.model")


@dataclass(frozen=True, kw_only=True)
class VaceParts:
    """Folders of all parts, and the files of their weights."""

    root: Path
    weight_files: tuple[Path, ...]

    def folder(self, name: str) -> Path:
        """Of ``transformer``, ``vae``, ``text_encoder``, ``tokenizer`` or ``scheduler``."""
        return self.root / name


def store_models(config: GenerationConfig) -> tuple[str, ...]:
    """Models of the store that a configuration needs, whether they are there or not."""
    wanted = config.weights or VACE_MODEL
    return (wanted,) if wanted in {model.name for model in MODELS} else ()


def find_parts(config: GenerationConfig) -> VaceParts:
    """Find every part.

    Raises:
        MissingWeights: a part is not there, or has no weights in safetensors; the message names option and path.
    """
    root = locate(config.weights, default=VACE_MODEL, option="generation.weights")
    if not root.is_dir():
        raise MissingWeights(f"generation.weights must be a folder in diffusers' layout, this is a file: {root}")
    files = [file for name, stem in _WEIGHTS.items() for file in _weights_in(root / name, stem)]
    if not (root / "scheduler" / "scheduler_config.json").is_file():
        raise MissingWeights(f"scheduler has no scheduler_config.json: {root / 'scheduler'}")
    if not any((root / "tokenizer" / name).is_file() for name in _TOKENIZER_FILES):
        raise MissingWeights(f"tokenizer is missing: there is no {' or '.join(_TOKENIZER_FILES)}: {root / 'tokenizer'}")
    return VaceParts(root=root, weight_files=tuple(files))


def _weights_in(folder: Path, stem: str) -> list[Path]:
    """The weights' file, or all shards that the index names."""
    if not (folder / "config.json").is_file():
        raise MissingWeights(f"{folder.name} has no config.json; it must be a folder in diffusers' layout: {folder}")
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise MissingWeights(f"{folder.name} has no weights, {single.name} is missing: {folder}")
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MissingWeights(f"the index of {folder.name} cannot be read ({error!r}): {index}") from error
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise MissingWeights(
            f"{folder.name} lacks {len(missing)} of {len(names)} files, such as {missing[0]}: {folder}"
        )
    return [folder / name for name in names]
