"""BoT-SORT of PyPI ``trackers``, fed one frame at a time with boxes from which camera motion was removed.

How the paper's thresholds (in the terms of ultralytics, read in version 8.4.190) translate to ``trackers`` 2.6:

* ``track_low_thresh`` 0.20: detections above it, and below ``track_high_thresh``, take part in the second association
  only, by overlap alone (at least 0.50 in both libraries, and not for tracks that are lost). ``trackers`` has 0.1 built
  in, so weaker detections are removed before they reach it.
* ``new_track_thresh`` 0.70, the lowest score of a detection that starts a track: ``track_activation_threshold``.
* ``match_thresh`` 0.70 limits the *cost* of the first association. The cost is one minus the overlap, or with
  ``fuse_score`` (the only behaviour until ultralytics 8.2.74, then the default) one minus the overlap times the score;
  so overlap times score must reach 0.30: ``minimum_iou_threshold_first_assoc``. Tracks seen once must reach 0.30 too.
* Not published, so defaults: ``track_high_thresh`` 0.5, from which a detection takes part in the first association.
  That is ultralytics' default up to October 2024 (pull request 17172 lowered it to 0.25); a band of weak detections
  from 0.20 to 0.25 would be next to none. A buffer of 30 frames whatever the rate (``trackers`` scales it by rate / 30,
  which is undone); ultralytics in fact waits one frame longer than its buffer, so 31 here.

What still differs: ultralytics assigns at the lowest sum of costs with the limit in mind, ``trackers`` first assigns and
then applies the limit, so that in crowds another pair may be left over; and ultralytics drops one of two tracks, one of
them lost, that overlap by more than 0.85.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import TrackingConfig
from bodydouble.perception.extras import need
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
                lost_frames=31,
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


class FragmentCollector(ABC):
    """Collects fragments while frames come in; how detections are associated is up to the subclass."""

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[int, NDArray[np.float64], float, NDArray[np.float32] | None]]] = {}

    @abstractmethod
    def _associate(self, boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Row and identity of each detection of the next frame that belongs to a track that counts."""

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
        for row, identity in self._associate(boxes, scores):
            look = None if looks is None else looks[row]
            self._rows.setdefault(identity, []).append((frame_index, boxes[row], float(scores[row]), look))

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


class BotSort(FragmentCollector):
    """Associates with ``trackers``."""

    def __init__(self, settings: BotSortSettings) -> None:
        from trackers import BoTSORTTracker

        super().__init__()
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

    def _associate(self, boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> list[tuple[int, int]]:
        import supervision

        # Strictly above, as in both libraries.
        strong = np.flatnonzero(scores > self._lowest)
        detections = supervision.Detections(
            xyxy=boxes[strong].astype(np.float64).reshape(-1, 4),
            confidence=scores[strong].astype(np.float64),
            data={"row": strong},
        )
        tracked = self._tracker.update(detections)
        # Without detections the library hands back an empty set without our column.
        rows = tracked.data["row"] if len(tracked) else []
        return [
            (int(row), int(identity)) for row, identity in zip(rows, tracked.tracker_id, strict=True) if identity >= 0
        ]


def make_tracker(config: TrackingConfig, frames_per_second: float) -> FragmentCollector:
    """The configured tracker.

    Raises:
        MissingDependency: the extra that it needs is not installed.
    """
    settings = BotSortSettings.from_config(config, frames_per_second)
    if config.backend == "ultralytics-botsort":
        need("ultralytics", "lap", extra="yolov8", backend="perception.tracking backend 'ultralytics-botsort'")
        from bodydouble.perception.tracking.ultralytics_botsort import UltralyticsBotSort

        return UltralyticsBotSort(settings)
    return BotSort(settings)
