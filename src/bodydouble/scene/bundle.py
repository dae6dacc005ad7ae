"""The scene bundle: all that generation is told about a clip. It holds no image of the footage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodydouble.scene.track import PersonTrack
from bodydouble.scene.video import VideoGeometry

SCHEMA_VERSION: Final = 5
"""Raised whenever the format changes. Version 2 brought ``joint_visibility``, 3 ``twin_of``, 4 ``shadows``,
5 ``light.sun``; 3 and 4 are still read, as scenes in which nobody looked for shadows, or for the sun."""
OLDEST_VERSION: Final = 3
"""Of those that are read."""


@dataclass(frozen=True, kw_only=True)
class Sun:
    """Where the shadows of filmed people fall, pooled over a clip."""

    shadow_xz: tuple[float, float]
    """From the feet to the end of the shadow on level ground (right, away from the camera), in heights of who casts it."""
    darkness: float
    """Share of the linear light that is missing in a shadow, above 0 to 1."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a value is not finite or out of range.
        """
        length = math.hypot(*self.shadow_xz)
        if not 0 < length <= 20 or not 0 < self.darkness <= 1:
            raise ValueError(
                f"a shadow of {length} heights that takes {self.darkness} of the light; allowed is up to 20, 1"
            )

    def towards_xyz(self, elevation_rad: float) -> tuple[float, float, float]:
        """Unit vector towards the sun in the axes of a camera (x right, y down, z away) that looks down by so much."""
        right, away = -self.shadow_xz[0], -self.shadow_xz[1]
        long = math.sqrt(right**2 + away**2 + 1)
        sine, cosine = math.sin(elevation_rad), math.cos(elevation_rad)
        return right / long, (-sine * away - cosine) / long, (cosine * away - sine) / long


@dataclass(frozen=True, kw_only=True)
class Light:
    """Light of the scene as measured on the plate; a few numbers for the whole clip."""

    ambient_rgb: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Mean linear colour of the plate around where people walk, 0 to 1."""
    key_direction_xyz: tuple[float, float, float] = (0.3, -0.8, -0.5)
    """Unit vector towards the main light in camera axes (x right, y down, z away)."""
    key_strength: float = 0.5
    """Share of the key light in the whole, 0 (overcast, indoor) to 1 (hard sun)."""
    sun: Sun | None = None
    """Told from the shadows of filmed people; None where they do not tell, and doubles then cast none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraMotion:
    """Where each frame's pixels lie in the reference frame of the plate."""

    to_reference: npt.NDArray[np.float64]
    """(frames, 3, 3): homography from a frame's pixels to the reference; identity for a camera that stands still."""

    @property
    def is_static(self) -> bool:
        """True if no frame moves against the reference."""
        return bool(np.all(self.to_reference == np.eye(3)))


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneBundle:
    """Geometry, timing and light of a clip and of the people in it; no image array of the footage."""

    video: VideoGeometry
    """Size and timing."""
    tracks: tuple[PersonTrack, ...]
    """People, ordered by ``track_id``."""
    camera: CameraMotion
    """Motion of the camera, one row per frame."""
    light: Light
    """Light measured on the plate."""
    clip_name: str
    """Name that seeds are derived with (file or folder name without its path)."""
    producer: str
    """What made the bundle, such as ``bodydouble 0.1.0``."""

    def __post_init__(self) -> None:
        """Check that everything lies within the clip.

        Raises:
            ValueError: a track or the camera does not fit the clip.
        """
        ids = [track.track_id for track in self.tracks]
        if ids != sorted(set(ids)):
            raise ValueError(f"track ids must be unique and increasing, got {ids}")
        frames = self.video.num_frames
        if self.camera.to_reference.shape != (frames, 3, 3):
            raise ValueError(f"camera motion has shape {self.camera.to_reference.shape}, expected ({frames}, 3, 3)")
        alone = {track.track_id for track in self.tracks if not track.twin_of}
        for track in self.tracks:
            if track.twin_of and track.twin_of not in alone:
                raise ValueError(
                    f"track {track.track_id} is a twin of {track.twin_of}, which is no track or a twin itself"
                )
            if int(track.frame_indices[-1]) >= frames:
                raise ValueError(
                    f"track {track.track_id} ends at frame {track.frame_indices[-1]}, the clip has {frames}"
                )
            for what, stack in (("silhouette", track.silhouettes), ("shadow", track.shadows)):
                if stack is None:
                    continue
                windows = stack.windows_xyxy_px
                if np.any(windows[:, 2] > self.video.width_px) or np.any(windows[:, 3] > self.video.height_px):
                    raise ValueError(f"track {track.track_id}: a {what} reaches beyond the frame")

    def as_one(self, track: PersonTrack, frame_index: int) -> PersonTrack:
        """The track that stands for a person in a frame: of twins the stronger one where both are there, else ``track``."""
        if not track.twin_of:
            return track
        stronger = next(other for other in self.tracks if other.track_id == track.twin_of)
        return track if stronger.step_of(frame_index) is None else stronger
