"""Blur and blocks: what each must look like, how strong it is, where it stops, and that one is not the other."""

from __future__ import annotations

import dataclasses
import itertools

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.baselines import BaselineConfig, BlurConfig, ObscureConfig, PixelateConfig, RegionConfig
from bodydouble.baselines.blur import kernel_of
from bodydouble.baselines.painter import apply, paint
from bodydouble.baselines.region import region_of
from bodydouble.baselines.window import Person
from bodydouble.errors import BundleError, ConfigError
from bodydouble.testing import make_walker_clip
from tests.unit.baselines.conftest import FRAME_SIZE, make_person, noise

BOX = (50.0, 10.0, 90.0, 110.0)
ALL: tuple[BaselineConfig, ...] = (
    ObscureConfig(),
    ObscureConfig(part="face"),
    ObscureConfig(setting="paper"),
    BlurConfig(),
    BlurConfig(setting="paper"),
    BlurConfig(setting="authors-code"),
    BlurConfig(region=RegionConfig(shape="box")),
    PixelateConfig(),
    PixelateConfig(setting="paper"),
    PixelateConfig(region=RegionConfig(shape="box")),
)


def region(person: Person, config: RegionConfig | None = None) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((FRAME_SIZE[1], FRAME_SIZE[0]), bool)
    window, mask = region_of(person, FRAME_SIZE, config or RegionConfig())
    canvas[window.slices] = mask
    return canvas


def equal_neighbours(rgb: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_]) -> float:
    """Share of horizontal neighbours, both inside a region, that are alike: high in blocks, next to none in a blur."""
    both = where[:, 1:] & where[:, :-1]
    return float((rgb[:, 1:] == rgb[:, :-1]).all(axis=2)[both].mean())


def steps(rgb: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_]) -> float:
    """Largest step between horizontal neighbours inside a region: large at the edges of blocks, small in a blur."""
    both = where[:, 1:] & where[:, :-1]
    return float(np.abs(np.diff(rgb.astype(int), axis=1))[both].max())


def test_blurred_is_blurred_and_pixelated_is_pixelated() -> None:
    person, original = make_person(BOX), noise()
    where = region(person)
    blurred = apply(original, (person,), BlurConfig())
    pixelated = apply(original, (person,), PixelateConfig())
    assert equal_neighbours(pixelated, where) > 0.75
    assert equal_neighbours(blurred, where) < 0.3
    assert steps(blurred, cv2.erode(where.astype(np.uint8), np.ones((3, 3))) > 0) < 16
    assert steps(pixelated, where) > 16
    # The paper's as well, for people large enough: its folders were named the wrong way round.
    big = make_person((5.0, 0.0, 155.0, 120.0))
    assert equal_neighbours(apply(original, (big,), PixelateConfig(setting="paper")), region(big)) > 0.75
    assert equal_neighbours(apply(original, (big,), BlurConfig(setting="paper")), region(big)) < 0.2


@pytest.mark.parametrize("config", ALL)
def test_nothing_outside_the_region_changes_and_the_input_never(config: BaselineConfig) -> None:
    people = (make_person(BOX), make_person((100.0, 40.0, 130.0, 119.0), track_id=2))
    original = noise()
    before = original.copy()
    result = apply(original, people, config)
    assert result.dtype == np.uint8
    assert np.array_equal(original, before)
    changed = (result != original).any(axis=2)
    allowed = np.zeros_like(changed)
    for left, top, right, bottom in ((46, 4, 94, 114), (96, 34, 134, 120)):
        allowed[top:bottom, left:right] = True
    assert changed.any()
    assert not (changed & ~allowed).any()
    assert np.array_equal(apply(original, (), config), original)


@pytest.mark.parametrize("config", ALL)
@pytest.mark.parametrize(
    "box",
    [(-20.0, -10.0, 15.0, 50.0), (140.0, 70.0, 200.0, 180.0), (-80.0, 0.0, -10.0, 60.0), (3.0, 3.0, 4.2, 4.1)],
)
def test_people_at_the_border_beyond_it_and_of_one_pixel(
    config: BaselineConfig, box: tuple[float, float, float, float]
) -> None:
    original = noise()
    result = apply(original, (make_person(box),), config)
    assert result.shape == original.shape
    if box[2] > 5:
        assert (result != original).any()


@pytest.mark.parametrize("config", ALL)
def test_grey_stays_grey(config: BaselineConfig) -> None:
    grey = noise()[..., :1].repeat(3, axis=2)
    result = apply(grey, (make_person(BOX),), config)
    assert np.ptp(result, axis=2).max() == 0


@pytest.mark.parametrize("config", ALL)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 57)])
def test_tiny_and_odd_frames(config: BaselineConfig, size: tuple[int, int]) -> None:
    original = noise(size)
    result = apply(original, (make_person((0.0, 0.0, *map(float, size)), size=size),), config)
    assert result.shape == original.shape


def test_blocks_are_means_and_have_the_size_of_the_person() -> None:
    config = PixelateConfig(region=RegionConfig(shape="box"), block_share=0.1)
    original = noise()
    result = apply(original, (make_person(BOX),), config)
    block = original[20:30, 60:70].reshape(-1, 3).mean(axis=0)
    assert np.array_equal(result[20:30, 60:70].reshape(-1, 3), np.tile(np.rint(block).astype(np.uint8), (100, 1)))
    small = apply(original, (make_person((50.0, 10.0, 70.0, 60.0)),), config)
    assert np.unique(small[10:60, 50:70].reshape(-1, 3), axis=0).shape[0] == 10 * 4


def test_the_papers_blocks_are_15_by_15_whatever_the_size() -> None:
    for box, filled in (((10.0, 0.0, 130.0, 120.0), False), ((50.0, 10.0, 95.0, 70.0), False)):
        result = apply(noise(), (make_person(box, filled=filled),), PixelateConfig(setting="paper"))
        left, top, right, bottom = map(int, box)
        assert np.unique(result[top:bottom, left:right].reshape(-1, 3), axis=0).shape[0] == 15 * 15


def test_people_smaller_than_the_papers_cells_stay_as_filmed() -> None:
    """Why the paper's setting is no protection, and why ours has a least size of a block."""
    original = noise()
    person = make_person((40.0, 40.0, 55.0, 55.0))
    assert np.array_equal(apply(original, (person,), PixelateConfig(setting="paper")), original)
    assert equal_neighbours(apply(original, (person,), PixelateConfig()), region(person)) > 0.6


def test_strength_follows_the_person_and_the_authors_follows_the_place() -> None:
    near, far = make_person((20.0, 0.0, 60.0, 100.0)), make_person((20.0, 20.0, 36.0, 60.0))
    assert kernel_of(near, BlurConfig())[1] == pytest.approx(2.5 * kernel_of(far, BlurConfig())[1], rel=1e-6)
    assert kernel_of(near, BlurConfig(setting="paper")) == (5, pytest.approx(1.1))
    assert kernel_of(far, BlurConfig(setting="paper")) == (3, pytest.approx(0.8))
    size = (800, 600)
    right = make_person((680.0, 100.0, 720.0, 200.0), size=size)
    left = make_person((0.0, 10.0, 40.0, 50.0), size=size)
    code = BlurConfig(setting="authors-code")
    assert kernel_of(right, code)[0] == 35  # 5 % of x = 700
    assert kernel_of(left, code)[0] == 3
    sigma = BlurConfig(sigma_share=0.001, sigma_min_px=2.0)
    assert kernel_of(far, sigma)[1] == 2.0


def test_a_blur_is_a_gaussian_of_the_whole_picture_cut_out() -> None:
    person, original = make_person(BOX), noise()
    side, sigma = kernel_of(person, BlurConfig())
    expected = cv2.GaussianBlur(original, (side, side), sigma)
    where = region(person)
    difference = np.abs(apply(original, (person,), BlurConfig())[where].astype(int) - expected[where].astype(int))
    assert difference.max() <= 1


@pytest.mark.parametrize("config", [BlurConfig(), PixelateConfig()])
def test_where_people_overlap_the_stronger_stays_in_any_order(config: BaselineConfig) -> None:
    original = noise()
    near = make_person((40.0, 0.0, 100.0, 120.0))
    far = make_person((60.0, 30.0, 80.0, 70.0), track_id=2)
    alone = apply(original, (near,), config)
    results = [apply(original, order, config) for order in itertools.permutations((near, far))]
    assert np.array_equal(results[0], results[1])
    where = region(near)
    assert np.array_equal(results[0][where], alone[where])


def test_a_silhouette_that_cannot_be_trusted_becomes_the_box() -> None:
    person = make_person(BOX, filled=False)
    assert region(person)[10:110, 50:90].all()
    assert not region(make_person(BOX))[12, 52]
    assert region(make_person(BOX), RegionConfig(shape="box"))[12, 52]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (BlurConfig, {"sigma_share": 0.0}),
        (BlurConfig, {"sigma_min_px": -1.0}),
        (PixelateConfig, {"block_share": 2.0}),
        (PixelateConfig, {"block_min_px": 1}),
        (RegionConfig, {"margin_share": -0.1}),
        (RegionConfig, {"margin_min_px": 300}),
    ],
)
def test_impossible_settings_are_refused(kind: type, values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        kind(**values)


@pytest.mark.parametrize("config", [ObscureConfig(), BlurConfig(), PixelateConfig()])
@pytest.mark.parametrize(("num_frames", "people"), [(6, 2), (1, 1), (3, 0)])
def test_clips_stream_and_begin_anywhere(config: BaselineConfig, num_frames: int, people: int) -> None:
    clip = make_walker_clip(num_frames=num_frames, num_people=people)
    all_frames = list(paint(clip, clip.bundle, config))
    assert [frame.original.index for frame in all_frames] == list(range(num_frames))
    later = list(paint(clip, clip.bundle, config, start=num_frames - 1))
    assert np.array_equal(later[0].rgb, all_frames[-1].rgb)
    for frame in all_frames:
        assert (frame.rgb != frame.original.rgb).any() == bool(frame.people)


def test_the_wrong_clip_is_refused() -> None:
    clip, other = make_walker_clip(num_frames=4), make_walker_clip(num_frames=3)
    with pytest.raises(BundleError, match="frame 3 of 160x120"):
        list(paint(clip, other.bundle, BlurConfig()))
    larger = dataclasses.replace(clip.bundle.video, width_px=200)
    with pytest.raises(BundleError, match="use that clip"):
        list(paint(clip, dataclasses.replace(clip.bundle, video=larger), BlurConfig()))
