"""What is left of somebody at the border of the picture: a foot that follows, the hair that comes first.

Whoever walks out is lost before the last of them is gone, and whoever comes in shows a little before anything finds them.
A box that follows their middle does not hold a leg stretched behind, and a foot is too small for a mover of its own. So
next to the border, for a while after a track has ended there and before one begins, everything that moves and
touches the border is painted out, however small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.blobs import Blob
from bodydouble.perception.geometry import border_strips
from bodydouble.perception.motion import Foreground
from bodydouble.perception.tracking.base import Fragment, beyond

_SECONDS: Final = 1.0
"""How long before somebody comes in and after they have left something of them may show."""
_NEAR_WIDTHS: Final = 0.5
"""A box this close to the border, in its own widths, belongs to somebody on their way out or in."""
_DEEP_HEIGHTS: Final = 0.35
"""How far from the border a foot or an arm may be, in heights of the box."""
_ALONG_HEIGHTS: Final = 0.15
"""How far along the border beyond the box."""
_LEAST_AREA_HEIGHTS: Final = 0.02
"""Side of the square, in heights of the box, from whose area on a region is no noise."""
_LEAST_AREA_PX: Final = 9
_SPREAD: Final = 0.02
"""What is found is grown by this share of the box's height: cloth and hair end softly."""

_Zone = tuple[tuple[int, int, int, int], float]
"""Window in the frame, and the height of the box that it belongs to."""


class BorderZones:
    """Where, in which frame, something may be left of somebody."""

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
        self._size = frame_size_px
        self._zones: dict[int, list[_Zone]] = {}
        reach = max(1, round(_SECONDS * frames_per_second))
        for track in tracks:
            for box, frames in beyond(track, reach, num_frames):
                for zone in _zones_of(box, *frame_size_px):
                    for frame in frames:
                        self._zones.setdefault(frame, []).append(zone)

    def remnants(self, frame_index: int, foreground: Foreground, explained: NDArray[np.bool_]) -> list[Blob]:
        """Regions that move, touch the border within a zone, and that nobody explains; left to right.

        Args:
            frame_index: of the frame.
            foreground: what differs from the plate, (H, W).
            explained: (H, W), where it may.
        """
        found = []
        rest = foreground.mask & ~foreground.shadow & ~explained
        for (left, top, right, bottom), tall in self._zones.get(frame_index, []):
            part = rest[top:bottom, left:right]
            least = max(_LEAST_AREA_PX, (_LEAST_AREA_HEIGHTS * tall) ** 2)
            count, labels, stats, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=8)
            for label in range(1, count):
                if stats[label, cv2.CC_STAT_AREA] < least or not self._touches(stats[label, :4], left, top):
                    continue
                region = labels == label
                found.append(self._grown(frame_index, region, (left, top), max(1, round(_SPREAD * tall))))
                # Two who left by the same way must not both claim it.
                part[region] = False
        return sorted(found, key=lambda blob: blob.window_xyxy_px)

    def _grown(self, frame_index: int, region: NDArray[np.bool_], corner: tuple[int, int], radius: int) -> Blob:
        """A region of a zone that begins at ``corner``, a little larger, on the smallest window in the frame."""
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        x0, y0 = max(0, corner[0] + int(columns[0]) - radius), max(0, corner[1] + int(rows[0]) - radius)
        x1 = min(self._size[0], corner[0] + int(columns[-1]) + 1 + radius)
        y1 = min(self._size[1], corner[1] + int(rows[-1]) + 1 + radius)
        canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
        canvas[corner[1] + rows[:, None] - y0, corner[0] + columns[None] - x0] = region[rows[:, None], columns[None]]
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return Blob(frame_index=frame_index, window_xyxy_px=(x0, y0, x1, y1), mask=cv2.dilate(canvas, kernel) > 0)

    def _touches(self, stats: NDArray[np.generic], left: int, top: int) -> bool:
        """Whether a region (left, top, width, height within the zone) lies at the border of the frame."""
        x, y = int(stats[0]) + left, int(stats[1]) + top
        return x == 0 or y == 0 or x + int(stats[2]) == self._size[0] or y + int(stats[3]) == self._size[1]


def _zones_of(box: NDArray[np.float64], width_px: int, height_px: int) -> list[_Zone]:
    """Strips along each border that a box is close to."""
    left, top, right, bottom = (float(v) for v in box)
    tall = max(bottom - top, 1.0)
    along = _ALONG_HEIGHTS * tall
    places = border_strips(
        box, (width_px, height_px), near_px=_NEAR_WIDTHS * (right - left), deep_px=_DEEP_HEIGHTS * tall,
        rows=(top - along, bottom + along), columns=(left - along, right + along),
    )  # fmt: skip
    return [(place, tall) for place in places]
