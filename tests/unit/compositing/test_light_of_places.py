"""Light of the places doubles walk through: steady over time, and that of the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.compositing import CompositingConfig, LightConfig, SensorConfig, ShadowConfig, composite
from bodydouble.compositing.light import SRGB_TO_LINEAR, frame_gain
from bodydouble.compositing.place_light import LightMap, place_brightness

QUIET = CompositingConfig(sensor=SensorConfig(noise_strength=0), shadow=ShadowConfig(strength=0))


def test_means_of_rectangles_between_pixels():
    plate = np.zeros((40, 80, 3), dtype=np.uint8)
    plate[:, 40:] = 255
    light = LightMap(plate)
    boxes = np.array(
        [[0, 0, 40, 40], [40, 0, 80, 40], [30, 5, 50, 9], [30.4, 0, 50.4, 40], [-50, -50, 500, 500], [90, 0, 95, 9]]
    )
    np.testing.assert_allclose(light.means(boxes), [0, 1, 0.5, 0.52, 0.5, np.nan], atol=1e-6)
    grey = LightMap(np.full((7, 9, 3), 100, dtype=np.uint8)).means(np.array([[1.0, 2.0, 3.5, 4.5]]))
    assert grey[0] == pytest.approx(SRGB_TO_LINEAR[100], rel=1e-4)


def brightness(plate, track, share=0.8):
    (value,) = place_brightness(LightMap(plate), [(track, 0)], LightConfig(body_share=share), 25.0)
    return value


def test_brightness_lies_between_feet_and_body_and_is_known_from_either(street, walker):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20)})], frames_count=1)
    plate = np.full((72, 96, 3), 60, dtype=np.uint8)
    plate[46:] = 200
    (track,) = scene.bundle.tracks

    def at(share):
        return brightness(plate, track, share)

    assert at(0.0) > 1.5 * at(0.5) > 1.5 * 1.2 * at(1.0)
    outside = replace(track, boxes_xyxy_px=track.boxes_xyxy_px + np.float32(500))
    assert brightness(plate, outside) is None
    below = replace(track, boxes_xyxy_px=track.boxes_xyxy_px + np.float32([0, 40, 0, 40]))
    assert brightness(plate, below, 0.0) == pytest.approx(SRGB_TO_LINEAR[200], rel=1e-3)
    assert brightness(np.zeros_like(plate), track) > 0


def test_light_of_a_trembling_box_is_steady(street, walker, double):
    """Colour of one double, frame by frame, beside an edge between dark and bright; without smoothing it flickers."""
    rng = np.random.default_rng(2)
    places = {i: (40 + int(rng.integers(-3, 4)), 20) for i in range(24)}
    scene = street(walkers=[walker(track_id=1, places=places)], frames_count=24)
    scene.ground[:, :46], scene.ground[:, 46:] = 30, 190
    for index in range(24):
        scene.sprites[index] = [(1, double(40, 22, rgb=(150, 150, 150)))]

    def flicker(seconds):
        config = replace(QUIET, light=LightConfig(smoothing_seconds=seconds))
        values = [f.rgb[36, 45, 0] for f in composite(scene, scene.bundle, scene, scene, config)]
        return np.abs(np.diff(np.array(values, float))).mean()

    assert flicker(0.4) < 0.35 * flicker(0.0)
    assert flicker(0.4) < 1.0


def test_doubles_follow_a_change_of_the_light(street, walker, double):
    scene = street(walkers=[walker(track_id=1, places={0: (40, 20), 1: (40, 20)})], frames_count=2)
    for index in (0, 1):
        scene.sprites[index] = [(1, double(40, 22, rgb=(120, 120, 120)))]
    scene.rgb = lambda index: np.rint(scene.ground * (1.0 if index == 0 else 0.8)).astype(np.uint8)
    before, after = (f.rgb[36, 45].astype(float) for f in composite(scene, scene.bundle, scene, scene, QUIET))
    np.testing.assert_allclose(after / before, 0.8, atol=0.03)


def test_gain_is_of_what_is_usable_and_one_without():
    plate = np.random.default_rng(0).integers(60, 200, size=(80, 80, 3)).astype(np.uint8)
    frame = np.rint(plate * np.array([1.1, 1.0, 0.9])).astype(np.uint8)
    usable = np.ones((80, 80), dtype=bool)
    usable[30:] = False
    frame[30:] = 0
    np.testing.assert_allclose(frame_gain(frame, plate, usable), [1.1, 1.0, 0.9], atol=0.01)
    np.testing.assert_array_equal(frame_gain(frame, plate, ~(usable | True)), 1.0)
    np.testing.assert_array_equal(frame_gain(frame[:1, :1], plate[:1, :1], usable[:1, :1]), 1.0)
