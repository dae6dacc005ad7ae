"""Who is neither detected nor seen for a while is not played meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.perception.unseen import play_only_the_seen
from bodydouble.scene import PersonTrack
from bodydouble.testing.bundles import make_bundle

RATE = 20.0
LONG = 6


@pytest.fixture(scope="module")
def walker() -> PersonTrack:
    track = make_bundle(num_frames=60).tracks[0]
    steps = len(track)
    assert steps >= 50
    return replace(
        track, play=np.ones(steps, bool), reason="", box_scores=np.full(steps, 0.8, np.float32),
        visible_fraction=np.ones(steps, np.float32),
    )  # fmt: skip


def away(track: PersonTrack, *stretches: tuple[int, int], visible: float = 0.0, score: float = 0.0) -> PersonTrack:
    scores, seen = track.box_scores.copy(), track.visible_fraction.copy()
    for first, last in stretches:
        scores[first:last], seen[first:last] = score, visible
    return replace(track, box_scores=scores, visible_fraction=seen)


def after(
    track: PersonTrack, rate: float = RATE, motion: float = np.nan, own: npt.NDArray[np.float64] | None = None
) -> PersonTrack:
    own_motion = np.full(len(track), np.nan) if own is None else own
    return play_only_the_seen([track], [np.full(len(track), motion)], [own_motion], rate)[0]


def played(track: PersonTrack) -> list[int]:
    return np.flatnonzero(after(track).play).tolist()


def test_a_long_gap_is_not_played_and_stays_covered(walker: PersonTrack) -> None:
    result = after(away(walker, (10, 10 + LONG)))
    assert np.flatnonzero(~result.play).tolist() == list(range(10, 10 + LONG))
    assert result.reason == "not seen for 0.25 s or more"
    assert result.silhouettes is walker.silhouettes
    assert len(result) == len(walker)


@pytest.mark.parametrize(
    ("first", "last", "visible", "score"),
    [(10, 13, 0.0, 0.0), (10, 30, 0.2, 0.0), (10, 30, 0.0, 0.3)],
    ids=["short", "seen but not detected", "detected but hidden behind somebody"],
)
def test_other_gaps_are_played(walker: PersonTrack, first: int, last: int, visible: float, score: float) -> None:
    gap = away(walker, (first, last), visible=visible, score=score)
    assert after(gap) is gap


def test_nobody_flashes_up_between_two_gaps(walker: PersonTrack) -> None:
    assert played(away(walker, (10, 20), (22, 32))) == [*range(10), *range(32, len(walker))]
    assert 24 in played(away(walker, (10, 20), (28, 38)))


def test_a_short_start_before_a_gap_is_played(walker: PersonTrack) -> None:
    assert played(away(walker, (2, 30)))[:2] == [0, 1]


def test_a_rate_that_cannot_be_does_not_hide_everybody(walker: PersonTrack) -> None:
    gap = away(walker, (10, 13))
    assert after(gap, 0.5).play.all()
    assert after(away(walker, (10, 30)), 90_000.0).play.all()


def test_earlier_reasons_are_kept(walker: PersonTrack) -> None:
    result = after(replace(away(walker, (10, 30)), reason="in one place with 7"))
    assert result.reason == "in one place with 7; not seen for 0.25 s or more"


@pytest.mark.parametrize(("motion", "plays"), [(0.02, False), (0.4, True), (np.nan, True)])
def test_where_nothing_differs_from_the_plate_nobody_is_seen(walker: PersonTrack, motion: float, plays: bool) -> None:
    gap = away(walker, (10, 30), visible=1.0)
    assert bool(after(gap, motion=motion).play[10:30].all()) == plays
    assert after(walker, motion=motion).play.all()


@pytest.mark.parametrize(("own", "plays"), [(0.02, False), (0.2, True), (np.nan, True)])
def test_what_moves_there_may_be_somebody_else_who_is_detected(walker: PersonTrack, own: float, plays: bool) -> None:
    gap = away(walker, (10, 30), visible=1.0)
    shares = np.full(len(walker), 0.3)
    shares[10:30] = own
    assert bool(after(gap, motion=0.8, own=shares).play[10:30].all()) == plays
    # Who is detected is there, whoever stands in front.
    assert after(walker, motion=0.8, own=shares).play.all()
    short = away(walker, (10, 13), visible=1.0)
    assert after(short, motion=0.8, own=shares).play.all()


def test_of_whom_hardly_anything_ever_moves_little_is_enough(walker: PersonTrack) -> None:
    gap, stands = away(walker, (10, 30), visible=1.0), np.full(len(walker), 0.01)
    assert after(gap, motion=0.8, own=stands).play.all()
    never_detected = replace(gap, box_scores=np.zeros(len(walker), np.float32))
    assert after(never_detected, motion=0.8, own=stands).play.all()
