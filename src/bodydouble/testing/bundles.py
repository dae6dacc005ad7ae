"""Bundles and windows for tests: plausible ones, and random ones that are valid but as odd as the format allows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from bodydouble.scene import (
    CameraMotion,
    Light,
    MaskStack,
    PersonTrack,
    SceneBundle,
    Sprite,
    TrackWindow,
    VideoGeometry,
)
from bodydouble.seeds import derive_seed
from bodydouble.testing.walkers import make_walker_clip


def make_bundle(
    *, num_frames: int = 24, width_px: int = 160, height_px: int = 120, num_people: int = 2, seed: int = 0
) -> SceneBundle:
    """The bundle of `make_walker_clip`: people 1 and 2 walk and cross half-way, 2 behind 1; all frames are played."""
    return make_walker_clip(
        num_frames=num_frames, width_px=width_px, height_px=height_px, num_people=num_people, seed=seed
    ).bundle


def random_bundle(
    seed: int, *, num_frames: int = 5, track_ids: tuple[int, ...] = (1, 7), width_px: int = 31, height_px: int = 17
) -> SceneBundle:
    """A valid bundle of noise: empty silhouettes, joints not found, boxes beyond the frame, a moving camera."""
    rng = np.random.default_rng(derive_seed(seed, "testing", "random bundle"))
    return SceneBundle(
        video=VideoGeometry(
            width_px=width_px,
            height_px=height_px,
            time_base=Fraction(1, 30000),
            average_rate=Fraction(30000, 1001),
            pts_ticks=tuple(int(tick) for tick in -1001 + np.cumsum(rng.integers(1, 2000, num_frames))),
            is_gray=bool(rng.random() < 0.5),
        ),
        tracks=tuple(
            _random_track(
                i,
                rng,
                num_frames,
                width_px,
                height_px,
                twin_of=track_ids[0] if i == track_ids[-1] != track_ids[0] else 0,
            )
            for i in track_ids
        ),
        camera=CameraMotion(to_reference=np.eye(3) + rng.normal(size=(num_frames, 3, 3))),
        light=Light(ambient_rgb=(0.1, 0.2, 1.0), key_direction_xyz=(0.0, -1.0, 0.0), key_strength=0.25),
        clip_name=f"straße {seed}.mp4",
        producer="bodydouble.testing",
    )


def random_window(
    seed: int, *, track_id: int = 1, frame_indices: tuple[int, ...] = (4, 5, 7), largest_side_px: int = 20
) -> TrackWindow:
    """A valid window of noise; the second sprite is empty."""
    rng = np.random.default_rng(derive_seed(seed, "testing", "random window"))
    sprites = []
    for step in range(len(frame_indices)):
        height, width = (int(v) for v in rng.integers(1, largest_side_px + 1, 2))
        shape = (0 if step == 1 else height, width, 4)
        sprites.append(
            Sprite(
                left_px=int(rng.integers(-30, 30)),
                top_px=int(rng.integers(-30, 30)),
                rgba=rng.integers(0, 256, shape, np.uint8),
                ground_y_px=float(rng.normal() * 100),
            )
        )
    return TrackWindow(track_id=track_id, frame_indices=np.array(frame_indices, np.int64), sprites=tuple(sprites))


def bundle_differences(a: SceneBundle, b: SceneBundle) -> list[str]:
    """Names of what is not equal to the bit; NaN equals NaN."""
    found = [name for name in ("video", "light", "clip_name", "producer") if getattr(a, name) != getattr(b, name)]
    if not _identical(a.camera.to_reference, b.camera.to_reference):
        found.append("camera")
    if [track.track_id for track in a.tracks] != [track.track_id for track in b.tracks]:
        return [*found, "track ids"]
    for one, other in zip(a.tracks, b.tracks, strict=True):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray) and not _identical(value, getattr(other, name)):
                found.append(f"track {one.track_id}: {name}")
        found += [f"track {one.track_id}: {n}" for n in ("reason", "twin_of") if getattr(one, n) != getattr(other, n)]
        for name in ("silhouettes", "shadows"):
            if not _same_masks(getattr(one, name), getattr(other, name)):
                found.append(f"track {one.track_id}: {name}")
    return found


def _same_masks(one: MaskStack | None, other: MaskStack | None) -> bool:
    if one is None or other is None:
        return one is other
    return _identical(one.windows_xyxy_px, other.windows_xyxy_px) and all(
        _identical(x, y) for x, y in zip(one.bits, other.bits, strict=False)
    )


def window_differences(a: TrackWindow, b: TrackWindow) -> list[str]:
    """Names of what is not equal to the bit."""
    found = [] if a.track_id == b.track_id else ["track_id"]
    if not _identical(a.frame_indices, b.frame_indices):
        return [*found, "frame_indices"]
    for index, one, other in zip(a.frame_indices, a.sprites, b.sprites, strict=True):
        same_place = (one.left_px, one.top_px, one.ground_y_px) == (other.left_px, other.top_px, other.ground_y_px)
        if not same_place or not _identical(one.rgba, other.rgba):
            found.append(f"sprite of frame {index}")
    return found


def _random_track(
    track_id: int, rng: np.random.Generator, num_frames: int, width: int, height: int, *, twin_of: int
) -> PersonTrack:
    first = int(rng.integers(0, num_frames))
    frames = np.arange(first, int(rng.integers(first, num_frames)) + 1, dtype=np.int64)
    steps = len(frames)
    left, top = rng.integers(0, width, steps), rng.integers(0, height, steps)
    windows = np.stack([left, top, rng.integers(left, width + 1), rng.integers(top, height + 1)], 1).astype(np.int32)
    joints = (rng.normal(size=(steps, 18, 2)) * 100).astype(np.float32)
    joints[rng.random((steps, 18)) < 0.3] = np.nan
    corners = (rng.normal(size=(steps, 2)) * 50).astype(np.float32)
    return PersonTrack(
        track_id=track_id,
        frame_indices=frames,
        boxes_xyxy_px=np.concatenate([corners, corners + rng.random((steps, 2), np.float32)], 1),
        box_scores=rng.random(steps, np.float32),
        joints_xy_px=joints,
        joint_scores=rng.random((steps, 18), np.float32),
        joint_visibility=rng.random((steps, 18), np.float32),
        silhouettes=MaskStack.pack(windows, [rng.random((b - t, r - x)) < 0.5 for x, t, r, b in windows.tolist()]),
        visible_fraction=rng.random(steps, np.float32),
        play=rng.random(steps) < 0.5,
        reason="cut by the border – früh" if track_id % 2 else "",
        twin_of=twin_of,
        # A window that is never empty: all of them empty is read as none.
        shadows=MaskStack.pack(
            np.tile(np.array([0, 0, 1, 1], np.int32), (steps, 1)), [rng.random((1, 1)) < 0.5] * steps
        )
        if track_id % 2
        else None,
    )


def _identical(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
