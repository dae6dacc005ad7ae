"""Does the result move as the original does, pixel by pixel: optical flow inside people.

Flow is that of OpenCV's DIS (Kroeger et al. 2016) from each frame to the one before, less the camera's motion, on the
pixels of the original's silhouettes that are one person's only.

- agreement: ``1 - sum |r - o| / sum (|r| + |o|)`` of the flows ``o`` and ``r`` of original and result: 1 when they are
  equal, 0 when the result stands still or goes the other way.
- error: ``sum |r - o| / sum |o|``, the usual end-point error over the length of the motion.
- direction: mean cosine of the angle between both, weighted by ``|o|``; a result that stands still counts 0.
- unrest: mean ``|r|`` of those who stand still in the original.

Flow inside a flat region is carried in from its outline, so a blackout that moves along agrees well although nothing is
left to be seen: these figures tell whether the result moves right, not whether it shows anything.

Whoever moves less than ``min_motion_px`` a frame stands still and enters the last figure only.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bodydouble.evaluation.measures._flow import FollowedPerson, PeopleFlow
from bodydouble.evaluation.measures._tracks import RatioFigure, Timeline, TrackSums
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

_NO_MOTION_PX: Final[float] = 1e-6


class FlowKept:
    """Agreement of optical flow inside people."""

    name = "flow_kept"

    def __init__(self, *, min_height_px: float = 30.0, min_motion_px: float = 0.5) -> None:
        """Set up.

        Args:
            min_height_px: smaller people are left out.
            min_motion_px: mean motion a frame in the original from which somebody moves.
        """
        self.min_height_px = min_height_px
        self.min_motion_px = min_motion_px

    def start(self, clip: PairedClip) -> _Flow:
        """Begin with a clip."""
        return _Flow(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``utility.flow.agreement``, ``.error``, ``.direction`` and ``temporal.unrest_px``."""
        missing = f"nobody who moves {self.min_motion_px:g} px a frame or more in two frames in a row"
        agreement = RatioFigure(
            key="utility.flow.agreement", label="optical flow kept inside people", group="utility", better="high",
            part="apart", whole="both", trials="moving", scale=-1.0, offset=1.0, missing=missing,
            note="outlines that move along are enough: blackout scores well",
        )  # fmt: skip
        error = RatioFigure(
            key="utility.flow.error", label="end-point error of flow over the motion", group="utility", better="low",
            part="apart", whole="motion", trials="moving", missing=missing,
        )  # fmt: skip
        direction = RatioFigure(
            key="utility.flow.direction", label="direction of flow kept, cosine", group="utility", better="high",
            part="along", whole="motion", trials="moving", missing=missing,
        )  # fmt: skip
        unrest = RatioFigure(
            key="temporal.unrest_px", label="motion of people who stand still, px a frame", group="temporal",
            better="low", part="unrest", whole="still", trials="still",
            missing="nobody stands still in two frames in a row",
        )  # fmt: skip
        return tuple(figure.read(tally) for figure in (agreement, error, direction, unrest))


class _Flow:
    def __init__(self, measure: FlowKept, clip: PairedClip) -> None:
        self._min_motion_px = measure.min_motion_px
        self._flow = PeopleFlow(clip, min_height_px=measure.min_height_px)
        names = ("apart", "both", "motion", "along", "moving", "unrest", "still")
        self._sums = TrackSums(clip.name, names)
        self._timeline = Timeline(clip.name, "utility.flow.agreement")

    def see(self, pair: FramePair) -> None:
        apart, both = 0.0, 0.0
        for followed in self._flow.see(pair):
            added = self._add(followed, pair.index)
            apart, both = apart + added[0], both + added[1]
        self._timeline.add(pair.index, both - apart, both)

    def _add(self, followed: FollowedPerson, frame_index: int) -> tuple[float, float]:
        original = (followed.original - followed.camera)[followed.own].astype(np.float64)
        result = (followed.result - followed.camera)[followed.own].astype(np.float64)
        long, made = np.hypot(*original.T), np.hypot(*result.T)
        person = followed.person
        if long.mean() < self._min_motion_px:
            self._sums.add(person.track_id, unrest=made.mean(), still=1)
            return 0.0, 0.0
        # Means, so that every person counts alike, the small and the large.
        apart = float(np.hypot(*(result - original).T).mean())
        both = float((long + made).mean())
        along = np.sum(original * result, axis=1) / np.maximum(made, _NO_MOTION_PX)
        self._sums.add(person.track_id, apart=apart, both=both, motion=long.mean(), along=along.mean(), moving=1)
        self._sums.note(
            person,
            frame_index,
            apart / both,
            f"moves {long.mean():.1f} px a frame; the flow in the result is off by {apart:.1f} px",
        )
        return apart, both

    def finish(self) -> Tally:
        return self._sums.tally(FlowKept.name, series=self._timeline.series())
