"""Does somebody stay the same person along a track: how far looks drift apart with time.

Looks are taken of the same silhouette at two times and compared; the mean distance is given for several lags. A double
who keeps clothes and build has a small distance that hardly grows with the lag; one who is made anew in every window, or
a track that changes hands, has a large one.

Without weights, a look is colour: a histogram of hue and saturation and one of lightness, of the upper and the lower half
of the person, compared by the Hellinger distance (0: the same, 1: nothing in common). A network's embedding can be given
instead. A blackout wins this figure: nobody has any looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import Person, RatioFigure, TrackSums, people_at, silhouettes_at
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

Vector = npt.NDArray[np.float64]
_MIN_PERSON_PX: Final[int] = 60
_HUES: Final[int] = 12
_SATURATIONS: Final[int] = 4
_LIGHTNESSES: Final[int] = 16


class Look(Protocol):
    """Turns the picture of a person into numbers that can be compared."""

    @property
    def name(self) -> str:
        """Short, part of the figures' keys: ``colour``."""

    def look(self, crop_rgb: npt.NDArray[np.uint8], own: npt.NDArray[np.bool_]) -> Vector:
        """Numbers of a crop, (height, width, 3), in which the pixels ``own``, (height, width), are the person's."""

    def distance(self, first: Vector, second: Vector) -> float:
        """How far two looks are apart, 0 for the same."""


def _soft_histogram(values: npt.NDArray[np.float64], bins: int, *, wraps: bool) -> npt.NDArray[np.float64]:
    """(n, bins): each value, 0 to 1, shared between its two nearest bins, so that a small change moves little."""
    place = values * bins if wraps else values * (bins - 1)
    low = np.floor(place).astype(np.int64)
    share = place - low
    rows = np.zeros((len(values), bins))
    index = np.arange(len(values))
    rows[index, low % bins] += 1.0 - share
    rows[index, (low + 1) % bins if wraps else np.minimum(low + 1, bins - 1)] += share
    return rows


class ColourLook:
    """Histograms of colour and lightness of the upper and the lower half."""

    name = "colour"

    def look(self, crop_rgb: npt.NDArray[np.uint8], own: npt.NDArray[np.bool_]) -> Vector:
        """Square roots of the shares of each bin; four histograms of equal weight."""
        scaled = np.ascontiguousarray(crop_rgb, dtype=np.float32) / np.float32(255.0)
        hsv = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2HSV), dtype=np.float64)
        rows = np.flatnonzero(own.any(axis=1))
        middle = (int(rows[0]) + int(rows[-1]) + 1) // 2
        parts = []
        for half in (slice(0, middle), slice(middle, None)):
            pixels = hsv[half][own[half]]
            hue = _soft_histogram(pixels[:, 0] / 360.0, _HUES, wraps=True)
            saturation = _soft_histogram(pixels[:, 1], _SATURATIONS, wraps=False)
            # Hue means little where there is hardly colour or light.
            weight = pixels[:, 1] * pixels[:, 2]
            coloured = np.einsum("n,nh,ns->hs", weight, hue, saturation).ravel()
            grey = np.sum(1.0 - weight)
            chroma = np.append(coloured, grey) / max(len(pixels), 1)
            light = _soft_histogram(pixels[:, 2], _LIGHTNESSES, wraps=False).sum(axis=0) / max(len(pixels), 1)
            parts += [chroma, light]
        return np.sqrt(np.concatenate(parts) / len(parts))

    def distance(self, first: Vector, second: Vector) -> float:
        """Hellinger distance, 0 to 1."""
        return float(np.sqrt(np.sum((first - second) ** 2) / 2.0))


def _key(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"


class IdentityDrift:
    """Mean distance between looks of one person at several lags."""

    def __init__(
        self,
        *,
        look: Look | None = None,
        lags_seconds: Sequence[float] = (0.2, 1.0, 4.0),
        every_seconds: float = 0.1,
        min_height_px: float = 30.0,
    ) -> None:
        """Set up.

        Args:
            look: how a person looks; colour without it.
            lags_seconds: times between the two looks, increasing.
            every_seconds: a look is taken so often; at least every frame.
            min_height_px: smaller people are left out.
        """
        self.look: Look = look or ColourLook()
        self.lags_seconds = tuple(lags_seconds)
        self.every_seconds = every_seconds
        self.min_height_px = min_height_px

    @property
    def name(self) -> str:
        """``identity_drift.`` and the name of the look."""
        return f"identity_drift.{self.look.name}"

    def start(self, clip: PairedClip) -> _Drift:
        """Begin with a clip."""
        return _Drift(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``temporal.drift.LOOK.LAG`` for each lag, 0 and more."""
        return tuple(
            RatioFigure(
                key=f"temporal.drift.{self.look.name}.{_key(lag)}",
                label=f"identity drift over {lag:g} s ({self.look.name})",
                group="temporal",
                better="low",
                part=f"distance.{_key(lag)}",
                whole=f"pairs.{_key(lag)}",
                trials=f"pairs.{_key(lag)}",
                missing=f"nobody is seen {lag:g} s apart",
                note="blackout wins this figure",
            ).read(tally)
            for lag in self.lags_seconds
        )


class _Drift:
    def __init__(self, measure: IdentityDrift, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        rate = float(clip.bundle.video.average_rate)
        self._every = max(1, round(measure.every_seconds * rate))
        # A lag is a whole number of looks.
        self._lags = {lag: self._every * max(1, round(lag * rate / self._every)) for lag in measure.lags_seconds}
        names = [f"{kind}.{_key(lag)}" for lag in self._lags for kind in ("distance", "pairs")]
        self._sums = TrackSums(clip.name, names)
        self._looks: dict[int, deque[tuple[int, Vector]]] = {}

    def see(self, pair: FramePair) -> None:
        if pair.index % self._every:
            return
        longest = max(self._lags.values(), default=0)
        owners = silhouettes_at(self._clip.bundle, pair.index)
        for person in people_at(self._clip.bundle, pair.index, min_height_px=self._measure.min_height_px):
            own = owners[person.rows, person.columns] == person.track_id
            if np.count_nonzero(own) < _MIN_PERSON_PX:
                continue
            look = self._measure.look.look(pair.result_rgb[person.rows, person.columns], own)
            looks = self._looks.setdefault(person.track_id, deque())
            while looks and looks[0][0] < pair.index - longest:
                looks.popleft()
            self._compare(person, pair.index, look, dict(looks))
            looks.append((pair.index, look))
        for track in [track for track, looks in self._looks.items() if looks[-1][0] < pair.index - longest]:
            del self._looks[track]

    def _compare(self, person: Person, frame_index: int, look: Vector, earlier: dict[int, Vector]) -> None:
        for lag, frames in self._lags.items():
            before = earlier.get(frame_index - frames)
            if before is None:
                continue
            distance = self._measure.look.distance(before, look)
            self._sums.add(person.track_id, **{f"distance.{_key(lag)}": distance, f"pairs.{_key(lag)}": 1})
            self._sums.note(
                person, frame_index, distance, f"looks {distance:.2f} away from how they looked {lag:g} s before"
            )

    def finish(self) -> Tally:
        return self._sums.tally(self._measure.name)
