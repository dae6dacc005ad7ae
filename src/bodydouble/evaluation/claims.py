"""Who is where according to a scene bundle, frame by frame: what detection and tracking scores are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from bodydouble.scene import PersonTrack, SceneBundle

Claim = Literal["people", "played", "everything"]
"""``people``: tracks with at least one detection of a person, whatever is done with them; of twins the stronger.
``played``: only the frames of them in which a double plays. ``everything``: movers that no detection explains as well."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameClaims:
    """Tracks present in one frame; rows belong together."""

    track_ids: npt.NDArray[np.int64]
    """(n,): ids of the bundle."""
    steps: npt.NDArray[np.int64]
    """(n,): row of the frame in each track."""
    boxes_xyxy_px: npt.NDArray[np.float64]
    """(n, 4): left, top, right, bottom; may reach beyond the frame."""


def is_person(track: PersonTrack) -> bool:
    """True if perception ever saw a person there; boxes that are only interpolated or only motion score 0."""
    return bool(np.any(track.box_scores > 0.0))


def claims_of(bundle: SceneBundle, claim: Claim) -> list[FrameClaims]:
    """Claims of every frame of the clip, in order of frames; within a frame in order of track ids."""
    rows: list[list[tuple[int, int, npt.NDArray[np.float32]]]] = [[] for _ in range(bundle.video.num_frames)]
    for track in bundle.tracks:
        if claim != "everything" and not is_person(track):
            continue
        for step, frame in enumerate(track.frame_indices):
            one = claim == "everything" or bundle.as_one(track, int(frame)) is track
            if one and (claim != "played" or track.play[step]):
                rows[int(frame)].append((track.track_id, step, track.boxes_xyxy_px[step]))
    return [
        FrameClaims(
            track_ids=np.array([row[0] for row in present], dtype=np.int64),
            steps=np.array([row[1] for row in present], dtype=np.int64),
            boxes_xyxy_px=np.array([row[2] for row in present], dtype=np.float64).reshape(-1, 4),
        )
        for present in rows
    ]
