"""Trains the lifting network of doubles: joints in the picture over time to angles of the body. See `training/README.md`."""

from __future__ import annotations

import argparse
import csv
import logging
import multiprocessing
import time
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from bodydouble.generation.avatar.lift import DILATIONS, NUM_ANSWERS, NUM_FEATURES
from bodydouble.generation.avatar.skeleton import ANGLES
from bodydouble.seeds import derive_seed
from training.lift_data import Clip, draw_clips, draw_skeletons, film
from training.loop import Averaged

log = logging.getLogger(__name__)
STEPS = 64
"""Of one motion: about five seconds."""
CHANNELS = 64
_POOL = 3000
"""Motions kept; each is filmed anew whenever it is drawn."""
_YAW, _PLANTED = 4.0, 0.5
_IMPORTANT = {"tilt": 3.0, "tilt_side": 3.0, "bend": 2.0, "leg_swing": 2.0, "knee": 1.5, "leg_twist": 0.5, "nod": 0.7,
              "nod_side": 0.7, "arm_twist": 0.5}  # fmt: skip
"""Of angles that move most of the body; the others count 1."""
_GAIN = torch.tensor([_IMPORTANT.get(name.partition(".")[0], 1.0) for name in ANGLES[1:]])


class Block(nn.Module):
    """One residual block over time."""

    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.wide = nn.Conv1d(channels, channels, 3, dilation=reach, padding=reach)
        self.narrow = nn.Linear(channels, channels)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, flow: Tensor) -> Tensor:
        """(N, T, C) to the same."""
        wide = torch.relu(self.wide(self.norm(flow).transpose(1, 2))).transpose(1, 2)
        return flow + self.narrow(wide)


class LiftNet(nn.Module):
    """The network of `bodydouble.generation.avatar.lift`, to be trained."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.begin = nn.Linear(NUM_FEATURES, channels)
        self.blocks = nn.ModuleList([Block(channels, reach) for reach in DILATIONS])
        self.end = nn.Linear(channels, NUM_ANSWERS)

    def forward(self, told: Tensor) -> Tensor:
        """(N, T, 95) to (N, T, 28)."""
        flow = self.begin(told)
        for block in self.blocks:
            flow = block(flow)
        answers: Tensor = self.end(flow)
        return answers


def losses(answers: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Parts of the loss."""
    off = nn.functional.smooth_l1_loss(answers[..., 2:-2], wanted[..., 2:-2], beta=0.2, reduction="none")
    return {
        "yaw": _YAW * nn.functional.mse_loss(answers[..., :2], wanted[..., :2]),
        "angles": (_GAIN * off).mean(),
        "planted": _PLANTED * nn.functional.binary_cross_entropy_with_logits(answers[..., -2:], wanted[..., -2:]),
    }


Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


def _make(queue: Queue[Batch], seed: int, size: int) -> None:
    """Batches (N, T, 95) and (N, T, 28), made and filmed without end."""
    torch.set_num_threads(1)
    skeletons = draw_skeletons(24, derive_seed(seed, "skeletons") % 2**32)
    rng = np.random.default_rng(derive_seed(seed, "clips"))
    pool: list[Clip] = []
    while True:
        for _ in range(1 if len(pool) >= _POOL // 4 else 4):
            pool = [*pool, *draw_clips(rng, skeletons[int(rng.integers(len(skeletons)))], 10, STEPS)][-_POOL:]
        pairs = [film(rng, pool[int(rng.integers(len(pool)))]) for _ in range(size)]
        told, wanted = (np.stack(column) for column in zip(*pairs, strict=True))
        queue.put((told, wanted))


def _weights(net: nn.Module) -> dict[str, NDArray[np.float16]]:
    return {name: value.detach().numpy().astype(np.float16) for name, value in net.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--start-from", type=Path, help="weights of an earlier run; take another seed and a lower rate")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    context = multiprocessing.get_context("spawn")
    queue: Queue[Batch] = context.Queue(8)
    maker = context.Process(target=_make, args=(queue, arguments.seed, arguments.batch), daemon=True)
    maker.start()
    net = LiftNet()
    if arguments.start_from is not None:
        earlier = load_file(arguments.start_from)
        net.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in earlier.items()})
    averaged = Averaged(net, 0.998)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=0.01)
    begin, step, sums = time.monotonic(), 0, {"yaw": 0.0, "angles": 0.0, "planted": 0.0}
    with arguments.log.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "minutes", *sums])
        while (share := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
            for group in optimiser.param_groups:
                group["lr"] = arguments.rate * min(step / 100, 1.0) * 0.5 * (1 + np.cos(np.pi * share))
            told, wanted = (torch.from_numpy(values) for values in queue.get())
            parts = losses(net(told), wanted)
            optimiser.zero_grad()
            torch.stack(list(parts.values())).sum().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            averaged.update(net, step)
            sums = {name: sums[name] + float(value.detach()) for name, value in parts.items()}
            step += 1
            if step % 100 == 0:
                row = [step, round(share * arguments.minutes, 2), *(round(v / 100, 4) for v in sums.values())]
                writer.writerow(row)
                file.flush()
                log.info("%s", row)
                sums = dict.fromkeys(sums, 0.0)
                save_file(_weights(averaged.net), arguments.out)
    maker.terminate()
    save_file(_weights(averaged.net), arguments.out)


if __name__ == "__main__":
    main()
