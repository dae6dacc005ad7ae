"""What is known of a thing in front of people grows up to its edges, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.compositing.occluder_shape import grown_to_edges

PILLAR = (slice(20, 110), slice(60, 74))


@pytest.fixture
def plate() -> np.ndarray:
    """A pale pillar before a dark wall with a little noise."""
    rgb = np.full((120, 160, 3), (60, 70, 90), dtype=float)
    rgb[PILLAR] = (190, 195, 200)
    return np.clip(rgb + np.random.default_rng(1).normal(0, 2, rgb.shape), 0, 255).astype(np.uint8)


def patch(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((120, 160), bool)
    mask[rows, columns] = True
    return mask


def test_a_part_of_a_pillar_becomes_the_pillar(plate):
    pillar = patch(*PILLAR)
    whole = grown_to_edges(patch(slice(50, 75), slice(63, 71)), np.zeros_like(pillar), plate)
    near = patch(slice(30, 95), slice(0, 160))
    # The line between both sides is one pixel wide and belongs to neither.
    assert (whole & near & pillar).sum() > 0.85 * (near & pillar).sum()
    beyond = np.flatnonzero((whole & ~pillar).any(axis=0))
    assert len(beyond) == 0 or (beyond.min() >= 59 and beyond.max() <= 74)


def test_it_ends_where_bodies_were_seen(plate):
    seen = patch(slice(90, 120), slice(0, 160))
    whole = grown_to_edges(patch(slice(50, 75), slice(63, 71)), seen, plate)
    assert not (whole & seen).any()


def test_before_a_plain_wall_nothing_grows_far(plate):
    plain = np.full_like(plate, 80)
    known = patch(slice(50, 75), slice(63, 71))
    whole = grown_to_edges(known, np.zeros_like(known), plain)
    assert whole[known].all()
    assert whole.sum() <= 12 * known.sum()


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(0, 30), slice(0, 6)), (slice(100, 120), slice(150, 160)), (slice(60, 61), slice(5, 6))]
)
def test_things_at_the_border_and_single_pixels_are_kept(plate, rows, columns):
    known = patch(rows, columns)
    assert grown_to_edges(known, np.zeros_like(known), plate)[known].all()


def test_the_same_every_time(plate):
    known, nowhere = patch(slice(50, 75), slice(63, 71)), np.zeros((120, 160), bool)
    np.testing.assert_array_equal(grown_to_edges(known, nowhere, plate), grown_to_edges(known, nowhere, plate))
