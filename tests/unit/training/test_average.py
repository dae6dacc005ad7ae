"""The mean of several checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from training.average import AverageConfig, average, main


def test_weights_are_averaged_and_counters_are_the_last_ones():
    states = [{"w": torch.full((2,), value), "seen": torch.tensor(count)} for value, count in ((1.0, 3), (4.0, 8))]
    mean = average(states)
    assert torch.equal(mean["w"], torch.full((2,), 2.5))
    assert mean["seen"] == 8
    assert torch.equal(average(states[:1])["w"], states[0]["w"])


@pytest.mark.parametrize("other", [{"w": torch.zeros(3)}, {"v": torch.zeros(2)}, {}])
def test_other_networks_are_refused(other: dict[str, torch.Tensor]):
    with pytest.raises(ValueError, match="different networks"):
        average([{"w": torch.zeros(2)}, other])


def test_the_file_can_be_read_like_a_checkpoint(tmp_path: Path):
    for name, value in (("a", 0.0), ("b", 1.0)):
        torch.save({"averaged": {"w": torch.full((1,), value)}, "step": 5, "seconds": 2.0}, tmp_path / f"{name}.pt")
    main(AverageConfig(checkpoints=(tmp_path / "a.pt", tmp_path / "b.pt"), out=tmp_path / "new" / "c.pt"))
    state = torch.load(tmp_path / "new" / "c.pt", weights_only=True)
    assert (state["averaged"]["w"].item(), state["step"], state["seconds"]) == (0.5, 10, 4.0)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["c.pt"]
