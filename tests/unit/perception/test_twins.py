"""Two tracks on one person: one plays; two people: both do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.perception.twins import play_one_in_one_place, play_one_of_twins
from bodydouble.scene import PersonTrack
from bodydouble.testing.bundles import make_bundle


@pytest.fixture(scope="module")
def walker() -> PersonTrack:
    track = make_bundle(num_frames=40).tracks[0]
    return replace(track, play=np.ones(len(track), bool), joint_scores=np.full_like(track.joint_scores, 0.8), reason="")


def beside(track: PersonTrack, right_heights: float, *, score: float = 0.3) -> PersonTrack:
    """Somebody else, or the same person found again, so far to the right; weaker."""
    tall = track.boxes_xyxy_px[:, 3] - track.boxes_xyxy_px[:, 1]
    moved = track.joints_xy_px.copy()
    moved[..., 0] += right_heights * tall[:, None]
    return replace(track, track_id=99, joints_xy_px=moved, box_scores=np.full(len(track), score, np.float32))


def test_the_weaker_twin_is_not_played_and_keeps_its_silhouettes(walker: PersonTrack) -> None:
    first, second = play_one_of_twins([walker, beside(walker, 0.08)])
    assert first.play.all()
    assert first.reason == ""
    assert not second.play.any()
    assert second.reason == f"the same person as {walker.track_id}"
    assert (first.twin_of, second.twin_of) == (0, walker.track_id)
    assert second.silhouettes.bits == walker.silhouettes.bits


def test_the_strongest_stands_for_all_three(walker: PersonTrack) -> None:
    third = replace(beside(walker, 0.13, score=0.2), track_id=100)
    tracks = play_one_of_twins([walker, beside(walker, 0.08), third])
    assert [track.twin_of for track in tracks] == [0, walker.track_id, walker.track_id]
    assert [bool(track.play.any()) for track in tracks] == [True, False, False]


def test_order_does_not_matter(walker: PersonTrack) -> None:
    second, first = play_one_of_twins([beside(walker, 0.08), walker])
    assert first.play.all()
    assert not second.play.any()


def test_who_walks_side_by_side_is_somebody_else(walker: PersonTrack) -> None:
    assert all(track.play.all() for track in play_one_of_twins([walker, beside(walker, 0.3)]))


def test_who_passes_by_is_somebody_else(walker: PersonTrack) -> None:
    passing = beside(walker, 0.05)
    moved = passing.joints_xy_px.copy()
    moved[:24, :, 0] += 300
    assert all(track.play.all() for track in play_one_of_twins([walker, replace(passing, joints_xy_px=moved)]))


def test_without_joints_nobody_is_a_twin(walker: PersonTrack) -> None:
    blind = replace(beside(walker, 0.0), joint_scores=np.zeros_like(walker.joint_scores))
    assert all(track.play.all() for track in play_one_of_twins([walker, blind]))


def test_a_twin_of_somebody_who_is_not_played_is_played(walker: PersonTrack) -> None:
    silent = replace(walker, play=np.zeros(len(walker), bool), reason="missing")
    _, second = play_one_of_twins([silent, beside(walker, 0.05)])
    assert second.play.all()


def test_nobody_and_one_person(walker: PersonTrack) -> None:
    assert play_one_of_twins([]) == []
    assert play_one_of_twins([walker]) == [walker]


def _detected(track: PersonTrack, frames: slice) -> PersonTrack:
    scores = np.zeros(len(track), np.float32)
    scores[frames] = 0.6
    return replace(track, box_scores=scores)


def _crossing(walker: PersonTrack) -> PersonTrack:
    """Somebody who is in the walker's place in frames 20 to 28 only."""
    other = beside(walker, 0.05)
    moved = other.joints_xy_px.copy()
    moved[:20, :, 0] += 300
    moved[29:, :, 0] += 300
    return replace(other, joints_xy_px=moved)


def test_who_is_hidden_behind_somebody_is_played_there(walker: PersonTrack) -> None:
    hidden = np.where((np.arange(40) >= 20) & (np.arange(40) < 29), 0, 0.6).astype(np.float32)
    tracks = play_one_in_one_place([_detected(walker, slice(None)), replace(_crossing(walker), box_scores=hidden)])
    assert all(track.play.all() for track in tracks)


def test_detections_that_alternate_between_two_tracks_are_of_one_person(walker: PersonTrack) -> None:
    even, odd = _detected(walker, slice(0, None, 2)), _detected(_crossing(walker), slice(1, None, 2))
    one, other = play_one_in_one_place([even, odd])
    silent, other = (one, other) if not one.play.all() else (other, one)
    assert np.flatnonzero(~silent.play).tolist() == list(range(20, 29))
    assert silent.reason == f"in one place with {other.track_id}"
    assert silent.twin_of == 0
    assert other.play.all()


def test_two_who_are_detected_side_by_side_are_both_played(walker: PersonTrack) -> None:
    both = [_detected(walker, slice(None)), _detected(_crossing(walker), slice(None))]
    assert all(track.play.all() for track in play_one_in_one_place(both))


def test_in_one_place_for_two_frames_only(walker: PersonTrack) -> None:
    other = _detected(beside(walker, 0.05), slice(0, 0))
    moved = other.joints_xy_px.copy()
    moved[:, :, 0] += 300
    moved[20:22, :, 0] -= 300
    tracks = [_detected(walker, slice(None)), replace(other, joints_xy_px=moved)]
    assert all(track.play.all() for track in play_one_in_one_place(tracks))
    assert play_one_in_one_place([]) == []
