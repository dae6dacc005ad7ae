"""BoT-SORT of ultralytics (AGPL-3.0, extra ``yolov8``): the library that the paper tracked with (section 3.1).

It takes the same thresholds in its own terms, see `bodydouble.perception.tracking.botsort`. What it has built in cannot
be set here: overlap 0.50 in the second association, 0.30 for tracks seen once, two detections before a track counts.
Camera motion is removed from the boxes before they come here, so its own compensation is off; its boxes are those of
the detections, where the library would show those of its filter: smoothing is left to the offline pass.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.people.yolov8 import quiet_ultralytics
from bodydouble.perception.tracking.botsort import BotSortSettings, FragmentCollector

_ID_COLUMN, _ROW_COLUMN = 4, 7
"""Of what the library hands back: box (4), identity, score, class, row of the detection."""
_ANYWHERE_PX = (1 << 20, 1 << 20)
"""Size of the picture that boxes are said to come from; the library only keeps it."""


class UltralyticsBotSort(FragmentCollector):
    """Associates with ultralytics."""

    def __init__(self, settings: BotSortSettings) -> None:
        quiet_ultralytics()
        from ultralytics.trackers.bot_sort import BOTSORT

        super().__init__()
        self._tracker: Any = BOTSORT(
            SimpleNamespace(
                track_high_thresh=settings.high_conf_det_threshold,
                track_low_thresh=settings.lowest_score,
                new_track_thresh=settings.track_activation_threshold,
                # A limit on the cost, which is one minus the overlap times the score.
                match_thresh=1.0 - settings.minimum_iou_threshold_first_assoc,
                # The library takes a track out one frame after its buffer has run out.
                track_buffer=settings.lost_frames - 1,
                fuse_score=True,
                gmc_method="none",
                with_reid=False,
                proximity_thresh=0.5,
                appearance_thresh=0.8,
                model="auto",
            )
        )

    def _associate(self, boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Row and identity of each detection that belongs to a track."""
        from ultralytics.engine.results import Boxes

        rows = np.c_[boxes.reshape(-1, 4), scores, np.zeros(len(scores))].astype(np.float32)
        tracked = self._tracker.update(Boxes(rows, _ANYWHERE_PX))
        return [(int(row[_ROW_COLUMN]), int(row[_ID_COLUMN])) for row in tracked]
