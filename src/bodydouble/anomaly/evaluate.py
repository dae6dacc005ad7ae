"""Scoring a test set: each video is streamed once, and no more than a batch of clips is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bodydouble.anomaly.checkpoint import load_detector
from bodydouble.anomaly.clips import Scale, windows
from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.data.base import TestClips, TestVideo
from bodydouble.anomaly.detectors import Detector, Terms
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.scores import Scores, VideoTerms, combined
from bodydouble.anomaly.train import as_clips, fixed_threads
from bodydouble.errors import InputError
from bodydouble.scene.footage import Progress, SilentProgress

BATCH = 8
"""Clips that go through the network together, where the memory does not learn in between."""


def score(
    checkpoint: Path,
    dataset: TestClips,
    *,
    protocol: Protocol | None = None,
    progress: Progress | None = None,
    device: str | None = None,
) -> Scores:
    """Score a test set by a trained detector.

    Args:
        checkpoint: made by `bodydouble.anomaly.train.train`.
        dataset: videos with labels.
        protocol: the choices; None: the detector's authors' and the paper's, see `Protocol`.
        progress: told about each video.
        device: where to compute; None: where it was trained.

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
    detector.to(config.device).eval()
    progress.start(f"scoring by {description.detector}", len(dataset.videos))
    learnt = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    terms = {}
    with torch.inference_mode(), fixed_threads(config):
        for video in dataset.videos:
            terms[video.footage.name] = _video_terms(detector, config, video, chosen)
            if chosen.memory_update == "per-video":
                detector.load_state_dict(learnt)
            progress.advance()
    progress.finish()
    return combined(description.detector, terms, chosen)


def _video_terms(detector: Detector, config: DetectorConfig, video: TestVideo, protocol: Protocol) -> VideoTerms:
    """Error terms of all frames of a video that a clip can score."""
    learns = protocol.memory_update != "off"
    threshold = protocol.update_threshold
    assert threshold is not None
    rows: list[Terms] = []
    for batch in windows(video.footage, Scale.of(config), detector.clip_frames, 1 if learns else BATCH):
        with torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            found = detector.terms(as_clips(batch, config.device))
        rows.append(found)
        # After the frame is scored: it must not be judged by what it taught.
        detector.learn_at_test(learns and float(found.weighted) < threshold)
    first, count = detector.scored_frame, sum(len(row.frame) for row in rows)
    frames = count + detector.clip_frames - 1
    if rows and frames != len(video.labels):
        raise InputError(f"{video.footage.name} has {frames} frames and {len(video.labels)} labels")
    return VideoTerms(
        first=first,
        labels=video.labels[first : first + count],
        frame=_joined([row.frame for row in rows]),
        patch=_joined([row.patch for row in rows]),
        feature=_joined([row.feature for row in rows if row.feature is not None])
        if any(row.feature is not None for row in rows)
        else None,
    )


def _joined(parts: list[Tensor]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return torch.cat(parts).double().cpu().numpy() if parts else np.zeros(0)
