"""Plates on pictures with known truth: light, people who never move, moving cameras, holes, and inputs that hurt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.config import PlateConfig
from bodydouble.perception.plate.build import PlateFolders, build_plate
from bodydouble.perception.plate.fill import fill_holes
from bodydouble.perception.plate.nearest_median import NearestMedian
from bodydouble.perception.plate.relight import apply_table, fit_light
from bodydouble.perception.plate.samples import take_sample, windows
from bodydouble.perception.plate.schedule import KeyPlan
from bodydouble.scene import CameraMotion, Frame, SilentProgress, VideoGeometry
from bodydouble.scene.plate_files import PlateReader

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]


def ground(width: int, height: int, *, seed: int = 3, grey: bool = False) -> Rgb:
    """A textured picture with edges, nowhere as red as people are."""
    rng = np.random.default_rng(seed)
    size = (height // 12 + 2, width // 12 + 2)
    coarse = (rng.integers(70, 180, (*size, 1)) + rng.integers(-15, 16, (*size, 3))).astype(np.float32)
    picture = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    picture[:, :: max(width // 5, 1)] *= 0.6
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.float32)
    if grey:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


class Film:
    """A clip from a picture for every frame and boxes of red people."""

    name = "film"

    def __init__(
        self, empty: Callable[[int], Rgb], num_frames: int, people: Callable[[int], list[Box]], *, rate: int = 10
    ) -> None:
        self.empty, self.people = empty, people
        height, width = empty(0).shape[:2]
        self.geometry = VideoGeometry(
            width_px=width,
            height_px=height,
            time_base=Fraction(1, rate),
            average_rate=Fraction(rate),
            pts_ticks=tuple(range(num_frames)),
        )

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames with people and noise."""
        count = self.geometry.num_frames
        for index in range(start, count if stop is None else min(stop, count)):
            rgb = self.empty(index).astype(np.float64)
            rgb += np.random.default_rng(index).normal(0, 1.5, rgb.shape)
            for left, top, right, bottom in self.people(index):
                rgb[max(top, 0) : bottom, max(left, 0) : right] = (210, 20, 20)
            yield Frame(index=index, pts_ticks=index, rgb=np.clip(np.round(rgb), 0, 255).astype(np.uint8))

    def occupied(self, frame: Frame) -> tuple[Mask, Mask, Mask]:
        """Boxes, two pixels larger than people."""
        mask = np.zeros(frame.rgb.shape[:2], bool)
        for left, top, right, bottom in self.people(frame.index):
            mask[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = True
        return mask, mask, mask


def make(
    film: Film, folder: Path, *, camera: npt.NDArray[np.float64] | None = None, look: object = None, **options: object
) -> PlateReader:
    """The finished plate."""
    motion = np.tile(np.eye(3), (film.geometry.num_frames, 1, 1)) if camera is None else camera
    folders = PlateFolders(work_dir=folder / "work", plate_dir=folder / "plate", evidence_dir=folder / "evidence")
    build_plate(
        film,
        motion,
        film.occupied,
        PlateConfig(**options),  # type: ignore[arg-type]
        folders=folders,
        progress=SilentProgress(),
        second_look=look,  # type: ignore[arg-type]
    )
    assert not list((folder / "work").glob("*")) if (folder / "work").exists() else True
    size = (film.geometry.width_px, film.geometry.height_px)
    return PlateReader(folder / "plate", CameraMotion(to_reference=motion), frame_size_px=size)


def psnr(a: Rgb, b: Rgb, where: Mask | None = None) -> float:
    gap = (a.astype(float) - b.astype(float)) ** 2
    error = gap.mean() if where is None else gap[where].mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def reddish(rgb: Rgb) -> int:
    wide = rgb.astype(int)
    return int(((wide[..., 0] - wide[..., 1:].max(axis=2)) > 90).sum())


def standing(_: int) -> list[Box]:
    return [(30, 20, 44, 60)]


def test_one_frame_with_a_person(tmp_path: Path) -> None:
    empty = ground(81, 67)
    plate, valid = make(Film(lambda _: empty, 1, standing), tmp_path).at(0)
    assert not valid[20:60, 30:44].any()
    assert valid[:, :20].all()
    assert reddish(plate) == 0


@pytest.mark.parametrize(("kind", "red"), [("clean", False), ("moving", False), ("median", True)])
def test_who_never_moves_is_in_the_median_only(tmp_path: Path, kind: str, red: bool) -> None:
    empty = ground(80, 66)
    plate, valid = make(Film(lambda _: empty, 12, standing), tmp_path, kind=kind).at(6)
    assert (reddish(plate) > 400) == red
    assert valid[25:55, 33:41].any() == red, "the published median takes everything for seen"


def test_light_step_is_followed_within_a_sample(tmp_path: Path) -> None:
    empty = ground(96, 72)
    bright = np.clip(np.round(empty * 1.3 + 6), 0, 255).astype(np.uint8)
    reader = make(Film(lambda i: empty if i < 30 else bright, 60, lambda i: [(i, 20, i + 14, 60)]), tmp_path)
    assert psnr(reader.at(10)[0], empty) > 38
    assert psnr(reader.at(50)[0], bright) > 38
    assert psnr(reader.at(28)[0], empty) > 36, "blended with the light after the step"
    assert psnr(reader.at(31)[0], bright) > 36


def test_slow_light_is_followed(tmp_path: Path) -> None:
    empty = ground(96, 72)

    def lit(index: int) -> Rgb:
        return np.clip(np.round(empty * (0.8 + 0.004 * index)), 0, 255).astype(np.uint8)

    reader = make(Film(lit, 100, lambda i: [(i - 10, 20, i + 4, 60)]), tmp_path, key_seconds=1.0, window_seconds=4.0)
    for index in (10, 50, 90):
        assert psnr(reader.at(index)[0], lit(index)) > 36


def test_other_light_in_one_corner_does_not_get_into_the_key(tmp_path: Path) -> None:
    empty = ground(96, 72)
    lamp = empty.copy()
    lamp[:, 30:] = np.clip(lamp[:, 30:] * 1.5, 0, 255).astype(np.uint8)
    reader = make(
        Film(lambda i: empty if i < 40 else lamp, 60, lambda i: []), tmp_path, key_seconds=100.0, window_seconds=100.0
    )
    assert psnr(reader.at(10)[0], empty) > 36


@pytest.mark.parametrize("grey", [False, True])
def test_hole_at_the_border_and_odd_sizes(tmp_path: Path, grey: bool) -> None:
    empty = ground(71, 53, grey=grey)
    plate, valid = make(Film(lambda _: empty, 5, lambda _: [(55, 20, 71, 53)]), tmp_path).at(2)
    assert not valid[25:, 57:].any()
    assert reddish(plate) == 0
    if grey:
        assert int(np.ptp(plate[valid].astype(int), axis=1).max()) <= 6


def test_everything_occupied(tmp_path: Path) -> None:
    empty = ground(40, 30)
    plate, valid = make(Film(lambda _: empty, 4, lambda _: [(0, 0, 40, 30)]), tmp_path).at(0)
    assert not valid.any()
    assert reddish(plate) == 0


def test_second_look_removes_whoever_was_missed(tmp_path: Path) -> None:
    empty = ground(80, 66)
    film = Film(lambda _: empty, 12, standing)
    film.occupied = lambda frame: (np.zeros((66, 80), bool),) * 3  # type: ignore[method-assign]

    def look(rgb: Rgb) -> Mask:
        red = (rgb.astype(int)[..., 0] - rgb.astype(int)[..., 1] > 100).astype(np.uint8)
        return np.asarray(cv2.dilate(red, np.ones((5, 5), np.uint8)) > 0)

    missed, _ = make(film, tmp_path / "a").at(6)
    assert reddish(missed) > 400
    plate, valid = make(film, tmp_path / "b", look=look).at(6)
    assert reddish(plate) == 0
    assert not valid[25:55, 33:41].any()


def crowded(width: int, height: int, *, still: bool) -> tuple[Film, Mask]:
    """A film whose generous silhouettes leave a place free in no frame; close outlines leave it free now and then."""
    empty = ground(width, height)
    film = Film(lambda _: empty, 24, lambda i: [(40, 10, 80, 80)] if still or i % 3 else [])
    place = np.zeros((height, width), bool)
    place[10:80, 40:80] = True

    def occupied(frame: Frame) -> tuple[Mask, Mask, Mask]:
        outlines = place if frame.index % 3 else np.zeros_like(place)
        return place, place, outlines

    film.occupied = occupied  # type: ignore[method-assign]
    return film, place


def test_close_outlines_show_what_generous_ones_hide(tmp_path: Path) -> None:
    film, place = crowded(120, 90, still=False)
    plate, valid = make(film, tmp_path).at(12)
    assert valid[place].mean() > 0.95
    assert psnr(plate, ground(120, 90), place) > 36


def test_who_stands_still_beside_a_close_outline_is_not_seen_as_background(tmp_path: Path) -> None:
    film, place = crowded(120, 90, still=True)
    plate, valid = make(film, tmp_path).at(12)
    assert not valid[place].any()
    assert reddish(plate) == 0


def test_a_small_thing_missed_now_and_then_is_no_island_of_background(tmp_path: Path) -> None:
    empty = ground(240, 180)
    # Somebody comes and goes behind whom a red bag is seen when outlines miss it.
    film = Film(
        lambda _: empty, 24, lambda i: [(118, 88, 124, 94)] if i % 4 == 0 else [(80, 40, 160, 140)] if i % 2 else []
    )
    place = np.zeros((180, 240), bool)
    place[40:140, 80:160] = True

    def occupied(frame: Frame) -> tuple[Mask, Mask, Mask]:
        outlines = place.copy()
        if frame.index % 4 == 0:
            outlines[87:95, 117:125] = False
        return place, place, outlines

    film.occupied = occupied  # type: ignore[method-assign]
    plate, valid = make(film, tmp_path).at(12)
    assert not valid[86:96, 116:126].any()
    assert reddish(plate) == 0


def shaking_pan(count: int, width: int, height: int) -> tuple[Callable[[int], Rgb], npt.NDArray[np.float64]]:
    wide = ground(width + 4 * count + 40, height + 40)
    rng = np.random.default_rng(5)
    at = np.c_[4.0 * np.arange(count) + rng.uniform(-3, 3, count), rng.uniform(-3, 3, count)] + 20
    at[0] = 20
    motion = np.tile(np.eye(3), (count, 1, 1))
    motion[:, :2, 2] = at - at[0]

    def empty(index: int) -> Rgb:
        shift = np.array([[1, 0, -at[index, 0]], [0, 1, -at[index, 1]]])
        return np.asarray(cv2.warpAffine(wide, shift, (width, height), flags=cv2.INTER_CUBIC), np.uint8)

    return empty, motion


@pytest.mark.parametrize("error_px", [0.0, 1.2])
def test_pan_with_shake_beats_the_median(tmp_path: Path, error_px: float) -> None:
    empty, motion = shaking_pan(40, 120, 90)
    # A camera motion that was measured badly is mended by flow.
    motion[1:, 0, 2] += np.random.default_rng(2).uniform(-error_px, error_px, len(motion) - 1)
    film = Film(empty, 40, lambda i: [(50, 25, 66, 75)])
    moving = make(film, tmp_path / "a", camera=motion)
    median = make(film, tmp_path / "b", camera=motion, kind="median")
    for index in (6, 21, 33):
        picture, valid = moving.at(index)
        assert psnr(picture, empty(index)) > 29
        assert psnr(picture, empty(index)) > psnr(median.at(index)[0], empty(index)) + 8
        assert reddish(picture) == 0
        assert valid[30:70, 52:64].mean() > 0.9, "the pan uncovers what is behind the person"


def test_memory_of_samples_is_bounded(tmp_path: Path) -> None:
    empty = ground(40, 30)
    film = Film(lambda _: empty, 200, lambda i: [])
    alive = []

    def counted(frame: Frame) -> tuple[Mask, Mask, Mask]:
        alive.append(frame.index)
        return (np.zeros((30, 40), bool),) * 3

    film.occupied = counted  # type: ignore[method-assign]
    make(film, tmp_path, sample_bytes=10 * 6 * 40 * 30)
    assert len(alive) <= 11
    held = []
    plans = tuple(KeyPlan(frame_index=f, first_sample=max(0, f - 5), last_sample=min(199, f + 5)) for f in (20, 100))
    stream = (take_sample(frame, counted) for frame in film.frames())
    for _, chosen in windows(stream, plans, split_at_steps=True):
        held.append(len(chosen))
    assert held == [11, 11]


def test_fill_continues_edges() -> None:
    picture = np.full((80, 100, 3), 60, np.uint8)
    picture[:, 50:] = 180
    hole = np.zeros((80, 100), bool)
    hole[20:60, 38:62] = True
    broken = picture.copy()
    broken[hole] = (255, 0, 255)
    filled = fill_holes(broken, hole)
    assert np.array_equal(filled[~hole], picture[~hole])
    assert psnr(filled, picture, hole) > 24
    smeared = cv2.inpaint(broken, hole.astype(np.uint8), 4, cv2.INPAINT_TELEA)
    assert psnr(filled, picture, hole) > psnr(np.asarray(smeared, np.uint8), picture, hole)
    assert np.array_equal(filled, fill_holes(broken, hole)), "not repeatable"


def test_fill_never_reads_what_may_not_be_copied() -> None:
    picture = ground(70, 50)
    picture[5:25, 5:20] = (255, 0, 0)
    hole = np.zeros((50, 70), bool)
    hole[20:45, 40:55] = True
    source = ~hole
    source[5:25, 5:20] = False
    assert reddish(fill_holes(picture, hole, source)[20:45, 40:55]) == 0


def test_fill_next_to_what_may_not_be_copied_takes_nothing_of_it() -> None:
    picture = ground(70, 50)
    hole = np.zeros((50, 70), bool)
    hole[20:45, 40:55] = True
    source = ~hole
    # All along one side of the hole, where tones are fitted.
    source[15:50, 30:40] = False
    picture[~source] = (255, 0, 0)
    filled = fill_holes(picture, hole, source)[hole].astype(int)
    assert (filled[:, 0] - filled[:, 1:].max(axis=1)).max() < 60


def test_fill_continues_a_stripe_in_its_colours() -> None:
    picture = np.full((90, 120, 3), 150, np.uint8)
    picture[:, 55:65] = (40, 60, 90)
    hole = np.zeros((90, 120), bool)
    hole[30:62, 40:80] = True
    filled = fill_holes(picture, hole).astype(int)
    assert np.abs(filled[:, 57:63] - (40, 60, 90)).max() <= 4, "the stripe is broken"
    assert np.abs(filled[:, 45:51] - 150).max() <= 4, "the stripe spreads"


def test_fill_lets_walls_come_down_rather_than_the_ground_go_up() -> None:
    rng = np.random.default_rng(4)
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[:60] = rng.normal(70, 3, (60, 128, 1))
    picture[60:] = rng.normal(160, 3, (36, 128, 1))
    hole = np.zeros((96, 128), bool)
    # Wide enough that its middle knows nothing of the line at its sides, and down to that line.
    hole[26:61, 4:124] = True
    filled = fill_holes(picture, hole).astype(int).mean(axis=2)
    assert (filled[26:54] < 115).mean() > 0.9


def test_fill_keeps_the_noise_of_what_is_around() -> None:
    rng = np.random.default_rng(6)
    picture = np.clip(rng.normal(120, 9, (100, 120, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
    hole = np.zeros((100, 120), bool)
    hole[25:75, 45:75] = True
    filled = fill_holes(picture, hole)
    assert 0.8 < filled[hole].std() / picture[hole].std() < 1.2


def test_fill_meets_a_slope_of_light_without_a_step() -> None:
    picture = np.tile(np.linspace(60, 200, 120).astype(np.uint8)[None, :, None], (80, 1, 3))
    hole = np.zeros((80, 120), bool)
    hole[20:60, 40:70] = True
    filled = fill_holes(picture, hole).astype(int)
    assert np.abs(np.diff(filled[:, 38:72], axis=1)).max() <= 4
    assert np.abs(filled - picture)[hole].max() <= 12


@pytest.mark.parametrize("left", [0, 60])
def test_fill_of_a_hole_at_the_border(left: int) -> None:
    picture = ground(80, 66)
    hole = np.zeros((66, 80), bool)
    hole[30:, left : left + 20] = True
    broken = picture.copy()
    broken[hole] = (255, 0, 255)
    filled = fill_holes(broken, hole)
    assert np.array_equal(filled[~hole], picture[~hole])
    assert psnr(filled, picture, hole) > 14
    assert reddish(filled) == 0


def test_fill_where_nothing_or_hardly_anything_may_be_copied() -> None:
    picture = np.full((30, 40, 3), (255, 0, 0), np.uint8)
    hole = np.ones((30, 40), bool)
    assert (fill_holes(picture, hole) == 128).all()
    hole[:, :20] = False
    source = np.zeros((30, 40), bool)
    assert (fill_holes(picture, hole, source)[hole] == 128).all(), "what may not be copied is red"
    source[5, 6] = True
    picture[5, 6] = (10, 90, 40)
    filled = fill_holes(picture, hole, source)[hole].astype(int)
    assert np.abs(filled - (10, 90, 40)).max() <= 12
    other = np.where(source[..., None], picture, np.uint8(7))
    assert np.array_equal(fill_holes(other, hole, source)[hole], filled)


def test_fill_from_a_scrap_uses_it_alone() -> None:
    picture = np.full((90, 120, 3), (255, 0, 0), np.uint8)
    picture[40:49, 50:59] = ground(9, 9)
    hole = np.ones((90, 120), bool)
    hole[40:49, 50:59] = False
    filled = fill_holes(picture, hole)
    assert reddish(filled) == 0
    assert filled.reshape(-1, 3).std(axis=0).min() > 1, "patches, not one colour"


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (9, 2)])
def test_fill_of_tiny_pictures(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 99, np.uint8)
    hole = np.zeros(size, bool)
    hole[0, 0] = True
    assert fill_holes(picture, hole).shape == picture.shape
    assert np.array_equal(fill_holes(picture, np.zeros(size, bool)), picture)


def test_light_fit_is_robust_and_exact_where_nothing_changed() -> None:
    picture = ground(60, 60)
    free = np.ones((60, 60), bool)
    assert fit_light(picture, picture, free).table is None
    other = np.clip(np.round(picture * 0.8 + 10), 0, 255).astype(np.uint8)
    other[:20] = 255
    fit = fit_light(picture, other, free)
    assert fit.is_step
    assert np.abs(apply_table(picture, fit.table)[20:].astype(int) - other[20:]).max() <= 2
    black = np.zeros_like(picture)
    assert fit_light(black, black, free).table is None


def test_nearest_samples_count_first() -> None:
    median = NearestMedian((2, 2), 3)
    free = np.array([[True, True], [True, False]])
    for value in (10, 20, 30, 200, 200, 200, 200):
        median.add(np.full((2, 2, 3), value, np.uint8), free)
    rgb, counts = median.result()
    assert rgb[0, 0].tolist() == [20, 20, 20]
    assert counts.tolist() == [[3, 3], [3, 0]]
    assert median.counts.tolist() == counts.tolist()
