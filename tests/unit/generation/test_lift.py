"""The lifting network as shipped: in its form, at any frame rate, and feet that stand are told from feet that go."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.generation.avatar.contacts import planted_feet
from bodydouble.generation.avatar.evidence import Evidence
from bodydouble.generation.avatar.gait import gait_angles
from bodydouble.generation.avatar.lift import NUM_ANSWERS, NUM_FEATURES, RATE_HZ, Lifter, features, lift
from bodydouble.generation.avatar.skeleton import NUM_ANGLES, Floats, Skeleton, forward


def told(body: Skeleton, frames: int, rate: float) -> dict[str, Floats]:
    """Somebody who stands, facing the camera, moving from side to side a little."""
    times = np.arange(frames) / rate
    flat = forward(body, np.zeros((1, NUM_ANGLES))).joints_m[0][:, [0, 2]] * [1, -1]
    joints = flat[None] + np.stack([0.02 * np.sin(times), 0 * times], 1)[:, None]
    boxes = np.concatenate([joints.min(1) - 0.1, joints.max(1) + 0.1], 1)
    return {
        "times_s": times, "joints_m": joints, "weights": np.full((frames, 18), 0.9), "boxes_m": boxes,
        "box_weights": np.ones(frames), "elevation_rad": np.full(frames, 0.1),
    }  # fmt: skip


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
@pytest.mark.parametrize("rate", [5.0, 25.0])
def test_every_length_and_rate_gets_an_answer_per_frame(frames: int, rate: float, filmed_skeleton: Skeleton) -> None:
    lifted = lift(Lifter.load(), **told(filmed_skeleton, frames, rate))
    assert lifted.angles.shape == (frames, NUM_ANGLES)
    assert lifted.planted.shape == (frames, 2)
    assert np.isfinite(lifted.angles).all()
    assert lifted.planted.min() >= 0
    assert lifted.planted.max() <= 1


def test_who_stands_before_the_camera_faces_it_with_both_feet_on_the_ground(filmed_skeleton: Skeleton) -> None:
    lifted = lift(Lifter.load(), **told(filmed_skeleton, 40, 20.0))
    assert np.abs(np.rad2deg(np.angle(np.exp(1j * lifted.angles[:, 0])))).max() < 30
    assert lifted.planted.mean() > 0.8


def test_features_and_answers_have_their_form_and_forget_what_was_not_seen(filmed_skeleton: Skeleton) -> None:
    seen = told(filmed_skeleton, 20, RATE_HZ)
    del seen["times_s"]
    rows = features(**seen)
    assert rows.shape == (20, NUM_FEATURES)
    assert Lifter.load().answers(rows).shape == (20, NUM_ANSWERS)
    hidden = dict(seen, weights=seen["weights"].copy(), joints_m=seen["joints_m"].copy())
    hidden["weights"][:, 4] = 0
    elsewhere = dict(hidden, joints_m=hidden["joints_m"].copy())
    elsewhere["joints_m"][:, 4] += 3.0
    np.testing.assert_array_equal(features(**hidden), features(**elsewhere))


@pytest.mark.parametrize("seconds_a_step", [0.5, 0.8])
def test_feet_that_stand_are_told_by_how_they_move(seconds_a_step: float, filmed_skeleton: Skeleton) -> None:
    """Feet are carried over the ground by turns; the guess knows nothing."""
    rate, frames, scale = 20.0, 80, 60.0
    body = filmed_skeleton
    times = np.arange(frames) / rate
    phase = np.pi * times / seconds_a_step
    angles = gait_angles(phase, np.ones(frames))
    angles[:, 0] = np.pi / 2
    feet = forward(body, angles).joints_m[:, [13, 10]]
    lower = feet[..., 2].argmin(1)
    back = np.diff(feet[..., 0], axis=0)[np.arange(frames - 1), lower[1:]]
    root = np.stack([np.concatenate([[0.0], np.cumsum(-back)]), np.zeros(frames)], 1) * scale
    zero = np.zeros(frames)
    evidence = Evidence(
        step_s=1 / rate, times_s=times, joints_px=np.zeros((frames, 18, 2)), weights=np.zeros((frames, 18)),
        scale_px_per_m=np.full(frames, scale), elevation_rad=zero, boxes_px=np.zeros((frames, 4)), whole_box=zero,
        pelvis_px=root, pelvis_weight=np.zeros((frames, 2)), ground_shift_px=np.zeros((frames, 2)), speed=zero,
        heading_rad=zero, heading_weight=zero,
    )  # fmt: skip
    planted = planted_feet(body, evidence, angles, root, np.full((frames, 2), 0.5))
    truth = np.stack([lower == 0, lower == 1], 1)
    assert ((planted > 0.9) & ~truth).mean() < 0.08  # Next to no foot is held that goes.
    assert (planted > 0.9)[truth].mean() > 0.6
