"""Two tracks on one person are one person to every measure, as long as both are there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.evaluation.claims import claims_of
from bodydouble.evaluation.measures._tracks import people_at, silhouettes_at
from bodydouble.pipeline.evaluate_scene import cut_bundle
from bodydouble.scene import MaskStack, PersonTrack, SceneBundle
from bodydouble.testing.bundles import make_bundle


def _part(track: PersonTrack, steps: slice) -> PersonTrack:
    rows = {name: value[steps] for name, value in vars(track).items() if isinstance(value, np.ndarray)}
    stack = track.silhouettes
    silhouettes = MaskStack(windows_xyxy_px=stack.windows_xyxy_px[steps], bits=stack.bits[steps])
    return replace(track, silhouettes=silhouettes, **rows)


@pytest.fixture
def bundle() -> SceneBundle:
    """Track 1 leaves after 16 of 24 frames; track 2 is its twin from the 8th on and stays."""
    alone = make_bundle(num_frames=24, num_people=1)
    first, whole = _part(alone.tracks[0], slice(0, 16)), alone.tracks[0]
    return replace(alone, tracks=(first, replace(_part(whole, slice(8, 24)), track_id=2, twin_of=1)))


@pytest.mark.parametrize(("frame", "who"), [(4, 1), (12, 1), (20, 2)])
def test_one_person_in_every_frame(bundle: SceneBundle, frame: int, who: int) -> None:
    assert [person.track_id for person in people_at(bundle, frame)] == [who]
    assert claims_of(bundle, "people")[frame].track_ids.tolist() == [who]
    assert np.unique(silhouettes_at(bundle, frame)).tolist() == [0, who]


def test_all_that_is_replaced_is_still_listed(bundle: SceneBundle) -> None:
    assert claims_of(bundle, "everything")[12].track_ids.tolist() == [1, 2]


def test_without_the_link_shared_pixels_are_nobodys(bundle: SceneBundle) -> None:
    apart = replace(bundle, tracks=tuple(replace(track, twin_of=0) for track in bundle.tracks))
    assert np.unique(silhouettes_at(apart, 12)).tolist() == [-1, 0]
    assert len(people_at(apart, 12)) == 2


@pytest.mark.parametrize("twin_of", [7, 2, -1])
def test_a_twin_names_another_track_of_the_bundle(bundle: SceneBundle, twin_of: int) -> None:
    with pytest.raises(ValueError, match="twin of"):
        replace(bundle, tracks=(bundle.tracks[0], replace(bundle.tracks[1], twin_of=twin_of)))


def test_no_twin_of_a_twin(bundle: SceneBundle) -> None:
    third = replace(bundle.tracks[1], track_id=3, twin_of=2)
    with pytest.raises(ValueError, match="or a twin itself"):
        replace(bundle, tracks=(*bundle.tracks, third))


def test_a_twin_whose_other_half_is_cut_off_is_nobodys_twin(bundle: SceneBundle) -> None:
    weak, strong = replace(bundle.tracks[0], twin_of=2), replace(bundle.tracks[1], twin_of=0)
    whole = replace(bundle, tracks=(weak, strong))
    assert [track.twin_of for track in cut_bundle(whole, 12).tracks] == [2, 0]
    assert [track.twin_of for track in cut_bundle(whole, 6).tracks] == [0]
