"""Does the picture of a person stay the same from frame to frame when its motion is taken out.

The frame before is warped to this one along the optical flow between the two, and compared inside the person (Lai et al.
2018, "Learning Blind Video Temporal Consistency", section 5, with mean absolute instead of squared differences). Compared
are pixels that are the person's, and nobody else's, in this frame and, followed back, in the one before; so what comes
out from behind something does not count. The flow is the result's own unless told otherwise: whether it is the original's
is measured by ``flow_kept``.

Blur and a flat colour win in grey levels, since there is nothing left that could be wrong. The relative figure divides by
the contrast inside the person, which they do not win.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._flow import FollowedPerson, PeopleFlow
from bodydouble.evaluation.measures._tracks import RatioFigure, Timeline, TrackSums
from bodydouble.evaluation.measures.base import Figure, FramePair, PairedClip, Tally

FlowOf = Literal["result", "original"]
_MIN_COMPARED_PX = 30


class WarpError:
    """Mean difference between a person and the same person warped from the frame before."""

    name = "warp_error"

    def __init__(self, *, min_height_px: float = 30.0, flow_of: FlowOf = "result") -> None:
        """Set up.

        Args:
            min_height_px: smaller people are left out.
            flow_of: whose flow is followed.
        """
        self.min_height_px = min_height_px
        self.flow_of: FlowOf = flow_of

    def start(self, clip: PairedClip) -> _Warp:
        """Begin with a clip."""
        return _Warp(self, clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """``temporal.warp.levels`` (0 to 255) and ``temporal.warp.relative``."""
        missing = "nobody in two frames in a row"
        levels = RatioFigure(
            key="temporal.warp.levels", label="warp error, levels of 255", group="temporal", better="low",
            part="difference", whole="people", trials="people", missing=missing, note="blur and blackout win this one",
        )  # fmt: skip
        relative = RatioFigure(
            key="temporal.warp.relative", label="warp error over the person's contrast", group="temporal", better="low",
            part="difference", whole="contrast", trials="people", missing=f"{missing}, or people of one colour",
        )  # fmt: skip
        return levels.read(tally), relative.read(tally)


def warped(before: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """The picture before, (height, width, 3), moved to this one along the flow from this one to it, (height, width, 2)."""
    y, x = np.mgrid[: before.shape[0], : before.shape[1]].astype(np.float32)
    moved = cv2.remap(before, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def followed_back(mask_before: npt.NDArray[np.bool_], flow: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(height, width): pixels of this frame that come from inside a mask of the frame before."""
    height, width = mask_before.shape
    y, x = np.mgrid[:height, :width]
    rows = np.rint(y + flow[..., 1]).astype(np.int64)
    columns = np.rint(x + flow[..., 0]).astype(np.int64)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = mask_before[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.asarray(found & inside)


class _Warp:
    def __init__(self, measure: WarpError, clip: PairedClip) -> None:
        self._flow_of = measure.flow_of
        self._flow = PeopleFlow(clip, min_height_px=measure.min_height_px)
        self._sums = TrackSums(clip.name, ("difference", "contrast", "people"))
        self._timeline = Timeline(clip.name, "temporal.warp.levels")

    def see(self, pair: FramePair) -> None:
        part, whole = 0.0, 0
        for followed in self._flow.see(pair):
            difference = self._add(followed, pair.index)
            if difference is not None:
                part, whole = part + difference, whole + 1
        self._timeline.add(pair.index, part, whole)

    def _add(self, followed: FollowedPerson, frame_index: int) -> float | None:
        flow = followed.result if self._flow_of == "result" else followed.original
        compared = followed.own & followed_back(followed.own_before, flow)
        if np.count_nonzero(compared) < _MIN_COMPARED_PX:
            return None
        now = followed.result_now[compared].astype(np.float64)
        before = warped(followed.result_before, flow)[compared].astype(np.float64)
        difference = float(np.abs(now - before).mean())
        contrast = float(np.abs(now - now.mean(axis=0)).mean())
        person = followed.person
        self._sums.add(person.track_id, difference=difference, contrast=contrast, people=1)
        self._sums.note(
            person, frame_index, difference, f"differs from the frame before, warped, by {difference:.1f} levels"
        )
        return difference

    def finish(self) -> Tally:
        return self._sums.tally(WarpError.name, series=self._timeline.series())
