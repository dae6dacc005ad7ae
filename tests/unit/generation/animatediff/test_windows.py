"""Windows cover every frame, their shares add up to 1, and steps taken piece by piece are steps taken at once."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bodydouble.generation.animatediff.denoise import Sampler, denoise_run, one_step
from bodydouble.generation.animatediff.latents import LatentFile, LatentWriter
from bodydouble.generation.animatediff.windows import fusion_weights, plan_windows_over, shift_of
from bodydouble.generation.diffusion.noise import frame_noise

CASES = [
    (frames, length, overlap, shift)
    for frames in (1, 2, 15, 16, 17, 30, 33, 100)
    for length, overlap in ((16, 4), (16, 8), (2, 1), (32, 16), (6, 1))
    for shift in (0, 1, 5, 50)
]


@pytest.mark.parametrize(("frames", "length", "overlap", "shift"), CASES)
def test_every_frame_is_covered_and_neighbours_overlap(frames: int, length: int, overlap: int, shift: int) -> None:
    windows = plan_windows_over(frames, length=length, overlap=overlap, shift=shift)
    assert windows == sorted(set(windows))
    assert (windows[0][0], windows[-1][1]) == (0, frames)
    assert all(stop - start == min(length, frames) for start, stop in windows)
    assert all(one[1] - two[0] >= overlap for one, two in pairwise(windows))


@pytest.mark.parametrize(("frames", "length", "overlap", "shift"), CASES)
def test_shares_add_up_to_one(frames: int, length: int, overlap: int, shift: int) -> None:
    windows = plan_windows_over(frames, length=length, overlap=overlap, shift=shift)
    total = np.zeros(frames)
    for (start, stop), weights in zip(windows, fusion_weights(windows, overlap), strict=True):
        assert np.all(weights > 0)
        total[start:stop] += weights
    assert np.allclose(total, 1, atol=1e-6)


def test_borders_move_from_step_to_step() -> None:
    shifts = [shift_of(step, 4, length=16, overlap=4) for step in range(4)]
    assert shifts[0] == 0
    assert len(set(shifts)) == 4
    assert max(shifts) < 12


class Euler:
    """A scheduler of one number a step that counts its steps, as diffusers' Euler does."""

    init_noise_sigma = 2.0

    def __init__(self) -> None:
        self.timesteps = torch.zeros(0)
        self._index: int | None = None
        self._begin: int | None = None

    def set_timesteps(self, num_inference_steps: int) -> None:
        self.timesteps = torch.arange(num_inference_steps, 0, -1)
        self._index = self._begin = None

    def set_begin_index(self, index: int) -> None:
        self._begin = index

    def _start(self) -> int:
        assert self._begin is not None, "a step was taken before anybody said which"
        if self._index is None:
            self._index = self._begin
        return self._index

    def scale_model_input(self, sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        return sample / (1 + self._start())

    def step(self, model_output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> Any:
        index = self._start()
        self._index = index + 1
        return type("Step", (), {"prev_sample": sample - 0.1 * (index + 1) * model_output})


class Mixing:
    """Mixes a frame with its neighbours in the window, as motion modules do; may be made to fail at some point."""

    def __init__(self, *, fail_at: int = -1) -> None:
        self.calls: list[tuple[int, int, int]] = []
        self._fail_at = fail_at

    def predict(self, latents: torch.Tensor, start: int, stop: int, timestep: torch.Tensor) -> torch.Tensor:
        if len(self.calls) == self._fail_at:
            raise KeyboardInterrupt
        self.calls.append((int(timestep), start, stop))
        return latents + 0.5 * latents.mean(dim=0, keepdim=True)


class Alone:
    """Treats every frame alone; then windows must not matter."""

    def predict(self, latents: torch.Tensor, start: int, stop: int, timestep: torch.Tensor) -> torch.Tensor:
        return torch.tanh(latents) * float(timestep)


SHAPE = (4, 3, 2)


def run(folder: Path, denoiser: Any, *, frames: int = 40, window: int = 16, overlap: int = 4, first: int = 0) -> Any:
    def noise(start: int, stop: int) -> Any:
        return frame_noise(3, "clip", 1, range(first + start, first + stop), SHAPE)

    folder.mkdir(exist_ok=True)
    return denoise_run(
        denoiser, Sampler(Euler(), 4), folder=folder, name="run", num_frames=frames, shape=SHAPE, noise=noise,
        window_frames=window, overlap_frames=overlap,
    ).read(0, frames)  # fmt: skip


def test_windows_do_not_matter_to_a_network_that_sees_frames_alone(tmp_path: Path) -> None:
    whole = run(tmp_path / "a", Alone(), window=32, frames=32)
    cut = run(tmp_path / "b", Alone(), window=6, overlap=2, frames=32)
    assert np.allclose(whole, cut, atol=1e-5)
    assert not np.allclose(whole, run(tmp_path / "c", Alone(), window=32, frames=32, first=1), atol=1e-2)


def test_steps_piece_by_piece_are_steps_at_once(tmp_path: Path) -> None:
    """The scheduler steps the average of all windows, once a frame."""
    frames, windows = 40, plan_windows_over(40, length=16, overlap=4, shift=3)
    latents = np.random.default_rng(0).standard_normal((frames, *SHAPE)).astype(np.float32)
    sampler = Sampler(Euler(), 4)
    pieces = list(one_step(Mixing(), sampler, lambda a, b: latents[a:b], windows, step=2, overlap=4))
    average = torch.zeros(frames, *SHAPE)
    for (start, stop), weights in zip(windows, fusion_weights(windows, 4), strict=True):
        part = sampler.scaled(torch.from_numpy(latents[start:stop]), 2)
        average[start:stop] += (
            Mixing().predict(part, start, stop, torch.tensor(1)) * torch.from_numpy(weights)[:, None, None, None]
        )
    assert len(pieces) > 1
    assert np.allclose(
        np.concatenate(pieces), sampler.stepped(average, torch.from_numpy(latents), 2).numpy(), atol=1e-6
    )


def test_no_seam_where_windows_disagree() -> None:
    """Windows that answer with a level of their own: fused, the level never jumps by more than a share of the difference."""

    class Level:
        def predict(self, latents: torch.Tensor, start: int, stop: int, timestep: torch.Tensor) -> torch.Tensor:
            return torch.full_like(latents, float(start % 7))

    zeros = np.zeros((60, *SHAPE), np.float32)
    windows = plan_windows_over(60, length=16, overlap=4)
    fused = np.concatenate(
        list(one_step(Level(), Sampler(Euler(), 4), lambda a, b: zeros[a:b], windows, step=0, overlap=4))
    )
    levels = np.array([float(start % 7) for start, _ in windows]) * 0.1
    jumps = np.abs(np.diff(fused[:, 0, 0, 0]))
    assert jumps.max() < 0.5 * np.abs(np.diff(levels)).max()


def test_a_killed_run_goes_on_with_the_last_finished_step(tmp_path: Path) -> None:
    whole = Mixing()
    expected = run(tmp_path / "whole", whole)
    per_step = len(whole.calls) // 4
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", Mixing(fail_at=2 * per_step + 1))
    rest = Mixing()
    assert np.array_equal(run(tmp_path / "killed", rest), expected)
    assert {step for step, _, _ in rest.calls} == {1, 2}
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["run.step004.f32"]


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    shape = (4, 64, 32)

    def peak(frames: int) -> int:
        tracemalloc.start()
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        denoise_run(
            Alone(), Sampler(Euler(), 2), folder=folder, name="run", num_frames=frames, shape=shape,
            noise=lambda start, stop: frame_noise(0, "clip", 1, range(start, stop), shape), window_frames=16,
            overlap_frames=4,
        )  # fmt: skip
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(30)
    short, long = peak(30), peak(240)
    assert long < 1.1 * short
    assert short < 240 * 4 * np.prod(shape) / 2, "half of the long run would have been seen"


def test_noise_belongs_to_the_frame() -> None:
    run = frame_noise(1, "clip", 2, range(10, 20), SHAPE)
    assert np.array_equal(run[3:7], frame_noise(1, "clip", 2, range(13, 17), SHAPE))
    others = [frame_noise(*key, range(10, 20), SHAPE) for key in ((2, "clip", 2), (1, "clap", 2), (1, "clip", 3))]  # type: ignore[arg-type]
    assert all(not np.isclose(run, other).any() for other in others)
    assert not np.isclose(run[0], run[1]).any()
    many = frame_noise(0, "clip", 1, range(50), (4, 16, 16))
    assert abs(float(many.mean())) < 0.01
    assert abs(float(many.std()) - 1) < 0.01


@pytest.mark.parametrize("shared", [0.25, 0.8, 1.0])
def test_shared_noise_is_the_tracks_own_and_as_large(shared: float) -> None:
    noise = frame_noise(0, "clip", 1, range(40), (4, 16, 16), shared=shared)
    assert abs(float(noise.std()) - 1) < 0.05
    alike = np.corrcoef(noise[0].ravel(), noise[30].ravel())[0, 1]
    assert alike == pytest.approx(shared, abs=0.08)
    assert np.array_equal(noise[3:7], frame_noise(0, "clip", 1, range(3, 7), (4, 16, 16), shared=shared))
    other = frame_noise(0, "clip", 2, range(40), (4, 16, 16), shared=shared)
    assert abs(np.corrcoef(noise[0].ravel(), other[0].ravel())[0, 1]) < 0.1


def test_latents_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    file = LatentFile(tmp_path / "latents.f32", 3, SHAPE)
    rows = np.random.default_rng(0).standard_normal((3, *SHAPE)).astype(np.float32)

    def fail_half_way() -> None:
        with LatentWriter(file) as writer:
            writer.append(rows)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []
    with LatentWriter(file) as writer:
        writer.append(rows[:2])
    assert not file.is_whole
    with LatentWriter(file) as writer:
        writer.append(rows[:2])
        writer.append(rows[2:])
    assert file.is_whole
    assert np.array_equal(file.read(1, 3), rows[1:])
