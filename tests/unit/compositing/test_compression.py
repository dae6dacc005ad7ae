"""The comb that a block codec leaves, and doubles stored as coarsely."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bodydouble.compositing import CompositingConfig, LightConfig, SensorConfig, ShadowConfig, composite
from bodydouble.compositing.compression import BLOCK_PX, FINE_FROM, CombEvidence, dct_basis
from bodydouble.compositing.kernels import round_blocks
from bodydouble.scene import Sprite

STEP = 8.0


def photograph(seed: int, height: int = 243, width: int = 325) -> np.ndarray:
    """Texture of many sizes, as pictures have; odd sides."""
    rng = np.random.default_rng(seed)
    total = sum(
        cv2.resize(rng.normal(0, 9, (height // s + 2, width // s + 2)).astype(np.float32), (width, height)) * s**0.4
        for s in (1, 2, 4, 16)
    )
    return np.clip(np.rint(np.repeat((110 + total)[:, :, None], 3, axis=2)), 0, 255).astype(np.uint8)


def stored(rgb: np.ndarray, *, shift: int = 0, step: float = STEP) -> np.ndarray:
    """As a codec with one step for all coefficients but the mean stores it, its blocks beginning ``shift`` px later."""
    basis = dct_basis()
    result = rgb.copy()
    for top in range(shift, rgb.shape[0] - 7, BLOCK_PX):
        for left in range(shift, rgb.shape[1] - 7, BLOCK_PX):
            block = rgb[top : top + 8, left : left + 8, 0].astype(np.float32)
            sizes = basis @ block @ basis.T
            kept = np.rint(sizes / step) * step
            kept[0, 0] = sizes[0, 0]
            result[top : top + 8, left : left + 8] = np.clip(np.rint(basis.T @ kept @ basis), 0, 255)[:, :, None]
    return result


def comb_of(*frames: np.ndarray, usable: np.ndarray | None = None):
    evidence = CombEvidence()
    for rgb in frames:
        evidence.add(rgb, np.ones(rgb.shape[:2], bool) if usable is None else usable)
    return evidence.comb()


@pytest.mark.parametrize("step", [5.0, 8.0, 14.0])
def test_the_step_of_a_codec_is_found(step):
    found = comb_of(*(stored(photograph(seed), step=step) for seed in range(6)))
    assert found is not None
    assert found.first == pytest.approx(step, abs=0.5)
    assert found.spacing == pytest.approx(step, abs=0.5)
    assert 0.5 * step < found.vanishes_below < step


@pytest.mark.parametrize(
    "change", [lambda rgb: rgb, lambda rgb: stored(rgb, shift=3), lambda rgb: np.full_like(rgb, 90)],
    ids=["never compressed", "scaled or cut since", "nothing to see"],
)  # fmt: skip
def test_without_a_comb_there_is_none(change):
    assert comb_of(*(change(photograph(seed)) for seed in range(6))) is None


def test_one_small_frame_and_people_everywhere_say_nothing():
    rgb = stored(photograph(0))
    assert comb_of(rgb[:30, :20]) is None
    assert comb_of(rgb[:5, :5]) is None
    assert comb_of(rgb, usable=np.zeros(rgb.shape[:2], bool)) is None


def test_a_layer_gets_the_comb_and_nothing_else_changes():
    frame = photograph(7)
    alpha = np.zeros((90, 61), np.float32)
    alpha[10:80, 7:50] = 1.0
    result, sizes = frame.copy(), np.array([0.75 * STEP, STEP, STEP])
    round_blocks(result, alpha, 20, 33, sizes, dct_basis(), FINE_FROM)
    inside = np.zeros(frame.shape[:2], bool)
    inside[20:110, 33:94] = alpha > 0
    np.testing.assert_array_equal(result[~inside], frame[~inside])
    fine = np.add.outer(np.arange(8), np.arange(8)) >= FINE_FROM
    before, after = (dct_basis() @ p[40:48, 48:56, 0].astype(np.float32) @ dct_basis().T for p in (frame, result))
    teeth = np.abs(after[fine] / STEP - np.rint(after[fine] / STEP)) * STEP
    # Bytes are rounded once more.
    assert np.quantile(teeth, 0.9) < 1.0
    np.testing.assert_allclose(after[~fine], before[~fine], atol=2.0)
    assert (np.abs(after[fine]) < 1.0).mean() > 2 * (np.abs(before[fine]) < 1.0).mean()


def test_blocks_that_the_frame_cuts_are_left_alone():
    frame = photograph(8)
    result = frame.copy()
    round_blocks(result, np.ones((9, 12), np.float32), 237, 318, np.array([6.0, 8.0, 8.0]), dct_basis(), FINE_FROM)
    np.testing.assert_array_equal(result[240:], frame[240:])
    np.testing.assert_array_equal(result[:, 320:], frame[:, 320:])


def test_grey_stays_grey():
    result = photograph(9)
    round_blocks(result, np.ones((100, 100), np.float32), 8, 8, np.array([6.0, 8.0, 8.0]), dct_basis(), FINE_FROM)
    assert np.ptp(result, axis=2).max() == 0


@pytest.fixture
def clip(street, walker):
    """A clip as such a codec leaves it, and a double with fine stripes; grey, so that brightness is all there is."""
    scene = street(
        width=324, height=240, frames_count=4, walkers=[walker(1, dict.fromkeys(range(4), (150, 80)), size=(90, 50))]
    )
    scene.ground = stored(photograph(3, 240, 324))
    rgba = np.full((100, 60, 4), 255, np.uint8)
    rgba[:, :, :3] = photograph(4, 100, 60)
    scene.sprites = {f: [(1, Sprite(left_px=146, top_px=76, rgba=rgba, ground_y_px=176.0))] for f in range(4)}
    return scene


def result(scene, **sensor) -> np.ndarray:
    light = LightConfig(
        exposure_strength=0, local_strength=0, white_balance_strength=0, tone_strength=0, toe_strength=0, saturation=1
    )
    config = CompositingConfig(
        light=light, shadow=ShadowConfig(strength=0),
        sensor=SensorConfig(blur_strength=0, noise_strength=0, chroma_strength=0, **sensor),
    )  # fmt: skip
    return list(composite(scene, scene.bundle, scene, scene, config))[-1].rgb


def test_doubles_of_such_a_clip_are_stored_as_coarsely(clip):
    inside = (slice(88, 168), slice(152, 200))
    on, off = result(clip), result(clip, compression=False)
    outside = np.ones(on.shape[:2], bool)
    outside[76:176, 146:206] = False
    np.testing.assert_array_equal(on[outside], off[outside])
    fine = np.add.outer(np.arange(8), np.arange(8)) >= FINE_FROM

    def vanished(rgb, place=inside):
        blocks = rgb[place][..., 0].reshape(10, 8, 6, 8).swapaxes(1, 2).astype(np.float32)
        return (np.abs(dct_basis() @ blocks @ dct_basis().T)[..., fine] < 1.0).mean()

    assert vanished(on) > 2 * vanished(off)
    assert 0.5 < vanished(on) / vanished(clip.ground, (slice(0, 80), slice(0, 48))) < 2.0


def test_people_in_other_colours_change_nothing(clip):
    np.testing.assert_array_equal(result(clip), result(clip.recoloured((10, 250, 0))))
