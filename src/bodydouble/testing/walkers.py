"""Tiny street clips with people made of capsules: exact masks, joints and boxes, no torch, no file, no download.

A person is a stick figure of 14 joints in metres that walks on a plane before a pinhole camera at eye level; each limb is
drawn as a disc swept along a line. It is a fixture to test stages with, not a picture of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.scene import (
    NUM_JOINTS,
    CameraMotion,
    Frame,
    Light,
    MaskStack,
    PersonTrack,
    SceneBundle,
    VideoGeometry,
)
from bodydouble.seeds import derive_seed

_CAMERA_HEIGHT_M: Final = 2.6
_HORIZON: Final = 0.22
"""Row of the horizon as a share of the frame's height."""
_FOCAL: Final = 1.5
"""Focal length as a share of the frame's height."""

_NOSE, _NECK, _HEAD = 0, 1, 18
_CAPSULES: Final = (
    # from, to, radius as a share of the body height, colour; far limbs first is not needed, limbs overlap in one mask
    (2, 5, 0.060, "top"), (2, 8, 0.062, "top"), (5, 11, 0.062, "top"), (1, 8, 0.075, "top"), (1, 11, 0.075, "top"),
    (8, 11, 0.070, "bottom"), (8, 9, 0.046, "bottom"), (9, 10, 0.034, "bottom"), (11, 12, 0.046, "bottom"),
    (12, 13, 0.034, "bottom"), (2, 3, 0.030, "top"), (3, 4, 0.024, "skin"), (5, 6, 0.030, "top"),
    (6, 7, 0.024, "skin"), (1, 18, 0.030, "skin"), (18, 18, 0.062, "skin"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Who walks where; metres on the ground, x to the right and z away from the camera."""

    start_xz_m: tuple[float, float]
    velocity_xz_m: tuple[float, float]
    """Metres per frame; (0, 0) stands."""
    height_m: float = 1.75
    phase: float = 0.0
    """Where in the walk cycle frame 0 is, in turns."""
    skin_rgb: tuple[int, int, int] = (205, 160, 130)
    top_rgb: tuple[int, int, int] = (190, 40, 40)
    bottom_rgb: tuple[int, int, int] = (40, 50, 110)

    def joints_m(self, frame_index: int) -> npt.NDArray[np.float64]:
        """The 18 joints and, as the 19th, the middle of the head: (19, 3) metres, x right, y up, z away."""
        speed = float(np.hypot(*self.velocity_xz_m))
        forward = (
            np.array([self.velocity_xz_m[0], 0.0, self.velocity_xz_m[1]]) / speed if speed else np.array([0, 0, -1.0])
        )
        up, height = np.array([0.0, 1.0, 0.0]), self.height_m
        left = np.cross(forward, up)
        # Two steps of 0.42 body heights make a cycle.
        turn = 2 * np.pi * (self.phase + speed * frame_index / (0.84 * height)) if speed else 0.0
        swing = 0.42 if speed else 0.0
        joints = np.zeros((19, 3))
        for sign, hip, shoulder in ((-1, 8, 2), (1, 11, 5)):
            angle = swing * np.sin(turn + (0 if sign < 0 else np.pi))
            bend = 1.6 * swing * max(0.0, np.cos(turn + (0 if sign < 0 else np.pi)))
            joints[hip] = up * 0.52 * height + left * sign * 0.052 * height
            joints[hip + 1] = joints[hip] + 0.245 * height * _down(angle, forward)
            joints[hip + 2] = joints[hip + 1] + 0.24 * height * _down(angle - bend, forward)
            joints[shoulder] = up * 0.81 * height + left * sign * 0.105 * height
            joints[shoulder + 1] = joints[shoulder] + 0.17 * height * _down(-angle, forward)
            joints[shoulder + 2] = joints[shoulder + 1] + 0.15 * height * _down(-angle + 0.5 * swing, forward)
        joints[_NECK] = (joints[2] + joints[5]) / 2
        joints[_HEAD] = up * 0.92 * height
        joints[_NOSE] = joints[_HEAD] + forward * 0.06 * height
        for sign, eye, ear in ((-1, 14, 16), (1, 15, 17)):
            joints[eye] = joints[_HEAD] + height * (0.05 * forward + 0.018 * sign * left + 0.015 * up)
            joints[ear] = joints[_HEAD] + height * 0.045 * sign * left
        joints[:, 1] -= joints[[10, 13], 1].min() - 0.034 * height
        place = np.array(self.start_xz_m) + frame_index * np.array(self.velocity_xz_m)
        joints += np.array([place[0], 0.0, place[1]])
        return joints


@dataclass(frozen=True, kw_only=True, eq=False)
class _View:
    """One walker in one frame, on a canvas that may reach beyond the frame."""

    left_px: int
    top_px: int
    mask: npt.NDArray[np.bool_]
    rgb: npt.NDArray[np.uint8]
    joints_xy_px: npt.NDArray[np.float32]
    ground_y_px: float
    depth_m: float


class WalkerClip:
    """A short clip, made frame by frame when asked for; it is a `FrameSource`, and knows the truth about itself."""

    def __init__(
        self, walkers: tuple[Walker, ...], *, num_frames: int, width_px: int, height_px: int, seed: int, is_gray: bool
    ) -> None:
        self.walkers = walkers
        """People; walker i has track id i + 1."""
        self.seed = seed
        self.geometry = VideoGeometry(
            width_px=width_px,
            height_px=height_px,
            time_base=Fraction(1, 25),
            average_rate=Fraction(25),
            pts_ticks=tuple(range(num_frames)),
            is_gray=is_gray,
        )
        """25 frames a second."""

    @property
    def name(self) -> str:
        """``walkers-`` and the seed."""
        return f"walkers-{self.seed}.mp4"

    @cached_property
    def plate_rgb(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3): the street without anybody, equal in every frame."""
        plate = _street(self.geometry.width_px, self.geometry.height_px, self.seed)
        return _as_gray(plate) if self.geometry.is_gray else plate

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Render frames ``start`` to ``stop`` (exclusive; None is the end)."""
        for index in range(self.geometry.num_frames)[start:stop]:
            yield Frame(index=index, pts_ticks=self.geometry.pts_ticks[index], rgb=self.rgb(index))

    def rgb(self, frame_index: int) -> npt.NDArray[np.uint8]:
        """One frame, (H, W, 3)."""
        picture = self.plate_rgb.copy()
        for view in self._views(frame_index):
            canvas, mask = _cut(picture, view)
            canvas[mask] = _cut_view(view, picture.shape)[mask]
        return _as_gray(picture) if self.geometry.is_gray else picture

    def masks(self, frame_index: int) -> dict[int, npt.NDArray[np.bool_]]:
        """Visible pixels of each walker, (H, W) by track id; nobody's pixel is in two masks."""
        owner = np.zeros((self.geometry.height_px, self.geometry.width_px), np.int32)
        for track_id, view in self._views_by_depth(frame_index):
            canvas, mask = _cut(owner, view)
            canvas[mask] = track_id
        return {track_id: owner == track_id for track_id in range(1, len(self.walkers) + 1)}

    @cached_property
    def bundle(self) -> SceneBundle:
        """The bundle that perfect perception would make; people who are not in the picture have no row."""
        rows: dict[int, list[tuple[int, _View, npt.NDArray[np.bool_]]]] = {}
        for index in range(self.geometry.num_frames):
            masks = self.masks(index)
            for track_id, view in self._views_by_depth(index):
                if masks[track_id].any():
                    rows.setdefault(track_id, []).append((index, view, masks[track_id]))
        return SceneBundle(
            video=self.geometry,
            tracks=tuple(_track(track_id, _without_gaps(rows[track_id])) for track_id in sorted(rows)),
            camera=CameraMotion(to_reference=np.tile(np.eye(3), (self.geometry.num_frames, 1, 1))),
            light=Light(),
            clip_name=self.name,
            producer="bodydouble.testing",
        )

    def _views(self, frame_index: int) -> list[_View]:
        return [view for _, view in self._views_by_depth(frame_index)]

    def _views_by_depth(self, frame_index: int) -> list[tuple[int, _View]]:
        """Farthest first."""
        size = self.geometry.width_px, self.geometry.height_px
        views = [(i + 1, _render(walker, frame_index, size)) for i, walker in enumerate(self.walkers)]
        return sorted(views, key=lambda pair: (-pair[1].depth_m, pair[0]))


def make_walker_clip(
    *,
    num_frames: int = 24,
    width_px: int = 160,
    height_px: int = 120,
    num_people: int = 2,
    seed: int = 0,
    is_gray: bool = False,
) -> WalkerClip:
    """A clip in which people 1 and 2 walk towards each other and cross half-way, 2 behind 1; others walk or stand behind.

    Args:
        num_frames: 1 or more.
        width_px: width of a frame, also odd or tiny.
        height_px: height of a frame.
        num_people: 0 or more.
        seed: decides colours, heights and paths; the same seed makes the same clip on every machine.
        is_gray: three equal channels.
    """
    rng = np.random.default_rng(derive_seed(seed, "testing", "walkers"))
    aspect = width_px / height_px
    walkers: list[Walker] = []
    for i in range(num_people):
        depth = 5.5 + 1.1 * i
        half_width = 0.5 * aspect * depth / _FOCAL
        speed = 1.3 / 25 if i < 2 or rng.random() < 0.7 else 0.0
        direction = 1 if i % 2 == 0 else -1
        middle = 0.0 if i < 2 else float(rng.uniform(-0.7, 0.7)) * half_width
        colours = rng.integers(20, 236, (3, 3)).tolist()
        walkers.append(
            Walker(
                start_xz_m=(middle - direction * speed * (num_frames - 1) / 2, depth),
                velocity_xz_m=(direction * speed, 0.0),
                height_m=float(rng.uniform(1.55, 1.9)),
                phase=float(rng.random()),
                skin_rgb=(colours[0][0], colours[0][1], colours[0][2]),
                top_rgb=(colours[1][0], colours[1][1], colours[1][2]),
                bottom_rgb=(colours[2][0], colours[2][1], colours[2][2]),
            )
        )
    return WalkerClip(
        tuple(walkers), num_frames=num_frames, width_px=width_px, height_px=height_px, seed=seed, is_gray=is_gray
    )


def _down(angle: float, forward: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Unit vector that hangs down, swung forward by an angle."""
    return np.asarray(np.sin(angle) * forward - np.cos(angle) * np.array([0.0, 1.0, 0.0]))


def _render(walker: Walker, frame_index: int, size_px: tuple[int, int]) -> _View:
    width, height = size_px
    joints = walker.joints_m(frame_index)
    scale = _FOCAL * height / joints[:, 2]
    points = np.stack(
        [width / 2 + joints[:, 0] * scale, _HORIZON * height + (_CAMERA_HEIGHT_M - joints[:, 1]) * scale], 1
    )
    px_per_height = float(scale.mean()) * walker.height_m
    margin = 0.08 * px_per_height + 1
    left, top = (int(v) for v in np.floor(points.min(0) - margin))
    right, bottom = (int(v) for v in np.ceil(points.max(0) + margin))
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    mask = np.zeros(x.shape, bool)
    rgb = np.zeros((*x.shape, 3), np.uint8)
    colours = {"skin": walker.skin_rgb, "top": walker.top_rgb, "bottom": walker.bottom_rgb}
    for start, stop, radius, colour in _CAPSULES:
        inside = _distance(x, y, points[start], points[stop]) <= max(radius * px_per_height, 0.7)
        rgb[inside] = colours[colour]
        mask |= inside
    # Stripes, so that clothes have a texture that moves with the person.
    stripes = mask & (np.floor((y - points[_HEAD, 1]) / max(0.05 * px_per_height, 1)) % 2 == 0)
    rgb[stripes] = (rgb[stripes] * 0.75).astype(np.uint8)
    place_z = float(walker.start_xz_m[1] + frame_index * walker.velocity_xz_m[1])
    return _View(
        left_px=left,
        top_px=top,
        mask=mask,
        rgb=rgb,
        joints_xy_px=points[:NUM_JOINTS].astype(np.float32),
        ground_y_px=_HORIZON * height + _CAMERA_HEIGHT_M * _FOCAL * height / place_z,
        depth_m=place_z,
    )


def _distance(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Distance of pixels to the line from a to b."""
    along = b - a
    length2 = float(along @ along)
    share = (
        np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length2, 0, 1) if length2 > 0 else np.zeros_like(x)
    )
    return np.asarray(np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1]))


def _window(view: _View, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of a view inside the frame: left, top, right, bottom in frame pixels, empty if it is outside."""
    left, top = min(max(view.left_px, 0), shape[1]), min(max(view.top_px, 0), shape[0])
    right = max(left, min(view.left_px + view.mask.shape[1], shape[1]))
    return left, top, right, max(top, min(view.top_px + view.mask.shape[0], shape[0]))


def _cut(picture: npt.NDArray[np.generic], view: _View) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    """The window of a picture under a view (a view on it) and the view's mask there."""
    left, top, right, bottom = _window(view, picture.shape)
    mask = view.mask[top - view.top_px : bottom - view.top_px, left - view.left_px : right - view.left_px]
    return picture[top:bottom, left:right], mask


def _cut_view(view: _View, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    left, top, right, bottom = _window(view, shape)
    return view.rgb[top - view.top_px : bottom - view.top_px, left - view.left_px : right - view.left_px]


def _without_gaps(
    rows: list[tuple[int, _View, npt.NDArray[np.bool_]]],
) -> list[tuple[int, _View, npt.NDArray[np.bool_]]]:
    """The longest run of consecutive frames (a track has no gaps)."""
    best: list[tuple[int, _View, npt.NDArray[np.bool_]]] = []
    run: list[tuple[int, _View, npt.NDArray[np.bool_]]] = []
    for row in rows:
        run = [*run, row] if run and row[0] == run[-1][0] + 1 else [row]
        best = run if len(run) > len(best) else best
    return best


def _track(track_id: int, rows: list[tuple[int, _View, npt.NDArray[np.bool_]]]) -> PersonTrack:
    windows, masks, boxes, visible, scores, seen = [], [], [], [], [], []
    for _, view, mask in rows:
        ys, xs = np.nonzero(mask)
        left, top, right, bottom = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
        windows.append((left, top, right, bottom))
        masks.append(mask[top:bottom, left:right])
        ys, xs = np.nonzero(view.mask)
        boxes.append(
            (xs.min() + view.left_px, ys.min() + view.top_px, xs.max() + view.left_px + 1, ys.max() + view.top_px + 1)
        )
        visible.append(mask.sum() / view.mask.sum())
        inside = np.asarray((view.joints_xy_px >= 0).all(1) & (view.joints_xy_px < mask.shape[::-1]).all(1))
        scores.append(np.where(inside, 0.9, 0.0))
        column, row = np.where(inside[:, None], view.joints_xy_px, 0).astype(int).T
        # Every joint lies inside a limb, so it is seen exactly where its own pixel is.
        seen.append(inside & mask[row, column])
    joint_scores = np.array(scores, np.float32)
    joints = np.stack([view.joints_xy_px for _, view, _ in rows])
    joints[joint_scores == 0] = np.nan
    return PersonTrack(
        track_id=track_id,
        frame_indices=np.array([index for index, _, _ in rows], np.int64),
        boxes_xyxy_px=np.array(boxes, np.float32),
        box_scores=np.full(len(rows), 0.95, np.float32),
        joints_xy_px=joints,
        joint_scores=joint_scores,
        joint_visibility=np.array(seen, np.float32),
        silhouettes=MaskStack.pack(np.array(windows, np.int32), masks),
        visible_fraction=np.array(visible, np.float32),
        play=np.ones(len(rows), np.bool_),
    )


def _street(width: int, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """A wall, a kerb and slabs with grain; every pixel differs from its neighbours, so that errors show."""
    rng = np.random.default_rng(derive_seed(seed, "testing", "street"))
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    wall = y < 0.42 * height
    tone = np.where(
        wall, 150 + 20 * ((x // 11 + (y // 6) % 2) % 2), 105 + 60 * y / height + 12 * ((x // 17 + y // 9) % 2)
    )
    tint = np.where(wall[..., None], np.array([1.0, 0.86, 0.74]), np.array([0.92, 0.97, 1.0]))
    grain = rng.normal(0, 5, (height, width, 1))
    return np.asarray(np.clip(tone[..., None] * tint + grain, 0, 255), np.uint8)


def _as_gray(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Rec. 601 luma in three equal channels."""
    luma = np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return np.repeat(luma[..., None], 3, axis=2)
