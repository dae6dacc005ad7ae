"""Sensor, light, seam, shadow and settings, each alone."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from bodydouble.compositing import ChangeCounts, CoverageAudit, TrackOutcome
from bodydouble.compositing.audit import count_change, is_covered
from bodydouble.compositing.config import LightConfig, PaintOutConfig, SensorConfig, ShadowConfig
from bodydouble.compositing.double import contact_shadow, make_layer
from bodydouble.compositing.kernels import paint_plate
from bodydouble.compositing.light import develop, light_curve, measure_plate_light
from bodydouble.compositing.paint_out import fill_from_surroundings, fit_plate, merge, person_area
from bodydouble.compositing.sensor import (
    Noise,
    NoiseField,
    SteadinessEvidence,
    blur_for_render_px,
    estimate_blur_px,
    estimate_noise,
)
from bodydouble.compositing.windows import Window
from bodydouble.errors import ConfigError

FRAME = Window(0, 0, 96, 72)


def edges(blur_px: float) -> np.ndarray:
    """Vertical edges at fractional places, blurred, at 8 bit."""
    fine = np.zeros((8, 200 * 8), dtype=np.float32)
    rng = np.random.default_rng(0)
    position, level = 0, 60.0
    while position < fine.shape[1]:
        fine[:, position:] = level
        level = 200.0 if level < 100 else 60.0
        position += int(rng.integers(130, 170))
    kernel = 2 * round(4 * blur_px * 8) + 1
    fine = cv2.GaussianBlur(fine, (kernel, 1), blur_px * 8)
    row = fine[0].reshape(200, 8).mean(axis=1)
    return np.repeat(np.rint(np.tile(row, (60, 1)))[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("blur_px", [0.5, 0.8, 1.2, 1.8])
def test_softness_is_measured(blur_px):
    picture = edges(blur_px)
    measured = estimate_blur_px(picture, np.ones(picture.shape[:2], dtype=bool))
    assert measured == pytest.approx(blur_px, abs=0.25)


def test_softness_of_a_plate_without_edges_is_unknown():
    flat = np.full((60, 80, 3), 100, dtype=np.uint8)
    valid = np.ones((60, 80), dtype=bool)
    assert estimate_blur_px(flat, valid) is None
    assert estimate_blur_px(flat[:3, :5], valid[:3, :5]) is None
    picture = edges(0.8)
    assert estimate_blur_px(picture, np.zeros(picture.shape[:2], dtype=bool)) is None


def test_a_render_is_never_sharpened():
    assert blur_for_render_px(0.2) == 0.0
    assert blur_for_render_px(0.5) == pytest.approx(0.3)


@pytest.mark.parametrize("sigma", [0.0, 1.5, 4.0])
def test_noise_is_measured_beside_moving_things_and_a_change_of_light(sigma):
    rng = np.random.default_rng(1)
    plate = rng.integers(40, 200, size=(160, 200, 3)).astype(np.uint8)
    frame = plate.astype(float) + 12 + rng.normal(0, sigma, size=(160, 200, 1))
    frame = frame.round().clip(0, 255).astype(np.uint8)
    frame[50:100, 50:70] = 255
    usable = np.ones((160, 200), dtype=bool)
    assert estimate_noise(frame, plate, usable).sigma == pytest.approx(sigma, abs=0.35)
    assert estimate_noise(frame, plate, ~usable).sigma == 0.0


def test_noise_of_smooth_places_is_what_doubles_get():
    """Encoders leave more than noise on texture; cloth is mostly smooth."""
    rng = np.random.default_rng(2)
    plate = np.full((160, 200, 3), 120, dtype=np.uint8)
    plate[:, 60:] = rng.integers(40, 200, size=(160, 140, 3))
    sigma = np.where(np.arange(200) < 60, 1.5, 5.0)[None, :, None]
    frame = (plate + rng.normal(0, 1, size=(160, 200, 1)) * sigma).round().clip(0, 255).astype(np.uint8)
    assert estimate_noise(frame, plate, np.ones((160, 200), dtype=bool)).sigma == pytest.approx(1.5, abs=0.2)
    textured = np.ones((160, 200), dtype=bool)
    textured[:, :66] = False
    assert estimate_noise(frame, plate, textured).sigma > 3.0


def grain(field, window, frame_index, track_id, grain_px=0.6):
    """Noise of a window as the kernels read it."""
    piece = field.piece(window, frame_index, track_id, grain_px)
    side = len(piece.tile)
    rows = (piece.row + np.arange(window.height)) % side
    columns = (piece.column + np.arange(window.width)) % side
    return piece.tile[np.ix_(rows, columns)]


def test_noise_has_unit_deviation_and_differs_by_frame_track_seed_and_clip():
    window = Window(10, 300, 210, 500)
    field = NoiseField(3, "clip")
    first = grain(field, window, 7, 1)
    assert first.std() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(first, grain(NoiseField(3, "clip"), window, 7, 1))
    for other in (
        grain(field, window, 8, 1),
        grain(field, window, 7, 2),
        grain(NoiseField(4, "clip"), window, 7, 1),
        grain(NoiseField(3, "other"), window, 7, 1),
    ):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1


def test_what_stays_of_the_noise_stays_and_moves_with_its_anchor():
    field, window = NoiseField(3, "clip"), Window(10, 300, 210, 500)
    one, two = (field.piece(window, frame, 1, 0.6, (20, 310)) for frame in (7, 8))
    assert (one.steady_row, one.steady_column) == (two.steady_row, two.steady_column)
    assert (one.row, one.column) != (two.row, two.column)
    moved = field.piece(Window(13, 305, 213, 505), 8, 1, 0.6, (23, 315))
    assert (moved.steady_row, moved.steady_column) == (one.steady_row, one.steady_column)
    other = field.piece(window, 7, 2, 0.6, (20, 310))
    assert (one.steady_row, one.steady_column) != (other.steady_row, other.steady_column)


@pytest.mark.parametrize("steady", [0.0, 0.5, 1.0])
def test_share_of_the_noise_that_stays_is_found_and_made(steady):
    rng = np.random.default_rng(5)
    plate = np.full((160, 240, 3), 120, dtype=np.uint8)
    still = rng.normal(0, 2.5 * np.sqrt(steady), size=(160, 240, 1))
    evidence, usable = SteadinessEvidence(), np.ones((160, 240), dtype=bool)
    assert evidence.share() == 0.0
    for index in (4, 5, 9, 10):
        fresh = rng.normal(0, 2.5 * np.sqrt(1 - steady), size=(160, 240, 1))
        evidence.add(index, np.clip(np.rint(plate + still + fresh), 0, 255).astype(np.uint8), plate, usable)
    assert evidence.share() == pytest.approx(steady, abs=0.08)
    fresh_sigma, steady_sigma = Noise(sigma=5.0, steady=steady).sigmas
    assert fresh_sigma**2 + steady_sigma**2 == pytest.approx(25.0)
    assert steady_sigma**2 == pytest.approx(25.0 * steady)


def test_frames_that_do_not_follow_each_other_tell_nothing_about_noise_in_time():
    plate, usable = np.full((80, 120, 3), 120, dtype=np.uint8), np.ones((80, 120), dtype=bool)
    noisy = np.clip(plate + np.random.default_rng(1).normal(0, 4, size=(80, 120, 1)), 0, 255).astype(np.uint8)
    evidence = SteadinessEvidence()
    evidence.add(3, noisy, plate, usable)
    evidence.add(5, noisy, plate, usable)
    assert evidence.share() == 0.0
    evidence.add(6, noisy, plate, ~usable)
    assert evidence.share() == 0.0


@pytest.mark.parametrize("softness_px", [0.0, 0.6, 1.0])
def test_noise_is_made_as_coarse_as_it_was_found(softness_px):
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, size=(240, 320)).astype(np.float32)
    if softness_px > 0:
        noise = cv2.GaussianBlur(noise, (0, 0), softness_px)
    noise *= 4.0 / noise.std()
    plate = np.full((240, 320, 3), 120, dtype=np.uint8)
    frame = np.clip(np.rint(plate + noise[:, :, None]), 0, 255).astype(np.uint8)
    found = estimate_noise(frame, plate, np.ones((240, 320), dtype=bool))
    made = grain(NoiseField(0, "clip"), Window(0, 0, 200, 200), 0, 1, found.grain_px) * found.sigma
    assert made.std() == pytest.approx(4.0, rel=0.15)

    def neighbours(picture):
        return np.corrcoef(picture[:, 1:].ravel(), picture[:, :-1].ravel())[0, 1]

    assert neighbours(made) == pytest.approx(neighbours(noise), abs=0.12)


def shown(light, local, config):
    """(256, 3): what becomes of greys from black to white."""
    greys = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 1, 3))
    return develop(greys, light_curve(light, local, config), light, config)[:, 0]


def test_light_curve_rises_everywhere_and_follows_the_plate():
    rng = np.random.default_rng(0)
    dark = measure_plate_light(rng.integers(5, 60, size=(80, 80, 3)).astype(np.uint8))
    bright = measure_plate_light(rng.integers(120, 255, size=(80, 80, 3)).astype(np.uint8))
    curves = [shown(light, None, LightConfig()) for light in (dark, bright)]
    for curve in curves:
        assert curve.shape == (256, 3)
        assert (np.diff(curve.astype(int), axis=0) >= 0).all()
    assert (curves[0][128] < curves[1][128]).all()
    # Gently: a mid grey double in a dark hall is not drowned. (Half of the pixels of people in such a hall are below 31.)
    assert curves[0][128].min() > 31
    shade = shown(bright, 0.1, LightConfig())
    assert (shade[128] < curves[1][128]).all()


def test_light_without_strength_leaves_colours_alone():
    off = LightConfig(
        exposure_strength=0, local_strength=0, white_balance_strength=0, tone_strength=0, toe_strength=0, saturation=1
    )  # fmt: skip
    light = measure_plate_light(np.full((9, 9, 3), (200, 30, 60), dtype=np.uint8))
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    np.testing.assert_array_equal(develop(rgb, light_curve(light, 0.5, off), light, off), rgb)


def test_the_toe_deepens_what_is_dark_and_leaves_what_is_light():
    light = measure_plate_light(np.full((9, 9, 3), 118, dtype=np.uint8))
    only = {"exposure_strength": 0, "local_strength": 0, "white_balance_strength": 0, "tone_strength": 0}
    flat, deep = (shown(light, None, LightConfig(**only, toe_strength=strength)) for strength in (0.0, 0.5))
    assert (deep[20:90] < flat[20:90]).all()
    assert (deep[0] == 0).all()
    np.testing.assert_array_equal(deep[112:], flat[112:])
    assert (np.diff(deep.astype(int), axis=0) >= 0).all()


def test_dark_skin_keeps_its_hue_where_the_toe_deepens_it():
    only = {"exposure_strength": 0, "local_strength": 0, "white_balance_strength": 0, "tone_strength": 0}
    light = measure_plate_light(np.full((9, 9, 3), 118, dtype=np.uint8))
    config = LightConfig(**only, toe_strength=0.8, saturation=1.0)
    skin = np.full((3, 3, 3), (126, 84, 60), dtype=np.uint8)
    deep = develop(skin, light_curve(light, None, config), light, config)[1, 1].astype(float)
    assert deep.max() < 120
    np.testing.assert_allclose(deep / deep.sum(), np.array([126, 84, 60]) / 270, atol=0.01)
    paler = develop(
        skin, light_curve(light, None, config), light, LightConfig(**only, toe_strength=0.8, saturation=0.5)
    )
    assert np.ptp(paler[1, 1].astype(float)) == pytest.approx(0.5 * np.ptp(deep), abs=2)


def test_cloth_may_be_darker_than_the_darkest_of_a_hazy_plate():
    haze = measure_plate_light(np.tile(np.linspace(40, 180, 80).astype(np.uint8)[:, None, None], (1, 80, 3)))
    black = shown(haze, None, LightConfig())[0]
    assert (black > 5).all()
    assert (black < 0.7 * haze.black_code).all()


def test_light_of_a_black_plate_is_finite():
    curve = shown(measure_plate_light(np.zeros((5, 5, 3), dtype=np.uint8)), 0.0, LightConfig())
    assert curve[255].min() >= 100


def painted(cover, fit, limit, weight, base=None, as_it_is=None):
    """What the kernel makes of a base (black if none) without noise."""
    result = np.zeros_like(cover) if base is None else base.copy()
    keep = np.zeros(weight.shape, dtype=bool) if as_it_is is None else as_it_is
    tile = np.zeros((4, 4), dtype=np.float32)
    paint_plate(result, cover, keep, fit, limit, tile, np.zeros((2, 2), np.int64), np.zeros(2), weight)
    return result


def test_seam_offset_is_a_plane_and_needs_enough_pixels():
    y, x = np.mgrid[0:40, 0:30].astype(np.float32)
    plate = np.full((40, 30, 3), 100, dtype=np.uint8)
    frame = np.rint(plate + (2 + 0.2 * x - 0.1 * y)[:, :, None]).astype(np.uint8)
    ring = np.ones((40, 30), dtype=bool)
    ring[8:32, 8:22] = False
    fit = fit_plate(frame, plate, ring, 16.0)
    everywhere = np.full((40, 30), 255, dtype=np.uint8)
    assert np.abs(painted(plate, fit, 16.0, everywhere).astype(float) - frame).max() <= 1.0
    few = np.zeros_like(ring)
    few[0, :20] = True
    assert not fit_plate(frame, plate, few, 16.0).any()
    assert np.abs(painted(plate, fit, 1.5, everywhere).astype(float) - plate).max() <= 2.0


def test_feather_keeps_two_pixels_away_from_the_silhouette(street, walker):
    track = street().track(walker(track_id=1, places={0: (40, 20)}))
    y, x = np.mgrid[-2:3, -2:3]
    disc = (np.hypot(x, y) <= 2).astype(np.uint8)
    for radius in (2, 3, 5, 9):
        config = PaintOutConfig(dilation_share=0, dilation_min_px=radius, feather_px=8)
        area = person_area(track, 0, FRAME, config)
        assert area is not None
        near = cv2.dilate(area.silhouette.astype(np.uint8), disc) > 0
        assert (area.plate_weight[near] == 255).all()
        assert ((area.plate_weight > 0).sum() > area.silhouette.sum() * 1.2) or radius == 2


def test_dilation_follows_height_within_limits():
    config = PaintOutConfig(dilation_share=0.05, dilation_min_px=3, dilation_max_px=10)
    assert [config.dilation_px(h) for h in (0.0, 40.0, 100.0, 1000.0)] == [3, 3, 5, 10]


def test_painting_with_no_weight_keeps_the_base():
    base = np.random.default_rng(0).integers(0, 255, size=(6, 7, 3)).astype(np.uint8)
    cover = np.full((6, 7, 3), 250, dtype=np.uint8)
    weight = np.zeros((6, 7), dtype=np.uint8)
    weight[2, 3], weight[4, 4] = 255, 255
    fit = np.zeros((3, 3), dtype=np.float32)
    fit[0] = 9.0
    as_it_is = np.zeros((6, 7), dtype=bool)
    as_it_is[4, 4] = True
    out = painted(cover, fit, 16.0, weight, base, as_it_is)
    assert (out[2, 3] == 255).all()
    assert (out[4, 4] == 250).all()
    out[2, 3], out[4, 4] = base[2, 3], base[4, 4]
    np.testing.assert_array_equal(out, base)


def test_softening_keeps_the_double_whole_and_in_its_place(double):
    sprite = double(30, 20)
    sharp = make_layer(sprite, sprite.rgba[:, :, :3], 0.0, FRAME)
    soft = make_layer(sprite, sprite.rgba[:, :, :3], 1.2, FRAME)
    assert soft.alpha.sum() == pytest.approx(sharp.alpha.sum(), rel=0.02)
    assert (soft.window.left, soft.window.top) == (27, 17)
    # Straight colour stays that of the double up to the faintest edge: no dark fringe.
    edge = soft.alpha > 0.02
    np.testing.assert_allclose(soft.colour[edge] / soft.alpha[edge][:, None], [[20, 200, 60]] * edge.sum(), rtol=0.02)


def test_no_shadow_for_a_double_in_the_air_or_without_pixels(double):
    sprite = double(30, 20)
    lifted = type(sprite)(left_px=30, top_px=20, rgba=sprite.rgba, ground_y_px=sprite.ground_y_px + 10)
    empty = type(sprite)(left_px=30, top_px=20, rgba=np.zeros((4, 4, 4), dtype=np.uint8), ground_y_px=24.0)
    assert contact_shadow(sprite, FRAME, ShadowConfig()) is not None
    assert contact_shadow(lifted, FRAME, ShadowConfig()) is None
    assert contact_shadow(empty, FRAME, ShadowConfig()) is None
    assert contact_shadow(sprite, FRAME, ShadowConfig(strength=0)) is None


def test_counts_of_change_by_hand():
    original = np.full((1, 6, 3), 100, dtype=np.uint8)
    plate, result = original.copy(), original.copy()
    original[0, 0, 2] = 121  # 21 from the plate in one channel: a person pixel; the result is the plate: changed.
    original[0, 1, 0] = 120  # 20: not a person pixel.
    original[0, 2] = 200  # Person; the result differs by 5 in every channel: unchanged.
    result[0, 2] = 205
    original[0, 3] = 200  # Person; the result differs by 6 in one channel: changed.
    result[0, 3] = (200, 206, 200)
    original[0, 4] = 200  # Outside the silhouette.
    silhouette = np.array([[1, 1, 1, 1, 0, 1]], dtype=bool)
    counts = count_change(original, plate, result, silhouette)
    assert counts == ChangeCounts(silhouette_px=5, person_px=3, unchanged_px=1, same_px=2)


def test_covered_means_fewer_than_fifteen_percent():
    assert is_covered(ChangeCounts(person_px=100, unchanged_px=14))
    assert not is_covered(ChangeCounts(person_px=100, unchanged_px=15))
    assert is_covered(ChangeCounts())
    # A plate that holds the person makes no person pixels, and changes nothing.
    assert not is_covered(ChangeCounts(silhouette_px=100, same_px=50))
    assert is_covered(ChangeCounts(silhouette_px=100, same_px=49))


def test_audit_sums_over_frames_and_tracks():
    audit = CoverageAudit()
    assert audit.coverage == 1.0
    for track_id, unchanged in ((1, 0), (2, 50), (1, 0), (2, 0)):
        change = ChangeCounts(silhouette_px=200, person_px=100, unchanged_px=unchanged)
        audit.add([TrackOutcome(track_id=track_id, action="replaced", reason="", change=change)])
    assert audit.coverage == 0.75
    assert audit.by_track[2].coverage == 0.5
    assert audit.total.unchanged_share == 50 / 400


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: PaintOutConfig(dilation_min_px=1), "dilation_min_px"),
        (lambda: PaintOutConfig(dilation_min_px=9, dilation_max_px=8), "dilation_max_px"),
        (lambda: LightConfig(max_gain=0.5), "max_gain"),
        (lambda: SensorConfig(noise_strength=float("nan")), "noise_strength"),
        (lambda: ShadowConfig(strength=1.5), "strength"),
    ],
)
def test_settings_out_of_range_are_named(make, name):
    with pytest.raises(ConfigError, match=name):
        make()


def test_settings_load_nothing_heavy():
    code = "import sys, bodydouble.compositing; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_people_who_touch_are_joined_and_others_are_not(street, walker):
    scene = street()
    places = [(2, 2), (40, 20), (49, 24), (80, 40), (47, 42)]
    areas = []
    for number, place in enumerate(places, start=1):
        area = person_area(scene.track(walker(track_id=number, places={0: place})), 0, FRAME, PaintOutConfig())
        assert area is not None
        areas.append(area)
    for order in (areas, areas[::-1]):
        groups = sorted(merge(order), key=lambda group: group.window.left)
        assert [group.window.left for group in groups] == [0, 37, 77]
        canvas, expected = np.zeros((72, 96), dtype=np.uint8), np.zeros((72, 96), dtype=np.uint8)
        for area in areas:
            expected[area.window.slices] = np.maximum(expected[area.window.slices], area.plate_weight)
        for group in groups:
            canvas[group.window.slices] = np.maximum(canvas[group.window.slices], group.plate_weight)
        np.testing.assert_array_equal(canvas, expected)
    assert merge([]) == []


def test_fill_is_made_of_the_surroundings_alone():
    rng = np.random.default_rng(0)
    frame = rng.integers(90, 110, size=(61, 45, 3)).astype(np.uint8)
    frame[:, 30:] += 60
    known = np.ones((61, 45), dtype=bool)
    known[8:55, 6:40] = False
    filled = fill_from_surroundings(frame, known)
    frame[~known] = 255
    np.testing.assert_array_equal(fill_from_surroundings(frame, known), filled)
    assert filled.min() >= 90
    assert filled.max() <= 170
    assert filled[30, 8].mean() < filled[30, 38].mean()
    np.testing.assert_array_equal(fill_from_surroundings(frame, np.zeros_like(known)), 128.0)
    assert fill_from_surroundings(frame[:1, :1], known[:1, :1]).shape == (1, 1, 3)
