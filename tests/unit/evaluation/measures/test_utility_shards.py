"""What holds for every measure of utility and of time: shards add in any order, odd clips do no harm."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import numpy as np
import pytest

from bodydouble.evaluation.measures.base import Tally
from bodydouble.evaluation.measures.cost import Cost
from bodydouble.evaluation.measures.detection_kept import DetectionKept
from bodydouble.evaluation.measures.flicker import Flicker
from bodydouble.evaluation.measures.flow_kept import FlowKept
from bodydouble.evaluation.measures.identity_drift import IdentityDrift
from bodydouble.evaluation.measures.motion_kept import MotionKept
from bodydouble.evaluation.measures.outside_unchanged import OutsideUnchanged
from bodydouble.evaluation.measures.pairwise_ssim import PairwiseSsim
from bodydouble.evaluation.measures.tracking_kept import TrackingKept
from bodydouble.evaluation.measures.warp_error import WarpError
from tests.unit.evaluation.measures.street import Street, Walker, run, without_people
from tests.unit.evaluation.measures.test_detection_kept import ForegroundDetector
from tests.unit.evaluation.measures.test_motion_kept import ForegroundJoints

MEASURES = {
    "motion": lambda ground: MotionKept(ForegroundJoints(ground), min_height_px=30),
    "detection": lambda ground: DetectionKept(ForegroundDetector(ground)),
    "tracking": lambda ground: TrackingKept(ForegroundDetector(ground)),
    "outside": lambda ground: OutsideUnchanged(),
    "flow": lambda ground: FlowKept(),
    "warp": lambda ground: WarpError(),
    "ssim": lambda ground: PairwiseSsim(),
    "flicker": lambda ground: Flicker(),
    "drift": lambda ground: IdentityDrift(lags_seconds=(0.2, 0.5)),
    "cost": lambda ground: Cost(),
}


@pytest.mark.parametrize("name", MEASURES)
def test_shards_add_up_in_any_order(name: str):
    streets = [
        Street((Walker(), Walker(left=150, step=-2, top=44)), 8),
        Street((Walker(left=60, step=1, height=40),), 7),
        Street((Walker(left=100, step=-3), Walker(left=5, step=4, top=50), Walker(left=90, step=0, first=3)), 6),
    ]
    measure = MEASURES[name](streets[0].ground)
    tallies = [run(measure, street, street.noise if i == 1 else street.double, f"clip {i}")
               for i, street in enumerate(streets)]  # fmt: skip
    sums = [reduce(Tally.__add__, order, Tally(measure=measure.name)) for order in permutations(tallies)]
    figures = [measure.figures(one) for one in sums]
    assert all(one == figures[0] for one in figures)
    assert len({figure.key for figure in figures[0]}) == len(figures[0])
    for figure in figures[0]:
        if name not in {"cost", "outside"} and figure.value is not None and figure.interval is not None:
            low, high = figure.interval
            assert low <= figure.value <= high
    if name not in {"cost", "outside"}:
        assert figures[0][0].interval is not None


@pytest.mark.parametrize("name", MEASURES)
def test_an_empty_sum_has_figures_without_a_value(name: str):
    measure = MEASURES[name](Street().ground)
    figures = measure.figures(Tally(measure=measure.name))
    assert figures
    for figure in figures:
        assert figure.value is None
        assert figure.interval is None
        assert figure.note


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    "kind", ["nobody", "one frame", "one pixel of a person", "border", "small picture", "no frame"]
)
def test_odd_clips_are_measured_or_have_no_value(name: str, kind: str):
    street = {
        "nobody": lambda: without_people(Street(num_frames=3)),
        "one frame": lambda: Street(num_frames=1),
        "one pixel of a person": lambda: Street((Walker(width=1, height=1),), 4),
        "border": lambda: Street((Walker(left=-20), Walker(left=170, step=12, top=-30), Walker(top=90)), 5),
        "small picture": lambda: Street((Walker(left=0, top=0, step=0, width=4, height=6),), 4, width=7, height=9),
        "no frame": lambda: Street(num_frames=0),
    }[kind]()
    measure = MEASURES[name](street.ground)
    for result in (None, street.double, street.noise):
        for figure in measure.figures(run(measure, street, result)):
            assert figure.value is None or np.isfinite(figure.value)
            assert figure.value is not None or figure.note
            assert figure.trials >= 0


@pytest.mark.parametrize("name", MEASURES)
def test_measuring_twice_gives_the_same(name: str):
    street = Street(num_frames=5)
    tallies = [run(MEASURES[name](street.ground), street, street.double) for _ in range(2)]
    assert tallies[0] == tallies[1]


def test_a_single_track_has_a_value_and_no_interval_and_says_so():
    street = Street()
    for name in ("motion", "flow", "warp", "ssim", "flicker", "drift"):
        measure = MEASURES[name](street.ground)
        figure = measure.figures(run(measure, street))[0]
        assert figure.value is not None
        assert figure.interval is None
        assert "tracks are 1" in figure.note


def test_what_is_held_does_not_grow_with_the_clip():
    street = Street((Walker(step=1, width=40),), 120)
    drift = IdentityDrift(lags_seconds=(0.5,)).start(street.clip())
    ssim = PairwiseSsim().start(street.clip())
    for pair in street.pairs():
        drift.see(pair)
        ssim.see(pair)
        assert sum(len(looks) for looks in drift._looks.values()) <= 6
        assert sum(len(crops) for crops in ssim._before.values()) <= 1
    tally = drift.finish() + Tally(measure="identity_drift.colour")
    assert sum(len(values) for values in tally.samples.values()) == 2
