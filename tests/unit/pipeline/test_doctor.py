"""What `bodydouble doctor` finds, says and returns."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bodydouble.cli import main
from bodydouble.config import RunConfig
from bodydouble.errors import InputError
from bodydouble.generation import GenerationConfig
from bodydouble.generation.config import CuttingConfig, VaceConfig
from bodydouble.pipeline import doctor
from bodydouble.pipeline.doctor import DeviceState, examine
from bodydouble.pipeline.estimates import Footage, estimate_memory, estimate_stages, in_words


@pytest.fixture(autouse=True)
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    import cv2

    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), np.zeros((48, 64, 3), np.uint8))
    return folder


def with_generation(**options: object) -> RunConfig:
    return dataclasses.replace(RunConfig(), generation=GenerationConfig(**options))  # type: ignore[arg-type]


def test_the_default_can_run_and_says_what_it_costs(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(clip), "--people", "2"]) == 0
    said = capsys.readouterr().out
    assert "this configuration can run here" in said
    assert "3 frames of 64x48 px with 2 people" in said
    assert "estimate" in said
    assert "6 pictures of people" in said
    assert not list(clip.parent.glob("*.run")), "nothing is written"


def test_missing_weights_are_named_with_size_licence_and_place(
    empty_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--preset", "paper"]) == 4
    said = capsys.readouterr()
    for words in ("epicrealism", "CreativeML OpenRAIL-M", "3930 MB", str(empty_store / "epicrealism"), "NON-COMMERCIAL",
                  "bodydouble models fetch sd-vae-ft-mse"):  # fmt: skip
        assert words in said.out, words
    assert "cannot run here" in said.err
    assert not empty_store.exists()


def test_foreign_code_needs_consent() -> None:
    cutting = CuttingConfig(backend="birefnet")
    problems = examine(with_generation(backend="vace", cutting=cutting)).problems
    assert any("trust-remote-code" in problem for problem in problems)
    agreed = dataclasses.replace(cutting, trust_remote_code=True)
    problems = examine(with_generation(backend="vace", cutting=agreed)).problems
    assert not any("trust-remote-code" in problem for problem in problems)
    assert any("birefnet" in problem for problem in problems)
    assert not any("birefnet" in problem for problem in examine(with_generation(cutting=cutting)).problems)


def test_a_device_that_is_not_here_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = DeviceState(name="cpu", summary="2 cores", memory_bytes=64_000_000_000)
    monkeypatch.setattr(doctor, "find_devices", lambda config: (cpu,))
    problems = examine(with_generation(backend="vace", device="cuda")).problems
    assert any("'cuda', which is not here" in problem for problem in problems)


def test_too_little_memory_is_said_before_it_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    for num_bytes, fits in ((8_000_000_000, False), (400_000_000_000, True)):
        device = DeviceState(name="cpu", summary="", memory_bytes=num_bytes)
        monkeypatch.setattr(doctor, "find_devices", lambda config, device=device: (device,))
        for backend in ("vace", "animatediff"):
            problems = examine(with_generation(backend=backend)).problems
            assert any("GB are needed (estimate)" in problem for problem in problems) != fits, backend
    budget = with_generation(backend="vace", memory_mb=2000)
    assert any("generation.memory_mb is 2000" in problem for problem in examine(budget).problems)


def test_weights_named_by_path_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    found = examine(with_generation(backend="vace", weights=str(tmp_path / "toy")))
    assert found.models == ()
    assert any("transformer has no config.json" in problem for problem in found.problems)


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda folder: 1000)
    problems = examine(with_generation(backend="vace"), clip).problems
    assert any("are to be fetched" in problem for problem in problems)
    assert any("the run may take" in problem for problem in problems)


def test_a_clip_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    with pytest.raises(InputError):
        examine(RunConfig(), tmp_path / "clip.mp4")
    assert main(["doctor", str(tmp_path / "nothing.mp4")]) == 2
    assert main(["doctor", "--people", "-1"]) == 2


def test_estimates_grow_with_the_work_and_shrink_with_speed() -> None:
    footage = Footage(width_px=640, height_px=480, num_frames=100, people_in_view=2)

    def generation(config: RunConfig, footage: Footage = footage, speed: float = 1e12) -> float:
        return estimate_stages(config, footage, flops_per_second=speed)[1].seconds

    for backend in ("avatar", "animatediff", "vace"):
        config = with_generation(backend=backend)
        once = generation(config)
        assert once > 0
        assert generation(config, speed=2e12) == pytest.approx(once / 2)
        assert generation(config, dataclasses.replace(footage, num_frames=200)) == pytest.approx(2 * once)
    assert generation(with_generation(backend="paint-out")) == 0
    many, few = (with_generation(backend="vace", vace=VaceConfig(steps=steps)) for steps in (30, 10))
    assert 2 < generation(many) / generation(few) <= 3


def test_memory_is_estimated_for_the_device_and_the_offload() -> None:
    pytest.importorskip("torch")
    for backend in ("animatediff", "vace"):
        full, half, parts = (
            estimate_memory(with_generation(backend=backend, dtype=dtype, offload=offload))
            for dtype, offload in (("float32", False), ("bfloat16", False), ("bfloat16", True))
        )
        assert full is not None
        assert half is not None
        assert parts is not None
        assert full.num_bytes > half.num_bytes > parts.num_bytes > 1_000_000_000
    assert estimate_memory(RunConfig()) is None


def test_durations_are_not_more_precise_than_they_can_be() -> None:
    assert [in_words(s) for s in (0.2, 7.1, 75, 4000, 200_000)] == [
        "under a second", "about 8 s", "about 1 min", "about 67 min", "about 56 h",
    ]  # fmt: skip
