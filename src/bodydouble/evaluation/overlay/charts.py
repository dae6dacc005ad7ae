"""Lines and bars of the page, as numbers that the template writes as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.overlay.facts import GAP, ClipFacts, Run, runs_of
from bodydouble.scene import SceneBundle
from bodydouble.scene.skeleton import BODY_JOINTS

_MOST_COLUMNS: Final = 600
"""A timeline of more columns is no clearer, and a page of 300 tracks would grow to tens of megabytes."""
_SCORE_BINS: Final = 20
_HEIGHT_BINS: Final = 16
_TICKS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When each track is there."""

    columns: int
    """Width of every line."""
    lines: tuple[tuple[Run, ...], ...]
    """Per track what is not a gap, in columns."""
    ticks: tuple[tuple[float, int, float], ...]
    """Share of the width (0 to 1), frame and seconds of the marks below."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a histogram."""

    x: float
    """Left edge as a share of the width."""
    width: float
    height: float
    """Share of the tallest bar."""
    title: str


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How often which value occurs."""

    title: str
    bars: tuple[Bar, ...]
    low: str
    high: str
    note: str


def timeline(facts: ClipFacts, bundle: SceneBundle) -> Timeline:
    """When each track of a bundle is there. In long clips a column stands for several frames, and shows their worst."""
    frames = facts.num_frames
    columns = min(frames, _MOST_COLUMNS)
    lines = []
    for track in facts.tracks:
        states = np.full(columns, GAP, np.int8)
        for run in track.runs:
            part = states[run.first_frame * columns // frames : run.last_frame * columns // frames + 1]
            np.maximum(part, run.state, out=part)
        lines.append(tuple(run for run in runs_of(states, 0) if run.state != GAP))
    marks = sorted({round(number * (frames - 1) / (_TICKS - 1)) for number in range(_TICKS)})
    ticks = tuple((mark / max(frames - 1, 1), mark, bundle.video.pts_seconds(mark)) for mark in marks)
    return Timeline(columns=columns, lines=tuple(lines), ticks=ticks)


def histograms(bundle: SceneBundle) -> tuple[Histogram, ...]:
    """Scores and sizes of everybody in every frame."""
    tracks = bundle.tracks
    scores = _joined(track.box_scores for track in tracks)
    heights = _joined(track.boxes_xyxy_px[:, 3] - track.boxes_xyxy_px[:, 1] for track in tracks)
    return (
        _histogram("Score of detections", scores[scores > 0], bins=_SCORE_BINS, high=1.0),
        _histogram(
            "Mean score of joints",
            _joined(track.joint_scores[:, list(BODY_JOINTS)].mean(axis=1) for track in tracks),
            bins=_SCORE_BINS,
            high=1.0,
        ),
        _histogram("Visible fraction", _joined(track.visible_fraction for track in tracks), bins=_SCORE_BINS, high=1.0),
        _histogram("Height in px", heights, bins=_HEIGHT_BINS, high=float(max(1, np.ceil(heights.max(initial=0))))),
    )


def _joined(parts: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _histogram(title: str, values: npt.NDArray[np.float32], *, bins: int, high: float) -> Histogram:
    counts, edges = np.histogram(np.clip(values, 0, high), bins=bins, range=(0, high))
    tallest = max(1, int(counts.max()))
    bars = tuple(
        Bar(
            x=number / bins,
            width=1 / bins,
            height=int(count) / tallest,
            title=f"{edges[number]:.4g} to {edges[number + 1]:.4g}: {int(count)}",
        )
        for number, count in enumerate(counts)
        if count
    )
    note = f"{len(values)} person-frames, median {float(np.median(values)):.3g}" if len(values) else "no data"
    return Histogram(title=title, bars=bars, low="0", high=f"{high:g}", note=note)
