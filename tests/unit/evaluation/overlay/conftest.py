"""Bundles and pictures that hurt."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bodydouble.scene import SceneBundle
from bodydouble.scene.plate_files import PlateWriter
from bodydouble.testing import WalkerClip, make_walker_clip


def judged(bundle: SceneBundle, *, out_from: int = 12) -> SceneBundle:
    """The second person is painted out from a step on, and was not detected in the first three frames."""
    one, two = bundle.tracks
    play = np.arange(len(two)) < out_from
    scores = np.where(np.arange(len(two)) < 3, 0, two.box_scores).astype(np.float32)
    reason = "" if play.all() else "mean joint score below 0.35"
    changed = dataclasses.replace(two, play=play, box_scores=scores, reason=reason)
    return dataclasses.replace(bundle, tracks=(one, changed))


def crowd(bundle: SceneBundle, count: int) -> SceneBundle:
    """The first person, many times, all over the picture and the clip."""
    track = bundle.tracks[0]
    tracks = []
    for number in range(count):
        keep = slice(number % 7, len(track) - number % 5)
        shift = np.array([number % 20 * 7 - 60, number // 20 * 5 - 30], np.float32)
        tracks.append(
            dataclasses.replace(
                track,
                track_id=number + 1,
                frame_indices=track.frame_indices[keep],
                boxes_xyxy_px=(track.boxes_xyxy_px + np.tile(shift, 2))[keep],
                box_scores=track.box_scores[keep],
                joints_xy_px=(track.joints_xy_px + shift)[keep],
                joint_scores=track.joint_scores[keep],
                joint_visibility=track.joint_visibility[keep],
                silhouettes=dataclasses.replace(
                    track.silhouettes,
                    windows_xyxy_px=track.silhouettes.windows_xyxy_px[keep],
                    bits=track.silhouettes.bits[keep],
                ),
                visible_fraction=track.visible_fraction[keep],
                play=np.full(len(track.play[keep]), number % 3 > 0),
                reason="" if number % 3 else "never moves, and may be furniture",
            )
        )
    return dataclasses.replace(bundle, tracks=tuple(tracks))


@pytest.fixture
def clip() -> WalkerClip:
    """Two people who cross, 24 frames of 160x120."""
    return make_walker_clip()


@pytest.fixture
def plate(clip: WalkerClip, tmp_path: Path) -> Path:
    """Two keys; the left half of the first was never free."""
    writer = PlateWriter(tmp_path / "plate", 160, 120)
    valid = np.ones((120, 160), np.bool_)
    valid[:, :80] = False
    writer.add_key(0, clip.plate_rgb, valid)
    writer.add_key(20, clip.plate_rgb, np.ones_like(valid))
    writer.commit()
    return tmp_path / "plate"
