"""Scores of each test video over time, as numbers that a template writes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.anomaly.scores import VideoScores
from bodydouble.anomaly.table.figures import TESTS, TITLES, Figures
from bodydouble.anomaly.table.record import Job, Test
from bodydouble.runs import runs_of_true

WIDTH: Final = 600
HEIGHT: Final = 100
"""Units of the drawing."""
MOST_POINTS: Final = 200
"""Of one line; of a longer video each point is the mean of its stretch."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A variant."""

    variant: str
    number: int
    """Of the variant; decides colour and dashes."""
    points: str
    """``x,y x,y …``"""
    auc: float | None
    """Of this video alone, in points; None where all its frames are alike."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A test video."""

    video: str
    frames: int
    abnormal: tuple[tuple[float, float], ...]
    """Stretches of abnormal frames: left edge and width."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class CurveGroup:
    """A detector and a test."""

    title: str
    seed: int
    curves: tuple[Curve, ...]


def curves(figures: Figures, detectors: Sequence[str], variants: Sequence[str], seeds: int) -> tuple[CurveGroup, ...]:
    """Curves of the lowest seed that is finished, for each detector and test."""
    groups = []
    for detector in detectors:
        for test, words in TESTS.items():
            for seed in range(seeds):
                found = _curves(figures, detector, variants, seed, test)
                if found:
                    groups.append(CurveGroup(title=f"{TITLES[detector]}, {words}", seed=seed, curves=found))
                    break
    return tuple(groups)


def _curves(figures: Figures, detector: str, variants: Sequence[str], seed: int, test: Test) -> tuple[Curve, ...]:
    protocol = figures.protocol.resolved(detector)
    scores = {
        number: (variant, found)
        for number, variant in enumerate(variants)
        if (found := figures.found(Job(seed=seed, detector=detector, variant=variant), test, protocol)) is not None
    }
    if not scores:
        return ()
    first = next(iter(scores.values()))[1]
    every = [s for _, found in scores.values() for video in found.videos.values() for s in (video.scores,)]
    low, high = min(float(s.min()) for s in every), max(float(s.max()) for s in every)
    made = []
    for name, video in first.videos.items():
        frames = video.first + len(video.labels)
        lines = tuple(
            Line(
                variant=variant,
                number=number,
                points=_points(found.videos[name], frames, low, high),
                auc=None if found.videos[name].auc is None else 100 * float(found.videos[name].auc or 0.0),
            )
            for number, (variant, found) in scores.items()
        )
        made.append(Curve(video=name, frames=frames, abnormal=_stretches(video.labels, video.first), lines=lines))
    return tuple(made)


def _points(video: VideoScores, frames: int, low: float, high: float) -> str:
    values = video.scores
    parts = np.array_split(np.arange(len(values)), min(MOST_POINTS, len(values)))
    xs = [WIDTH * (video.first + float(part.mean()) + 0.5) / frames for part in parts]
    ys = [HEIGHT * (1 - (float(values[part].mean()) - low) / ((high - low) or 1.0)) for part in parts]
    points = [f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True)]
    return " ".join(points if len(points) > 1 else points * 2)


def _stretches(labels: npt.NDArray[np.bool_], first: int) -> tuple[tuple[float, float], ...]:
    unit = WIDTH / (first + len(labels))
    return tuple(
        (round((first + begin) * unit, 1), round((end - begin) * unit, 1)) for begin, end in runs_of_true(labels)
    )
