"""Scoring a test set: each video is streamed once, and no more than a few batches of clips are held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bodydouble.anomaly.checkpoint import load_detector
from bodydouble.anomaly.clips import Frames, Scale, cached, scaled, windows
from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.data.base import TestClips, TestVideo
from bodydouble.anomaly.detectors import Detector, Terms
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import Scores, VideoTerms, combined
from bodydouble.anomaly.train import as_clips, fixed_threads, placed
from bodydouble.errors import InputError
from bodydouble.scene.footage import Progress, SilentProgress

BATCH = 16
"""Clips that go through the network together."""


def score(
    checkpoint: Path,
    dataset: TestClips,
    *,
    protocol: Protocol | None = None,
    progress: Progress | None = None,
    device: str | None = None,
    cache: Path | None = None,
) -> Scores:
    """Score a test set by a trained detector.

    Args:
        checkpoint: made by `bodydouble.anomaly.train.train`.
        dataset: videos with labels.
        protocol: the choices; None: the detector's authors' and the paper's, see `Protocol`.
        progress: told about each video.
        device: where to compute; None: where it was trained.
        cache: folder of resized frames, which several detectors may share; None: every frame is decoded and kept nowhere.

    Returns:
        Scores and error terms of each video, and the areas under the curve.

    Raises:
        InputError: the checkpoint or a video cannot be read, labels and frames differ in number, a video is shorter than a
            clip, or all labels are alike.
        DetectorFailed: an error term is not finite, or all scores are the same.
    """
    progress = progress or SilentProgress()
    detector, description = load_detector(checkpoint)
    config = replace(description.config, device=device or description.config.device)
    chosen = (protocol or Protocol()).resolved(description.detector)
    placed(detector, config.device).eval()
    small = None if cache is None else cached([v.footage for v in dataset.videos], Scale.of(config), cache, progress)
    progress.start(f"scoring by {description.detector}", len(dataset.videos))
    learnt = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    terms = {}
    with torch.inference_mode(), fixed_threads(config):
        for index, video in enumerate(dataset.videos):
            frames = scaled(video.footage, Scale.of(config)) if small is None else small[index]
            terms[video.footage.name] = _video_terms(detector, config, video, frames, chosen)
            if chosen.memory_update == "per-video":
                detector.load_state_dict(learnt)
            progress.advance()
    progress.finish()
    return combined(description.detector, terms, chosen)


def _video_terms(
    detector: Detector, config: DetectorConfig, video: TestVideo, frames: Iterable[Frames], protocol: Protocol
) -> VideoTerms:
    """Error terms of all frames of a video that a clip can score."""
    threshold = protocol.update_threshold
    assert threshold is not None
    rows: list[Terms] = []
    for batch in windows(frames, detector.clip_frames, BATCH):
        clip = as_clips(batch, config.device)
        with torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            rows.append(
                detector.terms(clip)
                if protocol.memory_update == "off"
                else detector.terms_while_learning(clip, threshold)
            )
    first, count = detector.scored_frame, sum(len(row.frame) for row in rows)
    if rows and count + detector.clip_frames - 1 != len(video.labels):
        raise InputError(
            f"{video.footage.name} has {count + detector.clip_frames - 1} frames and {len(video.labels)} labels"
        )
    every = Terms.joined(rows) if rows else _NOTHING
    return VideoTerms(
        first=first,
        labels=video.labels[first : first + count],
        frame=_numbers(every.frame),
        patch=_numbers(every.patch),
        feature=None if every.feature is None else _numbers(every.feature),
    )


_NOTHING = Terms(frame=torch.zeros(0), patch=torch.zeros(0), feature=None, weighted=torch.zeros(0))


def _numbers(values: Tensor) -> npt.NDArray[np.float64]:
    return np.asarray(values.double().cpu().numpy(), np.float64)
