"""Silhouettes in the frame: a network's masks, completed by motion, told apart between neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.config import SilhouetteConfig
from bodydouble.perception.crops import paste
from bodydouble.perception.geometry import grow, window
from bodydouble.perception.person import Joints, SoftMask
from bodydouble.perception.silhouette.belongings import body_zone, without_belongings
from bodydouble.perception.silhouette.outline import Outline

_REACH_SHARE: Final = 0.12
"""Moving pixels are taken in up to this far outside the box, as a share of its size."""
_FAR_REACH_HEIGHTS: Final = 0.6
_FAR_REACH_UP_HEIGHTS: Final = 0.3
_FAR_REACH_DOWN_HEIGHTS: Final = 0.4
"""... and up to this far, in heights of the box, where nobody else's box is: swung feet, raised hands, prams, bicycles, cast
shadows."""
_SURE: Final = 0.6
"""Probability from which a neighbour's claim to a pixel counts."""
_LEAD: Final = 0.25
"""... if it is this much higher than one's own."""
_BLIND_DILATION_SHARE: Final = 0.025
"""Silhouettes that motion cannot complete are dilated by this share of the box's height."""
_LEAST_FILL: Final = 0.18
"""A silhouette that fills less of the visible box is not believed; the body's outline is taken instead."""
_SPECK_SHARE: Final = 0.002
"""Loose moving regions below this share of the box are noise."""


def compose(
    boxes_xyxy_px: NDArray[np.float32],
    masks: Sequence[SoftMask],
    config: SilhouetteConfig,
    *,
    frame_size_px: tuple[int, int],
    moving: NDArray[np.bool_] | None,
    bodies_xyxy_px: NDArray[np.float32] | None = None,
    joints: Joints | None = None,
    shadow: NDArray[np.bool_] | None = None,
) -> list[Outline]:
    """Silhouettes of all people of one frame.

    Args:
        boxes_xyxy_px: (N, 4).
        masks: of whoever fills each box.
        config: thresholds and whether motion is used.
        frame_size_px: width and height.
        moving: (H, W) differs from the plate, None where that is unknown.
        bodies_xyxy_px: (N, 4) where the rest of each body may be if the box shows a part of it; None is the boxes.
        joints: of all people, where belongings are kept; without them none are.
        shadow: (H, W) moves as a shadow does, which nobody carries; None for nowhere.

    Returns:
        One outline per box; empty masks for boxes outside the frame.
    """
    width, height = frame_size_px
    bodies = boxes_xyxy_px if bodies_xyxy_px is None else bodies_xyxy_px
    reach = grow(boxes_xyxy_px, _REACH_SHARE, 2.0)
    reach[:, 1] = np.minimum(reach[:, 1], bodies[:, 1])
    reach[:, 3] = np.maximum(reach[:, 3], bodies[:, 3])
    far = reach.copy()
    if moving is not None and config.complete_with_motion:
        tall = (boxes_xyxy_px[:, 3] - boxes_xyxy_px[:, 1])[:, None]
        far += tall * np.array(
            [-_FAR_REACH_HEIGHTS, -_FAR_REACH_UP_HEIGHTS, _FAR_REACH_HEIGHTS, _FAR_REACH_DOWN_HEIGHTS]
        )
    windows = [window(box, width, height) for box in far]
    near = [window(box, width, height) for box in reach]
    maps = [paste(mask.probabilities, mask.crop, place) for mask, place in zip(masks, windows, strict=True)]
    canvas_best, canvas_second = _claims(maps, windows, frame_size_px)
    crowd = _count(near, frame_size_px)
    outlines = []
    for number, (box, place, own) in enumerate(zip(boxes_xyxy_px, windows, maps, strict=True)):
        left, top, right, bottom = place
        best = canvas_best[top:bottom, left:right]
        # The strongest claim of anybody else: the second best where one's own is the best.
        rival = np.where(own >= best, canvas_second[top:bottom, left:right], best)
        neighbours = (rival > _SURE) & (rival > own + _LEAD)
        local = None if moving is None else moving[top:bottom, left:right]
        if local is not None:
            local = local & _mine(near[number], place, crowd)
        outline = _outline(box, bodies[number], place, near[number], own, neighbours, local, config)
        if config.belongings == "keep" and local is not None and joints is not None:
            body = body_zone(own, place, box, joints.xy_px[number], joints.scores[number])
            solid = local if shadow is None else local & ~shadow[top:bottom, left:right]
            outline = without_belongings(outline, body, solid & ~neighbours)
        outlines.append(_cropped(outline))
    return outlines


def _count(places: Sequence[tuple[int, int, int, int]], frame_size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """How many people's windows each pixel of the frame is in."""
    crowd = np.zeros(frame_size_px[::-1], np.uint8)
    for left, top, right, bottom in places:
        part = crowd[top:bottom, left:right]
        np.add(part, 1, out=part, where=part < 255)
    return crowd


def _mine(
    near: tuple[int, int, int, int], place: tuple[int, int, int, int], crowd: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Where, on a window, motion may be somebody's own: near them, and farther away where nobody else is near."""
    left, top, right, bottom = place
    return np.asarray((crowd[top:bottom, left:right] == 0) | _rectangle(place, near))


def _rectangle(place: tuple[int, int, int, int], inner: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Where, on a window, a smaller one inside it is."""
    inside = np.zeros((max(place[3] - place[1], 0), max(place[2] - place[0], 0)), bool)
    inside[max(inner[1] - place[1], 0) : inner[3] - place[1], max(inner[0] - place[0], 0) : inner[2] - place[0]] = True
    return inside


def _cropped(outline: Outline) -> Outline:
    """The same on the smallest window."""
    anything = outline.mask if outline.kept is None else outline.mask | outline.kept
    rows, columns = np.flatnonzero(anything.any(axis=1)), np.flatnonzero(anything.any(axis=0))
    if len(rows) == 0:
        return outline
    part = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    left, top = outline.window_xyxy_px[:2]
    return replace(
        outline,
        window_xyxy_px=(left + part[1].start, top + part[0].start, left + part[1].stop, top + part[0].stop),
        mask=np.ascontiguousarray(outline.mask[part]),
        kept=None if outline.kept is None else np.ascontiguousarray(outline.kept[part]),
    )


def _claims(
    maps: list[NDArray[np.float32]], windows: list[tuple[int, int, int, int]], frame_size_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The highest and second highest probability of any person at each pixel of the frame."""
    width, height = frame_size_px
    best, second = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for own, (left, top, right, bottom) in zip(maps, windows, strict=True):
        first, next_ = best[top:bottom, left:right], second[top:bottom, left:right]
        np.maximum(next_, np.minimum(first, own), out=next_)
        np.maximum(first, own, out=first)
    return best, second


def _outline(
    box: NDArray[np.float32],
    body_box: NDArray[np.float32],
    place: tuple[int, int, int, int],
    near_place: tuple[int, int, int, int],
    own: NDArray[np.float32],
    neighbours: NDArray[np.bool_],
    moving: NDArray[np.bool_] | None,
    config: SilhouetteConfig,
) -> Outline:
    left, top, right, bottom = place
    if own.size == 0:
        return Outline(window_xyxy_px=place, mask=np.zeros(own.shape, bool), motion_share=float("nan"))
    x, y = np.arange(left, right, dtype=np.float64) + 0.5, np.arange(top, bottom, dtype=np.float64) + 0.5
    inside = ((y >= box[1]) & (y <= box[3]))[:, None] & ((x >= box[0]) & (x <= box[2]))[None]
    share = float("nan")
    threshold, blind_threshold = config.thresholds()
    if moving is None:
        # Nothing will add what the network misses, so more of what it doubts is taken, and a margin.
        radius = max(1, round(_BLIND_DILATION_SHARE * float(box[3] - box[1])))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        mask = np.asarray(cv2.dilate((own >= blind_threshold).astype(np.uint8), kernel) > 0)
    else:
        mask = own >= threshold
        body = inside & mask if mask.any() else inside
        share = float(moving[body].mean()) if body.any() else 0.0
        if config.complete_with_motion:
            near = ((y >= body_box[1]) & (y <= body_box[3]))[:, None] & ((x >= body_box[0]) & (x <= body_box[2]))[None]
            # Once more cut to the near part: what lies loose in the box may be a piece of something that reaches far.
            part = _rectangle(place, near_place)
            mask = mask | _connected_motion(mask, moving, near) | _connected_motion(mask, moving & part, near)
    mask &= ~neighbours
    visible = max(int(inside.sum()), 1)
    if mask.sum() < _LEAST_FILL * visible:
        mask = mask | (_body_shape(x, y, box) & ~neighbours)
    return Outline(window_xyxy_px=place, mask=mask, motion_share=share)


def _connected_motion(
    mask: NDArray[np.bool_], moving: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Moving regions that touch the silhouette, and loose ones that lie mostly inside the box."""
    closed = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    if count <= 1:
        return np.zeros_like(mask)
    size = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    within = np.bincount(labels.ravel(), weights=inside.ravel().astype(np.float64), minlength=count)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    touching = np.bincount(labels.ravel(), weights=near.ravel().astype(np.float64), minlength=count) > 0
    enough = size >= max(4.0, _SPECK_SHARE * float(inside.sum()))
    chosen = enough & (touching | (within > 0.5 * size))
    chosen[0] = False
    taken: NDArray[np.bool_] = chosen[labels]
    return taken


def _body_shape(x: NDArray[np.float64], y: NDArray[np.float64], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    """An upright ellipse that fills the box: what is painted out when no silhouette can be believed."""
    centre_x, centre_y = 0.5 * float(box[0] + box[2]), 0.5 * float(box[1] + box[3])
    half_w, half_h = max(0.5 * float(box[2] - box[0]), 0.5), max(0.5 * float(box[3] - box[1]), 0.5)
    # A superellipse: head and feet at the ends need more room than a plain ellipse gives.
    shape: NDArray[np.bool_] = (
        np.abs((y - centre_y) / half_h)[:, None] ** 3 + np.abs((x - centre_x) / half_w)[None] ** 3 <= 1.0
    )
    return shape
