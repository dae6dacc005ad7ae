"""The mean of several networks' weights, as a checkpoint to export or to start from (Wortsman et al. 2022, "Model soups").

    python -m training.mean_weights --checkpoints RUNS4/finder.pt RUNS7/finder.pt --out SOUP/finder.pt

Networks that went on from one another, or from the same one, lie in one valley of the loss; the middle of it may be better
than either end, on data neither saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class MeanConfig:
    """What is averaged."""

    checkpoints: tuple[Path, ...]
    """Of one kind of network, two or more; their averaged weights count."""
    out: Path
    """The checkpoint that is written."""


def mean_of(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of the numbers of several networks; what only counts (batches seen) is taken from the first."""
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.dtype.is_floating_point else value
        for name, value in first.items()
    }


def main(config: MeanConfig) -> None:
    """Write the mean."""
    if len(config.checkpoints) < 2:
        raise SystemExit(f"a mean needs two checkpoints or more; given: {len(config.checkpoints)}")
    states = [torch.load(path, weights_only=True)["averaged"] for path in config.checkpoints]
    config.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"averaged": mean_of(states), "step": 0, "seconds": 0.0}, config.out)


if __name__ == "__main__":
    main(tyro.cli(MeanConfig))
