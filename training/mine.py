"""Collects what a trained finder takes for people in places without any: ``python -m training.mine --run DIR``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from bodydouble.seeds import derive_seed
from training.backgrounds import Backgrounds
from training.degrade import degrade
from training.look import cut
from training.loop import single_threaded, to_input
from training.nets import Finder
from training.scenes import WINDOW_HW_PX
from training.train_finder import peaks

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MineConfig:
    """What to look at and how much of it."""

    finder: Path = Path("/tmp/training/runs/finder.pt")
    """Checkpoint."""
    photographs: Path = Path("/tmp/training/photographs")
    """Person-free photographs."""
    out: Path = Path("/tmp/training/false_finds.npy")
    """Array file of crops ``(N, 128, 96, 3)``."""
    places: int = 4000
    """Person-free pictures to look at."""
    lowest: float = 0.12
    """Score from which a find counts."""
    most_each: int = 4
    """Finds kept of one picture, the strongest first."""
    seed: int = 20261123
    """Root seed."""


def main(config: MineConfig) -> None:
    """Look at many places and keep the finder's mistakes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    single_threaded()
    net = Finder().eval()
    net.load_state_dict(torch.load(config.finder, weights_only=True)["averaged"])
    rng = np.random.default_rng(derive_seed(config.seed, "mine"))
    backgrounds = Backgrounds(rng, config.photographs)
    crops: list[NDArray[np.uint8]] = []
    for index in range(config.places):
        rgb = degrade(backgrounds.draw(*WINDOW_HW_PX), rng, lowest_scale=0.4)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            scores, boxes = net(to_input(torch.from_numpy(rgb)[None]))
        found, _ = peaks(scores[0, 0].float().numpy(), boxes[0].float().numpy(), lowest=config.lowest)
        crops += [cut(rgb, box) for box in found[: config.most_each]]
        if index % 200 == 199:
            log.info("%d places, %d false finds", index + 1, len(crops))
    part = config.out.with_suffix(".part.npy")
    np.save(part, np.stack(crops))
    part.rename(config.out)


if __name__ == "__main__":
    main(tyro.cli(MineConfig))
