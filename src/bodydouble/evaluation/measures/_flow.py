"""Optical flow around people, from one frame to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.measures._tracks import Person, people_at, silhouettes_at
from bodydouble.evaluation.measures.base import FramePair, PairedClip

MARGIN_SHARE: Final[float] = 0.25
"""Surroundings that the flow is computed with, as a share of the person's height; longer steps are not followed."""
MIN_MARGIN_PX: Final[int] = 12
_MIN_SIDE_PX: Final[int] = 16
"""Smaller windows give no flow (OpenCV's limit is 12)."""
_MIN_PERSON_PX: Final[int] = 30
"""Pixels of a silhouette below which nothing is measured."""

Flow = npt.NDArray[np.float32]
"""(height, width, 2): x and y in px from a pixel of this frame to its place in the frame before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowedPerson:
    """Somebody who is in this frame and in the one before, on a window of the frame that holds both places."""

    person: Person
    window: tuple[slice, slice]
    """Rows and columns of the frame."""
    own: npt.NDArray[np.bool_]
    """Pixels of this frame that are the person's, and nobody else's."""
    own_before: npt.NDArray[np.bool_]
    """The same in the frame before."""
    camera: Flow
    """What the camera's motion alone would give."""
    original: Flow
    result: Flow
    original_now: npt.NDArray[np.uint8]
    """(height, width, 3)."""
    original_before: npt.NDArray[np.uint8]
    result_now: npt.NDArray[np.uint8]
    result_before: npt.NDArray[np.uint8]


class PeopleFlow:
    """Flow of original and result around each person, frame by frame; holds one frame of each."""

    def __init__(self, clip: PairedClip, *, min_height_px: float) -> None:
        self._clip, self._min_height_px = clip, min_height_px
        # Medium is the preset with the finest patches (Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse
        # Search"); people are small here.
        self._dis: Any = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
        self._before: tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int32]] | None = None

    def see(self, pair: FramePair) -> list[FollowedPerson]:
        """Take the next pair and return who is in it and in the one before."""
        owners = silhouettes_at(self._clip.bundle, pair.index)
        before, same = self._before, pair.result_rgb is pair.original_rgb
        filmed = pair.original_rgb.copy()
        made = filmed if same else pair.result_rgb.copy()
        self._before = (pair.index, filmed, made, owners)
        if before is None or before[0] != pair.index - 1:
            return []
        followed = []
        for person in people_at(self._clip.bundle, pair.index, min_height_px=self._min_height_px):
            one = self._follow(person, pair.index, (filmed, made, owners), before[1:])
            if one is not None:
                followed.append(one)
        return followed

    def _follow(
        self,
        person: Person,
        index: int,
        now: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int32]],
        before: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int32]],
    ) -> FollowedPerson | None:
        if person.track.step_of(index - 1) is None:
            return None
        window = self._window(person)
        own = now[2][window] == person.track_id
        own_before = before[2][window] == person.track_id
        if min(own.shape) < _MIN_SIDE_PX or min(np.count_nonzero(own), np.count_nonzero(own_before)) < _MIN_PERSON_PX:
            return None
        original = self._flow(now[0][window], before[0][window])
        same = now[1] is now[0] and before[1] is before[0]
        return FollowedPerson(
            person=person,
            window=window,
            own=own,
            own_before=own_before,
            camera=self._camera(index, window),
            original=original,
            result=original if same else self._flow(now[1][window], before[1][window]),
            original_now=now[0][window],
            original_before=before[0][window],
            result_now=now[1][window],
            result_before=before[1][window],
        )

    def _window(self, person: Person) -> tuple[slice, slice]:
        margin = max(MIN_MARGIN_PX, round(MARGIN_SHARE * person.height_px))
        video = self._clip.bundle.video
        rows = slice(max(0, person.rows.start - margin), min(video.height_px, person.rows.stop + margin))
        columns = slice(max(0, person.columns.start - margin), min(video.width_px, person.columns.stop + margin))
        return rows, columns

    def _flow(self, now: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8]) -> Flow:
        grey = [cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY) for picture in (now, before)]
        return np.asarray(self._dis.calc(grey[0], grey[1], None), dtype=np.float32)

    def _camera(self, index: int, window: tuple[slice, slice]) -> Flow:
        rows, columns = window
        camera = self._clip.bundle.camera
        y, x = np.mgrid[rows, columns].astype(np.float64)
        if camera.is_static:
            return np.zeros((*x.shape, 2), dtype=np.float32)
        matrix = np.linalg.inv(camera.to_reference[index - 1]) @ camera.to_reference[index]
        moved = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        step = (moved[:2] / moved[2]).reshape(2, *x.shape) - np.stack([x, y])
        return np.asarray(np.moveaxis(step, 0, -1), dtype=np.float32)
