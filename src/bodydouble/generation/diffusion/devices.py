"""Where networks run, and moving them there and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bodydouble.errors import ConfigError


def checked_device(name: str) -> torch.device:
    """The device that ``generation.device`` names.

    Raises:
        ConfigError: PyTorch sees no such device here.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[name]:
        usable = ", ".join(known for known, is_there in there.items() if is_there)
        raise ConfigError(
            f"generation.device is {name!r}, but PyTorch {torch.__version__} sees none here; usable: {usable}"
        )
    return torch.device(name)


@contextmanager
def at_work(device: torch.device, *networks: Any, offload: bool) -> Iterator[None]:
    """Have networks on their device inside the block; with ``offload`` only there."""
    for network in networks:
        network.to(device)
    try:
        yield
    finally:
        if offload and device.type != "cpu":
            for network in networks:
                network.to("cpu")
            if device.type == "cuda":
                torch.cuda.empty_cache()


def count_loaded(network: Any) -> int:
    """Numbers in a network, each once where names share them; what is saved, so that its files say the same."""
    tensors = network.state_dict().values()
    return sum({(tensor.data_ptr(), tensor.shape): tensor.numel() for tensor in tensors}.values())
