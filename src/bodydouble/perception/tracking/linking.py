"""Drop doubles of a track, fill gaps, smooth, prolong ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.geometry import areas, overlap_areas, overlap_areas_of_pairs
from bodydouble.perception.tracking.base import Fragment
from bodydouble.perception.tracking.heights import Heights

_COMPOSITE_HEIGHTS = 1.4
"""Boxes this much taller than people are there may hold two of them."""
_COMPOSITE_FILL = 0.5
_LEAST_HEIGHTS = 0.45
"""Nobody is less tall than this share of those who stand."""
_LEAST_VISIBLE = 0.25
"""Prolonged steps of which less than this share lies in the frame are left out."""
_FIT_SECONDS = 0.8
"""Stretch at the end of a fragment from which its velocity is taken."""


@dataclass(frozen=True, kw_only=True)
class LinkLimits:
    """How far the offline pass may go, in frames."""

    extend_frames: int
    fit_frames: int

    @classmethod
    def at_rate(cls, frames_per_second: float, *, extend_seconds: float) -> LinkLimits:
        """Limits given in seconds."""
        return cls(
            extend_frames=max(1, round(extend_seconds * frames_per_second)),
            fit_frames=max(3, round(_FIT_SECONDS * frames_per_second)),
        )


def _motion(part: Fragment, fit_frames: int, *, at_end: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Foot point (2,) at one end of a fragment and its velocity (2,) in pixels a frame, by least squares."""
    feet = np.c_[0.5 * (part.boxes[:, 0] + part.boxes[:, 2]), part.boxes[:, 3]]
    anchor = part.frames[-1] if at_end else part.frames[0]
    near = np.abs(part.frames - anchor) <= fit_frames
    times = (part.frames[near] - anchor).astype(np.float64)
    if near.sum() < 3:
        return feet[-1 if at_end else 0], np.zeros(2)
    design = np.c_[np.ones(len(times)), times]
    solution, *_ = np.linalg.lstsq(design, feet[near], rcond=None)
    return solution[0], solution[1]


def drop_doubles(fragments: list[Fragment]) -> list[Fragment]:
    """Remove fragments that run inside a better one for most of their life (two tracks on one person)."""
    order = sorted(range(len(fragments)), key=lambda i: (-float(fragments[i].scores.sum()), i))
    kept: list[int] = []
    for i in order:
        if not any(_inside(fragments[i], fragments[j]) for j in kept):
            kept.append(i)
    return [fragments[i] for i in sorted(kept)]


def _inside(weak: Fragment, strong: Fragment) -> bool:
    frames, at_weak, at_strong = np.intersect1d(weak.frames, strong.frames, return_indices=True)
    if len(frames) < 0.7 * len(weak):
        return False
    a, b = weak.boxes[at_weak], strong.boxes[at_strong]
    shared = overlap_areas_of_pairs(a, b)
    union = areas(a) + areas(b) - shared
    alike = (shared / np.maximum(union, 1e-9) > 0.5) | (shared / np.maximum(areas(a), 1e-9) > 0.85)
    return bool(alike.mean() > 0.7)


def drop_composites(fragments: list[Fragment], heights: Heights, longest_frames: int) -> list[Fragment]:
    """Remove short fragments whose boxes are far too tall for a person and hold others: one box over two people.

    Nobody goes unseen by this: the others must be there, in the same frames, and fill most of the box.

    Args:
        fragments: all of the clip.
        heights: how tall people are where; if that is not reliable nothing is removed.
        longest_frames: fragments with more detections than this stay.
    """
    if not heights.reliable:
        return fragments
    suspects = [k for k, part in enumerate(fragments) if len(part) <= longest_frames and is_too_tall(part, heights)]
    others = [part for k, part in enumerate(fragments) if k not in suspects]
    gone = {k for k in suspects if _held_by(fragments[k], others)}
    return [part for k, part in enumerate(fragments) if k not in gone]


def is_too_tall(part: Fragment, heights: Heights) -> bool:
    """Whether its boxes are too tall for one person who stands at their lower edge, if heights follow from that row."""
    return _median_height_share(part, heights) > _COMPOSITE_HEIGHTS


def has_height_of_a_person(part: Fragment, heights: Heights) -> bool:
    """Whether somebody who stands, sits or is a child could be of the height of its boxes; yes where that is not known."""
    return not heights.reliable or _LEAST_HEIGHTS < _median_height_share(part, heights) <= _COMPOSITE_HEIGHTS


def _median_height_share(part: Fragment, heights: Heights) -> float:
    """Height of its boxes over that of people who stand there."""
    tall = part.boxes[:, 3] - part.boxes[:, 1]
    expected = np.array([heights.expected(float(bottom)) for bottom in part.boxes[:, 3]])
    return float(np.median(tall / expected))


def _held_by(part: Fragment, others: list[Fragment]) -> bool:
    """Most of the box belongs to two or more others in most frames."""
    held = 0
    for frame, box in zip(part.frames, part.boxes, strict=True):
        rows = [other.boxes[np.searchsorted(other.frames, frame)] for other in others if frame in other.frames]
        shared = overlap_areas(box[None], np.array(rows).reshape(-1, 4))[0]
        size = max(float(areas(box[None])[0]), 1e-9)
        held += int((shared > 0.15 * size).sum() >= 2 and shared.sum() > _COMPOSITE_FILL * size)
    return held >= 0.5 * len(part)


def fill(part: Fragment) -> Fragment:
    """A fragment without gaps: boxes between detections are interpolated, their score is 0."""
    frames = np.arange(part.frames[0], part.frames[-1] + 1, dtype=np.int64)
    if len(frames) == len(part):
        return part
    boxes = np.stack([np.interp(frames, part.frames, part.boxes[:, k]) for k in range(4)], axis=1)
    scores = np.zeros(len(frames), np.float32)
    scores[part.frames - frames[0]] = part.scores
    return Fragment(frames=frames, boxes=boxes, scores=scores)


def extend(part: Fragment, limits: LinkLimits, num_frames: int) -> Fragment:
    """Prolong both ends at their velocity: people are there a little before they are found and after they are lost."""
    first, last = int(part.frames[0]), int(part.frames[-1])
    before = np.arange(max(0, first - limits.extend_frames), first, dtype=np.int64)
    after = np.arange(last + 1, min(num_frames, last + 1 + limits.extend_frames), dtype=np.int64)
    _, v_begin = _motion(part, limits.fit_frames, at_end=False)
    _, v_end = _motion(part, limits.fit_frames, at_end=True)
    boxes_before = part.boxes[0] + np.tile(v_begin, 2) * (before - first)[:, None]
    boxes_after = part.boxes[-1] + np.tile(v_end, 2) * (after - last)[:, None]
    return Fragment(
        frames=np.concatenate([before, part.frames, after]),
        boxes=np.concatenate([boxes_before, part.boxes, boxes_after]),
        scores=np.concatenate([np.zeros(len(before), np.float32), part.scores, np.zeros(len(after), np.float32)]),
        weak=part.weak,
    )


def without_invisible_ends(part: Fragment, width_px: int, height_px: int) -> Fragment:
    """A track in frame pixels without prolonged steps that lie outside of the frame; detections always stay."""
    limits = np.array([width_px, height_px, width_px, height_px], np.float64)
    visible = areas(np.clip(part.boxes, 0, limits)) >= _LEAST_VISIBLE * areas(part.boxes)
    kept = np.flatnonzero(visible | part.observed)
    return part.part(slice(int(kept[0]), int(kept[-1]) + 1)) if len(kept) else part


def smooth(part: Fragment, sigma_frames: float) -> Fragment:
    """Boxes with the jitter of single detections removed, without lag.

    A straight line is fitted around each frame with Gaussian weights; interpolated boxes weigh little.
    """
    if len(part) < 5 or sigma_frames <= 0:
        return part
    radius = max(2, int(np.ceil(3 * sigma_frames)))
    weights = np.where(part.observed, 0.2 + part.scores, 0.05).astype(np.float64)
    boxes = np.empty_like(part.boxes)
    for row in range(len(part)):
        low, high = max(0, row - radius), min(len(part), row + radius + 1)
        times = np.arange(low, high) - row
        kernel = weights[low:high] * np.exp(-0.5 * (times / sigma_frames) ** 2)
        s0, s1, s2 = kernel.sum(), (kernel * times).sum(), (kernel * times**2).sum()
        bend = s0 * s2 - s1 * s1
        share = kernel * (s2 - s1 * times) / bend if bend > 1e-9 else kernel / s0
        boxes[row] = share @ part.boxes[low:high]
    return Fragment(frames=part.frames, boxes=boxes, scores=part.scores, weak=part.weak)
