"""The independent measure of what changed outside people and doubles, held against compositing and against fakes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bodydouble.compositing import CompositingConfig, composite
from bodydouble.compositing.cast_shadows import darken
from bodydouble.compositing.config import ShadowConfig
from bodydouble.errors import InputError
from bodydouble.evaluation.outside import Margins, allowed_area, measure_outside
from bodydouble.scene import Frame, Sun


@pytest.fixture
def scene(street, walker, double):
    people = [
        walker(track_id=1, places={i: (20 + 4 * i, 20) for i in range(3)}),
        walker(track_id=2, places={1: (60, 30)}, rgb=(255, 255, 0), empty_silhouette=True),
        walker(track_id=3, places={2: (-5, 50)}, rgb=(0, 255, 255), plays=False),
    ]
    scene = street(walkers=people, noise=3.0, plate_offset=6)
    scene.sprites = {i: [(1, double(18 + 5 * i, 24))] for i in range(3)}
    scene.sprites[1].append((2, double(90, 50)))
    return scene


def results(scene, seed=0) -> list[Frame]:
    done = composite(scene, scene.bundle, scene, scene, CompositingConfig(), seed=seed)
    return [Frame(index=frame.index, pts_ticks=frame.index, rgb=frame.rgb) for frame in done]


def test_compositing_changes_nothing_outside(scene):
    found = measure_outside(scene.frames(), results(scene), scene.bundle, scene, Margins())
    assert (found.frames, found.largest_difference, found.pixels_changed, found.worst_frame) == (3, 0, 0, None)


def test_compositing_does_change_things_inside(scene):
    for filmed, made in zip(scene.frames(), results(scene), strict=True):
        allowed = allowed_area(scene.bundle, filmed.index, scene.sprites_at(filmed.index), Margins())
        assert (filmed.rgb != made.rgb)[allowed].mean() > 0.5
        assert allowed.mean() < 0.3


def test_one_changed_pixel_is_found(scene):
    made = results(scene)
    picture = made[1].rgb.copy()
    picture[2, 3, 1] ^= 4
    made[1] = Frame(index=1, pts_ticks=1, rgb=picture)
    found = measure_outside(scene.frames(), made, scene.bundle, scene, Margins())
    assert (found.largest_difference, found.pixels_changed, found.worst_frame) == (4, 1, 1)


def test_doubles_count_as_outside_where_the_performance_is_not_given(scene):
    found = measure_outside(scene.frames(), results(scene), scene.bundle, None, Margins())
    assert found.largest_difference > 20


def test_margins_that_are_too_small_are_noticed(scene):
    tight = Margins(silhouette_min_px=0, silhouette_max_px=0, double_px=0, shadow_share=0)
    found = measure_outside(scene.frames(), results(scene), scene.bundle, scene, tight)
    assert found.largest_difference > 0


def test_results_of_another_length_or_size_are_refused(scene):
    made = results(scene)
    with pytest.raises(InputError, match="frame 2 of the result is missing"):
        measure_outside(scene.frames(), made[:2], scene.bundle, scene, Margins())
    with pytest.raises(InputError, match="more than the 3 frames"):
        measure_outside(scene.frames(), [*made, made[0]], scene.bundle, scene, Margins())
    smaller = [Frame(index=0, pts_ticks=0, rgb=np.ascontiguousarray(made[0].rgb[1:]))]
    with pytest.raises(InputError, match="frame 0"):
        measure_outside(scene.frames(), smaller, scene.bundle, scene, Margins())


def _sunny(scene, strength=1.0):
    light = dataclasses.replace(scene.bundle.light, sun=Sun(shadow_xz=(1.2, -0.3), darkness=0.5))
    bundle = dataclasses.replace(scene.bundle, light=light)
    config = CompositingConfig(shadow=ShadowConfig(cast_strength=strength))
    done = composite(scene, bundle, scene, scene, config, seed=0)
    return bundle, [Frame(index=frame.index, pts_ticks=frame.index, rgb=frame.rgb) for frame in done]


def test_cast_shadows_are_drawn_within_what_may_change(scene):
    bundle, made = _sunny(scene)
    darker = [plain.rgb.astype(int) - shaded.rgb for plain, shaded in zip(results(scene), made, strict=True)]
    assert any((levels > 10).any() for levels in darker)
    assert measure_outside(scene.frames(), made, bundle, scene, Margins()).largest_difference == 0


def test_without_strength_the_sun_changes_nothing(scene):
    _, off = _sunny(scene, strength=0.0)
    assert all((a.rgb == b.rgb).all() for a, b in zip(off, results(scene), strict=True))


def test_shade_takes_linear_light_and_leaves_the_rest_to_the_bit():
    ground = np.full((4, 4, 3), 188, np.uint8)
    shade = np.zeros((4, 4), np.float32)
    shade[0] = 1.0
    wrote = darken(ground, shade, 0.5)
    assert (wrote == (shade > 0)).all()
    # 188 is half of the light, half of that is 137.
    assert (ground[0] == 137).all()
    assert (ground[1:] == 188).all()
