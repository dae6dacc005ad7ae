"""The shadows that filmed people cast go with them, and nothing else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.compositing import CompositingConfig, PaintOutConfig, composite
from bodydouble.compositing.base import CompositedFrame
from bodydouble.compositing.kernels import fade_out
from bodydouble.compositing.paint_out import fading
from bodydouble.evaluation.outside import Margins, measure_outside
from bodydouble.scene import Frame, MaskStack, SceneBundle

_DARK = 0.6
_AT = (40, 46, 80, 56)
"""Left, top, right and bottom of the shadow in every frame; the walker's feet are at its left end."""


class ShadowedStreet:
    """A street whose frames hold a shadow."""

    def __init__(self, street: Any) -> None:
        self.street, self.name, self.geometry = street, street.name, street.geometry
        self.shade = np.zeros((street.height, street.width), bool)
        self.shade[_AT[1] : _AT[3], _AT[0] : _AT[2]] = True

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for frame in self.street.frames(start, stop):
            shaded = self.shade & ~self.street.people(frame.index)
            rgb = np.where(shaded[..., None], np.rint(frame.rgb * _DARK), frame.rgb).astype(np.uint8)
            yield dataclasses.replace(frame, rgb=rgb)

    def bundle(self, *, with_shadows: bool) -> SceneBundle:
        bundle: SceneBundle = self.street.bundle
        if not with_shadows:
            return bundle
        tracks = []
        for track in bundle.tracks:
            windows = np.tile(np.array(_AT, np.int32), (len(track), 1))
            masks = [np.ones((_AT[3] - _AT[1], _AT[2] - _AT[0]), bool)] * len(track)
            tracks.append(dataclasses.replace(track, shadows=MaskStack.pack(windows, masks)))
        return dataclasses.replace(bundle, tracks=tuple(tracks))

    def composited(
        self, config: CompositingConfig | None = None, *, with_shadows: bool = True
    ) -> list[CompositedFrame]:
        bundle = self.bundle(with_shadows=with_shadows)
        return list(composite(self, bundle, self.street, None, config or CompositingConfig(), seed=1))

    def darker(self, made: npt.NDArray[np.uint8]) -> float:
        """Mean of what is missing to the ground in the shadow, levels."""
        return float((self.street.ground.astype(float) - made)[self.shade].mean())


@pytest.fixture
def shadowed(street: Any, walker: Any) -> ShadowedStreet:
    people = [walker(track_id=1, places=dict.fromkeys(range(3), (34, 24)), size=(30, 12))]
    return ShadowedStreet(street(walkers=people, noise=2.0))


def test_a_shadow_goes_with_whoever_casts_it(shadowed: ShadowedStreet) -> None:
    before = [shadowed.darker(made.rgb) for made in shadowed.composited(with_shadows=False)]
    after = [shadowed.darker(made.rgb) for made in shadowed.composited()]
    assert min(before) > 25
    assert max(np.abs(after)) < 2


def test_nothing_else_changes_and_the_measure_knows_where(shadowed: ShadowedStreet) -> None:
    made = [Frame(index=m.index, pts_ticks=m.index, rgb=m.rgb) for m in shadowed.composited()]
    bundle = shadowed.bundle(with_shadows=True)
    assert measure_outside(shadowed.frames(), made, bundle, None, Margins()).largest_difference == 0
    tight = Margins(filmed_shadow_px=0)
    assert measure_outside(shadowed.frames(), made, bundle, None, tight).largest_difference > 0
    untold = shadowed.bundle(with_shadows=False)
    assert measure_outside(shadowed.frames(), made, untold, None, Margins()).largest_difference > 25


def test_margins_of_the_measure_are_those_of_compositing() -> None:
    assert Margins().filmed_shadow_px == PaintOutConfig().shadow_margin_px


def test_what_is_changed_is_marked(shadowed: ShadowedStreet) -> None:
    for filmed, made in zip(shadowed.frames(), shadowed.composited(), strict=True):
        assert not (filmed.rgb != made.rgb).any(axis=2)[~made.changed].any()
        assert made.changed[shadowed.shade].all()


def test_shadows_are_no_part_of_what_must_have_changed(shadowed: ShadowedStreet) -> None:
    with_, without = shadowed.composited(), shadowed.composited(with_shadows=False)
    for one, other in zip(with_, without, strict=True):
        assert one.outcomes[0].change.silhouette_px == other.outcomes[0].change.silhouette_px
        assert one.outcomes[0].change.person_px == other.outcomes[0].change.person_px


def test_who_is_beyond_the_frame_may_leave_a_shadow_in_it(street: Any, walker: Any) -> None:
    people = [walker(track_id=1, places=dict.fromkeys(range(3), (-40, 24)))]
    shadowed = ShadowedStreet(street(walkers=people, noise=2.0))
    assert max(abs(shadowed.darker(made.rgb)) for made in shadowed.composited()) < 2


def test_colours_of_people_change_no_pixel_of_what_replaces_their_shadows(shadowed: ShadowedStreet) -> None:
    other = ShadowedStreet(shadowed.street.recoloured((10, 200, 20)))
    for one, two in zip(shadowed.composited(), other.composited(), strict=True):
        np.testing.assert_array_equal(one.rgb, two.rgb)


def test_grey_stays_grey(street: Any, walker: Any) -> None:
    people = [walker(track_id=1, places=dict.fromkeys(range(3), (34, 24)))]
    shadowed = ShadowedStreet(street(walkers=people, is_gray=True, noise=2.0))
    for made in shadowed.composited():
        assert int(np.ptp(made.rgb, axis=2).max()) == 0
        assert abs(shadowed.darker(made.rgb)) < 2


@pytest.mark.parametrize("margin_px", [0, 1, 5])
def test_weight_falls_with_the_distance_from_a_shadow(margin_px: int) -> None:
    rng = np.random.default_rng(margin_px)
    mask = cv2.blur(rng.random((40, 60), dtype=np.float32), (5, 5)) > 0.55
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    weight = np.clip((margin_px + 1 - distance) * (255.0 / (margin_px + 1)), 0.0, 255.0)
    weight[distance > margin_px] = 0.0
    found = np.zeros(mask.shape, np.uint8)
    fade_out(mask, fading(margin_px), found)
    assert mask.any()
    assert np.array_equal(found, np.rint(weight).astype(np.uint8))
