"""What can be told about a person from their double: colours of clothes, brightness, build.

The same reader looks at the original and at the result. The original is read in the first half of a track and the result
in the second, so that what the reader itself gets wrong shows when the original is attacked: that is its ceiling. Chance
is how often the answer would be right for the double of somebody else of the same clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures.base import Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.measures.crops import CROP_HEIGHT_PX, CROP_WIDTH_PX, CropKeeper, Crops
from bodydouble.evaluation.measures.identities import KnownPeople, identities
from bodydouble.evaluation.measures.intervals import Shares, share_figure
from bodydouble.evaluation.measures.seen_again import tracks_seen_again
from bodydouble.scene import PersonTrack

ATTRIBUTES: Final[Mapping[str, str]] = {
    "upper": "colour of the upper body",
    "lower": "colour of the lower body",
    "brightness": "brightness (dark, middle, bright of the clip's people)",
    "build": "build (slim, middle, broad of the clip's people)",
}
_UPPER_ROWS: Final[slice] = slice(round(0.20 * CROP_HEIGHT_PX), round(0.45 * CROP_HEIGHT_PX))
_LOWER_ROWS: Final[slice] = slice(round(0.55 * CROP_HEIGHT_PX), round(0.85 * CROP_HEIGHT_PX))
_COLUMNS: Final[slice] = slice(round(0.375 * CROP_WIDTH_PX), round(0.625 * CROP_WIDTH_PX))
"""The middle quarter: arms and background are beside it."""
_LEAST_CROPS: Final[int] = 2
"""Of each half of a track."""
_BLACK_BELOW, _WHITE_FROM = 45, 170
_PALE_BELOW: Final[int] = 50
"""Saturation (of 255) below which a colour has no name but its brightness."""
_NAMED_HUES: Final[tuple[tuple[int, str], ...]] = (
    (8, "red"), (22, "orange or brown"), (35, "yellow"), (85, "green"), (130, "blue"), (160, "purple"), (180, "red"),
)  # fmt: skip
"""Upper ends on OpenCV's circle of 180; the basic terms of Berlin and Kay (1969) that hue can tell apart."""


def colour_name(rgb: npt.NDArray[np.uint8]) -> str:
    """The most frequent basic colour of pixels (..., 3)."""
    import cv2

    hsv = cv2.cvtColor(np.ascontiguousarray(rgb.reshape(1, -1, 3)), cv2.COLOR_RGB2HSV)[0].astype(np.int64)
    hue, saturation, value = hsv.T
    ends = np.array([end for end, _ in _NAMED_HUES])
    names = np.array([name for _, name in _NAMED_HUES], dtype=object)[np.searchsorted(ends, hue, side="right")]
    names[saturation < _PALE_BELOW] = "grey"
    names[(saturation < _PALE_BELOW) & (value >= _WHITE_FROM)] = "white"
    names[value < _BLACK_BELOW] = "black"
    return _most(names.tolist())


def _most(names: Sequence[str]) -> str:
    """The most frequent; of equally frequent ones the first in the alphabet."""
    return min(Counter(names).items(), key=lambda item: (-item[1], item[0]))[0]


def _brightness(crops: Crops) -> float:
    """Median luma of the middle of the body, 0 to 255 (weights of ITU-R BT.601)."""
    body = crops[:, _UPPER_ROWS.start : _LOWER_ROWS.stop, _COLUMNS]
    return float(np.median(body @ np.array([0.299, 0.587, 0.114])))


def broadness(track: PersonTrack, steps: Sequence[int]) -> float | None:
    """Median of area by squared height of the silhouette; None without any."""
    values = []
    for step in steps:
        mask = track.silhouettes.mask(step)
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows) > 1:
            values.append(np.count_nonzero(mask) / float(rows[-1] - rows[0] + 1) ** 2)
    return float(np.median(values)) if values else None


class Attributes:
    """Agreement of attributes read from the result with those read from the original."""

    name: Final = "attributes"

    def __init__(self, *, known: Mapping[str, KnownPeople] | None = None) -> None:
        """Take, by name of the clip, who came in more than once: they are drawn together for the interval."""
        self.known = dict(known or {})

    def start(self, clip: PairedClip) -> _Reading:
        """Begin with a clip."""
        return _Reading(clip, self.known.get(clip.name))

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Accuracy of each attribute."""
        no_result = tally.counts.get("clips", 0) > tally.counts.get("with_result", 0)
        absent = dict.fromkeys(ATTRIBUTES, "fewer than two people with enough crops in both halves of their track")
        if no_result:
            absent["build"] = "nobody looked for people in the result"
        return tuple(
            share_figure(
                tally,
                f"privacy.attributes.{name}",
                label=f"attributes told from the result: {what}",
                group="privacy",
                better="chance",
                absent=absent[name],
            )
            for name, what in ATTRIBUTES.items()
        )


class _Reading:
    def __init__(self, clip: PairedClip, known: KnownPeople | None) -> None:
        self._clip = clip
        self._who = identities(clip, known)
        self._tracks = [track for track in clip.bundle.tracks if track.track_id in self._who]
        self._keeper = CropKeeper(self._tracks, clip.bundle.video.width_px, clip.bundle.video.height_px)

    def see(self, pair: FramePair) -> None:
        self._keeper.see(pair)

    def finish(self) -> Tally:
        shares = Shares(measure=Attributes.name)
        shares.count("clips")
        pairs = self._keeper.pairs()
        told: dict[str, dict[int, str]] = {name: {} for name in ATTRIBUTES}
        truth: dict[str, dict[int, str]] = {name: {} for name in ATTRIBUTES}
        bright: tuple[dict[int, float], dict[int, float]] = ({}, {})
        for track in self._tracks:
            rows = np.flatnonzero(pairs.track_ids == track.track_id)
            early, late = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            if len(early) < _LEAST_CROPS:
                continue
            for name, part in (("upper", _UPPER_ROWS), ("lower", _LOWER_ROWS)):
                truth[name][track.track_id] = _voted(pairs.original[early, part, _COLUMNS])
                told[name][track.track_id] = _voted(pairs.result[late, part, _COLUMNS])
            bright[0][track.track_id] = _brightness(pairs.original[early])
            bright[1][track.track_id] = _brightness(pairs.result[late])
        truth["brightness"], told["brightness"] = _thirds(bright[0]), _thirds(bright[1])
        if self._clip.result_bundle is not None:
            shares.count("with_result")
            here, there = self._builds()
            truth["build"], told["build"] = _thirds(here), _thirds(there)
        for name in ATTRIBUTES:
            self._score(shares, name, truth[name], told[name])
        return shares.tally()

    def _builds(self) -> tuple[dict[int, float], dict[int, float]]:
        """Broadness by track id: of people in the first half of where they are seen again, of doubles in the second."""
        result = self._clip.result_bundle
        assert result is not None
        here: dict[int, float] = {}
        there: dict[int, float] = {}
        seen_again = tracks_seen_again(self._clip.bundle, result)
        for track in self._tracks:
            rows = seen_again.get(track.track_id, [])
            early, late = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            if len(early) < _LEAST_CROPS:
                continue
            person = broadness(track, [row[0] for row in early])
            # A person may be cut into several tracks in the result; the longest piece is looked at.
            index = Counter(row[1] for row in late).most_common(1)[0][0]
            double = broadness(result.tracks[index], [row[2] for row in late if row[1] == index])
            if person is not None and double is not None:
                here[track.track_id], there[track.track_id] = person, double
        return here, there

    def _score(self, shares: Shares, name: str, truth: Mapping[int, str], told: Mapping[int, str]) -> None:
        key = f"privacy.attributes.{name}"
        by_id = {track.track_id: track for track in self._tracks}
        for track_id, right in truth.items():
            person = self._who[track_id].person
            others = [told[other] for other in truth if self._who[other].person != person]
            if not others:
                continue
            is_told = told[track_id] == right
            chance = sum(answer == right for answer in others) / len(others)
            shares.add(key, person, float(is_told), chance=chance)
            if is_told:
                track = by_id[track_id]
                shares.cases.append(
                    Case(
                        clip=self._clip.name,
                        frame_index=int(track.frame_indices[len(track) // 2]),
                        track_id=track_id,
                        badness=1.0 - chance,
                        what=f"{ATTRIBUTES[name]}: {right}, in the result too; {chance:.0%} of the others' doubles have it",
                    )
                )


def _voted(crops: npt.NDArray[np.uint8]) -> str:
    return _most([colour_name(crop) for crop in crops])


def _thirds(values: Mapping[int, float]) -> dict[int, str]:
    """Low, middle or high among the people of the clip: classes of one size, whatever the light."""
    order = sorted(values, key=lambda track_id: (values[track_id], track_id))
    names = ("low", "middle", "high")
    return {track_id: names[place * 3 // len(order)] for place, track_id in enumerate(order)}
