"""Private motion keeps the way, the feet's places and the action, and gives every double habits of its own."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.generation.avatar.gait import amplitude_of, ankle_lift, cycles_per_second, gait_angles, stance
from bodydouble.generation.avatar.private_motion import (
    MOST_SHIFT_S,
    Played,
    most_change_rad,
    play_privately,
    shift_s,
)
from bodydouble.generation.avatar.refine import limits_rad
from bodydouble.generation.avatar.skeleton import ANGLE_INDEX, ANGLES, BONES, Floats, Skeleton, forward
from bodydouble.generation.avatar.view import projection
from bodydouble.scene import JOINT_NAMES

ELEVATION_RAD = 0.25
PX_PER_M = 55.0
FEET = [13, 10]


def straight_body() -> Skeleton:
    """A body of sticks, arms hanging; needs no body model, so that these tests take no time."""
    heads = {"root": (0, 0.92), "spine05": (0, 1.0), "spine03": (0, 1.12), "spine01": (0, 1.3), "neck01": (0, 1.45),
             "head": (0, 1.52)}  # fmt: skip
    joints = {"nose": (0.0, 1.6), "neck": (0.0, 1.42)}
    for letter, name, sign in (("L", "left", 1), ("R", "right", -1)):
        arm, leg = 0.18 * sign, 0.09 * sign
        heads |= {f"upperarm01.{letter}": (arm, 1.4), f"lowerarm01.{letter}": (arm, 1.12), f"wrist.{letter}": (arm, 0.87),
                  f"upperleg01.{letter}": (leg, 0.9), f"lowerleg01.{letter}": (leg, 0.48),
                  f"foot.{letter}": (leg, 0.08)}  # fmt: skip
        joints |= {f"{name}_eye": (0.03 * sign, 1.64), f"{name}_ear": (0.07 * sign, 1.62), f"{name}_shoulder": (arm, 1.4),
                   f"{name}_elbow": (arm, 1.12), f"{name}_wrist": (arm, 0.87), f"{name}_hip": (leg, 0.9),
                   f"{name}_knee": (leg, 0.48), f"{name}_ankle": (leg, 0.08)}  # fmt: skip

    def places(table: dict[str, tuple[float, float]], names: tuple[str, ...]) -> Floats:
        return np.array([(table[name][0], 0.0, table[name][1]) for name in names])

    return Skeleton(
        heads_m=places(heads, BONES), straighten=np.repeat(np.eye(3)[None], len(BONES), 0),
        joints_m=places(joints, JOINT_NAMES),
    )  # fmt: skip


class Walk:
    """Somebody who walks straight on, and what becomes of the walk."""

    def __init__(self, *, frames: int = 100, rate: int = 25, speed: float = 0.75, yaw: float = 1.2) -> None:
        self.skeleton, self.rate = straight_body(), rate
        self.times_s = np.arange(frames) / rate
        pace = np.full(frames, speed)
        phase, amplitude = 2 * np.pi * cycles_per_second(pace) * self.times_s, amplitude_of(pace)
        angles = gait_angles(phase, amplitude)
        angles[:, 0] = yaw
        self.natural = Played(
            angles=angles, planted=stance(phase, amplitude), ankle_rad=ankle_lift(phase, amplitude)
        )  # fmt: skip
        velocity = np.array([np.sin(yaw), np.cos(yaw) * np.sin(ELEVATION_RAD)]) * speed * 1.75
        self.root_m = 6.0 + velocity * self.times_s[:, None]

    def private(self, seed: int, strength: float = 1.0) -> Played:
        frames = len(self.times_s)
        return play_privately(
            self.skeleton, self.natural, times_s=self.times_s, root_px=self.root_m * PX_PER_M,
            scale_px_per_m=np.full(frames, PX_PER_M), elevation_rad=np.full(frames, ELEVATION_RAD),
            ground_px=np.zeros((frames, 2)), seed=seed, strength=strength,
        )  # fmt: skip

    def joints_m(self, played: Played) -> Floats:
        """(T, 18, 2) in the picture, metres."""
        flat = projection(np.full(len(self.times_s), ELEVATION_RAD))
        joints = np.einsum("tij,tkj->tki", flat, forward(self.skeleton, played.angles).joints_m)
        return np.asarray(joints + self.root_m[:, None])


@pytest.mark.parametrize("seed", range(4))
def test_timing_stays_within_its_bound_and_never_runs_backwards(seed: int) -> None:
    times = np.sort(np.random.default_rng(seed).uniform(0, 40, 900))
    for part in ("legs", "arms"):
        ahead = shift_s(times, seed, part)
        assert 0.3 * MOST_SHIFT_S < np.abs(ahead).max() <= MOST_SHIFT_S
        assert np.all(np.diff(times + ahead) >= 0)
        assert ahead[0] == ahead[-1] == 0


@pytest.mark.parametrize("rate", [10, 25])
@pytest.mark.parametrize("yaw", [0.3, 1.2, 3.0])
def test_feet_slide_no_more_than_before(rate: int, yaw: float) -> None:
    walk = Walk(frames=4 * rate, rate=rate, yaw=yaw)
    slides = []
    for played in (walk.natural, walk.private(4)):
        moved = np.linalg.norm(np.diff(walk.joints_m(played)[:, FEET], axis=0), axis=2)
        still = np.minimum(played.planted[1:], played.planted[:-1]) > 0.9
        assert still.sum() > 10
        slides.append(float(np.median(moved[still])))
    assert slides[1] < 1.15 * slides[0] + 0.001, slides


def test_feet_go_where_they_went() -> None:
    """Each ankle is seen where it was seen before at the time that the shift names."""
    walk, seed = Walk(), 2
    when = walk.times_s + shift_s(walk.times_s, seed, "legs")
    before, after = walk.joints_m(walk.natural), walk.joints_m(walk.private(seed))
    for foot in FEET:
        wanted = np.stack([np.interp(when, walk.times_s, before[:, foot, axis]) for axis in (0, 1)], 1)
        assert np.median(np.linalg.norm(after[:, foot] - wanted, axis=1)) < 0.01


@pytest.mark.parametrize("speed", [0.0, 0.75])
@pytest.mark.parametrize("seed", [1, 2])
def test_angles_change_within_their_bound_and_limits(seed: int, speed: float) -> None:
    walk = Walk(speed=speed)
    natural, private = walk.natural.angles, walk.private(seed).angles
    held = [index for index, name in enumerate(ANGLES) if not name.startswith(("leg_", "knee"))]
    reach = round(MOST_SHIFT_S * walk.rate) + 1
    steps = range(reach, len(natural) - reach)
    # Whatever the natural motion does within the reach of the shift, and the change on top of it.
    low = np.array([natural[t - reach : t + reach + 1].min(0) for t in steps]) - most_change_rad() - 1e-9
    high = np.array([natural[t - reach : t + reach + 1].max(0) for t in steps]) + most_change_rad() + 1e-9
    inside = private[reach:-reach]
    assert np.all((inside >= low)[:, held])
    assert np.all((inside <= high)[:, held])
    least, most = limits_rad()
    assert np.all((private >= least) & (private <= most))
    np.testing.assert_array_equal(private[:, ANGLE_INDEX["yaw"]], natural[:, ANGLE_INDEX["yaw"]])


def test_no_jump_between_frames() -> None:
    walk = Walk()
    fastest = [
        float(np.linalg.norm(np.diff(walk.joints_m(played), axis=0), axis=2).max())
        for played in (walk.natural, walk.private(4))
    ]
    assert fastest[1] < 1.5 * fastest[0], fastest


def test_habits_are_the_doubles_own() -> None:
    walk = Walk()
    first, again, other = walk.private(1).angles, walk.private(1).angles, walk.private(2).angles
    np.testing.assert_array_equal(first, again)
    upper = [ANGLE_INDEX[name] for name in ("elbow.L", "elbow.R", "arm_swing.L", "arm_swing.R", "bend", "nod")]
    for one, two in ((first, other), (first, walk.natural.angles), (other, walk.natural.angles)):
        assert np.rad2deg(np.abs(one - two)[:, upper].mean()) > 3


def test_strength_decides_how_far_habits_go() -> None:
    walk = Walk()
    upper = [ANGLE_INDEX[name] for name in ("elbow.L", "elbow.R", "arm_swing.L", "bend", "nod")]
    off = [np.abs(walk.private(1, s).angles - walk.natural.angles)[:, upper].mean() for s in (0.0, 0.5, 1.0, 2.0)]
    assert off[0] < 1e-9
    assert off[1] < 0.7 * off[2] < 0.7 * off[3]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_waves_sits_or_falls_still_does(seed: int) -> None:
    walk = Walk(speed=0.0)
    angles = walk.natural.angles
    angles[:, ANGLE_INDEX["arm_swing.R"]] = 2.6
    for side in "LR":
        angles[:, ANGLE_INDEX[f"leg_swing.{side}"]] = angles[:, ANGLE_INDEX[f"knee.{side}"]] = 1.4
    angles[:, ANGLE_INDEX["tilt"]] = 1.3 * np.clip((walk.times_s - 1.5) / 0.6, 0, 1)
    private = walk.private(seed)
    assert private.angles[:, ANGLE_INDEX["arm_swing.R"]].min() > 2.1
    assert np.median(private.angles[:, ANGLE_INDEX["knee.L"]]) > 1.0
    tilt = private.angles[:, ANGLE_INDEX["tilt"]]
    assert tilt[-1] - tilt[0] > 1.1
    middle = int(np.argmax(tilt > (tilt[0] + tilt[-1]) / 2))
    assert abs(middle / walk.rate - 1.8) <= MOST_SHIFT_S


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_tracks_can_be_played(frames: int) -> None:
    assert np.isfinite(Walk(frames=frames).private(1).angles).all()


def test_limbs_keep_their_length() -> None:
    walk = Walk()
    places = forward(walk.skeleton, walk.private(1).angles).joints_m
    for a, b in ((2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13)):
        lengths = np.linalg.norm(places[:, a] - places[:, b], axis=1)
        np.testing.assert_allclose(
            lengths, np.linalg.norm(walk.skeleton.joints_m[a] - walk.skeleton.joints_m[b]), atol=1e-9
        )
