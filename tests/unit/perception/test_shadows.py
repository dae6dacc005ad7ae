"""Shadows of people on a drawn ground: which are found, whose they are, and what is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.shadows import CastShadow, ShadowFinder
from bodydouble.perception.silhouette.outline import Outline

_WIDTH, _HEIGHT = 240, 160
_Box = tuple[int, int, int, int]


def ground(*, gray: bool = False) -> npt.NDArray[np.float64]:
    """Textured, (H, W, 3), slightly warm unless grey."""
    tone = np.random.default_rng(3).uniform(0.85, 1.15, (_HEIGHT, _WIDTH, 1))
    return np.asarray(tone * np.array([130, 130, 130] if gray else [140, 130, 115]))


def area(*boxes: _Box) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((_HEIGHT, _WIDTH), bool)
    for left, top, right, bottom in boxes:
        canvas[top:bottom, left:right] = True
    return canvas


def filmed(
    plate: npt.NDArray[np.float64],
    people: Sequence[_Box],
    shade: npt.NDArray[np.bool_],
    factor: float,
    *,
    seed: int = 1,
    gray: bool = False,
) -> npt.NDArray[np.uint8]:
    picture = np.where(shade[..., None], plate * factor, plate)
    picture[area(*people)] = 60.0 if gray else np.array([190.0, 40.0, 60.0])
    noise = np.random.default_rng(seed).normal(0, 2.0, (*plate.shape[:2], 1 if gray else 3))
    return np.asarray(np.clip(np.rint(picture + noise), 0, 255), np.uint8)


def find(
    rgb: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float64],
    people: Sequence[_Box],
    *,
    finder: ShadowFinder | None = None,
    valid: npt.NDArray[np.bool_] | None = None,
    gray: bool = False,
) -> list[CastShadow]:
    finder = finder or ShadowFinder(frame_size_px=(_WIDTH, _HEIGHT), frames_per_second=25.0, is_gray=gray)
    outlines = []
    for left, top, right, bottom in people:
        window = (max(left, 0), max(top, 0), min(right, _WIDTH), min(bottom, _HEIGHT))
        shape = (window[3] - window[1], window[2] - window[0])
        outlines.append(Outline(window_xyxy_px=window, mask=np.ones(shape, bool), motion_share=1.0))
    return finder.find(
        rgb,
        np.asarray(np.rint(plate), np.uint8),
        np.ones((_HEIGHT, _WIDTH), bool) if valid is None else valid,
        np.array(people, np.float32).reshape(-1, 4),
        outlines,
    )


def together(shadows: Sequence[CastShadow]) -> npt.NDArray[np.bool_]:
    canvas = np.zeros((_HEIGHT, _WIDTH), bool)
    for shadow in shadows:
        left, top, right, bottom = shadow.window_xyxy_px
        assert 0 <= left <= right <= _WIDTH
        assert 0 <= top <= bottom <= _HEIGHT
        canvas[top:bottom, left:right] |= shadow.mask
    return canvas


def found_share(mask: npt.NDArray[np.bool_], shade: npt.NDArray[np.bool_], people: Sequence[_Box]) -> float:
    return float(mask[shade & ~area(*people)].mean())


def beyond(mask: npt.NDArray[np.bool_], shade: npt.NDArray[np.bool_], people: Sequence[_Box], margin: int = 8) -> int:
    """Pixels farther than a margin from shadow and people."""
    import cv2

    near = cv2.dilate((shade | area(*people)).astype(np.uint8), np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    return int((mask & (near == 0)).sum())


_SOMEBODY: _Box = (60, 50, 78, 110)
_BESIDE: _Box = (70, 100, 140, 112)


@pytest.mark.parametrize("factor", [0.92, 0.8, 0.5])
@pytest.mark.parametrize("gray", [False, True])
def test_a_shadow_is_found_whole_also_a_faint_one_and_without_colours(factor: float, gray: bool) -> None:
    plate, shade = ground(gray=gray), area(_BESIDE)
    mask = together(find(filmed(plate, [_SOMEBODY], shade, factor, gray=gray), plate, [_SOMEBODY], gray=gray))
    assert found_share(mask, shade, [_SOMEBODY]) > 0.97
    assert beyond(mask, shade, [_SOMEBODY]) == 0


def test_who_casts_no_shadow_has_none() -> None:
    plate = ground()
    assert not together(find(filmed(plate, [_SOMEBODY], area(), 1.0), plate, [_SOMEBODY])).any()


def test_nobody_is_nobody() -> None:
    plate = ground()
    assert find(filmed(plate, [], area(_BESIDE), 0.7), plate, []) == []


def test_shadows_that_cross_are_found_whole() -> None:
    people = [_SOMEBODY, (120, 40, 138, 100)]
    rows, columns = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    one = (np.abs(rows - 108 + 0.3 * (columns - 70)) < 6) & (columns >= 70) & (columns < 160)
    other = (np.abs(rows - 98 + 0.3 * (128 - columns)) < 6) & (columns <= 128) & (columns > 50)
    assert (one & other & ~area(*people)).sum() > 100
    plate, shade = ground(), one | other
    mask = together(find(filmed(plate, people, shade, 0.75), plate, people))
    assert found_share(mask, shade, people) > 0.97
    assert beyond(mask, shade, people) == 0


def test_a_shadow_that_leaves_the_frame_reaches_its_border() -> None:
    person, shade = (200, 50, 218, 110), area((210, 100, _WIDTH, 112))
    plate = ground()
    mask = together(find(filmed(plate, [person], shade, 0.85), plate, [person]))
    assert found_share(mask, shade, [person]) > 0.97
    assert mask[106, _WIDTH - 1]


@pytest.mark.parametrize(
    ("person", "shade"),
    [
        ((-10, 50, 8, 110), (0, 100, 60, 112)),
        ((100, 100, 130, 190), (120, 148, 200, 160)),
        ((60, -20, 78, 50), (70, 42, 130, 52)),
    ],
    ids=["left", "below", "above"],
)
def test_who_is_cut_by_the_border_casts_a_shadow(person: _Box, shade: _Box) -> None:
    plate, where = ground(), area(shade)
    inside = (max(person[0], 0), max(person[1], 0), person[2], person[3])
    mask = together(find(filmed(plate, [inside], where, 0.85), plate, [person]))
    assert found_share(mask, where, [inside]) > 0.95


def test_a_shadow_goes_on_after_a_gap_and_up_a_wall() -> None:
    plate = ground()
    plate[:, 110:] *= 1.5
    # Between ground and wall a strip on which no shadow shows.
    strip = area((104, 0, 112, _HEIGHT))
    shade = area((70, 100, 104, 112), (112, 60, 124, 112))
    mask = together(find(filmed(plate, [_SOMEBODY], shade & ~strip, 0.8), plate, [_SOMEBODY]))
    assert found_share(mask, shade, [_SOMEBODY]) > 0.97


def test_what_is_dark_far_from_everybody_stays() -> None:
    plate, far = ground(), area((200, 20, 236, 40))
    assert not together(find(filmed(plate, [_SOMEBODY], far, 0.7), plate, [_SOMEBODY])).any()


def test_what_changes_its_colour_is_no_shadow() -> None:
    plate, where = ground(), area(_BESIDE)
    rgb = filmed(plate, [_SOMEBODY], area(), 1.0)
    rgb[where & ~area(_SOMEBODY)] = (rgb[where & ~area(_SOMEBODY)] * np.array([0.95, 0.6, 0.6])).astype(np.uint8)
    mask = together(find(rgb, plate, [_SOMEBODY]))
    assert float(mask[where & ~area(_SOMEBODY)].mean()) < 0.05


def test_the_shadow_of_a_car_beside_somebody_stays() -> None:
    plate, car, under = ground(), (110, 70, 190, 100), (104, 98, 196, 110)
    rgb = filmed(plate, [_SOMEBODY], area(under), 0.6)
    rgb[area(car)] = (30, 60, 200)
    own = area((70, 104, 90, 112))
    rgb[own & ~area(_SOMEBODY)] = (rgb[own & ~area(_SOMEBODY)] * 0.7).astype(np.uint8)
    mask = together(find(rgb, plate, [_SOMEBODY]))
    assert found_share(mask, own, [_SOMEBODY]) > 0.9
    assert float(mask[area(under) & ~area(car)].mean()) < 0.1


def test_a_cloud_over_the_picture_is_nobodys_shadow() -> None:
    plate = ground()
    cloud = area((0, 0, 150, _HEIGHT))
    assert not together(find(filmed(plate, [_SOMEBODY], cloud, 0.85), plate, [_SOMEBODY])).any()


def test_light_that_changed_before_somebody_came_is_no_shadow() -> None:
    plate, shade = ground(), area(_BESIDE)
    finder = ShadowFinder(frame_size_px=(_WIDTH, _HEIGHT), frames_per_second=25.0, is_gray=False)
    assert together(find(filmed(plate, [_SOMEBODY], shade, 0.9), plate, [_SOMEBODY])).any()
    for seed in range(100):
        find(filmed(plate, [], shade, 0.9, seed=seed), plate, [], finder=finder)
    assert not together(find(filmed(plate, [_SOMEBODY], shade, 0.9), plate, [_SOMEBODY], finder=finder)).any()


def test_where_the_plate_is_a_guess_nothing_is_a_shadow() -> None:
    plate, shade = ground(), area(_BESIDE)
    rgb = filmed(plate, [_SOMEBODY], shade, 0.8)
    assert not together(find(rgb, plate, [_SOMEBODY], valid=~area((66, 92, 150, 120)))).any()


def test_exposure_is_no_shadow() -> None:
    plate = ground()
    rgb = (filmed(plate, [_SOMEBODY], area(), 1.0) * 0.8).astype(np.uint8)
    assert not together(find(rgb, plate, [_SOMEBODY])).any()


def test_sizes_that_do_not_divide_stay_inside_the_frame() -> None:
    finder = ShadowFinder(frame_size_px=(_WIDTH - 3, _HEIGHT - 1), frames_per_second=25.0, is_gray=False)
    plate = ground()[: _HEIGHT - 1, : _WIDTH - 3]
    shade = area((150, 130, _WIDTH, _HEIGHT))[: _HEIGHT - 1, : _WIDTH - 3]
    rgb = np.asarray(np.where(shade[..., None], plate * 0.8, plate), np.uint8)
    outline = Outline(window_xyxy_px=(140, 90, 158, 150), mask=np.ones((60, 18), bool), motion_share=1.0)
    (shadow,) = finder.find(
        rgb, plate.astype(np.uint8), np.ones(shade.shape, bool), np.array([[140, 90, 158, 150]], np.float32), [outline]
    )
    left, top, right, bottom = shadow.window_xyxy_px
    assert (right, bottom) == (_WIDTH - 3, _HEIGHT - 1)
    assert shadow.mask.shape == (bottom - top, right - left)


def test_a_dark_thing_that_is_kept_is_no_shadow() -> None:
    plate, thing = ground(), (84, 80, 104, 100)
    rgb = filmed(plate, [_SOMEBODY], area(thing), 0.6)
    mask = np.zeros((60, 44), bool)
    mask[:, :18] = True
    kept = np.zeros_like(mask)
    kept[30:50, 24:44] = True
    whole = (60, 50, 104, 110)
    found = []
    for outline in (
        Outline(window_xyxy_px=whole, mask=mask, motion_share=1.0, kept=kept),
        Outline(window_xyxy_px=whole, mask=mask, motion_share=1.0),
    ):
        finder = ShadowFinder(frame_size_px=(_WIDTH, _HEIGHT), frames_per_second=25.0, is_gray=False)
        box = np.array([_SOMEBODY], np.float32)
        valid = np.ones((_HEIGHT, _WIDTH), bool)
        found.append(together(finder.find(rgb, np.asarray(np.rint(plate), np.uint8), valid, box, [outline])))
    assert not found[0].any()
    assert found[1][area(thing)].mean() > 0.9
