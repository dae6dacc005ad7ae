"""Weights of the CMU body network: loaded, checked, converted. They are for NON-COMMERCIAL use only, see ``files``."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bodydouble.errors import MissingWeights, OutputError
from bodydouble.perception.pose.openpose.files import HOW_TO_GET, PUBLISHED_SHA256
from bodydouble.perception.pose.openpose.network import BodyNetwork


def load_weights(path: Path, *, sha256: str | None = PUBLISHED_SHA256) -> dict[str, Tensor]:
    """Read and check the weights.

    Args:
        path: a ``.pth`` (read without running anything in it) or a ``.safetensors``. Keys are Caffe layer names
            (``conv1_1.weight``), as in the published file, or the same below one module name
            (``model0.conv1_1.weight``), as a PyTorch module made from it saves them.
        sha256: what a ``.pth`` must hash to; ``None`` takes any. A ``.safetensors`` has no published sum.

    Returns:
        Float32 tensors on the CPU, by the keys of ``BodyNetwork``.

    Raises:
        MissingWeights: the file is absent, cannot be read, has another sum, lacks tensors, has others, or has values
            that are no numbers.
    """
    if not path.is_file():
        raise MissingWeights(f"the OpenPose body weights are missing; {HOW_TO_GET}: {path}")
    if path.suffix == ".safetensors":
        raw = _read_safetensors(path)
    elif path.suffix == ".pth":
        _check_sum(path, sha256)
        raw = _read_pth(path)
    else:
        raise MissingWeights(f"OpenPose body weights end in .pth or .safetensors, not {path.suffix!r}: {path}")
    return _checked(raw, path)


def convert(source: Path, target: Path, *, sha256: str | None = PUBLISHED_SHA256) -> None:
    """Write the weights of ``source`` as a safetensors file with Caffe layer names. The licence stays CMU's.

    Raises:
        MissingWeights: as ``load_weights``.
        OutputError: the target exists or cannot be written, or does not end in ``.safetensors``.
    """
    if target.suffix != ".safetensors":
        raise OutputError(f"converted weights end in .safetensors, not {target.suffix!r}: {target}")
    if target.exists():
        raise OutputError(f"the target exists already; move it away first: {target}")
    tensors = load_weights(source, sha256=sha256)
    partial = target.with_suffix(".partial")
    try:
        save_file(tensors, partial, metadata={"format": "pt", "license": "CMU OpenPose, non-commercial use only"})
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"the converted weights cannot be written ({error}): {target}") from error


def _check_sum(path: Path, sha256: str | None) -> None:
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise MissingWeights(
            f"not the published OpenPose body weights: sha256 is {found}, expected {sha256}; download them again: {path}"
        )


def _read_safetensors(path: Path) -> Mapping[str, object]:
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise MissingWeights(f"the OpenPose body weights cannot be read ({error}): {path}") from error


def _read_pth(path: Path) -> Mapping[str, object]:
    try:
        # Only tensors and plain containers: a pickle from the internet must not be able to run anything.
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise MissingWeights(f"the OpenPose body weights cannot be read ({error}): {path}") from error
    if not isinstance(raw, Mapping):
        raise MissingWeights(f"the file holds a {type(raw).__name__}, expected a mapping of tensors: {path}")
    return raw


def _checked(raw: Mapping[str, object], path: Path) -> dict[str, Tensor]:
    """The tensors under our keys, all there, nothing else, of the right shapes, all numbers."""
    with torch.device("meta"):
        expected = {key: tuple(value.shape) for key, value in BodyNetwork().state_dict().items()}
    prefixed = all(str(key).count(".") == 2 for key in raw)
    named = {str(key).partition(".")[2] if prefixed else str(key): value for key, value in raw.items()}
    problems = []
    if missing := sorted(expected.keys() - named.keys()):
        problems.append(f"{len(missing)} missing tensors, first {missing[0]}")
    if unknown := sorted(named.keys() - expected.keys()):
        problems.append(f"{len(unknown)} unknown tensors, first {unknown[0]}")
    if len(named) != len(raw):
        problems.append(f"{len(raw) - len(named)} tensors under the same name")
    tensors: dict[str, Tensor] = {}
    for key in sorted(expected.keys() & named.keys()):
        value = named[key]
        if not isinstance(value, Tensor) or not value.is_floating_point():
            problems.append(f"{key} is no tensor of real numbers")
        elif tuple(value.shape) != expected[key]:
            problems.append(f"{key} has shape {tuple(value.shape)}, expected {expected[key]}")
        elif not bool(torch.isfinite(value).all()):
            problems.append(f"{key} has values that are not finite")
        else:
            tensors[key] = value.detach().to(torch.float32).contiguous()
    if problems:
        shown = "; ".join(problems[:4]) + (f"; and {len(problems) - 4} more" if len(problems) > 4 else "")
        raise MissingWeights(f"not the weights of the OpenPose body network: {shown}: {path}")
    return tensors
