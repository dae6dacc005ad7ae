"""Training a detector: seeded, logged, and resumed after a kill to the very same weights.

All draws (order of clips, pseudo anomalies) come from the seed, the epoch and the clip, never from a running generator; so
weights, Adam's state and the position are all there is to save.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bodydouble.anomaly import checkpoint as files
from bodydouble.anomaly.clips import Frames, Scale, cached, starts
from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.data.base import TrainingClips
from bodydouble.anomaly.detectors import Detector, build
from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.errors import ConfigError
from bodydouble.scene.footage import Progress, SilentProgress
from bodydouble.scene.strict_files import write_bytes
from bodydouble.seeds import derive_seed

FINAL = "final.safetensors"
"""The trained detector."""
RUNNING = "running.safetensors"
"""Where a training stands; removed once it is complete."""
LOG = "log.csv"
"""Mean losses of each epoch."""
CACHE = "frames"
"""Folder of resized frames, if no other is named."""


def train(
    detector: str,
    config: DetectorConfig,
    dataset: TrainingClips,
    work: Path,
    *,
    seed: int,
    progress: Progress | None = None,
    resume: bool = True,
    cache: Path | None = None,
) -> Path:
    """Train a detector.

    Args:
        detector: one of `bodydouble.anomaly.config.DETECTORS`.
        config: its settings.
        dataset: footage without anomalies.
        work: folder of this training; made if need be.
        seed: root seed of weights and draws.
        progress: told about frames that are resized, then about steps.
        resume: go on where ``work`` stands, or return what is complete there; False: start over.
        cache: folder of resized frames, which trainings may share; None: inside ``work``.

    Returns:
        Path of the final checkpoint, ``work/final.safetensors``.

    Raises:
        ConfigError: no such detector, settings of another one, or ``work`` holds another training.
        InputError: the footage cannot be read, or is too short.
        DetectorFailed: a loss is not finite.
        OutputError: ``work`` cannot be written.
    """
    progress = progress or SilentProgress()
    work.mkdir(parents=True, exist_ok=True)
    wanted = files.Description(
        detector=detector, config=config, seed=seed, footage=digest(dataset), epoch=0, step=0, log=()
    )
    final = work / FINAL
    if not resume:
        for name in (FINAL, RUNNING, LOG):
            (work / name).unlink(missing_ok=True)
    if final.is_file():
        _same_training(files.read(final)[1], wanted, final)
        return final
    with fixed_threads(config):
        run = _Run(wanted, work)
        if config.epochs:
            videos = cached(dataset.videos, Scale.of(config), cache or work / CACHE, progress)
            run.to_the_end(videos, progress)
        files.write(final, files.state_of(run.model, None), run.description())
    (work / RUNNING).unlink(missing_ok=True)
    return final


def digest(dataset: TrainingClips) -> str:
    """Changes when the footage does."""
    parts = "\0".join(part for video in dataset.videos for part in (video.name, video.identity))
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


@contextmanager
def fixed_threads(config: DetectorConfig) -> Iterator[None]:
    """Use the settings' number of threads, and put the old one back."""
    before = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def placed(detector: Detector, device: str) -> Detector:
    """Put a detector on a device, its kernels in the order in which convolutions are fastest there; returns it."""
    detector.to(device)
    orders = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weights in detector.parameters():
        if weights.ndim in orders:
            weights.data = weights.data.contiguous(memory_format=orders[weights.ndim])
    return detector


def as_clips(frames: npt.NDArray[np.uint8], device: str) -> torch.Tensor:
    """Frames (B, T, S, S, C) of bytes to a tensor (B, T, C, S, S) on -1..1."""
    return torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def _same_training(found: files.Description, wanted: files.Description, path: Path) -> None:
    for name in ("detector", "config", "seed", "footage"):
        if getattr(found, name) != getattr(wanted, name):
            raise ConfigError(
                f"another training is there, of another {name}; name another folder, or do not resume: {path}"
            )


class _Run:
    """A training and where it stands."""

    def __init__(self, wanted: files.Description, work: Path) -> None:
        self.wanted, self.config, self.work = wanted, wanted.config, work
        self.epoch, self.step = 0, 0
        self.log: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}
        self.model: Detector = build(wanted.detector, wanted.config, seed=wanted.seed)
        path = work / RUNNING
        tensors: dict[str, torch.Tensor] = {}
        if path.is_file():
            tensors, found = files.read(path)
            _same_training(found, wanted, path)
            self.epoch, self.step = found.epoch, found.step
            self.log, self.sums = list(found.log[:-1]), dict(found.log[-1])
            files.restore(self.model, tensors, where=path)
        placed(self.model, self.config.device).train()
        parameters = list(self.model.parameters())
        self.optimizer = torch.optim.Adam(parameters, lr=self.config.learning_rate) if parameters else None
        if self.optimizer is not None:
            files.restore_optimizer(self.optimizer, tensors)

    def description(self) -> files.Description:
        """Of the checkpoint to write now."""
        return files.Description(
            detector=self.wanted.detector,
            config=self.config,
            seed=self.wanted.seed,
            footage=self.wanted.footage,
            epoch=self.epoch,
            step=self.step,
            log=(*self.log, self.sums),
        )

    def to_the_end(self, videos: list[Frames], progress: Progress) -> None:
        """Train the epochs that are left."""
        clips = starts(videos, self.model.clip_frames)
        taken = min(self.config.clips_per_epoch or len(clips), len(clips))
        # The last clips of an epoch that fill no batch are left out, but there is at least one step.
        steps = max(1, taken // self.config.batch_size)
        progress.start(f"training {self.wanted.detector}", self.config.epochs * steps)
        progress.advance(self.epoch * steps + self.step)
        while self.epoch < self.config.epochs:
            order = clips[self._generator("order").permutation(len(clips))]
            while self.step < steps:
                first = self.step * self.config.batch_size
                self._set_learning_rate(self.step / steps)
                self._one_step(videos, order[first : first + self.config.batch_size])
                self.step += 1
                progress.advance()
                if self.step % self.config.save_every_steps == 0 and self.step < steps:
                    self._save()
            self._close_epoch(steps)
        progress.finish()

    def _generator(self, *parts: str | int) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.wanted.seed, "anomaly", self.epoch, *parts))

    def _set_learning_rate(self, of_epoch: float) -> None:
        """That of the step which begins when so much of the epoch is over."""
        assert self.optimizer is not None
        rate, done = self.config.learning_rate, float(self.epoch)
        if self.config.schedule == "cosine-steps":
            done += of_epoch
        if self.config.schedule != "constant":
            rate *= (1 + float(np.cos(np.pi * done / self.config.epochs))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _one_step(self, videos: list[Frames], chosen: npt.NDArray[np.int64]) -> None:
        pairs = [
            self.model.draw(videos, int(video), int(start), self._generator("clip", int(video), int(start)))
            for video, start in chosen
        ]
        device = self.config.device
        clip, target = (as_clips(np.stack(half), device) for half in zip(*pairs, strict=True))
        kind = torch.device(device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            losses = self.model.losses(clip, target)
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        bad = [name for name, value in values.items() if not np.isfinite(value)]
        if bad:
            raise DetectorFailed(
                f"training of {self.wanted.detector} diverged: {bad[0]} is {values[bad[0]]} in epoch {self.epoch + 1}, "
                f"step {self.step + 1}; lower the learning rate {self.config.learning_rate:g}, or use float32"
            )
        assert self.optimizer is not None
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def _close_epoch(self, steps: int) -> None:
        self.epoch, self.step = self.epoch + 1, 0
        self.log.append({"epoch": float(self.epoch), **{n: value / steps for n, value in self.sums.items()}})
        self.sums = {}
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(self.log[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({n: int(v) if n == "epoch" else f"{v:.9g}" for n, v in row.items()} for row in self.log)
        write_bytes(self.work / LOG, text.getvalue().encode())
        self._save()

    def _save(self) -> None:
        files.write(self.work / RUNNING, files.state_of(self.model, self.optimizer), self.description())
