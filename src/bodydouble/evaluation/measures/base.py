"""The vocabulary of measuring: a pair of clips goes in, counts that add up come out, figures are read off the counts.

A run over many clips, or over shards of a data set on many machines, adds tallies and reads the figures off the sum;
figures are never averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.ground_truth import GroundTruth
from bodydouble.scene import SceneBundle
from bodydouble.scene.plate_files import PlateReader

Better = Literal["high", "low", "chance"]
"""Which way is good: up, down, or towards what guessing gives."""
Group = Literal["privacy", "utility", "temporal", "cost"]
"""Where a figure stands in the table."""
MAX_CASES: Final[int] = 50
"""Worst cases kept of each measure; the report shows fewer."""


@dataclass(frozen=True, kw_only=True)
class PairedClip:
    """An original and its result, and what is known of the original. Sizes, counts and times of both agree."""

    name: str
    """Relative name in the data set, with forward slashes; names worst cases."""
    bundle: SceneBundle
    """What perception saw in the *original*: whose boxes, joints and silhouettes are measured."""
    truth: GroundTruth | None = None
    """Ground-truth boxes, where there are any."""
    plate: PlateReader | None = None
    """The clean plate of the original, where it was kept."""
    result_bundle: SceneBundle | None = None
    """What the same perception saw in the result; None unless a measure of the run asks for it."""
    seed: int = 0
    """Root of everything a measure draws; derive with ``seeds.derive_seed``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePair:
    """The same instant in both clips."""

    index: int
    """0-based frame of the clip."""
    original_rgb: npt.NDArray[np.uint8]
    """(height, width, 3)."""
    result_rgb: npt.NDArray[np.uint8]
    """(height, width, 3); the very same array where the original is measured against itself."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something worth looking at; the worst of each measure are shown in the report."""

    clip: str
    frame_index: int
    track_id: int | None
    """Id in the original's bundle, None where the case is a whole frame."""
    badness: float
    """Orders the cases of one measure, worst is highest."""
    what: str
    """One plain sentence, with the figure in it."""
    box_xyxy_px: tuple[float, float, float, float] | None = None
    """Where to look."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value per frame of one clip, for timelines."""

    clip: str
    key: str
    """Of the figure it belongs to."""
    frame_indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one measure counted; adds over clips and shards in any order."""

    measure: str
    """Name of the measure; only tallies of the same measure add."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """Sums (hits, trials, sums of values, sums of squares...); they add."""
    samples: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Values of which a distribution is needed (medians, resampled intervals); they are put behind one another."""
    cases: tuple[Case, ...] = ()
    """The worst ``MAX_CASES``, worst first."""
    series: tuple[Series, ...] = ()
    """Timelines, by clip."""

    def __add__(self, other: Tally) -> Tally:
        """Add two tallies.

        Raises:
            ValueError: they are of different measures.
        """
        if self.measure != other.measure:
            raise ValueError(f"a tally of {self.measure!r} cannot be added to one of {other.measure!r}")
        keys = sorted({*self.counts, *other.counts})
        names = sorted({*self.samples, *other.samples})
        worst = sorted(
            self.cases + other.cases, key=lambda case: (-case.badness, case.clip, case.frame_index, case.track_id or 0)
        )
        return replace(
            self,
            counts={key: self.counts.get(key, 0.0) + other.counts.get(key, 0.0) for key in keys},
            samples={name: self.samples.get(name, ()) + other.samples.get(name, ()) for name in names},
            cases=tuple(worst[:MAX_CASES]),
            series=tuple(sorted(self.series + other.series, key=lambda one: (one.clip, one.key))),
        )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One cell of the table."""

    key: str
    """Unique and stable, dotted: ``privacy.reid.osnet.rank1``."""
    label: str
    """For people: a few words, the unit among them where there is one."""
    group: Group
    better: Better
    value: float | None
    """None where it could not be measured; ``note`` tells why."""
    interval: tuple[float, float] | None = None
    """95 % confidence, resampled over tracks or people (not over frames, which depend on each other)."""
    chance: float | None = None
    """What guessing would give, where that is known."""
    trials: int = 0
    """How many (frames, boxes, people: the label says) the value rests on."""
    note: str = ""


class ClipMeasurement(Protocol):
    """One measure at work on one clip."""

    def see(self, pair: FramePair) -> None:
        """Take the next pair; all frames come, in order."""

    def finish(self) -> Tally:
        """Return what was counted; called once, after the last frame."""


class Measure(Protocol):
    """A way of measuring. Holds networks and settings, nothing of a clip."""

    @property
    def name(self) -> str:
        """Name of the measure and of its tallies, such as ``coverage``."""

    def start(self, clip: PairedClip) -> ClipMeasurement:
        """Begin with a clip."""

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Read the figures off a sum of tallies; an empty one gives figures without a value."""
