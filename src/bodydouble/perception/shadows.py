"""The shadows people cast: what is darker than the plate by one factor in all colours, and goes on from somebody.

Motion against the plate asks for a difference that is no noise in a single pixel. A soft shadow is fainter, but it is
large: averaged over a few pixels, a darkening of three percent is beyond doubt. So frame and plate are compared at a
lower resolution, people themselves left out of the averages, and what is found is traced in two steps: it must be dark
enough somewhere, and reaches as far as it is a little darker. It belongs to whoever it touches, or to whose shadow it
continues after a gap: a kerb, a pole, the edge between ground and wall.

Shadows are kept apart from silhouettes, which show the person: nothing is concluded from them about anybody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import window
from bodydouble.perception.silhouette.outline import Outline

_LONG_SIDE_PX: Final = 480
"""Frames are compared at about this size."""
_BLUR_PX: Final = 1.2
"""Standard deviation of the averages, pixels of that size."""
_MARGIN_HEIGHTS: Final = 0.04
"""Around people, of their height, nothing is compared: cloth ends softly, and compression smears it."""
_FAINT, _CLEAR = 0.02, 0.045
"""Share of the light that is missing to the end of a shadow, and in its midst."""
_FAINT_SIGMAS, _CLEAR_SIGMAS = 2.0, 4.0
"""... unless noise asks for more."""
_DARKEST: Final = 0.75
"""Where more of the light is missing a thing is seen, no shadow."""
_TINT, _TINT_OF_DARKNESS = 0.03, 0.25
"""Channels may differ from the common factor by this, and by this share of the missing light: shade is lit by the sky."""
_LEVELS: Final = 2.5
"""... and by so many grey levels, which weigh more on dark ground."""
_DARK_GROUND: Final = 16.0
"""Ground darker than this, in any channel's mean, shows no shadow."""
_SIDE_HEIGHTS, _UP_HEIGHTS, _DOWN_HEIGHTS = 2.0, 1.3, 1.0
"""How far from somebody's feet shadows are looked for, in their heights."""
_TOUCH_HEIGHTS: Final = 0.1
"""A shadow this close to a silhouette touches it."""
_GAP_HEIGHTS: Final = 0.2
"""A shadow goes on after a gap of this size ..."""
_PIECE_HEIGHTS: Final = 0.1
"""... if what comes is at least as large as a square of this side."""
_LEAST_HEIGHTS: Final = 0.04
"""Side of the square, in heights, that a shadow must have clearly dark."""
_INSIDE_SHARE: Final = 0.7
"""Share of a dark region that must lie within reach of people; others are clouds."""
_MOST_SQUARES: Final = 2.5
"""Nobody's shadow is larger than so many squares of their height; that is a change of light."""
_THING_HEIGHTS: Final = 0.25
"""Whatever else moves and is as large as a square of this side casts a shadow of its own."""
_THING_DIFFERS: Final = 0.15
_JITTER_PX: Final = 0.1
"""A camera trembles; edges are as much darker as a shift by this makes them."""
_WHOLE: Final = 0.999
_THIN: Final = 3
"""Light and noise are measured on every third pixel each way."""
_FEWEST_PX: Final = 64
_FIRST_LOOKS, _USUAL_SECONDS = 8, 4.0
"""How the usual darkness of a place is averaged: as if seen so often already, over so long at most."""
_MOST_USUAL: Final = 0.2
_COARSE: Final = 8
"""Clouds are looked for in cells of so many pixels ..."""
_COARSE_BLUR: Final = 3.0
"""... averaged over so many cells, as a standard deviation ..."""
_FEW_AROUND: Final = 0.1
"""... and not where hardly any of them is free of people."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CastShadow:
    """The shadow of one person in one frame."""

    window_xyxy_px: tuple[int, int, int, int]
    """Part of the frame that ``mask`` covers; all 0 where there is none."""
    mask: NDArray[np.bool_]
    """(height, width) of the window; pixels of the silhouette may be in it."""
    darkness: float = 0.0
    """Share of the light that is missing in it, on average, 0 to 1."""


NO_SHADOW: Final = CastShadow(window_xyxy_px=(0, 0, 0, 0), mask=np.zeros((0, 0), bool))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Person:
    """Somebody at the lower resolution."""

    tall: float
    """Height of the box."""
    reach: tuple[int, int, int, int]
    """Where their shadow may be."""
    body: NDArray[np.uint8]
    """(height, width) of that window: 1 on the silhouette."""
    distance: NDArray[np.float32]
    """(height, width) of it: how far a pixel is from the silhouette."""
    unlike: NDArray[np.float32]
    """(height, width) of it: how far it is from that and from what they carry and keep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Comparison:
    """A frame against its plate, at the lower resolution."""

    dark: NDArray[np.float32]
    """(height, width): share of the light that is missing; 0 where nothing can be said."""
    is_tinted: NDArray[np.bool_]
    """(height, width): the colour changed more than a shadow changes it."""
    doubt: NDArray[np.float32]
    """(height, width): what a trembling camera may do to ``dark``."""


class ShadowFinder:
    """Finds shadows frame by frame, for a camera that stands still; frames are given in order."""

    def __init__(self, *, frame_size_px: tuple[int, int], frames_per_second: float, is_gray: bool) -> None:
        """Begin.

        Args:
            frame_size_px: width and height.
            frames_per_second: rate of the clip.
            is_gray: colours do not tell.
        """
        width, height = frame_size_px
        self._frame_size, self._is_gray = frame_size_px, is_gray
        self._step = max(2, math.ceil(max(width, height) / _LONG_SIDE_PX))
        self._size = (math.ceil(width / self._step), math.ceil(height / self._step))
        self._most_looks = max(_FIRST_LOOKS, round(_USUAL_SECONDS * frames_per_second))
        self._usual = np.zeros(self._size[::-1], np.float32)
        self._looks = np.zeros(self._size[::-1], np.float32)

    def find(
        self,
        rgb: NDArray[np.uint8],
        plate_rgb: NDArray[np.uint8],
        valid: NDArray[np.bool_],
        boxes_xyxy_px: NDArray[np.float32],
        outlines: Sequence[Outline],
    ) -> list[CastShadow]:
        """The shadow of everybody in a frame.

        Args:
            rgb: (H, W, 3) as filmed.
            plate_rgb: (H, W, 3).
            valid: (H, W), where the plate was seen.
            boxes_xyxy_px: (N, 4).
            outlines: N silhouettes.
        """
        people = [self._person(box, outline) for box, outline in zip(boxes_xyxy_px, outlines, strict=True)]
        free = self._reduced(valid.astype(np.uint8)) > 0
        near = np.zeros(self._size[::-1], bool)
        for person in people:
            left, top, right, bottom = person.reach
            free[top:bottom, left:right] &= person.unlike > _margin(person.tall)
            near[top:bottom, left:right] = True
        seen = self._compare(rgb, plate_rgb, free)
        found = self._trace(people, seen, free, near) if people else []
        self._remember(seen.dark, free & ~near)
        return found

    def _person(self, box: NDArray[np.float32], outline: Outline) -> _Person:
        left, top, right, bottom = (float(v) / self._step for v in box)
        tall, middle = max(bottom - top, 1.0), 0.5 * (left + right)
        x0, y0, x1, y1 = outline.window_xyxy_px
        reach = np.array(
            [
                min(middle - _SIDE_HEIGHTS * tall, x0 / self._step),
                min(bottom - _UP_HEIGHTS * tall, y0 / self._step),
                max(middle + _SIDE_HEIGHTS * tall, x1 / self._step),
                max(bottom + _DOWN_HEIGHTS * tall, y1 / self._step),
            ]
        )
        place = window(reach, *self._size)
        body = self._cells(outline.mask, outline.window_xyxy_px, place)
        distance = unlike = _distance(body)
        if outline.kept is not None:
            unlike = _distance(body | self._cells(outline.kept, outline.window_xyxy_px, place))
        return _Person(tall=tall, reach=place, body=body, distance=distance, unlike=unlike)

    def _cells(
        self, mask: NDArray[np.bool_], window_xyxy_px: tuple[int, int, int, int], place: tuple[int, int, int, int]
    ) -> NDArray[np.uint8]:
        """A mask in cells of the lower resolution, on a window of that; each pixel marks its cell."""
        step = self._step
        x0, y0, x1, y1 = window_xyxy_px
        padded = np.pad(mask, ((y0 % step, -y1 % step), (x0 % step, -x1 % step)))
        shape = (padded.shape[0] // step, step, padded.shape[1] // step, step)
        cells = np.asarray(padded.reshape(shape).any(axis=(1, 3)))
        whole = np.zeros((max(place[3] - place[1], 0), max(place[2] - place[0], 0)), np.uint8)
        x, y = x0 // step - place[0], y0 // step - place[1]
        cut = cells[max(-y, 0) : max(whole.shape[0] - y, 0), max(-x, 0) : max(whole.shape[1] - x, 0)]
        whole[max(y, 0) : max(y, 0) + cut.shape[0], max(x, 0) : max(x, 0) + cut.shape[1]] = cut
        return whole

    def _reduced(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)

    def _compare(self, rgb: NDArray[np.uint8], plate_rgb: NDArray[np.uint8], free: NDArray[np.bool_]) -> _Comparison:
        """A frame against its plate."""
        small, plate = self._reduced(rgb), self._reduced(plate_rgb)
        gains = _gains(small, plate, free)
        weight = free.astype(np.float32)
        share = _blurred(weight)
        # Sums of both over the same pixels: whoever stands there is in neither. Channel by channel, which is much faster.
        now = [_blurred(small[..., c] * weight) for c in range(3)]
        before = [_blurred(plate[..., c] * weight) * gains[c] for c in range(3)]
        total = np.maximum(before[0] + before[1] + before[2], 1e-3)
        left = (now[0] + now[1] + now[2]) / total
        unknown = ~free | (total < 3 * _DARK_GROUND * share)
        dark = np.where(unknown, np.float32(0.0), 1.0 - left)
        is_tinted = np.zeros_like(free)
        if not self._is_gray:
            allowed = _TINT + _TINT_OF_DARKNESS * np.abs(1.0 - left)
            for one, other in zip(now, before, strict=True):
                is_tinted |= np.abs(one - left * other) > allowed * other + _LEVELS * share
        return _Comparison(
            dark=np.asarray(dark, np.float32),
            is_tinted=is_tinted & ~unknown,
            doubt=_JITTER_PX * _steepness(total, share),
        )

    def _trace(
        self,
        people: Sequence[_Person],
        seen: _Comparison,
        free: NDArray[np.bool_],
        near: NDArray[np.bool_],
    ) -> list[CastShadow]:
        """Who casts which dark regions."""
        rest = seen.dark - self._usual
        quiet = free & ~near
        rest -= _around(rest, quiet) + seen.doubt
        thin = (slice(None, None, _THIN), slice(None, None, _THIN))
        level = np.abs(rest[thin][quiet[thin] if quiet[thin].sum() >= _FEWEST_PX else free[thin]])
        noise = 1.4826 * float(np.median(level)) if level.size else 0.0
        shade = free & ~seen.is_tinted & (seen.dark < _DARKEST) & (rest > max(_FAINT, _FAINT_SIGMAS * noise))
        clear = shade & (rest > max(_CLEAR, _CLEAR_SIGMAS * noise))
        if not clear.any():
            return [NO_SHADOW] * len(people)
        usual_height = float(np.median([person.tall for person in people]))
        shade &= ~self._cast_by_things(people, seen, shade, free, usual_height)
        count, labels = cv2.connectedComponents(shade.astype(np.uint8), connectivity=8)
        size = np.bincount(labels.ravel(), minlength=count)
        inside = np.bincount(labels[near], minlength=count)
        clearly = np.bincount(labels[clear & shade], minlength=count)
        likely = inside >= _INSIDE_SHARE * size
        likely[0] = False
        regions = np.asarray(labels, np.int32)
        return [self._shadow_of(person, regions, rest, size, clearly, likely) for person in people]

    def _cast_by_things(
        self,
        people: Sequence[_Person],
        seen: _Comparison,
        shade: NDArray[np.bool_],
        free: NDArray[np.bool_],
        usual_height: float,
    ) -> NDArray[np.bool_]:
        """Pixels that are closer to something else that moves, such as a car, than to anybody."""
        changed = np.abs(seen.dark)
        other = free & ~shade & ((changed > _THING_DIFFERS) | (seen.is_tinted & (changed > _CLEAR)))
        opened = cv2.morphologyEx(other.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
        large = stats[:, cv2.CC_STAT_AREA] >= (_THING_HEIGHTS * usual_height) ** 2
        large[0] = False
        if count <= 1 or not large.any():
            return np.zeros_like(shade)
        bodies = np.ones(shade.shape, np.uint8)
        for person in people:
            left, top, right, bottom = person.reach
            bodies[top:bottom, left:right] &= 1 - person.body
        to_thing = cv2.distanceTransform((~large[labels]).astype(np.uint8), cv2.DIST_L2, 3)
        return np.asarray(to_thing < cv2.distanceTransform(bodies, cv2.DIST_L2, 3))

    def _shadow_of(
        self,
        person: _Person,
        labels: NDArray[np.int32],
        rest: NDArray[np.float32],
        size: NDArray[np.int64],
        clearly: NDArray[np.int64],
        likely: NDArray[np.bool_],
    ) -> CastShadow:
        left, top, right, bottom = person.reach
        local = labels[top:bottom, left:right]
        if not person.body.any():
            return NO_SHADOW
        enough = likely & (clearly >= max(3.0, (_LEAST_HEIGHTS * person.tall) ** 2))
        chosen = np.zeros(len(size), bool)
        mask = np.zeros(local.shape, bool)
        for heights, least in ((_TOUCH_HEIGHTS, 0.0), (_GAP_HEIGHTS, (_PIECE_HEIGHTS * person.tall) ** 2)):
            away = _distance(person.body | mask.astype(np.uint8)) if mask.any() else person.distance
            reached = np.zeros(len(size), bool)
            reached[local[away <= max(2.0, heights * person.tall)]] = True
            chosen |= reached & enough & (size >= least)
            mask = np.asarray(chosen[local])
        if not mask.any() or mask.sum() > _MOST_SQUARES * person.tall**2:
            return NO_SHADOW
        # Up to the body as well, where nothing is compared.
        radius = _margin(person.tall) + 1
        bits = mask.astype(np.uint8)
        grown = cv2.dilate(bits, np.ones((3, 3), np.uint8)) > 0
        grown |= (cv2.dilate(bits, np.ones((2 * radius + 1,) * 2, np.uint8)) > 0) & (person.distance <= radius)
        darkness = float(rest[top:bottom, left:right][mask].mean())
        return self._in_frame(np.asarray(grown), person.reach, darkness)

    def _in_frame(self, mask: NDArray[np.bool_], place: tuple[int, int, int, int], darkness: float) -> CastShadow:
        """A mask of the lower resolution at that of the frame, on the smallest window."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        x, y = (place[0] + int(columns[0])) * self._step, (place[1] + int(rows[0])) * self._step
        large = cut.repeat(self._step, axis=0).repeat(self._step, axis=1)
        large = large[: self._frame_size[1] - y, : self._frame_size[0] - x]
        place = (x, y, x + large.shape[1], y + large.shape[0])
        return CastShadow(window_xyxy_px=place, mask=large, darkness=darkness)

    def _remember(self, dark: NDArray[np.float32], where: NDArray[np.bool_]) -> None:
        """What a place is like with nobody near: where light changed since the plate, no shadow is seen."""
        self._looks[where] = np.minimum(self._looks[where] + 1.0, self._most_looks)
        step = (np.clip(dark, -_MOST_USUAL, _MOST_USUAL) - self._usual) / (self._looks + _FIRST_LOOKS)
        self._usual[where] += step[where]


def _margin(tall: float) -> int:
    """Pixels around somebody in which nothing is compared."""
    return max(1, round(_MARGIN_HEIGHTS * tall))


def _gains(small: NDArray[np.uint8], plate: NDArray[np.uint8], free: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(3,): how much brighter a frame is than its plate, the median of thinned out pixels."""
    thin = (slice(None, None, _THIN), slice(None, None, _THIN))
    now, before, usable = small[thin], plate[thin], free[thin]
    gains = np.ones(3, np.float32)
    for channel in range(3):
        chosen = usable & (before[..., channel] >= _DARK_GROUND)
        if chosen.sum() >= _FEWEST_PX:
            gains[channel] = np.median(now[..., channel][chosen] / before[..., channel][chosen].astype(np.float32))
    return gains


def _blurred(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (7, 7), _BLUR_PX), np.float32)


def _steepness(total: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much brightness changes from pixel to pixel, as a share; 0 beside people, where it is not known."""
    across, down = cv2.Sobel(total, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(total, cv2.CV_32F, 0, 1, scale=0.125)
    steep = (np.abs(across) + np.abs(down)) / total
    steep[share < _WHOLE] = 0.0
    return np.asarray(steep, np.float32)


def _around(rest: NDArray[np.float32], quiet: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How dark it is around, on average over quiet pixels: clouds darken a part of the picture, with nobody in it."""
    height, width = rest.shape
    size = (-(-width // _COARSE), -(-height // _COARSE))
    sums = cv2.resize(np.where(quiet, rest, np.float32(0.0)), size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(quiet.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    sums, share = cv2.GaussianBlur(sums, (0, 0), _COARSE_BLUR), cv2.GaussianBlur(share, (0, 0), _COARSE_BLUR)
    # Light that grew elsewhere makes nothing a shadow.
    mean = np.clip(sums / (share + _FEW_AROUND), 0.0, _MOST_USUAL)
    return np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _distance(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far pixels are from those of a mask; large everywhere where it is empty."""
    if mask.size == 0 or not mask.any():
        return np.full(mask.shape, np.float32(np.inf))
    return np.asarray(cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3), np.float32)
