"""What every way of moving keeps, seen in the pictures that the generator makes: the path, the action, the double's size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.generation import GenerationConfig, WindowPlan, make_generator
from bodydouble.generation.avatar.motion import Style, fit_motion
from bodydouble.generation.avatar.physique import build_physique
from bodydouble.generation.avatar.skeleton import Floats, forward
from bodydouble.generation.avatar.view import projection
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Cast, SceneBundle, Sprite
from bodydouble.scene.view import View

STYLES: tuple[Style, ...] = ("exact", "natural", "private")
FRAMES = 45
FALLS_AT = 20
EVERY = 11
VIEW = View(horizon_y_px=280 - 845 * float(np.tan(0.25)), focal_px=845, width_px=768, height_px=576)


def fall(sideways: bool) -> tuple[tuple[str, Floats], ...]:
    """Angles of somebody who stands, tips over within 0.4 s and stays down."""
    down = np.clip((np.arange(FRAMES) - FALLS_AT) / 10, 0, 1)
    upright = np.zeros(FRAMES)
    if sideways:
        return (("tilt_side", 1.45 * down), ("knee.L", 0.05 + 0.4 * down), ("arm_out.L", 0.1 + 0.8 * down))
    return (
        ("tilt", 1.45 * down),
        ("knee.L", 0.05 + 0.3 * down),
        ("knee.R", 0.05 + 0.3 * down),
        ("yaw", upright + 1.57),
    )


def sprites(bundle: SceneBundle, cast: Cast, style: Style) -> dict[int, Sprite]:
    """Every `EVERY`th picture of the first track, and the last."""
    config = GenerationConfig(avatar=AvatarConfig(motion=style, supersampling=1))
    generator = make_generator(config)
    generator.prepare(bundle, cast, config, 7)
    steps = [*range(0, FRAMES - 1, EVERY), FRAMES - 1]
    plans = [WindowPlan(track_id=1, step_start=step, step_stop=step + 1) for step in steps]
    return {step: generator.play(plan).sprites[0] for step, plan in zip(steps, plans, strict=True)}


def extent(sprite: Sprite) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is opaque."""
    rows, columns = np.nonzero(sprite.rgba[..., 3] > 127)
    x, y = sprite.left_px + columns, sprite.top_px + rows
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


@pytest.mark.parametrize("style", STYLES)
def test_a_walk_keeps_its_path_on_the_ground(
    style: Style, film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle],
    cast_of: Callable[..., Cast],
) -> None:  # fmt: skip
    filmed = film(person(frames=FRAMES, start=(250.0, 280.0)))
    bundle = bundle_of(filmed.track)
    for step, sprite in sprites(bundle, cast_of(bundle), style).items():
        left, _, right, bottom = extent(sprite)
        truth = filmed.track.boxes_xyxy_px[step]
        assert abs(bottom - truth[3]) < 0.15 * filmed.scale, (step, bottom, truth)
        assert abs((left + right) / 2 - (truth[0] + truth[2]) / 2) < 0.2 * filmed.scale, (step, left, right, truth)


@pytest.mark.parametrize("sideways", [True, False])
@pytest.mark.parametrize("style", STYLES)
def test_a_fall_stays_a_fall(
    style: Style, sideways: bool, film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle],
    cast_of: Callable[..., Cast],
) -> None:  # fmt: skip
    """Towards the side of the picture, so that who lies is wider than high."""
    yaw = 0.0 if sideways else 1.57
    filmed = film(person(frames=FRAMES, speed=0.0, yaw=yaw, angles=fall(sideways), mirrored=0.0))
    bundle = bundle_of(filmed.track)
    shown = sprites(bundle, cast_of(bundle), style)
    left, top, right, bottom = extent(shown[0])
    assert bottom - top > 1.8 * (right - left)  # Stands.
    left, top, right, bottom = extent(shown[FRAMES - 1])
    assert right - left > 1.3 * (bottom - top), (style, sideways, right - left, bottom - top)  # Lies.
    truth = filmed.joints_px[-1]
    assert (left + right) / 2 == pytest.approx((truth[:, 0].min() + truth[:, 0].max()) / 2, abs=0.3 * filmed.scale)


@pytest.mark.parametrize("style", STYLES)
def test_limbs_have_the_doubles_own_lengths(
    style: Style, film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle]
) -> None:
    """Thigh, shin, upper arm and forearm are the same in every frame, and not those of the person filmed."""
    child = build_physique(BodyModel.load(), {"gender": 0.5, "age": 0.45, "height": 0.3}).skeleton
    filmed = film(person(frames=FRAMES))
    motion = fit_motion(filmed.track, bundle_of(filmed.track), VIEW, child, noise_m=0.05, style=style, seed=3)
    joints = forward(child, motion.angles).joints_m
    for a, b in ((2, 3), (3, 4), (8, 9), (9, 10)):
        lengths = np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
        own = np.linalg.norm(child.joints_m[a] - child.joints_m[b])
        np.testing.assert_allclose(lengths, own, atol=0.04 * child.stature_m)
        assert np.ptp(lengths) < 0.03 * child.stature_m


def test_private_motion_is_another_motion(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], filmed_skeleton: Any
) -> None:
    filmed = film(person(frames=FRAMES))
    made = {
        style: fit_motion(
            filmed.track, bundle_of(filmed.track), VIEW, filmed_skeleton, noise_m=0.05, style=style, seed=3
        )
        for style in STYLES
    }  # fmt: skip
    natural, private = made["natural"], made["private"]
    np.testing.assert_array_equal(natural.root_px, private.root_px)
    assert np.abs(natural.angles - private.angles).max() > np.deg2rad(5)

    def off(motion: Any) -> float:
        flat = np.einsum(
            "tij,tkj->tki", projection(motion.elevation_rad), forward(filmed_skeleton, motion.angles).joints_m
        )
        places = flat * motion.scale_px_per_m[:, None, None] + motion.root_px[:, None]
        seen = filmed.track.joint_scores > 0
        return float(np.median(np.linalg.norm(places - filmed.track.joints_xy_px, axis=2)[seen]))

    assert off(made["exact"]) < off(natural) < off(private)
