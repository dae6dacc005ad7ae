"""Does the picture stay as it was where nobody is.

What may change is the dilated silhouettes of people, the shadows they cast and, where they are known, the doubles with edge
and shadow (`evaluation.outside`). Of results made elsewhere nobody can tell where a double reaches, so their boxes may
change as well, with a margin. All other pixels enter a histogram of the largest difference of their three channels; every
figure is read off it, and histograms add.

A lossless result must not differ anywhere. An encoded one differs everywhere a little: the mean and the 99.9th percentile
tell by how much, and what differs by ``visible_levels`` or more is more than a good encoder does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import Timeline, people_at
from bodydouble.evaluation.measures.base import MAX_CASES, Case, Figure, FramePair, PairedClip, Tally
from bodydouble.evaluation.outside import Doubles, Margins, allowed_area

_LEVELS: Final[int] = 256
_TAIL: Final[float] = 0.999


def _bin(level: int) -> str:
    return f"difference.{level:03d}"


class OutsideUnchanged:
    """Differences of pixels outside people and doubles."""

    name = "outside_unchanged"

    def __init__(
        self,
        *,
        margins: Margins | None = None,
        doubles: Mapping[str, Doubles] | None = None,
        box_margin_share: float = 0.15,
        visible_levels: int = 12,
    ) -> None:
        """Set up.

        Args:
            margins: how far from silhouettes and doubles the picture may change.
            doubles: of the clips, by name, of which a performance is at hand.
            box_margin_share: margin around boxes where it is not, as a share of their height.
            visible_levels: difference, 1 to 255, from which a pixel has changed visibly; twice what the design calls
                unchanged (less than 6).
        """
        self.margins = margins or Margins()
        self.doubles = dict(doubles or {})
        self.box_margin_share = box_margin_share
        self.visible_levels = visible_levels

    def start(self, clip: PairedClip) -> _Outside:
        """Begin with a clip."""
        return _Outside(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``utility.outside.largest``, ``.mean``, ``.p999`` in levels, ``.visible`` as a share of pixels."""
        histogram = np.array([tally.counts.get(_bin(level), 0.0) for level in range(_LEVELS)])
        total = float(histogram.sum())
        shown: list[tuple[str, str, float | None]] = [
            ("largest", "largest difference outside people, levels of 255", None),
            ("mean", "mean difference outside people, levels of 255", None),
            ("p999", "99.9th percentile of differences outside people, levels of 255", None),
            ("visible", f"share outside people changed by {self.visible_levels} levels or more", None),
        ]
        note = "no pixel is outside people and doubles"
        if total > 0.0:
            largest = int(np.flatnonzero(histogram)[-1])
            values = (
                float(largest),
                float(histogram @ np.arange(_LEVELS)) / total,
                float(np.searchsorted(np.cumsum(histogram), _TAIL * total)),
                float(histogram[self.visible_levels :].sum()) / total,
            )
            note = "lossless: nothing differs" if largest == 0 else f"{1 - histogram[0] / total:.2%} of pixels differ"
            if tally.counts.get("frames_without_doubles", 0.0):
                note += "; where doubles reach is not known, boxes with a margin may change"
            shown = [(key, label, value) for (key, label, _), value in zip(shown, values, strict=True)]
        return tuple(
            Figure(
                key=f"utility.outside.{key}",
                label=label,
                group="utility",
                better="low",
                value=value,
                trials=round(tally.counts.get("frames", 0.0)),
                note=f"{note}; no people, hence no interval",
            )
            for key, label, value in shown
        )


class _Outside:
    def __init__(self, measure: OutsideUnchanged, clip: PairedClip) -> None:
        self._measure, self._clip = measure, clip
        self._doubles = measure.doubles.get(clip.name)
        self._histogram = np.zeros(_LEVELS)
        self._frames = 0
        self._cases: list[Case] = []
        self._timeline = Timeline(clip.name, "utility.outside.mean")

    def _outside(self, index: int) -> npt.NDArray[np.bool_]:
        sprites = self._doubles.sprites_at(index) if self._doubles is not None else []
        allowed = allowed_area(self._clip.bundle, index, sprites, self._measure.margins)
        if self._doubles is None:
            for person in people_at(self._clip.bundle, index):
                margin = round(self._measure.box_margin_share * person.height_px)
                rows, columns = person.rows, person.columns
                allowed[
                    max(0, rows.start - margin) : rows.stop + margin,
                    max(0, columns.start - margin) : columns.stop + margin,
                ] = True
        return ~allowed

    def see(self, pair: FramePair) -> None:
        outside = self._outside(pair.index)
        difference = np.asarray(cv2.absdiff(pair.original_rgb, pair.result_rgb)).max(axis=2)
        counts = np.bincount(difference[outside], minlength=_LEVELS)
        self._frames += 1
        self._histogram += counts
        self._timeline.add(pair.index, float(counts @ np.arange(_LEVELS)), float(counts.sum()))
        visible = int(counts[self._measure.visible_levels :].sum())
        if visible:
            levels = float(counts[self._measure.visible_levels :] @ np.arange(self._measure.visible_levels, _LEVELS))
            self._note(pair.index, visible, levels, np.where(outside, difference, 0))

    def _note(self, index: int, visible: int, levels: float, difference: npt.NDArray[np.uint8]) -> None:
        row, column = np.unravel_index(int(difference.argmax()), difference.shape)
        # A window around the largest difference.
        half = max(16, difference.shape[0] // 16)
        self._cases.append(
            Case(
                clip=self._clip.name,
                frame_index=index,
                track_id=None,
                badness=levels,
                what=f"{visible} pixels where nobody is have changed by {self._measure.visible_levels} levels or more, "
                f"one by {int(difference.max())}",
                box_xyxy_px=(
                    float(max(0, column - half)),
                    float(max(0, row - half)),
                    float(min(difference.shape[1], column + half)),
                    float(min(difference.shape[0], row + half)),
                ),
            )
        )
        if len(self._cases) > 2 * MAX_CASES:
            self._cases = self._worst()

    def _worst(self) -> list[Case]:
        return sorted(self._cases, key=lambda case: (-case.badness, case.frame_index))[:MAX_CASES]

    def finish(self) -> Tally:
        counts = {_bin(level): float(count) for level, count in enumerate(self._histogram) if count}
        counts["frames"] = float(self._frames)
        counts["frames_without_doubles"] = float(self._frames if self._doubles is None else 0)
        return Tally(
            measure=OutsideUnchanged.name,
            counts=counts,
            cases=tuple(self._worst()),
            series=self._timeline.series(),
        )
