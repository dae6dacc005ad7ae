"""What cutters with a network share: where it runs, how pictures become tensors, and loading without surprises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.generation.diffusion.devices import at_work
from bodydouble.generation.diffusion.quiet import quiet

_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)
"""ImageNet's, of RGB from 0 to 1: CLIPSeg's ``preprocessor_config.json`` and BiRefNet's model card."""


def load_network(kind: Any, folder: Path, device: torch.device, **options: Any) -> Any:
    """A network of transformers in float32, ready to be asked.

    Args:
        kind: class with ``from_pretrained``.
        folder: with ``config.json`` and weights.
        device: where it shall run.
        options: for ``from_pretrained``.

    Raises:
        MissingWeights: the folder does not hold such a network, or not all of its weights, or weights that are NaN.
    """
    try:
        with quiet():
            network, seen = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True, **options)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError, AttributeError) as error:
        brief = " ".join(str(error).split())[:300]
        raise MissingWeights(f"no {kind.__name__} can be loaded ({type(error).__name__}: {brief}): {folder}") from error
    lacking = sorted(seen["missing_keys"]) + sorted(str(key) for key in seen["mismatched_keys"])
    if lacking:
        # transformers would go on with random numbers in their place.
        raise MissingWeights(f"{len(lacking)} tensors are missing or misshapen, such as {lacking[0]}: {folder}")
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise MissingWeights(f"the tensor {name} holds NaN or infinity; the file is damaged: {folder}")
    return network.float().eval().requires_grad_(False).to(device)


def as_tensor(pictures: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Pictures (N, H, W, 3) uint8 RGB as (N, 3, H, W) float32, normalised as ImageNet's."""
    scaled = (pictures.astype(np.float32) / 255.0 - np.array(_MEAN, np.float32)) / np.array(_STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))).to(device)


@contextmanager
def asked(network: Any, device: torch.device, *, offload: bool) -> Iterator[None]:
    """Without gradients, and with the network on its device; with ``offload`` only for as long as the block lasts."""
    with at_work(device, network, offload=offload), torch.inference_mode():
        yield
