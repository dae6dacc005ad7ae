"""Checkpoints: one safetensors file each, tensors and a description, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bodydouble.anomaly.config import DetectorConfig, from_plain
from bodydouble.anomaly.detectors import Detector, build
from bodydouble.errors import ConfigError, InputError
from bodydouble.scene.strict_files import replacing

FORMAT = 1
"""Of the description."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a checkpoint says about itself."""

    detector: str
    config: DetectorConfig
    seed: int
    footage: str
    """Digest of the training footage."""
    epoch: int
    """Epochs that are complete."""
    step: int
    """Steps taken in the epoch after them."""
    log: tuple[dict[str, float], ...]
    """A row for each complete epoch, then the sums of the running one."""


def write(path: Path, tensors: Mapping[str, Tensor], description: Description) -> None:
    """Write a checkpoint.

    Raises:
        OutputError: the file system refuses.
    """
    content = {"format": FORMAT, **asdict(description)}
    # On the CPU and each in memory of its own, which is what the format asks for.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(plain, temporary, metadata={"bodydouble": json.dumps(content)})


def read(path: Path) -> tuple[dict[str, Tensor], Description]:
    """Read a checkpoint.

    Raises:
        InputError: it is none, or of another version.
    """
    try:
        with safe_open(path, "pt") as file:
            content = json.loads((file.metadata() or {})["bodydouble"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if content.pop("format") != FORMAT:
            raise InputError(f"is a checkpoint of another version; train anew: {path}")
        content["config"] = from_plain(content["detector"], content["config"])
        return tensors, Description(**{**content, "log": tuple(content["log"])})
    except (SafetensorError, OSError, KeyError, TypeError, ConfigError, json.JSONDecodeError) as error:
        raise InputError(f"is no checkpoint of a detector ({error}): {path}") from error


def load_detector(path: Path) -> tuple[Detector, Description]:
    """Make the detector of a checkpoint, on the CPU.

    Raises:
        InputError: it is none, or its tensors do not fit.
    """
    tensors, description = read(path)
    detector = build(description.detector, description.config, seed=description.seed)
    restore(detector, tensors, where=path)
    return detector, description


def restore(detector: Detector, tensors: Mapping[str, Tensor], *, where: Path) -> None:
    """Put the weights of a checkpoint in place.

    Raises:
        InputError: they do not fit.
    """
    weights = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    try:
        detector.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"its tensors do not fit the detector ({error}): {where}") from error


def state_of(detector: Detector, optimizer: torch.optim.Optimizer | None) -> dict[str, Tensor]:
    """Tensors of weights and, if there is one, of Adam, by name."""
    tensors = {f"model.{name}": tensor for name, tensor in detector.state_dict().items()}
    if optimizer is not None:
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in state.items()}
    return tensors


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the state of Adam in place."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    content = optimizer.state_dict()
    optimizer.load_state_dict({**content, "state": state})
