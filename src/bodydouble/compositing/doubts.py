"""When the plate looked like somebody: remembered for a while, so that covering does not flip from frame to frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import UNCHANGED_DIFFERS_BY_LESS_THAN, largest_difference
from bodydouble.compositing.windows import Window
from bodydouble.scene import Frame, SceneBundle

_REMEMBERED_SECONDS: Final[float] = 0.5
_WHILE_REMEMBERED: Final[float] = 0.6
"""Of the share that raises doubt keeps it up."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubts:
    """What `DoubtEvidence` found."""

    frames: Mapping[int, npt.NDArray[np.int64]] = field(default_factory=dict)
    """Per track id the frames, in order, in which the plate looked like the frame on much of the silhouette."""
    remembered_frames: int = 0
    """So many frames before and after."""

    def limit(self, track_id: int, frame_index: int, distrust_share: float) -> float:
        """From which share of a silhouette on the plate is distrusted: less where it was just before, or will be.

        Never more than ``distrust_share``.
        """
        frames = self.frames.get(track_id)
        if frames is None:
            return distrust_share
        near = bool(np.any(np.abs(frames - frame_index) <= self.remembered_frames))
        return distrust_share * (_WHILE_REMEMBERED if near else 1.0)


class DoubtEvidence:
    """Collects while a clip is read; memory grows with the frames in which there is doubt only."""

    def __init__(self, bundle: SceneBundle, distrust_share: float) -> None:
        """Begin with nothing."""
        self._bundle, self._share = bundle, distrust_share
        self._frames: dict[int, list[int]] = defaultdict(list)

    def add(self, frame: Frame, plate_rgb: npt.NDArray[np.uint8]) -> None:
        """Look at everybody in one frame."""
        for track in self._bundle.tracks:
            step = track.step_of(frame.index)
            if step is None or track.visible_fraction[step] <= 0:
                continue
            mask = track.silhouettes.mask(step)
            if not mask.any():
                continue
            where = Window.around(track.silhouettes.windows_xyxy_px[step]).slices
            same = mask & (largest_difference(frame.rgb[where], plate_rgb[where]) < UNCHANGED_DIFFERS_BY_LESS_THAN)
            if np.count_nonzero(same) >= self._share * np.count_nonzero(mask):
                self._frames[track.track_id].append(frame.index)

    def doubts(self) -> Doubts:
        """What was found."""
        return Doubts(
            frames={track_id: np.array(frames, np.int64) for track_id, frames in self._frames.items()},
            remembered_frames=round(_REMEMBERED_SECONDS * float(self._bundle.video.average_rate)),
        )
