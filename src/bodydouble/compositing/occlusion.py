"""What stands in front of people: found once per clip where the plate keeps showing through bodies, then cut from doubles.

A pixel inside a body (along its limbs, within its torso) that looks like the plate although the body beside it does not
is hidden by a thing that belongs to the plate. One such frame means little (clothes may look like the ground), so
evidence is counted per pixel over the whole clip, apart for people who stand near and far: a pole hides those behind it
and nobody in front of it, after the layered view of scenes learnt from passers-by (Schodl and Essa 2001, "Depth layers
from occlusions"). A cut takes something of a double away and uncovers what lies under it: the plate, or the frame
outside all dilated silhouettes. It can never bring back a pixel of a person. For a camera that stands still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.compositing.audit import largest_difference
from bodydouble.compositing.config import OcclusionConfig
from bodydouble.compositing.occluder_shape import grown_to_edges
from bodydouble.compositing.windows import Window
from bodydouble.scene import JOINT_INDEX, LIMBS, Frame, PersonTrack, SceneBundle

_DEPTHS: Final[int] = 8
"""Classes of foot rows, each with as many people-frames as the others."""
_SEEN_WEIGHS: Final[int] = 2
"""A frame in which a body is seen at a pixel weighs this much against one in which it is hidden there."""
_MOST_EVIDENCE: Final[int] = 16000
"""Counts stop there, far within int16."""
_BONE_SHARE: Final[float] = 0.05
"""Thickness of a limb's core over the body's height: thinner than any limb, so that joints may be a little off."""
_BODY_LIMBS: Final = tuple(limb for limb in LIMBS if max(limb) <= JOINT_INDEX["left_ankle"])
_TORSO: Final = tuple(JOINT_INDEX[name] for name in ("right_shoulder", "left_shoulder", "left_hip", "right_hip"))
_FEWEST_CORE_PX: Final[int] = 20
_HIDDEN_AT_MOST: Final[float] = 0.6
"""Whose core looks like the plate beyond this share may be on the plate, or be nobody. Nothing is learnt from them, but from
those who were detected before and after and walk: they are behind a thing."""
_KNOWN_FROM: Final[float] = 0.3
"""With a smaller hidden share it is learnt what somebody looks like, for frames in which nothing is seen of them."""
_BANDS: Final[int] = 12
"""Of a body from top to bottom; each has a colour."""
_CONTRAST_OVER_SAME: Final[int] = 2
"""The plate must differ from the body beside the pixel by this many times what counts as the same."""
_BAND_SHARE: Final[float] = 0.08
"""Rows over the body's height whose mean colour is taken as that of the body beside a pixel."""
_CLOSING_PX: Final[tuple[int, int]] = (3, 9)
"""Width and height of gaps that are closed: things stand upright, and bodies pass over them in few rows at a time."""
_FEWEST_PX: Final[int] = 24
"""Fewer connected pixels that are sure are chance."""
_SEEN_ENOUGH: Final[int] = 2
"""Bodies that were seen for more than one frame at a pixel have nothing before them there."""
_WEAK_SHARE: Final[float] = 0.5
_BASE_QUANTILE: Final[float] = 0.9

_Rgb = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class OccluderMap:
    """Things in front of people."""

    base_y_px: npt.NDArray[np.float32]
    """(height, width): a body whose ground row is this or above (less) is hidden there; -inf where nothing stands."""

    @property
    def is_empty(self) -> bool:
        """True if nothing was found."""
        return not bool(np.any(self.base_y_px > -np.inf))

    def hides(self, window: Window, ground_y_px: float) -> _Mask:
        """Where on a window inside the frame a body is hidden that touches the ground at this row, (height, width)."""
        return np.asarray(self.base_y_px[window.slices] >= ground_y_px)

    def seen_share(self, window: Window, ground_y_px: float, blur_px: float) -> npt.NDArray[np.float32] | None:
        """Share of a body on a window that is seen, (height, width), 0 to 1.

        Args:
            window: inside the frame.
            ground_y_px: row at which the body touches the ground.
            blur_px: standard deviation of the softness of the cut's edge.

        Returns:
            None where nothing hides the body.
        """
        hidden = self.hides(window, ground_y_px)
        if not hidden.any():
            return None
        share = hidden.astype(np.float32)
        if blur_px > 0.0:
            share = np.asarray(cv2.GaussianBlur(share, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE), np.float32)
        return np.asarray(1.0 - share, dtype=np.float32)


class OccluderEvidence:
    """Counts per pixel and class of foot row: frames in which bodies are hidden less those in which they are seen.

    Memory is that of 8 classes of 2 bytes a pixel.
    """

    def __init__(self, bundle: SceneBundle, config: OcclusionConfig) -> None:
        """Begin with nothing; the scene's camera stands still, and somebody is in it."""
        self._bundle, self._config = bundle, config
        height, width = bundle.video.height_px, bundle.video.width_px
        self._frame_window = Window(0, 0, width, height)
        feet = np.concatenate([track.boxes_xyxy_px[:, 3] for track in bundle.tracks]).astype(np.float64)
        self._edges = np.quantile(feet, np.linspace(0.0, 1.0, _DEPTHS + 1)[1:-1])
        self._balance = np.zeros((_DEPTHS, height, width), dtype=np.int16)
        self._first_track = np.zeros((height, width), dtype=np.int32)
        self._several = np.zeros((height, width), dtype=np.bool_)
        self._looks: dict[int, _Looks] = {}
        self._plate_rgb: _Rgb | None = None

    def add(self, frame: Frame, plate_rgb: _Rgb, valid: _Mask) -> None:
        """Count one frame."""
        self._plate_rgb = plate_rgb
        present = [
            (track, step)
            for track in self._bundle.tracks
            if (step := track.step_of(frame.index)) is not None
            and (track.visible_fraction[step] > 0 or _passes_unseen(track, step))
        ]
        for track, step in present:
            window, core = body_core(track, step, self._frame_window)
            if window.is_empty:
                continue
            core &= valid[window.slices]
            rgb, plate = frame.rgb[window.slices], plate_rgb[window.slices]
            there = largest_difference(rgb, plate) > self._config.same_differs_by_at_most
            for other, other_step in present:
                if other is not track:
                    _take_out(core, window, other, other_step, there)
            self._count(track, step, window, core, rgb, plate)

    def _count(self, track: PersonTrack, step: int, window: Window, core: _Mask, rgb: _Rgb, plate: _Rgb) -> None:
        core_px = int(np.count_nonzero(core))
        if core_px < _FEWEST_CORE_PX:
            return
        same_limit = self._config.same_differs_by_at_most
        seen = core & (largest_difference(rgb, plate) > same_limit)
        hidden = core & ~seen
        hidden_share = np.count_nonzero(hidden) / core_px
        looks = self._looks.setdefault(track.track_id, _Looks())
        rows = _relative_rows(track, step, window)
        # Dark clothes before a dark wall look like the wall: only where body and plate can be told apart is it hidden.
        if hidden_share <= _HIDDEN_AT_MOST:
            hidden &= _differs_from_body(rgb, seen, plate, _CONTRAST_OVER_SAME * same_limit)
        elif _passes_unseen(track, step) and looks.are_known:
            hidden &= looks.differ_from(plate, rows, _CONTRAST_OVER_SAME * same_limit)
        else:
            return
        if hidden_share <= _KNOWN_FROM:
            looks.learn(rgb, seen, rows)
        depth = int(np.searchsorted(self._edges, float(track.boxes_xyxy_px[step, 3])))
        balance = self._balance[depth][window.slices]
        change = hidden.astype(np.int16) - np.int16(_SEEN_WEIGHS) * seen.astype(np.int16)
        np.clip(balance + change, -_MOST_EVIDENCE, _MOST_EVIDENCE, out=balance)
        first = self._first_track[window.slices]
        self._several[window.slices] |= hidden & (first != 0) & (first != track.track_id)
        first[hidden & (first == 0)] = track.track_id

    def occluders(self) -> OccluderMap:
        """Decide: per pixel the class of foot rows up to which hidden outweighs seen, then things made of such pixels."""
        total = np.zeros(self._several.shape, dtype=np.int32)
        best = np.zeros_like(total)
        deepest = np.full(total.shape, -1, dtype=np.int8)
        for depth in range(_DEPTHS):
            total += self._balance[depth]
            better = (total > best) & (self._balance[depth] > 0)
            best[better], deepest[better] = total[better], depth
        sure = (best >= self._config.min_frames) & self._several
        # Weak evidence counts beside strong evidence: where few people passed, a pole does not end.
        weak = best >= math.ceil(_WEAK_SHARE * self._config.min_frames)
        kernel = np.ones(_CLOSING_PX[::-1], dtype=np.uint8)
        things = cv2.morphologyEx(weak.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
        count, labels = cv2.connectedComponents(things, connectivity=4)
        sure_px = np.bincount(labels[sure], minlength=count)
        base = np.full(total.shape, -np.inf, dtype=np.float32)
        below = np.concatenate([[-np.inf], self._edges, [np.inf]]).astype(np.float32)
        for label in (np.flatnonzero(sure_px[1:] >= _FEWEST_PX) + 1).tolist():
            thing = labels == label
            depth = int(np.quantile(deepest[thing & sure], _BASE_QUANTILE))
            hidden_below = self._first_class_seen(thing & weak, depth)
            whole = self._whole(thing, hidden_below)
            base[whole] = np.maximum(base[whole], below[hidden_below])
        return OccluderMap(base_y_px=base)

    def _whole(self, thing: _Mask, hidden_below: int) -> _Mask:
        """A thing up to its edges, but not where bodies that it would hide were seen."""
        if self._plate_rgb is None:
            return thing
        seen = np.minimum(self._balance[:hidden_below], 0).sum(axis=0, dtype=np.int32) < -_SEEN_ENOUGH
        return grown_to_edges(thing, seen & ~thing, self._plate_rgb)

    def _first_class_seen(self, thing: _Mask, deepest: int) -> int:
        """The farthest class of foot rows, up to ``deepest``, whose bodies were mostly seen where a thing is; or the next.

        Asked of a thing as a whole: writing and edges flicker, and single pixels must not pierce a sign.
        """
        for depth in range(deepest + 1):
            balance = self._balance[depth][thing]
            if np.count_nonzero(balance < 0) > np.count_nonzero(balance > 0):
                return depth
        return deepest + 1


class _Looks:
    """Mean colours of somebody in bands from top to bottom."""

    def __init__(self) -> None:
        self._total = np.zeros((_BANDS, 3), dtype=np.float64)
        self._count = np.zeros(_BANDS, dtype=np.float64)

    @property
    def are_known(self) -> bool:
        """True if something was learnt of every band."""
        return bool(self._count.min() > 0)

    def learn(self, rgb: _Rgb, seen: _Mask, rows: npt.NDArray[np.int64]) -> None:
        """Take in the pixels of a window on which somebody is seen; ``rows`` (height,) are bands."""
        colour = (rgb * seen[:, :, None]).sum(axis=1, dtype=np.float64)
        np.add.at(self._total, rows, colour)
        np.add.at(self._count, rows, seen.sum(axis=1, dtype=np.float64))

    def differ_from(self, plate: _Rgb, rows: npt.NDArray[np.int64], limit: int) -> _Mask:
        """Where a window of the plate differs from the band of each row by more than a limit, in 1/255."""
        mean = (self._total / self._count[:, None])[rows]
        return np.asarray(np.abs(plate - mean[:, None, :]).max(axis=2) > limit)


def _passes_unseen(track: PersonTrack, step: int) -> bool:
    """Whether somebody was detected before and after, but not here, where nothing is seen of them."""
    return bool(track.visible_fraction[step] == 0 and track.box_scores[step] == 0 and track.play[step])


def _relative_rows(track: PersonTrack, step: int, window: Window) -> npt.NDArray[np.int64]:
    """Bands of the rows of a window, (height,)."""
    top, bottom = float(track.boxes_xyxy_px[step, 1]), float(track.boxes_xyxy_px[step, 3])
    share = (np.arange(window.top, window.bottom) + 0.5 - top) / max(bottom - top, 1.0)
    return np.clip((share * _BANDS).astype(np.int64), 0, _BANDS - 1)


def body_core(track: PersonTrack, step: int, frame_window: Window) -> tuple[Window, _Mask]:
    """Pixels that belong to a body for sure, were nothing in front of it: along limbs, and within the torso.

    Returns:
        The part of the box that is in the frame, and (height, width) on it; an empty window where no joint is known.
    """
    left, top, right, bottom = (float(v) for v in track.boxes_xyxy_px[step])
    window = Window(int(left), int(top), int(right) + 1, int(bottom) + 1).clipped(frame_window)
    joints = track.joints_xy_px[step]
    known = np.isfinite(joints).all(axis=1)
    if window.is_empty or not known.any():
        return Window(0, 0, 0, 0), np.zeros((0, 0), dtype=np.bool_)
    core = np.zeros((window.height, window.width), dtype=np.uint8)
    corner = np.array([window.left, window.top], dtype=np.float32)
    # Joints far beyond the frame would overflow what OpenCV draws with.
    points = np.where(known[:, None], np.clip(joints - corner, -16000.0, 16000.0), 0.0).astype(np.int32)
    thickness = max(1, round(_BONE_SHARE * (bottom - top)))
    for start, end in _BODY_LIMBS:
        if known[start] and known[end]:
            cv2.line(core, points[start].tolist(), points[end].tolist(), 1, thickness)
    if known[list(_TORSO)].all():
        cv2.fillConvexPoly(core, points[list(_TORSO)], 1)
    return window, core > 0


def _take_out(core: _Mask, window: Window, other: PersonTrack, step: int, there: _Mask) -> None:
    """Clear pixels of another's silhouette: what is seen there is not this body.

    Of what nobody claims to be a person (a precaution, often a thing) only what differs from the plate, ``there``.
    """
    theirs = Window.around(other.silhouettes.windows_xyxy_px[step])
    both = window.clipped(theirs)
    if both.is_empty:
        return
    mask = other.silhouettes.mask(step)[both.slices_in(theirs)]
    if not other.box_scores.any():
        mask = mask & there[both.slices_in(window)]
    core[both.slices_in(window)] &= ~mask


def _differs_from_body(rgb: _Rgb, seen: _Mask, plate: _Rgb, limit: int) -> _Mask:
    """Where the plate differs from the mean colour of the seen body in nearby rows by more than a limit, in 1/255."""
    height = len(seen)
    band = 2 * max(1, round(0.5 * _BAND_SHARE * height)) + 1
    count = seen.sum(axis=1, dtype=np.float32)[:, None]
    colour = (rgb * seen[:, :, None]).sum(axis=1, dtype=np.float32)
    near = cv2.boxFilter(
        np.concatenate([colour, count], axis=1),
        -1,
        (1, band),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    mean = near[:, :3] / np.maximum(near[:, 3:], 1.0)
    difference = np.abs(plate - mean[:, None, :]).max(axis=2)
    return np.asarray((difference > limit) & (near[:, 3:] > 0.5))
