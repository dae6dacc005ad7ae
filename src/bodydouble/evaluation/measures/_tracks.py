"""What the measures of utility and of time share: who is in a frame and where, and sums by track that figures rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, fsum
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.claims import is_person
from bodydouble.evaluation.measures.base import MAX_CASES, Better, Case, Figure, Group, Series, Tally
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.seeds import derive_seed

RESAMPLES: Final[int] = 1000
"""Draws of the bootstrap."""
LEAST_TRACKS: Final[int] = 3
"""With fewer a resampled interval says nothing."""
_CONFIDENCE: Final[tuple[float, float]] = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """Somebody in one frame, by the original's bundle."""

    track: PersonTrack
    step: int
    """Row of the frame in the track."""
    rows: slice
    """Rows of the box, cut to the frame; not empty."""
    columns: slice
    """Columns of the box, cut to the frame; not empty."""

    @property
    def track_id(self) -> int:
        """Of the bundle."""
        return self.track.track_id

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom; may reach beyond the frame."""
        left, top, right, bottom = (float(v) for v in self.track.boxes_xyxy_px[self.step])
        return left, top, right, bottom

    @property
    def height_px(self) -> float:
        """Height of the box."""
        return self.box_xyxy_px[3] - self.box_xyxy_px[1]


def people_at(bundle: SceneBundle, frame_index: int, *, min_height_px: float = 0.0) -> list[Person]:
    """People seen in a frame, by track id.

    Left out are movers that no detection ever explained, frames in which nothing of the person was seen (the silhouette
    is a precaution there), boxes below ``min_height_px`` and boxes beyond the frame. Of twins the stronger counts.
    """
    found = []
    for track in bundle.tracks:
        step = track.step_of(frame_index)
        if step is None or track.visible_fraction[step] <= 0.0 or not is_person(track):
            continue
        if bundle.as_one(track, frame_index) is not track:
            continue
        left, top, right, bottom = (float(v) for v in track.boxes_xyxy_px[step])
        rows = slice(max(0, floor(top)), min(bundle.video.height_px, ceil(bottom)))
        columns = slice(max(0, floor(left)), min(bundle.video.width_px, ceil(right)))
        if bottom - top < min_height_px or rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        found.append(Person(track=track, step=step, rows=rows, columns=columns))
    return found


def silhouettes_at(bundle: SceneBundle, frame_index: int) -> npt.NDArray[np.int32]:
    """(height, width): the id of the track whose silhouette a pixel belongs to, 0 for nobody, -1 where two overlap.

    What belongs to a twin belongs to the stronger one.
    """
    owners = np.zeros((bundle.video.height_px, bundle.video.width_px), dtype=np.int32)
    for track in bundle.tracks:
        step = track.step_of(frame_index)
        if step is None:
            continue
        left, top, right, bottom = (int(v) for v in track.silhouettes.windows_xyxy_px[step])
        window = owners[top:bottom, left:right]
        mask = track.silhouettes.mask(step)
        owner = bundle.as_one(track, frame_index).track_id
        window[mask] = np.where((window[mask] == 0) | (window[mask] == owner), owner, -1)
    return owners


class TrackSums:
    """Sums by track of one clip, and the worst frame of each; memory grows with tracks, not with frames."""

    def __init__(self, clip: str, names: Iterable[str]) -> None:
        self._clip = clip
        self._names = tuple(names)
        self._sums: dict[int, dict[str, float]] = {}
        self._worst: dict[int, Case] = {}

    def add(self, track_id: int, **values: float) -> None:
        """Add to the sums of a track.

        Raises:
            KeyError: a name was not announced.
        """
        sums = self._sums.setdefault(track_id, dict.fromkeys(self._names, 0.0))
        for name, value in values.items():
            sums[name] += float(value)

    def note(self, person: Person, frame_index: int, badness: float, what: str) -> None:
        """Remember the frame if it is the worst of its track."""
        known = self._worst.get(person.track_id)
        if known is None or badness > known.badness:
            self._worst[person.track_id] = Case(
                clip=self._clip,
                frame_index=frame_index,
                track_id=person.track_id,
                badness=float(badness),
                what=what,
                box_xyxy_px=person.box_xyxy_px,
            )

    def tally(self, measure: str, *, counts: Mapping[str, float] | None = None, series: Iterable[Series] = ()) -> Tally:
        """One value a track and name, tracks in order of their ids."""
        order = sorted(self._sums)
        worst = sorted(self._worst.values(), key=lambda case: (-case.badness, case.frame_index, case.track_id or 0))
        return Tally(
            measure=measure,
            counts=dict(counts or {}),
            samples={name: tuple(self._sums[track][name] for track in order) for name in self._names},
            cases=tuple(worst[:MAX_CASES]),
            series=tuple(series),
        )


class Timeline:
    """One value a frame; frames without a value are left out."""

    def __init__(self, clip: str, key: str) -> None:
        self._clip, self._key = clip, key
        self._frames: list[int] = []
        self._values: list[float] = []

    def add(self, frame_index: int, part: float, whole: float) -> None:
        """Put down ``part / whole``, nothing where ``whole`` is 0."""
        if whole > 0.0:
            self._frames.append(frame_index)
            self._values.append(part / whole)

    def series(self) -> tuple[Series, ...]:
        """The series, none where no frame has a value."""
        if not self._frames:
            return ()
        frames, values = tuple(self._frames), tuple(self._values)
        return (Series(clip=self._clip, key=self._key, frame_indices=frames, values=values),)


def resampled(rows: npt.NDArray[np.float64], *parts: str | int) -> npt.NDArray[np.float64]:
    """Sums of rows drawn with replacement, ``RESAMPLES`` times.

    Rows are sorted first, so that the order in which shards were added changes nothing.

    Args:
        rows: (tracks, columns).
        parts: names that the draws are derived from.

    Returns:
        (``RESAMPLES``, columns).
    """
    ordered = rows[np.lexsort(rows.T[::-1])] if len(rows) else rows
    rng = np.random.default_rng(derive_seed(0, "resampled tracks", *parts))
    sums = np.zeros((RESAMPLES, rows.shape[1]))
    for draw in range(RESAMPLES):
        sums[draw] = ordered[rng.integers(len(ordered), size=len(ordered))].sum(axis=0) if len(ordered) else 0.0
    return sums


def percentiles(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """Ends of the 95 % interval of resampled values; None where no draw has a value."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return None
    low, high = np.percentile(known, _CONFIDENCE)
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class RatioFigure:
    """A figure that is a sum over tracks divided by another sum over tracks."""

    key: str
    label: str
    group: Group
    better: Better
    part: str
    """Name of the samples above the line."""
    whole: str
    """Name of the samples below the line."""
    trials: str
    """Name of the samples whose sum is the number of trials."""
    scale: float = 1.0
    offset: float = 0.0
    """The value is ``offset + scale * part / whole``."""
    root: bool = False
    """Take the square root of ``part / whole`` first."""
    missing: str = "nobody to measure"
    """Note where there is no value."""
    note: str = ""
    """Note where there is one."""

    def read(self, tally: Tally) -> Figure:
        """The figure with its interval; without a value where the sum below the line is 0."""
        rows = np.array(
            [tally.samples.get(self.part, ()), tally.samples.get(self.whole, ())], dtype=np.float64
        ).T.reshape(-1, 2)
        whole = fsum(rows[:, 1])
        trials = round(fsum(tally.samples.get(self.trials, ())))
        if whole <= 0.0:
            return Figure(
                key=self.key, label=self.label, group=self.group, better=self.better, value=None, trials=trials,
                note=self.missing,
            )  # fmt: skip
        usable = rows[rows[:, 1] > 0.0]
        notes = [self.note] if self.note else []
        interval = None
        if len(usable) >= LEAST_TRACKS:
            sums = resampled(usable, tally.measure, self.key)
            interval = percentiles(np.asarray(self._value(sums[:, 0], sums[:, 1])))
        else:
            notes.append(f"no interval: tracks are {len(usable)}, at least {LEAST_TRACKS} are needed")
        return Figure(
            key=self.key,
            label=self.label,
            group=self.group,
            better=self.better,
            value=float(self._value(np.float64(fsum(rows[:, 0])), np.float64(whole))),
            interval=interval,
            trials=trials,
            note="; ".join(notes),
        )

    def _value(
        self, part: npt.NDArray[np.float64] | np.float64, whole: npt.NDArray[np.float64] | np.float64
    ) -> npt.NDArray[np.float64] | np.float64:
        share = part / whole
        return self.offset + self.scale * (np.sqrt(share) if self.root else share)
