"""What a configuration needs is looked for before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodydouble.backends import BACKENDS
from bodydouble.config import RunConfig
from bodydouble.errors import MissingWeights
from bodydouble.perception.config import OpenPoseConfig, PerceptionConfig, PoseConfig
from bodydouble.pipeline.ready import check_ready


def config(weights: str = "") -> RunConfig:
    pose = PoseConfig(backend="openpose", openpose=OpenPoseConfig(weights=weights))
    return RunConfig(perception=PerceptionConfig(pose=pose))


def test_openpose_weights_are_asked_for_by_licence_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path))
    with pytest.raises(MissingWeights, match="NON-COMMERCIAL") as caught:
        check_ready(config())
    assert caught.value.exit_code == 4
    with pytest.raises(MissingWeights, match="names no file"):
        check_ready(config(str(tmp_path / "gone.pth")))


def test_openpose_weights_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "body_pose_model.pth").write_bytes(b"weights")
    names = {record.name for record in check_ready(config(str(tmp_path / "body_pose_model.pth")))}
    assert names == {"people_finder.onnx", "person.onnx", "body_pose_model.pth"}


def test_the_own_finder_needs_both_networks() -> None:
    (row,) = [b for b in BACKENDS if (b.stage, b.name) == ("perception.people", "rendered")]
    assert {Path(name).name for name in row.weights} == {"people_finder.onnx", "person.onnx"}
