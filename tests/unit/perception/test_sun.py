"""The sun is told from shadows that agree, and from nothing else."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import pytest

from bodydouble.body.cast_shadow import cast_shadow
from bodydouble.perception.light import sunlit
from bodydouble.perception.sun import find_sun
from bodydouble.scene import MaskStack, PersonTrack, SceneBundle, Sun
from bodydouble.scene.view import View, estimate_view
from bodydouble.testing.bundles import make_bundle

_DARK = [0.3] * 20
_SIZE = (640, 360)


def _track(track_id: int, frames: int) -> PersonTrack:
    """Somebody who comes closer: 0.45 px taller for each row further down, as before a horizon in row 20."""
    template = make_bundle(num_frames=frames, num_people=1).tracks[0]
    feet = np.linspace(150, 250, frames) + 3 * track_id
    tall, middle = 0.45 * (feet - 20), np.linspace(200, 420, frames) + 15 * track_id
    boxes = np.stack([middle - 0.14 * tall, feet - tall, middle + 0.14 * tall, feet], 1).round()
    masks = []
    for left, top, right, bottom in boxes.astype(int):
        mask = np.zeros((bottom - top, right - left), bool)
        quarter = (right - left) // 4
        mask[: (bottom - top) // 7, quarter : 3 * quarter] = True
        mask[(bottom - top) // 7 :] = True
        masks.append(mask)
    return dataclasses.replace(
        template, track_id=track_id, boxes_xyxy_px=boxes.astype(np.float32), visible_fraction=np.ones(frames, np.float32),
        box_scores=np.ones(frames, np.float32), silhouettes=MaskStack.pack(boxes.astype(np.int32), masks),
    )  # fmt: skip


def _street(xz_of_step: object, frames: int = 24) -> SceneBundle:
    bundle = make_bundle(num_frames=frames, num_people=1)
    video = dataclasses.replace(bundle.video, width_px=_SIZE[0], height_px=_SIZE[1])
    bundle = dataclasses.replace(bundle, video=video, tracks=(_track(1, frames), _track(2, frames)))
    if xz_of_step is None:
        return dataclasses.replace(bundle, tracks=tuple(dataclasses.replace(t, shadows=None) for t in bundle.tracks))
    view: View = estimate_view(bundle)
    tracks = []
    for track in bundle.tracks:
        windows, masks = [], []
        for step, (left, top, _, bottom) in enumerate(track.boxes_xyxy_px.astype(int)):
            alpha = track.silhouettes.mask(step).astype(np.uint8) * 255
            cast = cast_shadow(alpha, (int(left), int(top)), float(bottom), view, xz_of_step(step))  # type: ignore[operator]
            assert cast is not None
            # Stored a cell larger all round, as `perception.shadows` does.
            canvas = np.zeros(_SIZE[::-1], np.uint8)
            canvas[cast[0][1] : cast[0][3], cast[0][0] : cast[0][2]] = cast[1] > 0
            windows.append((0, 0, *_SIZE))
            masks.append(cv2.dilate(canvas, np.ones((5, 5), np.uint8)) > 0)
        tracks.append(dataclasses.replace(track, shadows=MaskStack.pack(np.array(windows, np.int32), masks)))
    return dataclasses.replace(bundle, tracks=tuple(tracks))


@pytest.mark.parametrize("xz", [(1.0, 0.4), (-0.7, 0.8), (0.3, -0.9), (2.2, 0.3)])
def test_shadows_that_agree_tell_the_sun(xz: tuple[float, float]) -> None:
    sun = find_sun(_street(lambda _: xz), _DARK)
    assert sun is not None
    apart = math.atan2(*sun.shadow_xz[::-1]) - math.atan2(*xz[::-1])
    assert abs(math.degrees((apart + math.pi) % (2 * math.pi) - math.pi)) < 5
    assert math.hypot(*sun.shadow_xz) == pytest.approx(math.hypot(*xz), rel=0.15)
    # The mean over a shadow with its soft edges is less than what is missing in its midst.
    assert 1 - 0.7**2.2 < sun.darkness < 0.9


def test_shadows_that_fall_everywhere_tell_nothing() -> None:
    around = _street(lambda step: (math.cos(2.4 * step), math.sin(2.4 * step)))
    assert find_sun(around, _DARK) is None


def test_without_shadows_or_with_few_or_faint_ones_nothing_is_claimed() -> None:
    assert find_sun(_street(None), []) is None
    assert find_sun(_street(None), _DARK) is None
    assert find_sun(_street(lambda _: (1.0, 0.4), frames=5), _DARK) is None
    assert find_sun(_street(lambda _: (1.0, 0.4)), [0.01] * 20) is None


def test_the_key_light_comes_from_the_sun() -> None:
    bundle = _street(lambda _: (1.0, 0.4))
    light = sunlit(bundle, Sun(shadow_xz=(1.0, 0.4), darkness=0.6))
    assert max(light.key_direction_xyz[:2]) < 0
    assert np.linalg.norm(light.key_direction_xyz) == pytest.approx(1)
    assert light.key_strength == 0.6
    assert light.ambient_rgb == bundle.light.ambient_rgb
