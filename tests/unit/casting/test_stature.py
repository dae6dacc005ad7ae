"""Whose height is a child's: people of known size before a camera of known place."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.casting.stature import children
from bodydouble.scene import JOINT_INDEX, CameraMotion, Light, MaskStack, PersonTrack, SceneBundle, VideoGeometry

SIZE = (960, 720)
STEPS = 24
HORIZON_PX, CAMERA_M = 60.0, 4.0
LEG = {"hip": 0.47, "knee": 0.73, "ankle": 0.96}


def walker(
    track_id: int, stature_m: float, *, feet_px: tuple[float, float] = (300, 600), squat: bool = False
) -> PersonTrack:
    """Somebody who walks towards the camera; similar triangles give the height in the picture."""
    rng = np.random.default_rng(track_id)
    feet = np.linspace(*feet_px, STEPS)
    height = (feet - HORIZON_PX) * stature_m / CAMERA_M * rng.normal(1, 0.02, STEPS)
    middle, width = 100 + 60 * (track_id % 12) + np.zeros(STEPS), height * (0.9 if squat else 0.35)
    joints = np.full((STEPS, 18, 2), np.nan)
    for side in ("left", "right"):
        for joint, share in LEG.items():
            joints[:, JOINT_INDEX[f"{side}_{joint}"]] = np.stack([middle, feet - height + share * height], 1)
    scores = np.where(np.isnan(joints[..., 0]), 0, 0.8)
    boxes = np.stack([middle - width / 2, feet - height, middle + width / 2, feet], 1)
    return PersonTrack(
        track_id=track_id, frame_indices=np.arange(STEPS), boxes_xyxy_px=boxes.astype(np.float32),
        box_scores=np.ones(STEPS, np.float32), joints_xy_px=joints.astype(np.float32),
        joint_scores=scores.astype(np.float32), joint_visibility=scores.astype(np.float32),
        silhouettes=MaskStack.pack(np.zeros((STEPS, 4), np.int32), [np.zeros((0, 0), bool)] * STEPS),
        visible_fraction=np.ones(STEPS, np.float32), play=np.ones(STEPS, bool),
    )  # fmt: skip


def bundle_of(*tracks: PersonTrack, to_reference: np.ndarray | None = None) -> SceneBundle:
    video = VideoGeometry(
        width_px=SIZE[0], height_px=SIZE[1], time_base=Fraction(1, 25), average_rate=Fraction(25),
        pts_ticks=tuple(range(STEPS)),
    )  # fmt: skip
    camera = CameraMotion(to_reference=np.repeat(np.eye(3)[None], STEPS, 0) if to_reference is None else to_reference)
    return SceneBundle(
        video=video, tracks=tracks, camera=camera, light=Light(), clip_name="a.mp4", producer="test"
    )  # fmt: skip


ADULTS = (1.55, 1.62, 1.68, 1.72, 1.75, 1.80, 1.90)


def adults(first: int = 1) -> list[PersonTrack]:
    """Half of them stay far away, half near: without perspective the far ones would be children."""
    places = [(150, 260), (300, 700)]
    return [walker(first + i, stature, feet_px=places[i % 2]) for i, stature in enumerate(ADULTS)]


def test_adults_at_any_distance_are_no_children() -> None:
    assert children(bundle_of(*adults())) == frozenset()


@pytest.mark.parametrize("feet_px", [(200, 320), (250, 600), (500, 700)])
def test_a_child_of_six_is_one_wherever_it_walks(feet_px: tuple[float, float]) -> None:
    assert children(bundle_of(*adults(), walker(8, 1.16, feet_px=feet_px))) == {8}


def test_a_small_adult_and_a_tall_child_count_as_adults() -> None:
    assert children(bundle_of(*adults(), walker(8, 1.48), walker(9, 1.42))) == frozenset()


def test_a_few_children_do_not_move_the_line() -> None:
    assert children(bundle_of(*adults(), *(walker(i, 1.1, feet_px=(250, 600)) for i in (8, 9)))) == {8, 9}


def test_where_heights_cannot_be_compared_nobody_is_a_child() -> None:
    assert children(bundle_of()) == frozenset()
    assert children(bundle_of(*adults()[:3], walker(8, 1.1))) == frozenset(), "four people have no usual height"
    wild = [walker(i, stature) for i, stature in enumerate((0.9, 1.1, 1.7, 1.8, 2.6, 3.0, 3.4), 1)]
    assert children(bundle_of(*wild)) == frozenset(), "no line explains them"


def test_whoever_squats_is_cut_or_hidden_is_not_measured() -> None:
    small = walker(8, 1.16, feet_px=(250, 600))
    rows = np.arange(STEPS)
    no_legs = np.where(np.isfinite(small.joint_scores), 0, small.joint_scores).astype(np.float32)
    for hidden in (
        walker(8, 1.16, squat=True),
        dataclasses.replace(small, visible_fraction=np.full(STEPS, 0.8, np.float32)),
        dataclasses.replace(small, joint_scores=no_legs),
        dataclasses.replace(small, play=np.zeros(STEPS, bool)),
        dataclasses.replace(small, visible_fraction=np.where(rows < 5, 1, 0.5).astype(np.float32)),
    ):
        assert children(bundle_of(*adults(), hidden)) == frozenset()


def test_a_camera_that_sinks_does_not_make_children() -> None:
    """The picture moves up by ten pixels a frame; the reference stays."""
    shift = np.repeat(np.eye(3)[None], STEPS, 0)
    shift[:, 1, 2] = 3.0 * np.arange(STEPS)
    moved = [
        dataclasses.replace(
            track,
            boxes_xyxy_px=track.boxes_xyxy_px - np.array([0, 1, 0, 1], np.float32) * shift[:, 1, 2, None].astype("f4"),
            joints_xy_px=(track.joints_xy_px - np.array([0, 1]) * shift[:, 1, 2, None, None]).astype(np.float32),
        )
        for track in [*adults(), walker(8, 1.16, feet_px=(300, 620))]
    ]
    assert children(bundle_of(*moved, to_reference=shift)) == {8}


def test_the_cast_follows_and_can_be_told_not_to() -> None:
    bundle = bundle_of(*adults(), walker(8, 1.16))
    followed = cast_tracks(bundle, CastingConfig(), 3)
    assert [look.age_group == "child" for _, look in followed.parts] == [False] * 7 + [True]
    ignored = cast_tracks(bundle, CastingConfig(child_height=False), 3)
    assert ignored.parts[:7] == followed.parts[:7]
    assert ignored.appearance_of(8).age_years >= 18
