"""People to fit: poses of the body itself, projected to joints that are noisy, missing or mirrored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.generation.avatar.gait import amplitude_of, cycles_per_second, gait_angles
from bodydouble.generation.avatar.physique import build_physique
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, Floats, Skeleton, forward
from bodydouble.generation.avatar.view import projection
from bodydouble.scene import MIRRORED, CameraMotion, Cast, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry


@dataclass(frozen=True, kw_only=True)
class Person:
    """How somebody walks through a test."""

    frames: int = 30
    rate: int = 25
    speed: float = 0.75
    """Body heights per second."""
    yaw: float = 1.2
    turn: float = 0.0
    """Radians per second."""
    scale: float = 55.0
    """Pixels per metre."""
    elevation: float = 0.25
    noise_m: float = 0.03
    missing: float = 0.1
    mirrored: float = 0.1
    start: tuple[float, float] = (380.0, 280.0)
    angles: tuple[tuple[str, float | Floats], ...] = ()
    """Angles that differ from walking; a row per frame where they change."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Filmed:
    """A person as perception would see them, and the truth."""

    track: PersonTrack
    joints_px: Floats
    yaw: Floats
    scale: float


SIZE = (768, 576)


@pytest.fixture(scope="session")
def filmed_skeleton() -> Skeleton:
    """The bones of the person filmed; doubles have others."""
    return build_physique(BodyModel.load(), {"gender": 0.3, "age": 0.7, "height": 0.5}).skeleton


@pytest.fixture(scope="session")
def film(filmed_skeleton: Skeleton) -> Callable[..., Filmed]:
    def make(person: Person, *, track_id: int = 1, size: tuple[int, int] = SIZE) -> Filmed:
        rng = np.random.default_rng(person.seed)
        time = np.arange(person.frames) / person.rate
        speed = np.array(person.speed)
        phase = 2 * np.pi * cycles_per_second(speed) * time
        angles = gait_angles(phase, np.full(len(time), amplitude_of(speed)))
        angles[:, ANGLE_INDEX["yaw"]] = person.yaw + person.turn * time
        for name, value in person.angles:
            angles[:, ANGLE_INDEX[name]] = value
        yaw = angles[:, 0]
        flat = np.einsum(
            "tij,tkj->tki",
            projection(np.full(len(time), person.elevation)),
            forward(filmed_skeleton, angles).joints_m,
        )
        flat[..., 1] -= (flat[:, [10, 13], 1].max(1) - flat[0, [10, 13], 1].max())[:, None]
        step = np.stack([np.sin(yaw), np.cos(yaw) * np.sin(person.elevation)], 1) * person.speed * 1.75 / person.rate
        root = np.array(person.start) + np.cumsum(step, 0) * person.scale
        truth = flat * person.scale + root[:, None]
        seen = truth + rng.normal(0, person.noise_m * person.scale, truth.shape)
        scores = rng.uniform(0.5, 1, truth.shape[:2])
        gone = rng.random(truth.shape[:2]) < person.missing
        seen[gone], scores[gone] = np.nan, 0
        turned = rng.random(len(time)) < person.mirrored
        mirror = np.array(MIRRORED)
        seen[turned], scores[turned] = seen[turned][:, mirror], scores[turned][:, mirror]
        pad = np.array([-0.08, -0.13, 0.08, 0.10]) * person.scale
        whole = np.concatenate([truth.min(1), truth.max(1)], 1) + pad
        boxes = np.clip(whole, 0, [*size, *size])
        share = np.prod(boxes[:, 2:] - boxes[:, :2], 1) / np.prod(whole[:, 2:] - whole[:, :2], 1)
        return Filmed(
            track=make_track(track_id, boxes, seen, scores, np.clip(share, 0, 1)),
            joints_px=truth, yaw=yaw, scale=person.scale,
        )  # fmt: skip

    return make


def make_track(track_id: int, boxes: Floats, joints: Floats, scores: Floats, visible: Floats) -> PersonTrack:
    """A track that is played throughout."""
    steps = len(boxes)
    return PersonTrack(
        track_id=track_id, frame_indices=np.arange(steps), boxes_xyxy_px=boxes.astype(np.float32),
        box_scores=np.full(steps, 0.8, np.float32), joints_xy_px=joints.astype(np.float32),
        joint_scores=scores.astype(np.float32), joint_visibility=(scores > 0).astype(np.float32),
        silhouettes=MaskStack.pack(np.zeros((steps, 4), np.int32), [np.zeros((0, 0), bool)] * steps),
        visible_fraction=visible.astype(np.float32), play=np.ones(steps, bool),
    )  # fmt: skip


@pytest.fixture(scope="session")
def bundle_of() -> Callable[..., SceneBundle]:
    def make(
        *tracks: PersonTrack, rate: int = 25, size: tuple[int, int] = SIZE, light: Light | None = None
    ) -> SceneBundle:
        frames = max((int(track.frame_indices[-1]) + 1 for track in tracks), default=1)
        video = VideoGeometry(
            width_px=size[0], height_px=size[1], time_base=Fraction(1, rate), average_rate=Fraction(rate),
            pts_ticks=tuple(range(frames)),
        )  # fmt: skip
        camera = CameraMotion(to_reference=np.repeat(np.eye(3)[None], frames, 0))
        return SceneBundle(
            video=video, tracks=tracks, camera=camera, light=light or Light(), clip_name="walk.mp4", producer="test"
        )

    return make


@pytest.fixture(scope="session")
def cast_of() -> Callable[..., Cast]:
    def make(bundle: SceneBundle, seed: int = 1, **limits: tuple[str, ...]) -> Cast:
        return cast_tracks(bundle, CastingConfig(**limits), seed)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def person() -> type[Person]:
    """`Person`, which tests cannot import from here."""
    return Person


@pytest.fixture(scope="session")
def track_of() -> Callable[..., PersonTrack]:
    """`make_track`."""
    return make_track
