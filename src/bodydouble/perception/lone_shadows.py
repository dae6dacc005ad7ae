"""Shadows in the picture whose people are not: they follow whoever walks out, and come before whoever walks in.

A low sun throws a shadow twice as long as a person is tall; it is in the picture for a second or two with nobody to
go with. Next to the border, for a while after a track has ended there and before one begins, a strip along the border
stands for the person, and what touches it as a shadow touches feet becomes a track of its own that is painted out. The
same becomes of shadows in steps at the ends of a track in which nobody was seen any more, and which are cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import BlobTrack
from bodydouble.perception.geometry import border_strips
from bodydouble.perception.shadows import CastShadow
from bodydouble.perception.silhouette.outline import Outline
from bodydouble.perception.tracking.base import Fragment, beyond

_SECONDS: Final = 2.5
"""How long before somebody comes in and after they have left their shadow may show."""
_NEAR_WIDTHS: Final = 0.5
"""A box this close to the border, in its own widths, belongs to somebody on their way out or in."""
_ALONG_HEIGHTS: Final = 0.3
"""How far along the border beyond the box."""
_STRIP_PX: Final = 2
_DARK: Final = 0.07
"""Less of the light is missing around somebody under a grey sky, too; with nobody to go with, that shows no outline."""
_PATIENCE_FRAMES: Final = 3
_LEAST_FRAMES: Final = 3
"""A shadow alone lasts for so many frames, and may be missed for as many in between."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Absent:
    """Somebody beyond the border."""

    number: int
    """Tells them from others."""
    box_xyxy_px: NDArray[np.float32]
    """(4,) the last or first one that was seen."""
    outline: Outline
    """A strip along the border that stands for them."""


class LoneShadows:
    """Who may be just beyond the border in which frame, and the shadows they have in the picture."""

    def __init__(
        self,
        tracks: Sequence[Fragment],
        *,
        frame_size_px: tuple[int, int],
        frames_per_second: float,
        num_frames: int,
    ) -> None:
        """Look where tracks begin and end.

        Args:
            tracks: without gaps, boxes in frame pixels.
            frame_size_px: width and height.
            frames_per_second: rate of the clip.
            num_frames: of the clip.
        """
        self._absent: dict[int, list[Absent]] = {}
        self._found: dict[int, list[tuple[int, CastShadow]]] = {}
        reach = max(1, round(_SECONDS * frames_per_second))
        number = 0
        for track in tracks:
            for box, frames in beyond(track, reach, num_frames):
                for strip in _strips(box, *frame_size_px):
                    number += 1
                    shape = (strip[3] - strip[1], strip[2] - strip[0])
                    outline = Outline(window_xyxy_px=strip, mask=np.ones(shape, bool), motion_share=float("nan"))
                    absent = Absent(number=number, box_xyxy_px=box.astype(np.float32), outline=outline)
                    for frame in frames:
                        self._absent.setdefault(frame, []).append(absent)

    def absent(self, frame_index: int) -> list[Absent]:
        """Who may be just beyond the border."""
        return self._absent.get(frame_index, [])

    def take(self, frame_index: int, shadows: Sequence[CastShadow]) -> None:
        """Remember the shadows of those who are absent, in that order; frames increase from call to call."""
        for absent, shadow in zip(self.absent(frame_index), shadows, strict=True):
            if _shows(shadow):
                self._found.setdefault(absent.number, []).append((frame_index, shadow))

    def finish(self) -> list[BlobTrack]:
        """What becomes a track, by the person beyond the border."""
        return [track for number in sorted(self._found) for track in _tracks(self._found[number])]


def cut_off(part: Fragment, seen: Fragment, shadows: Sequence[CastShadow]) -> list[BlobTrack]:
    """Shadows in those steps of a track that were cut off at its ends.

    Args:
        part: the whole track.
        seen: what is left of it.
        shadows: of each step of the whole; empty where nobody looked.
    """
    tracks = []
    for side in (part.frames < seen.frames[0], part.frames > seen.frames[-1]):
        rows = np.flatnonzero(side).tolist() if shadows else []
        found = [(int(part.frames[row]), shadows[row]) for row in rows if _shows(shadows[row])]
        tracks += _tracks(found)
    return tracks


def _shows(shadow: CastShadow) -> bool:
    return bool(shadow.mask.any()) and shadow.darkness >= _DARK


def _tracks(found: Sequence[tuple[int, CastShadow]]) -> list[BlobTrack]:
    """What lasts, cut where nothing was found for long."""
    return [_track(run) for run in _runs(found) if len(run) >= _LEAST_FRAMES] if found else []


def _runs(found: Sequence[tuple[int, CastShadow]]) -> list[list[tuple[int, CastShadow]]]:
    """Cut where nothing was found for long."""
    frames = np.array([frame for frame, _ in found])
    parts = np.split(np.arange(len(found)), np.flatnonzero(np.diff(frames) > _PATIENCE_FRAMES) + 1)
    return [[found[int(step)] for step in part] for part in parts]


def _track(found: Sequence[tuple[int, CastShadow]]) -> BlobTrack:
    """Without gaps: where no shadow was told for a few frames the one before is taken."""
    frames = range(found[0][0], found[-1][0] + 1)
    at = np.searchsorted([frame for frame, _ in found], list(frames), side="right") - 1
    shadows = [found[int(step)][1] for step in at]
    return BlobTrack(
        frames=tuple(frames),
        windows_xyxy_px=tuple(shadow.window_xyxy_px for shadow in shadows),
        bits=tuple(np.packbits(shadow.mask.ravel()) for shadow in shadows),
        guessed=frozenset(frames),
    )


def _strips(box: NDArray[np.float64], width_px: int, height_px: int) -> list[tuple[int, int, int, int]]:
    """Along each border that a box is close to, where its shadow may come into the picture."""
    left, top, right, bottom = (float(v) for v in box)
    along = _ALONG_HEIGHTS * (bottom - top)
    return border_strips(
        box, (width_px, height_px), near_px=_NEAR_WIDTHS * (right - left), deep_px=_STRIP_PX,
        rows=(0.5 * (top + bottom), bottom + along), columns=(left - along, right + along),
    )  # fmt: skip
