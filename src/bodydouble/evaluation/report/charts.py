"""Distributions and timelines as numbers that the template writes as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import Series
from bodydouble.evaluation.measures.registry import Distribution
from bodydouble.evaluation.report.model import Column, Evaluation
from bodydouble.evaluation.report.table import Table, show_number

_BINS: Final = 24
_MOST_POINTS: Final = 240
"""A line of more points is no clearer on a screen."""
_MOST_TIMELINES: Final = 12


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar; shares of the plot's width and height."""

    x: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Values of one column."""

    label: str
    number: int
    """Of the column; decides colour and dashes."""
    bars: tuple[Bar, ...]
    note: str
    """Count and median."""
    median_x: float | None
    """Share of the width."""


@dataclass(frozen=True, kw_only=True)
class DistributionChart:
    """One quantity, a histogram per column over the same axis."""

    title: str
    low: str
    high: str
    rows: tuple[Histogram, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One column over time."""

    label: str
    number: int
    points: tuple[str, ...]
    """``x,y`` runs in units of 1000 x 200; several where frames in between have no value."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One figure of one clip, frame by frame."""

    title: str
    clip: str
    low: str
    high: str
    first_frame: int
    last_frame: int
    lines: tuple[Line, ...]


def distributions(evaluation: Evaluation, shown: Sequence[tuple[str, Distribution]]) -> tuple[DistributionChart, ...]:
    """Charts of what the measures want to be seen.

    Args:
        evaluation: what was counted.
        shown: pairs of a measure's name and what of its samples is drawn.
    """
    charts = []
    for measure, distribution in shown:
        values = [_values(column, measure, distribution) for column in evaluation.columns]
        full = [one for one in values if len(one)]
        if not full:
            continue
        low, high = distribution.limits or (min(float(v.min()) for v in full), max(float(v.max()) for v in full))
        if high <= low:
            low, high = low - 0.5, high + 0.5
        rows = tuple(
            _histogram(column.label, number, one, low, high)
            for number, (column, one) in enumerate(zip(evaluation.columns, values, strict=True))
            if len(one)
        )
        charts.append(
            DistributionChart(title=distribution.title, low=show_number(low), high=show_number(high), rows=rows)
        )
    return tuple(charts)


def _values(column: Column, measure: str, distribution: Distribution) -> npt.NDArray[np.float64]:
    tally = column.tallies.get(measure)
    part = np.array(tally.samples.get(distribution.part, ()) if tally else (), np.float64)
    if distribution.whole is not None:
        whole = np.array(tally.samples.get(distribution.whole, ()) if tally else (), np.float64)
        if len(whole) != len(part):
            return np.zeros(0)
        part = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return part[np.isfinite(part)]


def _histogram(label: str, number: int, values: npt.NDArray[np.float64], low: float, high: float) -> Histogram:
    inside = np.clip(values, low, high)
    counts, edges = np.histogram(inside, bins=_BINS, range=(low, high))
    tallest = max(1, int(counts.max()))
    bars = tuple(
        Bar(
            x=bin_number / _BINS,
            width=1 / _BINS,
            height=int(count) / tallest,
            title=f"{show_number(float(edges[bin_number]))} to {show_number(float(edges[bin_number + 1]))}: {int(count)}",
        )
        for bin_number, count in enumerate(counts)
        if count
    )
    median = float(np.median(values))
    note = f"{len(values)} values, median {show_number(median)}"
    x = (min(max(median, low), high) - low) / (high - low)
    return Histogram(label=label, number=number, bars=bars, note=note, median_x=x)


def timelines(evaluation: Evaluation, table: Table) -> tuple[Timeline, ...]:
    """One chart per clip and figure that has a course over time, of those clips in which the results differ most."""
    found: dict[tuple[str, str], list[tuple[int, str, Series]]] = {}
    for number, column in enumerate(evaluation.columns):
        for tally in column.tallies.values():
            for series in tally.series:
                found.setdefault((series.key, series.clip), []).append((number, column.label, series))
    titles = {row.key: row.label for row in table.rows}
    charts = []
    for (key, clip), courses in found.items():
        values = [v for _, _, series in courses for v in series.values if math.isfinite(v)]
        frames = [index for _, _, series in courses for index in series.frame_indices]
        if not values:
            continue
        low, high = min(0.0, *values), max(values)
        high = high if high > low else low + 1
        first, last = min(frames), max(frames)
        spread = (max(values) - min(values)) / (high - low)
        lines = tuple(
            Line(label=label, number=number, points=_points(series, first, last, low, high))
            for number, label, series in courses
        )
        chart = Timeline(
            title=titles.get(key, key), clip=clip, low=show_number(low), high=show_number(high),
            first_frame=first, last_frame=last, lines=lines,
        )  # fmt: skip
        charts.append((-spread, key, clip, chart))
    # The clip with the most to see first; never more than fit on a page.
    charts.sort(key=lambda entry: entry[:3])
    per_key: dict[str, int] = {}
    chosen: list[Timeline] = []
    for _, key, _, chart in charts:
        per_key[key] = per_key.get(key, 0) + 1
        if per_key[key] <= 2 and len(chosen) < _MOST_TIMELINES:
            chosen.append(chart)
    return tuple(chosen)


def _points(series: Series, first: int, last: int, low: float, high: float) -> tuple[str, ...]:
    """Runs of points; of a long clip each point is the mean of its stretch, so a peak gets lower but is never skipped."""
    indices = np.array(series.frame_indices, np.float64)
    values = np.array(series.values, np.float64)
    count = last - first + 1
    columns = min(count, _MOST_POINTS)
    place = np.minimum(((indices - first) * columns / count).astype(np.int64), columns - 1)
    finite = np.isfinite(values)
    sums = np.bincount(place[finite], weights=values[finite], minlength=columns)
    counts = np.bincount(place[finite], minlength=columns)
    runs: list[list[str]] = [[]]
    # A measure may look at every so many frames only: gaps as wide as its usual step are none.
    step = max(1, round(float(np.median(np.diff(np.unique(place))))) if len(np.unique(place)) > 1 else 1)
    before = None
    for column in np.flatnonzero(counts).tolist():
        if before is not None and column - before > 2 * step:
            runs.append([])
        x = 1000 * (column + 0.5) / columns
        y = 200 * (1 - (sums[column] / counts[column] - low) / (high - low))
        runs[-1].append(f"{x:.1f},{y:.1f}")
        before = column
    return tuple(" ".join(run if len(run) > 1 else [*run, *run]) for run in runs if run)
