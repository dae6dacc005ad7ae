"""Two tracks on one person: one plays; two people: both do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodydouble.perception.twins import play_one_of_twins
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
