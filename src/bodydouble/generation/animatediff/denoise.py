"""From noise to latents, for runs of any length with the memory of one window.

diffusers' own pipeline takes all frames at once and ends at the 32 frames of the motion module; its answer to longer clips
(FreeNoise) takes no prompt embeddings and runs the ControlNet over all frames in one batch. Here UNet and ControlNet see one
window at a time; predictions of overlapping windows are averaged (weights of `windows.fusion_weights`), and the scheduler
steps each frame once, with the average (Bar-Tal et al. 2023, MultiDiffusion, along time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.generation.animatediff.latents import LatentFile, LatentWriter
from bodydouble.generation.animatediff.windows import fusion_weights, plan_windows_over, shift_of

_NOISE_CHUNK = 16
"""Frames of noise that are made at a time."""


class Denoiser(Protocol):
    """Predicts noise; `models.ControlledDenoiser` is the one that is used."""

    def predict(self, latents: torch.Tensor, start: int, stop: int, timestep: torch.Tensor) -> torch.Tensor:
        """Noise in the latents of frames ``start`` to ``stop`` of the run, both (frames, channels, height, width)."""


class StepScheduler(Protocol):
    """What is needed of diffusers' schedulers; only such that treat every pixel alone, in one evaluation a step."""

    timesteps: torch.Tensor
    init_noise_sigma: Any

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Begin."""

    def scale_model_input(self, sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """Bring a sample to the scale that the network expects."""

    def step(self, model_output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> Any:
        """Take one step."""


class Sampler:
    """A scheduler whose steps can be taken piece by piece, in any order of pieces."""

    def __init__(self, scheduler: StepScheduler, num_steps: int) -> None:
        self.scheduler = scheduler
        self._num_steps = num_steps
        self._rewind(0)
        self.timesteps = scheduler.timesteps
        """(steps,): as many as there are steps."""
        self.first_sigma = float(scheduler.init_noise_sigma)
        """Standard deviation of the latents that denoising begins with."""

    def _rewind(self, step: int) -> None:
        # On the CPU in float32 wherever the networks are: it is a few sums per latent.
        self.scheduler.set_timesteps(self._num_steps)
        # Schedulers that count their steps are told where they are; the others go by the time step alone.
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(step)

    def scaled(self, latents: torch.Tensor, step: int) -> torch.Tensor:
        """Latents as the network expects them at a step."""
        self._rewind(step)
        return self.scheduler.scale_model_input(latents, self.timesteps[step])

    def stepped(self, prediction: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        """Latents after a step."""
        self._rewind(step)
        result: torch.Tensor = self.scheduler.step(prediction, self.timesteps[step], latents).prev_sample
        return result


def denoise_run(
    denoiser: Denoiser,
    sampler: Sampler,
    *,
    folder: Path,
    name: str,
    num_frames: int,
    shape: tuple[int, int, int],
    noise: Callable[[int, int], NDArray[np.float32]],
    window_frames: int,
    overlap_frames: int,
) -> LatentFile:
    """Denoise a run; a step that an earlier, killed call had finished is not done again.

    Args:
        denoiser: predicts noise.
        sampler: takes steps.
        folder: for the latents; exists.
        name: of the run, unique in the folder.
        num_frames: of the run.
        shape: (channels, height, width) of one frame.
        noise: gives the noise of frames from, to.
        window_frames: frames that are denoised together.
        overlap_frames: that neighbours share.

    Returns:
        The finished latents; they may hold NaN if a network gave it.

    Raises:
        OutputError: the latents cannot be written.
    """
    num_steps = len(sampler.timesteps)
    files = [LatentFile(folder / f"{name}.step{step:03d}.f32", num_frames, shape) for step in range(num_steps + 1)]
    done = next((step for step in range(num_steps, -1, -1) if files[step].is_whole), None)
    if done is None:
        with LatentWriter(files[0]) as writer:
            for start in range(0, num_frames, _NOISE_CHUNK):
                writer.append(noise(start, min(num_frames, start + _NOISE_CHUNK)) * np.float32(sampler.first_sigma))
        done = 0
    for step in range(done, num_steps):
        shift = shift_of(step, num_steps, length=window_frames, overlap=overlap_frames)
        windows = plan_windows_over(num_frames, length=window_frames, overlap=overlap_frames, shift=shift)
        with LatentWriter(files[step + 1]) as writer:
            for latents in one_step(denoiser, sampler, files[step].read, windows, step=step, overlap=overlap_frames):
                writer.append(latents)
        files[step].path.unlink(missing_ok=True)
    return files[num_steps]


def one_step(
    denoiser: Denoiser,
    sampler: Sampler,
    read: Callable[[int, int], NDArray[np.float32]],
    windows: list[tuple[int, int]],
    *,
    step: int,
    overlap: int,
) -> Iterator[NDArray[np.float32]]:
    """One denoising step over all windows; yields frames in order, as soon as no later window has a say in them."""
    waiting = np.zeros((0,), np.float32)
    first_waiting = 0
    weights = fusion_weights(windows, overlap)
    for number, (start, stop) in enumerate(windows):
        latents = torch.from_numpy(read(start, stop))
        with torch.inference_mode():
            scaled = sampler.scaled(latents, step)
            predicted = denoiser.predict(scaled, start, stop, sampler.timesteps[step]).float().cpu().numpy()
        weighted = predicted * weights[number][:, None, None, None]
        joined = np.zeros((stop - first_waiting, *weighted.shape[1:]), np.float32)
        if waiting.size:
            joined[: len(waiting)] = waiting
        joined[start - first_waiting :] += weighted
        settled = (windows[number + 1][0] if number + 1 < len(windows) else stop) - first_waiting
        with torch.inference_mode():
            yield sampler.stepped(
                torch.from_numpy(joined[:settled]),
                torch.from_numpy(read(first_waiting, first_waiting + settled)), step,
            ).numpy()  # fmt: skip
        waiting, first_waiting = joined[settled:], first_waiting + settled
