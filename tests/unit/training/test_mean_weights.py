"""The mean of weights: numbers are averaged, counters are not."""

from pathlib import Path

import pytest
import torch
from training.mean_weights import MeanConfig, main


def test_the_mean_lies_between_and_can_be_loaded(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0), ("c", 6.0)):
        state = {"w": torch.full((2, 3), value), "seen": torch.tensor(int(value))}
        torch.save({"averaged": state, "step": 5, "seconds": 9.0}, tmp_path / f"{name}.pt")
    main(MeanConfig(checkpoints=tuple(tmp_path / f"{name}.pt" for name in "abc"), out=tmp_path / "soup" / "mean.pt"))
    made = torch.load(tmp_path / "soup" / "mean.pt", weights_only=True)
    assert torch.equal(made["averaged"]["w"], torch.full((2, 3), 3.0))
    assert int(made["averaged"]["seen"]) == 1
    assert made["step"] == 0


def test_one_network_has_no_mean(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="two checkpoints or more"):
        main(MeanConfig(checkpoints=(tmp_path / "a.pt",), out=tmp_path / "b.pt"))
