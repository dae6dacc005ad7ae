"""What finders that run in PyTorch share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bodydouble.errors import MissingDependency


def checked_device(name: str, option: str) -> torch.device:
    """A device that is there.

    Args:
        name: ``cpu`` or ``cuda``.
        option: that named it, for the message.

    Raises:
        MissingDependency: CUDA is asked for and not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise MissingDependency(
            f"{option} is 'cuda', but this PyTorch ({torch.__version__}) sees no CUDA device; choose 'cpu', or install a "
            "build of PyTorch with CUDA"
        )
    return torch.device(name)


@contextmanager
def inference(threads: int) -> Iterator[None]:
    """Without gradients, with a number of threads; the process's own number comes back afterwards."""
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(former)
