"""Sides, jumps and feet of a track's joints, against walkers whose left and right are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.pose.temporal import refine_joints
from bodydouble.scene import MIRRORED, PersonTrack
from bodydouble.testing.walkers import Walker, WalkerClip

_ANKLES = [10, 13]


def track_of(velocity_xz_m: tuple[float, float], *, num_frames: int = 50) -> PersonTrack:
    """Somebody who walks past the middle of a 400x300 picture; joints are exact."""
    middle = (num_frames - 1) / 2
    walker = Walker(
        start_xz_m=(-velocity_xz_m[0] * middle, 7.0 - velocity_xz_m[1] * middle), velocity_xz_m=velocity_xz_m
    )
    clip = WalkerClip((walker,), num_frames=num_frames, width_px=400, height_px=300, seed=1, is_gray=False)
    track = clip.bundle.tracks[0]
    assert len(track) == num_frames
    return track


def refine(
    joints: npt.NDArray[np.float32], track: PersonTrack, scores: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    level = np.full(joints.shape[:2], 0.6, np.float32) if scores is None else scores
    return refine_joints(
        joints, level, track.boxes_xyxy_px.astype(float), lowest_score=0.15, max_gap=20, sigma_frames=1.5,
        reach_frames=20,
    )[0]  # fmt: skip


def heights(track: PersonTrack) -> npt.NDArray[np.float64]:
    return np.asarray(track.boxes_xyxy_px[:, 3] - track.boxes_xyxy_px[:, 1], np.float64)


def share_right(joints: npt.NDArray[np.float32], track: PersonTrack) -> float:
    """Share of joints within 5 % of the height of the truth."""
    apart = np.linalg.norm(joints - track.joints_xy_px, axis=2) / heights(track)[:, None]
    return float((apart < 0.05).mean())


@pytest.mark.parametrize("velocity", [(0.0, -0.05), (0.0, 0.05), (0.03, -0.04), (-0.03, 0.04)])
def test_whoever_walks_towards_or_away_has_sides_though_the_network_is_wrong_more_often_than_not(
    velocity: tuple[float, float],
) -> None:
    track = track_of(velocity)
    joints = track.joints_xy_px.copy()
    swapped = np.random.default_rng(4).random(len(track)) < 0.55
    swapped[:5] = True
    joints[swapped] = joints[swapped][:, list(MIRRORED)]
    assert share_right(refine(joints, track, np.full(joints.shape[:2], 0.3, np.float32)), track) > 0.9


@pytest.mark.parametrize("velocity", [(0.05, 0.0), (-0.05, 0.0)])
def test_whoever_walks_across_keeps_the_sides_that_the_network_saw(velocity: tuple[float, float]) -> None:
    """Seen from the side nothing tells sides but the network; steps of the box's lower edge must not."""
    track = track_of(velocity)
    jitter = np.random.default_rng(2).normal(0, 0.04 * heights(track).mean(), len(track))
    boxes = track.boxes_xyxy_px.astype(float)
    boxes[:, 3] += jitter
    refined, _ = refine_joints(
        track.joints_xy_px, np.full((len(track), 18), 0.6, np.float32), boxes, lowest_score=0.15, max_gap=20,
        sigma_frames=1.5, reach_frames=20,
    )  # fmt: skip
    assert share_right(refined, track) > 0.95


def test_who_is_surely_seen_from_behind_is_not_turned_round_by_a_box_that_comes_nearer() -> None:
    """As when the box goes over to somebody else who walks the other way."""
    track = track_of((0.0, 0.05))
    boxes = track.boxes_xyxy_px.astype(float)
    boxes[:, [1, 3]] += (np.arange(len(track)) * 0.03 * heights(track).mean())[:, None]

    def refined(score: float) -> npt.NDArray[np.float32]:
        joints = track.joints_xy_px + (boxes - track.boxes_xyxy_px)[:, None, :2].astype(np.float32)
        moved, _ = refine_joints(
            joints, np.full((len(track), 18), score, np.float32), boxes, lowest_score=0.15, max_gap=20, sigma_frames=1.5,
            reach_frames=20,
        )  # fmt: skip
        return moved - (boxes - track.boxes_xyxy_px)[:, None, :2].astype(np.float32)

    assert share_right(refined(0.9), track) > 0.95
    # Where the network is not sure, the way decides.
    assert share_right(refined(0.3), track) < 0.5


def test_a_few_frames_with_mixed_up_legs_are_put_right_for_whoever_walks_towards_the_camera() -> None:
    track = track_of((0.01, -0.05))
    joints = track.joints_xy_px.copy()
    for rows in (slice(8, 11), slice(30, 34)):
        joints[rows, [[8], [9], [10], [11], [12], [13]]] = track.joints_xy_px[rows, [[11], [12], [13], [8], [9], [10]]]
    refined = refine(joints, track)
    assert share_right(refined[:, 8:14], _part(track)) > 0.9


def _part(track: PersonTrack) -> PersonTrack:
    """A stand-in whose joints are the legs alone."""
    legs = object.__new__(PersonTrack)
    object.__setattr__(legs, "joints_xy_px", track.joints_xy_px[:, 8:14])
    object.__setattr__(legs, "boxes_xyxy_px", track.boxes_xyxy_px)
    return legs


def test_feet_are_not_pulled_and_do_not_lag() -> None:
    track = track_of((0.05, 0.0))
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01 * heights(track).mean(), track.joints_xy_px.shape).astype(np.float32)
    refined = refine(track.joints_xy_px + noise, track)
    middle = slice(6, -6)
    error = (refined - track.joints_xy_px)[middle][:, _ANKLES]
    assert np.abs(error).max() < 0.05 * heights(track).mean()
    # A lag shows as an error along the motion of the foot within the box.
    motion = np.gradient(track.joints_xy_px - track.boxes_xyxy_px[:, None, :2], axis=0)[middle][:, _ANKLES]
    lag_frames = float((error * motion).sum() / (motion * motion).sum())
    assert abs(lag_frames) < 0.1


def test_a_joint_that_jumps_between_both_legs_is_never_put_between_them() -> None:
    track = track_of((0.05, 0.0))
    joints = track.joints_xy_px.copy()
    wrong = np.arange(len(track)) // 5 % 2 == 1
    joints[wrong, 10] = joints[wrong, 13]
    refined = refine(joints, track)[:, 10]
    to_legs = np.stack([np.linalg.norm(refined - track.joints_xy_px[:, leg], axis=1) for leg in _ANKLES])
    apart = np.linalg.norm(track.joints_xy_px[:, 10] - track.joints_xy_px[:, 13], axis=1)
    between = (apart > 0.2 * heights(track)) & (to_legs.min(axis=0) > 0.3 * apart)
    assert (apart > 0.2 * heights(track)).sum() > 10
    assert not between.any()


@pytest.mark.parametrize("velocity", [(0.05, 0.0), (-0.05, 0.0)])
def test_legs_that_nobody_can_name_pass_each_other_all_the_same(velocity: tuple[float, float]) -> None:
    """The network guesses which leg is which, anew in every frame; whichever it is, it is the same one throughout."""
    track = track_of(velocity)
    joints = track.joints_xy_px.copy()
    legs = [9, 10, 12, 13]
    guessed = np.flatnonzero(np.random.default_rng(7).random(len(track)) < 0.5)
    joints[np.ix_(guessed, legs)] = joints[np.ix_(guessed, [12, 13, 9, 10])]
    scores = np.full(joints.shape[:2], 0.6, np.float32)
    refined = refine(joints, track, scores)[:, legs]
    truth = track.joints_xy_px[:, legs]
    as_named, exchanged = (
        np.linalg.norm(refined - truth[:, order], axis=2) / heights(track)[:, None]
        for order in ([0, 1, 2, 3], [2, 3, 0, 1])
    )
    assert max((as_named < 0.05).mean(), (exchanged < 0.05).mean()) > 0.85
