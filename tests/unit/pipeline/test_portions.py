"""Windows are handed out by track, none is lost, and one worker sees every window as it comes."""

from __future__ import annotations

from itertools import pairwise

from bodydouble.generation import WindowPlan
from bodydouble.pipeline.windows import portions

PLANS = [
    WindowPlan(track_id=track, step_start=start, step_stop=min(start + 64, length))
    for track, length in ((1, 70), (2, 600), (5, 3))
    for start in range(0, length, 64)
]


def test_every_window_once_and_only_neighbours_of_one_track_together() -> None:
    found = portions(PLANS, 2)
    assert sorted(plan for group in found for plan in group) == sorted(PLANS)
    for group in found:
        assert len({plan.track_id for plan in group}) == 1
        assert all(a.step_stop == b.step_start for a, b in pairwise(group))
    assert len(found) < len(PLANS)
    assert sum(plan.track_id == 2 for group in found for plan in group[:1]) > 1, "others help with a long track"


def test_the_largest_come_first_so_that_workers_end_together() -> None:
    sizes = [sum(plan.step_stop - plan.step_start for plan in group) for group in portions(PLANS, 3)]
    assert sizes == sorted(sizes, reverse=True)


def test_one_worker_goes_through_the_windows_in_order() -> None:
    assert portions(PLANS, 1) == [(plan,) for plan in PLANS]
    assert portions([], 4) == []
