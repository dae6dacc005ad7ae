"""A training loop that goes on after a kill as if nothing had happened, to the last bit.

Unlike `training.loop`, which ends by the clock, everything here depends on the number of the step alone: batch, noise and
learning rate.
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from training.loop import Averaged

log = logging.getLogger(__name__)

_WARM_UP_STEPS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one stage is trained."""

    name: str
    steps: int
    """In all. The rate falls over the last part, so that a run may be made longer before that part begins."""
    peak_rate: float
    cool_down: float = 0.35
    """Share of the steps over which the rate falls to zero."""
    averaging: float = 0.995
    save_seconds: float = 150.0
    log_steps: int = 25
    show_seconds: float = 600.0
    stop_after: int = 0
    """Stop (and save) after this step, as a kill would; 0 never. For tests and for looking."""


def rate_at(plan: Plan, step: int) -> float:
    """Learning rate: a short rise, then level, then down to zero (warm-up, stable, decay: Hu et al. 2024, MiniCPM)."""
    begin = plan.steps * (1 - plan.cool_down)
    falling = (plan.steps - step) / max(plan.steps - begin, 1)
    return plan.peak_rate * min(1.0, (step + 1) / _WARM_UP_STEPS, max(falling, 0.0))


def train_stage(
    net: nn.Module, plan: Plan, folder: Path, loss_of: Callable[[nn.Module, int], dict[str, Tensor]],
    show: Callable[[nn.Module, int], None] | None = None,
) -> nn.Module:  # fmt: skip
    """Train to the end of the plan, from the last checkpoint if there is one.

    Args:
        net: the network; parameters that need no gradient stay as they are.
        plan: of the stage.
        folder: for ``NAME.pt`` and ``NAME.csv``.
        loss_of: losses by name at a step; the first is minimised, the rest only logged.
        show: called now and then with the averaged network and the step.

    Returns:
        The averaged network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{plan.name}.pt"
    averaged = Averaged(net, plan.averaging)
    wanted = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in wanted if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in wanted if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    step, used = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        averaged.net.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["cpu_seconds"]
        log.info("%s: resumed at step %d", plan.name, step)
    begin, saved, shown = time.process_time() - used, time.monotonic(), time.monotonic()
    rows: list[dict[str, float]] = []
    while step < plan.steps:
        for group in optimiser.param_groups:
            group["lr"] = rate_at(plan, step)
        net.train()
        losses = loss_of(net, step)
        optimiser.zero_grad(set_to_none=True)
        next(iter(losses.values())).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(wanted, 1.0)
        optimiser.step()
        step += 1
        averaged.update(net, step)
        rows.append({name: float(value.detach()) for name, value in losses.items()})
        cpu = time.process_time() - begin
        if step % plan.log_steps == 0 or step == plan.steps:
            _log_row(folder / f"{plan.name}.csv", step, cpu, rows)
            rows = []
        if time.monotonic() - saved > plan.save_seconds or step in (plan.steps, plan.stop_after):
            _save(checkpoint, net, averaged, optimiser, step, cpu)
            saved = time.monotonic()
        if show is not None and (time.monotonic() - shown > plan.show_seconds or step == plan.steps):
            show(averaged.net, step)
            shown = time.monotonic()
        if step == plan.stop_after:
            break
    return averaged.net


def _save(
    path: Path, net: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer, step: int, cpu: float
) -> None:
    state = {
        "net": net.state_dict(), "averaged": averaged.net.state_dict(), "optimiser": optimiser.state_dict(),
        "step": step, "cpu_seconds": cpu,
    }  # fmt: skip
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.rename(path)


def _log_row(path: Path, step: int, cpu: float, rows: list[dict[str, float]]) -> None:
    """Means since the last row; a measure that not every step has is averaged over those that do."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    row: dict[str, Any] = {"step": step, "cpu_seconds": round(cpu)}
    for name in names:
        values = [r[name] for r in rows if name in r and r[name] == r[name]]
        row[name] = f"{sum(values) / len(values):.5g}" if values else ""
    log.info("%s", row)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(row)
        writer.writerow(row.values())
