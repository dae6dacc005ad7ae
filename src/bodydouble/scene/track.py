"""One person over time: geometry only, never a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bodydouble.scene.silhouette import MaskStack
from bodydouble.scene.skeleton import BODY_JOINTS, NUM_JOINTS

Verdict = Literal["play", "paint_out"]
"""``play``: a double takes the part. ``paint_out``: only the clean plate is shown there."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonTrack:
    """One person over time. All arrays have one row per entry of ``frame_indices``."""

    track_id: int
    """Unique within the bundle, positive, stable over time."""
    frame_indices: npt.NDArray[np.int64]
    """(time,): 0-based source frames in which the person is present, strictly increasing, without gaps after linking."""
    boxes_xyxy_px: npt.NDArray[np.float32]
    """(time, 4): left, top, right, bottom in source pixels; may reach beyond the frame where a person is cut."""
    box_scores: npt.NDArray[np.float32]
    """(time,): 0 to 1; 0 where the box was interpolated, and throughout where a track is a precaution: motion that nobody
    explains, or somebody who was never detected for sure."""
    joints_xy_px: npt.NDArray[np.float32]
    """(time, 18, 2): source pixels, NaN where a joint was not found."""
    joint_scores: npt.NDArray[np.float32]
    """(time, 18): 0 to 1, 0 where the joint was not found."""
    joint_visibility: npt.NDArray[np.float32]
    """(time, 18): how far a joint can be seen in the picture, 0 to 1: 0 where it lies beyond the frame, behind somebody
    nearer or behind a thing, and where it was not found; what one's own body hides counts as seen."""
    silhouettes: MaskStack
    """The person's own pixels with what they wear and carry; what compositing will replace."""
    visible_fraction: npt.NDArray[np.float32]
    """(time,): share of the person that is neither cut by the border nor hidden, 0 to 1; 0 where nothing was seen and the
    silhouette is a precaution."""
    play: npt.NDArray[np.bool_]
    """(time,): True where a double plays; False where the person is only painted out (sequence filter)."""
    reason: str = ""
    """Why some frames are not played; empty when all are."""
    twin_of: int = 0
    """Id of the stronger track that shows the same person where both are present; 0 where there is none."""
    shadows: MaskStack | None = None
    """The shadow that the person casts at each step, as far as it can be told from the plate; compositing takes it away. May
    overlap silhouettes, and says nothing about the person. None where there is none, or nobody looked."""

    def __post_init__(self) -> None:
        """Check ranks and lengths.

        Raises:
            ValueError: an array's shape or the order of frames is wrong (expected and actual are named).
        """
        steps = len(self.frame_indices)
        expected: dict[str, tuple[int, ...]] = {
            "frame_indices": (steps,),
            "boxes_xyxy_px": (steps, 4),
            "box_scores": (steps,),
            "joints_xy_px": (steps, NUM_JOINTS, 2),
            "joint_scores": (steps, NUM_JOINTS),
            "joint_visibility": (steps, NUM_JOINTS),
            "visible_fraction": (steps,),
            "play": (steps,),
        }
        for name, shape in expected.items():
            actual = getattr(self, name).shape
            if actual != shape:
                raise ValueError(f"track {self.track_id}: {name} has shape {actual}, expected {shape}")
        if len(self.silhouettes) != steps:
            raise ValueError(f"track {self.track_id}: {len(self.silhouettes)} silhouettes for {steps} frames")
        if self.shadows is not None and len(self.shadows) != steps:
            raise ValueError(f"track {self.track_id}: {len(self.shadows)} shadows for {steps} frames")
        if steps == 0 or self.track_id < 1:
            raise ValueError(
                f"track {self.track_id} with {steps} frames: ids start at 1, a track has at least one frame"
            )
        if self.twin_of < 0 or self.twin_of == self.track_id:
            raise ValueError(f"track {self.track_id} is a twin of {self.twin_of}: another track's id, or 0 for none")
        if np.any(np.diff(self.frame_indices) <= 0) or self.frame_indices[0] < 0:
            raise ValueError(f"track {self.track_id}: frame indices must increase strictly from 0 or more")

    def __len__(self) -> int:
        return len(self.frame_indices)

    def step_of(self, frame_index: int) -> int | None:
        """Row of a source frame, or None when the person is not in it."""
        frames = self.frame_indices
        # Asked of every track in every frame, and few are there.
        if not frames[0] <= frame_index <= frames[-1]:
            return None
        step = int(frames.searchsorted(frame_index))
        return step if frames[step] == frame_index else None

    @property
    def mean_joint_score(self) -> float:
        """Mean over time of the body joints' scores (eyes and ears left out), 0 to 1."""
        return float(self.joint_scores[:, BODY_JOINTS].mean())
