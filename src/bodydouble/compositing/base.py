"""What compositing is given and what it hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from bodydouble.errors import BundleError
from bodydouble.scene import SceneBundle, Sprite

Action = Literal["replaced", "painted_out", "obscured", "blurred", "pixelated"]
"""What was done with a person in a frame. Nobody is ever kept. The last three are what baselines do, never compositing."""


class PlateSource(Protocol):
    """Clean plates; ``scene.plate_files.PlateReader`` is one."""

    def at(self, frame_index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Plate of a frame, (height, width, 3) sRGB, and where it was really seen free of people, (height, width)."""


@runtime_checkable
class KnowsGuesses(Protocol):
    """A plate source that can tell what is guessed all along; ``scene.plate_files.PlateReader`` is one."""

    def never_seen(self) -> npt.NDArray[np.bool_]:
        """(height, width): where the plate was made from other places in every frame, and so shows nobody who was there."""


class SpriteSource(Protocol):
    """Doubles; ``scene.performance_files.PerformanceReader`` is one."""

    def sprites_at(self, frame_index: int) -> list[tuple[int, Sprite]]:
        """Pairs of track id and sprite of a frame, in any order."""


@dataclass(frozen=True, kw_only=True)
class ChangeCounts:
    """Pixels of one person in one frame that were to change (design, section 5)."""

    silhouette_px: int = 0
    """Pixels of the silhouette, not dilated."""
    person_px: int = 0
    """Those that differ from the clean plate by more than 20/255 in any channel of the original."""
    unchanged_px: int = 0
    """Person pixels that differ between original and result by less than 6/255 in every channel."""
    same_px: int = 0
    """Pixels of the silhouette that do, whatever the plate shows, but for known background."""

    def __add__(self, other: ChangeCounts) -> ChangeCounts:
        return ChangeCounts(
            silhouette_px=self.silhouette_px + other.silhouette_px,
            person_px=self.person_px + other.person_px,
            unchanged_px=self.unchanged_px + other.unchanged_px,
            same_px=self.same_px + other.same_px,
        )


@dataclass(frozen=True, kw_only=True)
class TrackOutcome:
    """What became of one person in one frame."""

    track_id: int
    action: Action
    reason: str
    """Why the person was only painted out; empty when replaced."""
    change: ChangeCounts
    """How much of the person changed."""
    plate_distrusted: bool = False
    """The plate looked like the person and was not used; see ``PaintOutConfig.distrust_share``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CompositedFrame:
    """One finished frame."""

    index: int
    """0-based position in the clip."""
    rgb: npt.NDArray[np.uint8]
    """(height, width, 3) sRGB."""
    changed: npt.NDArray[np.bool_]
    """(height, width): where compositing was allowed to write; elsewhere ``rgb`` is the input to the bit."""
    outcomes: tuple[TrackOutcome, ...]
    """One per track that is present in the frame, ordered by track id."""


def check_size(rgb: npt.NDArray[np.uint8], bundle: SceneBundle, what: str) -> None:
    """See that a picture (height, width, 3) is as large as the clip's.

    Raises:
        BundleError: it is not.
    """
    video = bundle.video
    if rgb.shape != (video.height_px, video.width_px, 3):
        raise BundleError(
            f"the {what} is {rgb.shape[1]}x{rgb.shape[0]} px, the scene bundle is of a clip of "
            f"{video.width_px}x{video.height_px} px; use the clip that the bundle was made from"
        )
