"""BoT-SORT of PyPI ``trackers``, fed one frame at a time with boxes from which camera motion was removed.

How the paper's thresholds (ultralytics' names) translate to ``trackers`` 2.6:

* ``track_low_thresh`` 0.20, the lowest score in the second association: ``trackers`` has 0.1 built in, so weaker
  detections are removed before they reach it.
* ``new_track_thresh`` 0.70: ``track_activation_threshold``.
* ``match_thresh`` 0.70 limits the assignment *cost* (1 minus fused similarity), so the similarity must be at least
  0.30: ``minimum_iou_threshold_first_assoc``.
* Not published, so ultralytics' defaults: ``track_high_thresh`` 0.5, second association cost 0.5, unconfirmed 0.7,
  a buffer of 30 frames whatever the frame rate (``trackers`` scales it by rate / 30, which is undone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import TrackingConfig
from bodydouble.perception.tracking.base import Fragment

_BUILT_IN_LOWEST_SCORE = 0.1


@dataclass(frozen=True, kw_only=True)
class BotSortSettings:
    """The thresholds in ``trackers``' terms."""

    lowest_score: float
    high_conf_det_threshold: float
    track_activation_threshold: float
    minimum_iou_threshold_first_assoc: float
    minimum_iou_threshold_second_assoc: float
    minimum_iou_threshold_unconfirmed_assoc: float
    minimum_consecutive_frames: int
    lost_frames: int

    @classmethod
    def from_config(cls, config: TrackingConfig, frames_per_second: float) -> BotSortSettings:
        """Settings of a preset at a frame rate."""
        if config.preset == "paper":
            return cls(
                lowest_score=0.20,
                high_conf_det_threshold=0.50,
                track_activation_threshold=0.70,
                minimum_iou_threshold_first_assoc=0.30,
                minimum_iou_threshold_second_assoc=0.50,
                minimum_iou_threshold_unconfirmed_assoc=0.30,
                minimum_consecutive_frames=2,
                lost_frames=30,
            )
        return cls(
            lowest_score=_BUILT_IN_LOWEST_SCORE,
            high_conf_det_threshold=config.strong_score,
            track_activation_threshold=config.new_track_score,
            minimum_iou_threshold_first_assoc=config.first_overlap,
            minimum_iou_threshold_second_assoc=config.second_overlap,
            minimum_iou_threshold_unconfirmed_assoc=config.first_overlap,
            # One detection suffices: what does not last is judged offline, with the whole clip in view.
            minimum_consecutive_frames=1,
            lost_frames=max(3, round(config.lost_seconds * frames_per_second)),
        )


class BotSort:
    """Collects fragments while frames come in."""

    def __init__(self, settings: BotSortSettings) -> None:
        from trackers import BoTSORTTracker

        self._lowest = settings.lowest_score
        self._tracker: Any = BoTSORTTracker(
            lost_track_buffer=settings.lost_frames,
            # The buffer is already in frames of this clip; 30 switches the library's own scaling off.
            frame_rate=30.0,
            track_activation_threshold=settings.track_activation_threshold,
            minimum_consecutive_frames=settings.minimum_consecutive_frames,
            minimum_iou_threshold_first_assoc=settings.minimum_iou_threshold_first_assoc,
            minimum_iou_threshold_second_assoc=settings.minimum_iou_threshold_second_assoc,
            minimum_iou_threshold_unconfirmed_assoc=settings.minimum_iou_threshold_unconfirmed_assoc,
            high_conf_det_threshold=settings.high_conf_det_threshold,
            # Camera motion is removed from the boxes before they come here.
            enable_cmc=False,
        )
        self._rows: dict[int, list[tuple[int, NDArray[np.float64], float, NDArray[np.float32] | None]]] = {}

    def add(
        self,
        frame_index: int,
        boxes: NDArray[np.float64],
        scores: NDArray[np.float32],
        looks: NDArray[np.float32] | None = None,
    ) -> None:
        """Take a frame's detections; frames come in order.

        Args:
            frame_index: of the frame.
            boxes: (N, 4) in reference pixels.
            scores: (N,).
            looks: (N, NUM_LOOKS), only carried along; None for all frames or for none.
        """
        import supervision

        strong = np.flatnonzero(scores >= self._lowest)
        detections = supervision.Detections(
            xyxy=boxes[strong].astype(np.float64).reshape(-1, 4),
            confidence=scores[strong].astype(np.float64),
            data={"row": strong},
        )
        tracked = self._tracker.update(detections)
        # Without detections the library hands back an empty set without our column.
        rows = tracked.data["row"] if len(tracked) else []
        for row, identity in zip(rows, tracked.tracker_id, strict=True):
            if identity >= 0:
                look = None if looks is None else looks[row]
                self._rows.setdefault(int(identity), []).append((frame_index, boxes[row], float(scores[row]), look))

    def finish(self) -> list[Fragment]:
        """All fragments, ordered by first frame, then by the tracker's id."""
        fragments = []
        for _, rows in sorted(self._rows.items(), key=lambda item: (item[1][0][0], item[0])):
            looks = [row[3] for row in rows if row[3] is not None]
            fragments.append(
                Fragment(
                    frames=np.array([row[0] for row in rows], np.int64),
                    boxes=np.array([row[1] for row in rows], np.float64),
                    scores=np.array([row[2] for row in rows], np.float32),
                    looks=np.stack(looks) if len(looks) == len(rows) else None,
                )
            )
        return fragments
