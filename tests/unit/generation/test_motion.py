"""The fitted motion follows the joints, resists bad ones, and never leaves what bodies can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.generation.avatar.first_guess import late_turns
from bodydouble.generation.avatar.motion import Motion, fit_motion
from bodydouble.generation.avatar.physique import build_physique
from bodydouble.generation.avatar.refine import limits_rad
from bodydouble.generation.avatar.skeleton import (
    ANGLE_INDEX,
    NUM_ANGLES,
    Floats,
    Skeleton,
    forward,
    joint_jacobian,
)
from bodydouble.generation.avatar.view import projection
from bodydouble.scene import PersonTrack, SceneBundle
from bodydouble.scene.view import View, estimate_view

VIEW = View(horizon_y_px=280 - 845 * float(np.tan(0.25)), focal_px=845, width_px=768, height_px=576)


@pytest.fixture(scope="module")
def double() -> Skeleton:
    """Another body than the filmed one: shorter, heavier, other proportions."""
    return build_physique(BodyModel.load(), {"gender": 0.8, "age": 0.75, "height": 0.35, "weight": 0.7}).skeleton


def joints_px(skeleton: Skeleton, motion: Motion) -> Floats:
    flat = np.einsum("tij,tkj->tki", projection(motion.elevation_rad), forward(skeleton, motion.angles).joints_m)
    return np.asarray(flat * motion.scale_px_per_m[:, None, None] + motion.root_px[:, None])


CASES: dict[str, dict[str, Any]] = {
    "walks sideways": {},
    "comes closer": {"yaw": 0.1},
    "walks away": {"yaw": 3.2},
    "turns around": {"turn": 1.5, "frames": 50},
    "stands": {"speed": 0.0},
    "runs": {"speed": 1.7, "start": (200.0, 280.0)},
    "seven frames a second": {"rate": 7, "start": (150.0, 280.0)},
    "many joints wrong": {"noise_m": 0.08, "missing": 0.3, "mirrored": 0.25, "frames": 60, "start": (200.0, 280.0)},
    "waves": {"speed": 0.0, "yaw": 0.3, "angles": (("arm_swing.R", 2.4), ("elbow.R", 1.0), ("arm_out.R", 0.3))},
    "sits": {
        "speed": 0.0, "yaw": 0.8,
        "angles": (("leg_swing.L", 1.4), ("leg_swing.R", 1.4), ("knee.L", 1.4), ("knee.R", 1.4)),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_joints_of_the_double_lie_on_those_of_the_person(
    name: str, film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    filmed = film(person(**CASES[name]))
    rate = CASES[name].get("rate", 25)
    motion = fit_motion(filmed.track, bundle_of(filmed.track, rate=rate), VIEW, double, noise_m=0.05)
    height = 1.72 * filmed.scale
    error = np.linalg.norm(joints_px(double, motion) - filmed.joints_px, axis=2) / height
    assert error.mean() < 0.035, error.mean()
    assert np.percentile(error, 95) < 0.09, np.percentile(error, 95)
    turn = np.abs(np.angle(np.exp(1j * (motion.angles[:, 0] - filmed.yaw))))
    assert np.rad2deg(np.median(turn)) < 20, np.rad2deg(turn)


def test_stamps_that_only_count_do_not_nail_doubles_to_the_spot(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    filmed = film(person(frames=40))
    bundle = bundle_of(filmed.track)
    counting = replace(
        bundle,
        video=replace(bundle.video, time_base=Fraction(1, 1000), pts_ticks=tuple(range(bundle.video.num_frames))),
    )
    right, hurried = (fit_motion(filmed.track, b, VIEW, double, noise_m=0.05) for b in (bundle, counting))
    np.testing.assert_allclose(joints_px(double, hurried), joints_px(double, right), atol=0.05)


def test_stamps_of_another_rate_than_stated_are_believed(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    """Twice as fast may be true; the walker of the test then takes quicker steps."""
    filmed = film(person(frames=40, missing=1.0))
    bundle = bundle_of(filmed.track)
    fast = replace(bundle, video=replace(bundle.video, average_rate=bundle.video.average_rate / 2))
    one, other = (fit_motion(filmed.track, b, VIEW, double, noise_m=0.05) for b in (bundle, fast))
    np.testing.assert_array_equal(one.angles, other.angles)


@pytest.mark.parametrize("speed", [0.0, 0.75])
def test_without_any_joint_a_person_of_the_box_walks_where_the_box_goes(
    speed: float, film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    filmed = film(person(speed=speed, missing=1.0, frames=40))
    motion = fit_motion(filmed.track, bundle_of(filmed.track), VIEW, double, noise_m=0.05)
    joints = joints_px(double, motion)
    height = 1.72 * filmed.scale
    middle = np.abs(joints[:, 8:14].mean(1) - filmed.joints_px[:, 8:14].mean(1)) / height
    assert middle.mean() < 0.06
    if speed:
        turn = np.angle(np.exp(1j * (motion.angles[:, 0] - filmed.yaw)))
        assert np.abs(np.rad2deg(np.median(turn))) < 30
        assert np.ptp(motion.angles[:, ANGLE_INDEX["leg_swing.L"]]) > np.deg2rad(25)  # Steps are taken.


def test_wild_joints_give_no_wild_pose(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], track_of: Callable[..., PersonTrack],
    double: Skeleton,
) -> None:  # fmt: skip
    plain = film(person()).track
    rng = np.random.default_rng(3)
    low, high = plain.boxes_xyxy_px[:, None, :2], plain.boxes_xyxy_px[:, None, 2:]
    joints = low + (high - low) * rng.random((len(plain), 18, 2))
    track = track_of(1, plain.boxes_xyxy_px, joints, np.full((len(plain), 18), 0.6), np.ones(len(plain)))
    motion = fit_motion(track, bundle_of(track), VIEW, double, noise_m=0.05)
    low_rad, high_rad = limits_rad()
    assert np.all(motion.angles >= low_rad - 1e-4)
    assert np.all(motion.angles <= high_rad + 1e-4)
    up = forward(double, motion.angles).joints_m
    # The head is up, though such noise may bend the back.
    assert np.all(up[:, 0, 2] - up[:, [8, 11], 2].mean(1) > 0.25)


def test_planted_feet_do_not_slide(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    filmed = film(person(frames=50, missing=0.2, start=(300.0, 280.0)))
    motion = fit_motion(filmed.track, bundle_of(filmed.track), VIEW, double, noise_m=0.05)
    ankles = joints_px(double, motion)[:, [13, 10]]
    still = np.minimum(motion.planted[1:], motion.planted[:-1]) > 0.9
    assert still.sum() > 15
    slide = np.linalg.norm(np.diff(ankles, axis=0), axis=2)[still]
    travel = np.linalg.norm(np.diff(motion.root_px, axis=0), axis=1).mean()
    assert np.median(slide) < 0.25 * travel, (np.median(slide), travel)


def test_a_box_that_is_not_finite_is_an_error(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    track = film(person(frames=5)).track
    track.boxes_xyxy_px[2, 1] = np.nan
    with pytest.raises(FloatingPointError, match="box"):
        fit_motion(track, bundle_of(track), VIEW, double, noise_m=0.05)


def test_the_jacobian_is_the_derivative(filmed_skeleton: Skeleton) -> None:
    rng = np.random.default_rng(0)
    angles = rng.normal(0, 0.4, (3, NUM_ANGLES))
    jacobian = joint_jacobian(forward(filmed_skeleton, angles))
    for index in range(NUM_ANGLES):
        step = np.zeros(NUM_ANGLES)
        step[index] = 1e-5
        ahead = forward(filmed_skeleton, angles + step).joints_m
        behind = forward(filmed_skeleton, angles - step).joints_m
        np.testing.assert_allclose(jacobian[..., index], (ahead - behind) / 2e-5, atol=1e-7)


def test_our_bones_pose_joints_like_the_body_model(filmed_skeleton: Skeleton) -> None:
    """The straight stance keeps limb lengths, and anatomical signs hold: knees bend back, elbows and hips forward."""
    angles = np.zeros((4, NUM_ANGLES))
    angles[1, ANGLE_INDEX["knee.L"]] = angles[2, ANGLE_INDEX["elbow.R"]] = angles[3, ANGLE_INDEX["leg_swing.L"]] = 1.0
    joints = forward(filmed_skeleton, angles).joints_m
    backwards = 1
    assert joints[1, 13, backwards] > joints[0, 13, backwards] + 0.1
    assert joints[2, 4, backwards] < joints[0, 4, backwards] - 0.1
    assert joints[3, 12, backwards] < joints[0, 12, backwards] - 0.1
    for a, b in ((2, 3), (3, 4), (8, 9), (9, 10)):
        lengths = np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
        np.testing.assert_allclose(lengths, lengths[0], atol=0.03)


def test_the_horizon_is_found_from_people(
    bundle_of: Callable[..., SceneBundle], track_of: Callable[..., PersonTrack]
) -> None:
    """Heights of 0.25 px per row below row 50, with a third of the people sitting."""
    rng = np.random.default_rng(0)
    foot = rng.uniform(200, 560, 60)
    tall = 0.25 * (foot - 50) * np.where(rng.random(60) < 0.3, 0.75, 1.0) * rng.normal(1, 0.03, 60)
    x = rng.uniform(100, 600, 60)
    boxes = np.stack([x, foot - tall, x + 0.4 * tall, foot], 1)
    track = track_of(1, boxes, np.full((60, 18, 2), np.nan), np.zeros((60, 18)), np.ones(60))
    assert estimate_view(bundle_of(track)).horizon_y_px == pytest.approx(50, abs=40)


def test_without_people_the_view_is_the_usual_one(bundle_of: Callable[..., SceneBundle]) -> None:
    view = estimate_view(bundle_of())
    assert 0 < np.rad2deg(float(view.elevation_rad(np.array(0.6 * 576)))) < 20


def test_a_body_that_follows_is_never_lost_and_one_that_cannot_is(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    for name in ("walks sideways", "runs", "many joints wrong", "sits"):
        filmed = film(person(**CASES[name]))
        rate = CASES[name].get("rate", 25)
        assert not fit_motion(filmed.track, bundle_of(filmed.track, rate=rate), VIEW, double, noise_m=0.035).lost.any()
    filmed = film(person(frames=50, speed=0.0))
    # From frame 20 on the track is on somebody two metres further on.
    joints, boxes = filmed.track.joints_xy_px.copy(), filmed.track.boxes_xyxy_px.copy()
    joints[20:, :, 0] += 2 * filmed.scale
    boxes[20:, ::2] += 2 * filmed.scale
    jumped = replace(filmed.track, joints_xy_px=joints, boxes_xyxy_px=boxes)
    lost = fit_motion(jumped, bundle_of(jumped), VIEW, double, noise_m=0.035).lost
    assert lost[18:22].all()
    assert lost.sum() <= 10
    # The box grows to twice its size within half a second: a small person, then a tall one nearby.
    walker = film(person(frames=60, speed=0.0))
    middle = walker.track.boxes_xyxy_px[:1, [0, 1]] + 60
    joints, boxes = walker.track.joints_xy_px.copy(), walker.track.boxes_xyxy_px.copy()
    joints[:14] = middle + (joints[:14] - middle) * 0.45
    boxes[:14] = np.tile(middle, 2) + (boxes[:14] - np.tile(middle, 2)) * 0.45
    grown = replace(walker.track, joints_xy_px=joints, boxes_xyxy_px=boxes)
    lost = fit_motion(grown, bundle_of(grown), VIEW, double, noise_m=0.035).lost
    assert lost[:8].all()
    assert not lost[30:].any()
    unseen = replace(filmed.track, joint_scores=np.zeros_like(filmed.track.joint_scores))
    assert not fit_motion(unseen, bundle_of(unseen), VIEW, double, noise_m=0.035).lost.any()


def test_a_double_is_as_large_as_the_joints_say_and_not_as_a_box_that_is_too_tall(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    """As under an umbrella: the box reaches a quarter further up than the person."""
    filmed = film(person(frames=50, speed=0.0))
    boxes = filmed.track.boxes_xyxy_px.copy()
    boxes[:, 1] -= 0.25 * (boxes[:, 3] - boxes[:, 1])
    track = replace(filmed.track, boxes_xyxy_px=boxes)
    made = joints_px(double, fit_motion(track, bundle_of(track), VIEW, double, noise_m=0.035))
    tall = made[:, [10, 13], 1].mean(1) - made[:, 1, 1]
    seen = filmed.joints_px[:, [10, 13], 1].mean(1) - filmed.joints_px[:, 1, 1]
    assert np.median(tall / seen) == pytest.approx(1, abs=0.015)


def test_who_lies_towards_the_camera_is_hardly_ever_lost(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], double: Skeleton
) -> None:
    """Every limb points at the camera and is short in the picture, as it is of a giant; but nobody changes size."""
    lying = (("tilt", 1.4), ("leg_swing.L", 0.25), ("knee.R", 0.5))
    filmed = film(person(frames=50, speed=0.0, yaw=0.0, angles=lying))
    motion = fit_motion(filmed.track, bundle_of(filmed.track), VIEW, double, noise_m=0.035)
    assert motion.lost.mean() < 0.1, motion.lost


def test_joints_that_turn_round_before_the_guess_does_are_not_mirrored() -> None:
    swapped = np.zeros(60, np.bool_)
    swapped[20:26] = True
    turns, stays = np.where(np.arange(60) < 26, 3.0, 0.2), np.full(60, 3.0)
    np.testing.assert_array_equal(late_turns(swapped, turns, 0.04), swapped)
    assert not late_turns(swapped, stays, 0.04).any()
    assert not late_turns(swapped, turns, 0.12).any()  # So long nobody is late.
