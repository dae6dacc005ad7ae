"""Covering filmed people with the clean plate.

What is written here depends on nothing but the plate, and on pixels of the frame outside all silhouettes: recolouring
the people in the frame changes no pixel of the result (a test does so). The one thing that people's own pixels decide
is whether the plate can be trusted where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import UNCHANGED_DIFFERS_BY_LESS_THAN, largest_difference
from bodydouble.compositing.background import BACKGROUND_DIFFERS_BY_AT_MOST, KnownBackground, smoothed
from bodydouble.compositing.config import PaintOutConfig
from bodydouble.compositing.kernels import fade_out
from bodydouble.compositing.occlusion import OccluderMap
from bodydouble.compositing.windows import Window
from bodydouble.scene import PersonTrack

_FEWEST_RING_PX = 24
"""With fewer pixels to compare, the plate is taken as it is."""
_MOST_RING_PX = 1024
"""More pixels than that are thinned out; three numbers are fitted to them."""
_CELL_PX = 4
"""Side of the cells that surroundings are reduced to, at half the resolution."""
_INPAINT_RADIUS = 4.0
"""At half the resolution."""
_STREAK_REACH = 12.0
"""How far, at half the resolution, inpainted structure is believed."""
_TRIM_OFFSET = 10.0
"""Ring pixels further than this (in 1/255) from the median are shadows or things, not a change of light."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonArea:
    """Where one person, or several who touch, are in one frame."""

    window: Window
    """Around the dilated silhouette, inside the frame."""
    silhouette: npt.NDArray[np.bool_]
    """(window height, width): the person's own pixels."""
    plate_weight: npt.NDArray[np.uint8]
    """(window height, width): share of the plate, 255 is all; 0 outside the dilated silhouette."""
    distrusted: npt.NDArray[np.bool_]
    """(window height, width): where the plate may hold the person and must not be used."""
    background: npt.NDArray[np.bool_]
    """(window height, width): pixels that show known background, and so nothing of the person."""


def silhouette_or_box(
    track: PersonTrack, step: int, frame_window: Window, min_silhouette_share: float
) -> tuple[Window, npt.NDArray[np.bool_]]:
    """The person's pixels on their window; the whole box where the silhouette is too small to be trusted."""
    window, mask = Window.around(track.silhouettes.windows_xyxy_px[step]), track.silhouettes.mask(step)
    box = Window.around(track.boxes_xyxy_px[step]).clipped(frame_window)
    box_px = 0 if box.is_empty else box.width * box.height
    if box_px == 0 or int(np.count_nonzero(mask)) >= min_silhouette_share * box_px:
        return window, mask
    if window.is_empty:
        return box, np.ones((box.height, box.width), dtype=np.bool_)
    both = window.joined(box)
    canvas = np.zeros((both.height, both.width), dtype=np.bool_)
    canvas[window.slices_in(both)] = mask
    canvas[box.slices_in(both)] = True
    return both, canvas


def person_area(track: PersonTrack, step: int, frame_window: Window, config: PaintOutConfig) -> PersonArea | None:
    """Silhouette and dilated silhouette of a person in a frame; None if no pixel of the person is in the frame."""
    inner, mask = silhouette_or_box(track, step, frame_window, config.min_silhouette_share)
    if inner.is_empty or not mask.any():
        return None
    box = track.boxes_xyxy_px[step]
    radius = config.dilation_px(float(box[3] - box[1]))
    window = inner.grown(radius).clipped(frame_window)
    silhouette = np.zeros((window.height, window.width), dtype=np.bool_)
    silhouette[inner.slices_in(window)] = mask
    distance = cv2.distanceTransform((~silhouette).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The passage into the frame keeps 2 px away from the person: that far colours bleed where chroma is shared by
    # 2x2 px.
    feather = max(0, min(config.feather_px, radius - 2))
    weight = np.clip((radius + 1 - distance) * (255.0 / (feather + 1)), 0.0, 255.0)
    weight[distance > radius] = 0.0
    return PersonArea(
        window=window,
        silhouette=silhouette,
        plate_weight=np.rint(weight).astype(np.uint8),
        distrusted=np.zeros_like(silhouette),
        background=np.zeros_like(silhouette),
    )


def with_shadow(
    area: PersonArea | None, track: PersonTrack, step: int, frame_window: Window, margin_px: int
) -> PersonArea | None:
    """The same area with the shadow the person casts: there the plate is written, and trusted, as it differs from the frame.

    Args:
        area: of the person, judged; None if no pixel of the person is in the frame.
        track: the person.
        step: row of the track.
        frame_window: the whole frame.
        margin_px: over so many pixels around a shadow the plate passes into the frame.
    """
    if track.shadows is None or (inner := Window.around(track.shadows.windows_xyxy_px[step])).is_empty:
        return area
    window = inner.grown(margin_px).clipped(frame_window)
    mask = np.zeros((window.height, window.width), dtype=np.bool_)
    mask[inner.slices_in(window)] = track.shadows.mask(step)
    if not mask.any():
        return area
    weight = np.zeros(mask.shape, dtype=np.uint8)
    fade_out(mask, fading(margin_px), weight)
    nothing = np.zeros_like(mask)
    shadow = PersonArea(
        window=window,
        silhouette=nothing,
        plate_weight=weight,
        distrusted=nothing,
        background=nothing,
    )
    return shadow if area is None else _joined(window.joined(area.window), [area, shadow])


@lru_cache(maxsize=8)
def fading(margin_px: int) -> npt.NDArray[np.uint8]:
    """Share of the plate, 255 is all, at so many rows and columns from a shadow; see `fade_out`."""
    rows, columns = np.mgrid[-margin_px : margin_px + 1, -margin_px : margin_px + 1].astype(np.float32)
    distance = np.sqrt(rows**2 + columns**2)
    weight = (margin_px + 1 - distance) * np.float32(255.0 / (margin_px + 1))
    return np.rint(np.where(distance > margin_px, np.float32(0.0), weight)).astype(np.uint8)


def judge_plate(
    area: PersonArea,
    box_xyxy_px: npt.NDArray[np.float32],
    frame_rgb: npt.NDArray[np.uint8],
    plate_rgb: npt.NDArray[np.uint8],
    distrust_share: float,
    background: KnownBackground | None,
    occluders: OccluderMap | None = None,
) -> PersonArea:
    """The same area, marked as distrusted if the plate looks like the frame on too large a share of the silhouette.

    People who were missed in many frames get into the plate; writing such a plate over them leaves them as filmed. Known
    background that looks like the frame is no sign of that: the silhouette is wrong there.

    Args:
        area: of one person.
        box_xyxy_px: (4,) of that person.
        frame_rgb: (height, width, 3) as filmed.
        plate_rgb: (height, width, 3) of the frame.
        distrust_share: of the silhouette, 0 to 1.
        background: where the plate is known to be right; None where nothing is known.
        occluders: things in front of people, which the plate shows as well; None where nobody looked for them.
    """
    difference = largest_difference(frame_rgb[area.window.slices], plate_rgb[area.window.slices])
    same = area.silhouette & (difference < UNCHANGED_DIFFERS_BY_LESS_THAN)
    limit = distrust_share * np.count_nonzero(area.silhouette)
    if np.count_nonzero(same) < limit:
        return area
    if background is None:
        return replace(area, distrusted=area.plate_weight > 0)
    known = background.at(area.window, box_xyxy_px, plate_rgb)
    if occluders is not None:
        known |= occluders.hides(area.window, float(box_xyxy_px[3]))
    area = replace(area, background=known & (difference <= BACKGROUND_DIFFERS_BY_AT_MOST))
    if np.count_nonzero(same & ~known) < limit:
        return area
    return replace(area, distrusted=(area.plate_weight > 0) & ~smoothed(known))


def fill_from_surroundings(
    frame_rgb: npt.NDArray[np.uint8], surroundings: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Colours for a window, made from its pixels outside all people: what is around goes on, edges with it.

    Inpainting by the fast marching method (Telea 2004), at half the resolution, as far as anything known is near; the
    middle of large areas takes the mean of ever wider cells instead of streaks.

    Args:
        frame_rgb: (height, width, 3).
        surroundings: (height, width), pixels that may be used.

    Returns:
        (height, width, 3); known pixels are those of the frame; mid grey where there is nothing to go by.
    """
    height, width = surroundings.shape
    if not surroundings.any():
        return np.full((height, width, 3), 128, dtype=np.uint8)
    size = (-(-width // 2), -(-height // 2))
    share = cv2.resize(surroundings.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(frame_rgb * surroundings[:, :, None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = share > 0.0
    small = np.rint(np.where(known[:, :, None], total / np.maximum(share, 1e-6)[:, :, None], 0.0)).astype(np.uint8)
    streaks = cv2.inpaint(small, (~known).astype(np.uint8), _INPAINT_RADIUS, cv2.INPAINT_TELEA).astype(np.float32)
    mean = _mean_of_cells(small, known)
    far = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3)
    trust = np.exp(-0.5 * (far / _STREAK_REACH) ** 2)[:, :, None]
    mixed = cv2.resize(trust * streaks + (1.0 - trust) * mean, (width, height), interpolation=cv2.INTER_LINEAR)
    filled = np.clip(np.rint(mixed), 0.0, 255.0).astype(np.uint8)
    return np.where(surroundings[:, :, None], frame_rgb, filled)


def _mean_of_cells(rgb: npt.NDArray[np.uint8], known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Smooth colours (height, width, 3): cells of 4 px; empty ones take the mean of their neighbours, until none is left."""
    height, width = known.shape
    size = (max(1, -(-width // _CELL_PX)), max(1, -(-height // _CELL_PX)))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(rgb * known[:, :, None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    there = share > 0.0
    colour = np.where(there[:, :, None], total / np.maximum(share, 1e-6)[:, :, None], 0.0).astype(np.float32)
    cells = np.ones((3, 3), dtype=np.float32)
    while not there.all():
        weight = cv2.filter2D(there.astype(np.float32), -1, cells, borderType=cv2.BORDER_CONSTANT)
        around = cv2.filter2D(colour, -1, cells, borderType=cv2.BORDER_CONSTANT)
        reached = ~there & (weight > 0.5)
        colour[reached] = (around / np.maximum(weight, 1.0)[:, :, None])[reached]
        there |= reached
    smooth = cv2.GaussianBlur(colour, (3, 3), 0.8, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def merge(areas: Sequence[PersonArea]) -> list[PersonArea]:
    """Join people whose windows touch; each result is covered, and fitted to its surroundings, in one go."""
    groups: list[tuple[Window, list[PersonArea]]] = []
    for area in areas:
        window, members = area.window, [area]
        while touching := [group for group in groups if not group[0].grown(1).clipped(window).is_empty]:
            for group in touching:
                window, members = window.joined(group[0]), members + group[1]
                groups.remove(group)
        groups.append((window, members))
    return [_joined(window, members) for window, members in groups]


def _joined(window: Window, members: Sequence[PersonArea]) -> PersonArea:
    if len(members) == 1:
        return members[0]
    silhouette = np.zeros((window.height, window.width), dtype=np.bool_)
    weight = np.zeros((window.height, window.width), dtype=np.uint8)
    distrusted, background = np.zeros_like(silhouette), np.zeros_like(silhouette)
    for member in members:
        part = member.window.slices_in(window)
        silhouette[part] |= member.silhouette
        weight[part] = np.maximum(weight[part], member.plate_weight)
        distrusted[part] |= member.distrusted
        background[part] |= member.background
    return PersonArea(
        window=window, silhouette=silhouette, plate_weight=weight, distrusted=distrusted, background=background
    )  # fmt: skip


def _fit_offset(
    residual: npt.NDArray[np.float32], xy: npt.NDArray[np.float32], limit: float
) -> npt.NDArray[np.float32]:
    """Fit constant and slopes, (3 coefficients, 3 channels), to differences (n, 3) at positions (n, 2) in -1..1."""
    median = np.median(residual, axis=0).astype(np.float32)
    flat = np.zeros((3, 3), dtype=np.float32)
    flat[0] = np.clip(median, -limit, limit)
    near = np.all(np.abs(residual - median) <= _TRIM_OFFSET, axis=1)
    if int(near.sum()) < _FEWEST_RING_PX:
        return flat
    basis = np.concatenate([np.ones((int(near.sum()), 1), dtype=np.float32), xy[near]], axis=1)
    # A little ridge on the slopes: a ring that is short in one direction says nothing about the slope along it.
    ridge = np.diag([0.0, 0.02, 0.02]).astype(np.float32) * len(basis)
    solved = np.linalg.solve(basis.T @ basis + ridge, basis.T @ residual[near])
    return np.asarray(solved, dtype=np.float32)


def fit_plate(
    frame_rgb: npt.NDArray[np.uint8],
    plate_rgb: npt.NDArray[np.uint8],
    ring: npt.NDArray[np.bool_],
    limit: float,
) -> npt.NDArray[np.float32]:
    """What to add to the plate on a window so that it meets the frame, from pixels of a ring around the painted area.

    A constant and two slopes per channel by trimmed least squares.

    Args:
        frame_rgb: (height, width, 3) window of the frame.
        plate_rgb: (height, width, 3) the same window of the plate.
        ring: (height, width) pixels to compare; all outside every dilated silhouette.
        limit: largest constant, in steps of 1/255.

    Returns:
        (3 coefficients, 3 channels): constant, slope to the right and slope downwards over -1..1 across the window;
        all 0 if the ring is too short.
    """
    height, width = ring.shape
    rows, columns = np.nonzero(ring)
    if len(rows) < _FEWEST_RING_PX:
        return np.zeros((3, 3), dtype=np.float32)
    thin = -(-len(rows) // _MOST_RING_PX)
    rows, columns = rows[::thin], columns[::thin]
    residual = frame_rgb[rows, columns].astype(np.float32) - plate_rgb[rows, columns]
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)
    return _fit_offset(residual, np.stack([x[columns], y[rows]], axis=1), limit)
