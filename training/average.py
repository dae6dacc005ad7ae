"""Averages networks of one line of training: ``python -m training.average --checkpoints A.pt B.pt --out C.pt``.

Networks that went on from one another, with other data or another seed, err in different places, and the mean of their
weights errs less than either (Wortsman et al. 2022, "Model soups", section 3; Izmailov et al. 2018, "Averaging weights
leads to wider optima and better generalization"). Running statistics of batch normalisation are averaged as well.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AverageConfig:
    """What to average."""

    checkpoints: tuple[Path, ...]
    """Of the same network; their averaged weights count."""
    out: Path
    """Checkpoint that takes the mean; `training.export_onnx` and ``--start-from`` read it."""


def average(states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of weights and buffers; what is no floating-point number comes from the last one.

    Raises:
        ValueError: they are not of the same network.
    """
    first, last = states[0], states[-1]
    for state in states[1:]:
        if {name: value.shape for name, value in state.items()} != {name: value.shape for name, value in first.items()}:
            raise ValueError("the checkpoints are of different networks; their tensors differ in names or shapes")
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.dtype.is_floating_point else value
        for name, value in last.items()
    }


def main(config: AverageConfig) -> None:
    """Write the mean."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    states = [torch.load(path, weights_only=True) for path in config.checkpoints]
    mean = average([state["averaged"] for state in states])
    told = {key: sum(state[key] for state in states) for key in ("step", "seconds")}
    config.out.parent.mkdir(parents=True, exist_ok=True)
    part = config.out.with_suffix(".part")
    torch.save({"averaged": mean, **told}, part)
    part.rename(config.out)
    log.info("mean of %d checkpoints: %s", len(states), config.out)


if __name__ == "__main__":
    main(tyro.cli(AverageConfig))
