"""What both trainings share: data process, learning rate by the clock, averaged weights, checkpoints, csv log."""

from __future__ import annotations

import copy
import csv
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bodydouble.seeds import derive_seed

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Settings of a training run."""

    name: str
    """Used for files and seeds."""
    shards: Path = Path("/tmp/training/shards")
    """Renders."""
    work: Path = Path("/tmp/training/runs")
    """Checkpoints and log, outside the repository."""
    start_from: Path | None = None
    """Checkpoint of an earlier generation: its averaged weights are the first ones; parts it lacks start at random."""
    photographs: Path = Path("/tmp/training/photographs")
    """Person-free photographs of `training.photographs`; without them the few of scikit-image have to do."""
    minutes: float = 80.0
    """Time budget over all restarts; the learning rate ends at zero when it is used up."""
    batch: int = 8
    """Pictures in a step."""
    peak_rate: float = 2e-3
    """Largest learning rate (AdamW)."""
    seed: int = 20261122
    """Root seed. (Steps depend on the clock, so two runs still differ.)"""
    workers: int = 1
    """Data processes."""
    validate_minutes: float = 10.0
    """Time between rows of the log."""


class Averaged:
    """Exponential moving average of a network's weights and buffers (Polyak averaging)."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval()
        self._decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move towards the network; quickly in the first steps."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


class Stream(torch.utils.data.IterableDataset[dict[str, Tensor]]):
    """Endless examples, each data process with its own seed."""

    def __init__(self, make: Callable[[int], Iterator[dict[str, Any]]], seed: int) -> None:
        self._make, self._seed = make, seed

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = torch.utils.data.get_worker_info()
        return self._make(derive_seed(self._seed, "stream", worker.id if worker else 0))


def train(
    net: nn.Module,
    config: LoopConfig,
    make_examples: Callable[[int], Iterator[dict[str, Any]]],
    loss_of: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
    validate: Callable[[nn.Module], dict[str, float]],
) -> None:
    """Train until the time is used up; picks up at the last checkpoint.

    Args:
        net: the network, initialised from scratch.
        config: settings.
        make_examples: seed to an endless stream of examples (dictionaries of arrays).
        loss_of: losses by name of a batch; their sum is minimised.
        validate: measures of the averaged network by name.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config.work.mkdir(parents=True, exist_ok=True)
    checkpoint = config.work / f"{config.name}.pt"
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = Averaged(net, decay=0.998)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}])
    step, used = 0, 0.0
    if config.start_from is not None and not checkpoint.exists():
        missing = net.load_state_dict(torch.load(config.start_from, weights_only=True)["averaged"], strict=False)
        averaged.net.load_state_dict(net.state_dict())
        log.info("started from %s; at random: %s", config.start_from, missing.missing_keys)
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        averaged.net.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["seconds"]
        log.info("resumed at step %d after %.0f s", step, used)
    loader = iter(
        torch.utils.data.DataLoader(
            Stream(make_examples, derive_seed(config.seed, config.name, step)), batch_size=config.batch,
            num_workers=config.workers, prefetch_factor=6,
        )
    )  # fmt: skip
    log.info("%d parameters", sum(p.numel() for p in net.parameters()))
    started, budget = time.monotonic() - used, config.minutes * 60
    running: dict[str, float] = {}
    saved, validated, waited = used, used, 0.0
    while (now := time.monotonic() - started) < budget:
        rate = config.peak_rate * min(1, (step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * now / budget)) + 0.004)
        for group in optimiser.param_groups:
            group["lr"] = rate
        before = time.monotonic()
        batch = next(loader)
        waited += time.monotonic() - before
        net.train()
        losses = loss_of(net, batch)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        averaged.update(net, step)
        for name, loss in losses.items():
            value = float(loss.detach())
            running[name] = running.get(name, value) * 0.99 + 0.01 * value
        if step % 50 == 0:
            log.info("step %d %.0f s wait %.0f s %s", step, now, waited, {k: round(v, 4) for k, v in running.items()})
        if now - saved > 120:
            _save(checkpoint, net, averaged, optimiser, step, now)
            saved = now
        if now - validated > config.validate_minutes * 60:
            _log_row(config, step, now, running, validate(averaged.net))
            validated = now
    _save(checkpoint, net, averaged, optimiser, step, budget)
    _log_row(config, step, budget, running, validate(averaged.net))
    log.info("done after %d steps", step)


def _save(
    path: Path, net: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    state = {
        "net": net.state_dict(), "averaged": averaged.net.state_dict(), "optimiser": optimiser.state_dict(),
        "step": step, "seconds": seconds,
    }  # fmt: skip
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.rename(path)


def _log_row(
    config: LoopConfig, step: int, seconds: float, losses: dict[str, float], measures: dict[str, float]
) -> None:
    row = {"step": step, "seconds": round(seconds), **{f"loss_{k}": v for k, v in losses.items()}, **measures}
    log.info("validation %s", row)
    path = config.work / f"{config.name}.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(row)
        writer.writerow([f"{value:.6g}" for value in row.values()])


def to_input(rgb: Tensor) -> Tensor:
    """A batch of pictures ``(N, H, W, 3)`` uint8 as ``(N, 3, H, W)`` float32, channels last in memory."""
    return rgb.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def single_threaded() -> None:
    """One thread for everything. Call it first: a data process forked while thread pools exist can wait for ever."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def fixed_seed(config: LoopConfig) -> np.random.Generator:
    """Chance for the validation set: the same in every run and at every validation."""
    return np.random.default_rng(derive_seed(config.seed, "validation"))
