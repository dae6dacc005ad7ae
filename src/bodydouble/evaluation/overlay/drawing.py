"""People onto a picture: silhouette, box, skeleton, label. Nothing here knows about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.overlay.canvas import Picture
from bodydouble.evaluation.overlay.people import RGB, colour_of, shorten
from bodydouble.scene import JOINT_NAMES, LIMBS, PersonTrack

_LEFT_RGB: Final[RGB] = (80, 190, 255)
_RIGHT_RGB: Final[RGB] = (255, 150, 40)
_MIDDLE_RGB: Final[RGB] = (255, 255, 255)
"""Sides of the body in colours of their own: swapped legs show at once."""

_TINT: Final = 0.35
_STRENGTHS: Final = ((0.15, 0.2), (0.35, 0.45), (0.6, 0.75), (1.01, 1.0))
"""Up to this score, drawn with this opacity. 0.15 and 0.35 are limits of perception (`PoseConfig`)."""
_SEEN: Final = 0.5
"""A joint of which less is seen is drawn hollow."""
_STRIPE_PX: Final = 8
_DASH_PX: Final = 6
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_FARTHEST_PX: Final = 30_000
"""OpenCV draws with 16-bit coordinates; what lies farther out is not seen anyway."""
_LARGE_BOX_PX: Final = 250
_MANY_PEOPLE: Final = 25
"""With more people in a frame labels are brief, or they would be all that is seen."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A track in one frame."""

    track: PersonTrack
    step: int
    """Row of the track's arrays."""

    @property
    def is_played(self) -> bool:
        """A double plays in this frame; otherwise the person is only painted out."""
        return bool(self.track.play[self.step])

    @property
    def is_guessed(self) -> bool:
        """No detection in this frame: the box was interpolated, or it is motion that nobody explains."""
        return float(self.track.box_scores[self.step]) == 0.0


def draw_people(picture: Picture, sightings: Sequence[Sighting], scale: float) -> None:
    """Draw everybody of one frame, in place.

    Tint: silhouette; striped where the person is painted out. Box: solid when played, dashed when painted out, thin when
    nobody was detected in this very frame. Limbs: right orange, left blue, the fainter the less sure; joints that cannot
    be seen (`PersonTrack.joint_visibility`) are hollow. Label: id, score of the box, and why somebody is painted out.

    Args:
        picture: (H, W, 3) sRGB, the frame enlarged by ``scale``.
        sightings: who is in the frame.
        scale: pixels of the picture for a pixel of the clip.
    """
    for sighting in sightings:
        _draw_silhouette(picture, sighting, scale)
    for sighting in sightings:
        _draw_skeleton(picture, sighting, scale)
    boxes = [_scaled_box(sighting, scale) for sighting in sightings]
    for sighting, box in zip(sightings, boxes, strict=True):
        _draw_box(picture, sighting, box)
    taken: list[Box] = []
    # Those in front first: they are the ones a reader looks at, and their labels get the better places.
    for number in sorted(range(len(boxes)), key=lambda index: -boxes[index][3]):
        _draw_label(picture, sightings[number], number, boxes, taken)


def _draw_silhouette(picture: Picture, sighting: Sighting, scale: float) -> None:
    stack, step = sighting.track.silhouettes, sighting.step
    window = stack.windows_xyxy_px[step]
    if window[2] <= window[0] or window[3] <= window[1]:
        return
    left, top, right, bottom = (round(float(v) * scale) for v in window)
    right, bottom = min(right, picture.shape[1]), min(bottom, picture.shape[0])
    if right <= left or bottom <= top:
        return
    mask = cv2.resize(
        stack.mask(step).astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
    ).astype(bool)
    tinted = mask
    if not sighting.is_played:
        rows, columns = np.ogrid[top:bottom, left:right]
        tinted = mask & ((rows + columns) // (_STRIPE_PX // 2) % 2 == 0)
    part = picture[top:bottom, left:right]
    colour = np.array(colour_of(sighting.track.track_id), np.float32)
    part[tinted] = ((1 - _TINT) * part[tinted] + _TINT * colour).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        part[outline[:, 0, 1], outline[:, 0, 0]] = colour.astype(np.uint8)


def _draw_skeleton(picture: Picture, sighting: Sighting, scale: float) -> None:
    points = _pixels(sighting.track.joints_xy_px[sighting.step], scale)
    scores = sighting.track.joint_scores[sighting.step]
    seen = sighting.track.joint_visibility[sighting.step]
    found = np.isfinite(points).all(axis=1) & (scores > 0) & (np.abs(np.nan_to_num(points)) < _FARTHEST_PX).all(axis=1)
    if not found.any():
        return
    margin = 6
    low = np.clip(points[found].min(axis=0).astype(int) - margin, 0, None)
    high = points[found].max(axis=0).astype(int) + margin + 1
    part = picture[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    if part.size == 0:
        return
    places: list[tuple[int, int]] = [
        (int(x), int(y)) for x, y in np.rint(np.where(found[:, None], points, 0) - low).tolist()
    ]
    extent = float(np.ptp(points[found][:, 1]))
    thickness = 1 if extent < _LARGE_BOX_PX else 2
    below = 0.0
    for limit, opacity in _STRENGTHS:
        layer = part.copy()
        for a, b in LIMBS:
            if found[a] and found[b] and below <= min(scores[a], scores[b]) < limit:
                cv2.line(layer, places[a], places[b], _side_rgb(b), thickness, cv2.LINE_AA)
        for joint in np.flatnonzero(found & (scores >= below) & (scores < limit)).tolist():
            _draw_joint(layer, places[joint], thickness, _side_rgb(joint), hollow=bool(seen[joint] < _SEEN))
        part[:] = cv2.addWeighted(layer, opacity, part, 1 - opacity, 0)
        below = limit


def _draw_joint(layer: Picture, place: tuple[int, int], radius_px: int, rgb: RGB, *, hollow: bool) -> None:
    if not hollow:
        cv2.circle(layer, place, radius_px, rgb, -1, cv2.LINE_AA)
        return
    # Drawn after the limbs, which would otherwise fill the ring.
    cv2.circle(layer, place, radius_px + 2, rgb, -1, cv2.LINE_AA)
    cv2.circle(layer, place, radius_px + 1, (0, 0, 0), -1, cv2.LINE_AA)


def _side_rgb(joint: int) -> RGB:
    name = JOINT_NAMES[joint]
    return _LEFT_RGB if name.startswith("left") else _RIGHT_RGB if name.startswith("right") else _MIDDLE_RGB


def _pixels(points_xy_px: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float64]:
    """Positions in the enlarged picture. Whole numbers are middles of pixels in both."""
    return np.asarray((points_xy_px.astype(np.float64) + 0.5) * scale - 0.5)


def _scaled_box(sighting: Sighting, scale: float) -> Box:
    box = np.clip(sighting.track.boxes_xyxy_px[sighting.step].astype(np.float64) * scale, -_FARTHEST_PX, _FARTHEST_PX)
    left, top, right, bottom = (round(float(v)) for v in box)
    return left, top, max(left, right - 1), max(top, bottom - 1)


def _draw_box(picture: Picture, sighting: Sighting, box: Box) -> None:
    colour = colour_of(sighting.track.track_id)
    thickness = 1 if sighting.is_guessed else 2
    if sighting.is_played:
        cv2.rectangle(picture, box[:2], box[2:], colour, thickness)
        return
    left, top, right, bottom = _clipped(box, picture)
    for x in range(left, right + 1, 2 * _DASH_PX):
        for y in (box[1], box[3]):
            cv2.line(picture, (x, y), (min(x + _DASH_PX, right), y), colour, thickness)
    for y in range(top, bottom + 1, 2 * _DASH_PX):
        for x in (box[0], box[2]):
            cv2.line(picture, (x, y), (x, min(y + _DASH_PX, bottom)), colour, thickness)


def _clipped(box: Box, picture: Picture) -> Box:
    height, width = picture.shape[:2]
    return max(box[0], 0), max(box[1], 0), min(box[2], width - 1), min(box[3], height - 1)


def _draw_label(picture: Picture, sighting: Sighting, number: int, boxes: Sequence[Box], taken: list[Box]) -> None:
    """Write beside the box: all of it where there is room, the id alone where there is not; over nobody if possible."""
    track, box = sighting.track, boxes[number]
    score = "guessed" if sighting.is_guessed else f"{float(track.box_scores[sighting.step]):.2f}"
    brief = f"#{track.track_id}"
    texts = [f"{brief} {score}", brief]
    if not sighting.is_played:
        texts = [f"{brief} painted out: {shorten(track.reason)}", f"{brief} out", brief]
    if len(boxes) > _MANY_PEOPLE:
        texts = texts[-2:] if not sighting.is_played else [brief]
    font_scale = 0.42 if picture.shape[1] < 1400 else 0.55
    for text in texts:
        (width, height), below = cv2.getTextSize(text, _FONT, font_scale, 1)
        width, height = width + 6, height + below + 3
        free = [
            place
            for place in _places(box, width, height, picture)
            if all(_common_px(place, other) == 0 for other in taken)
        ]
        if free:
            place = min(free, key=lambda place: sum(_common_px(place, other) for other in boxes))
            _write_label(picture, text, place, colour_of(track.track_id), font_scale, below)
            taken.append(place)
            return
    # Everywhere is something: the id goes onto the box, over whatever is there.
    (width, height), below = cv2.getTextSize(brief, _FONT, font_scale, 1)
    place = _inside(box[0], box[1], width + 6, height + below + 3, picture)
    _write_label(picture, brief, place, colour_of(track.track_id), font_scale, below)


def _places(box: Box, width: int, height: int, picture: Picture) -> list[Box]:
    """Above, below and inside a box, pushed into the picture."""
    left, top, right, bottom = box
    spots = ((left - 1, top - height), (right + 2 - width, top - height), (left - 1, bottom + 1), (left + 2, top + 2))
    return [_inside(x, y, width, height, picture) for x, y in spots]


def _inside(left: int, top: int, width: int, height: int, picture: Picture) -> Box:
    left = max(0, min(left, picture.shape[1] - width))
    top = max(0, min(top, picture.shape[0] - height))
    return left, top, left + width, top + height


def _common_px(a: Box, b: Box) -> int:
    """Area that two boxes share."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def _write_label(picture: Picture, text: str, place: Box, colour: RGB, font_scale: float, below: int) -> None:
    left, top, right, bottom = place
    part = picture[top:bottom, left:right]
    part[:] = part // 4
    cv2.rectangle(picture, (left, top), (left + 2, bottom - 1), colour, -1)
    at = (left + 5, bottom - below - 1)
    cv2.putText(picture, text, at, _FONT, font_scale, (255, 255, 255), 1, cv2.LINE_AA)
