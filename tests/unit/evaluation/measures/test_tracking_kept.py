"""Tracking kept: IDF1 against two other implementations, and results with known answers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from bodydouble.evaluation.matching import overlaps
from bodydouble.evaluation.measures.tracking_kept import IdentityCounts, TrackingKept
from tests.unit.evaluation.measures.street import Street, Walker, run, values, without_people
from tests.unit.evaluation.measures.test_detection_kept import ForegroundDetector


def measure(street: Street) -> TrackingKept:
    return TrackingKept(ForegroundDetector(street.ground))


def random_tracks(seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Frames of five people, and of claims that lose them, swap them and see more than there is."""
    rng = np.random.default_rng(seed)
    starts, frames = rng.uniform(0, 200, (5, 2)), []
    names = np.arange(5)
    for _ in range(40):
        starts = starts + rng.normal(scale=2, size=starts.shape)
        boxes = np.concatenate([starts, starts + np.array([30, 70])], axis=1)
        if rng.random() < 0.1:
            names = rng.permutation(8)[:5]
        present, seen = rng.random(5) < 0.9, rng.random(5) < 0.8
        extra = np.concatenate([rng.uniform(0, 200, (1, 2)), [[0, 0]]], axis=1)
        extra[:, 2:] = extra[:, :2] + [30, 70]
        claims = np.concatenate([(boxes + rng.normal(scale=4, size=boxes.shape))[seen], extra])
        frames.append((np.flatnonzero(present), boxes[present], np.append(names[seen] + 10, 50), claims))
    return frames


def ours(frames: list) -> float:
    counts = IdentityCounts()
    for frame in frames:
        counts.add(*frame)
    rows = counts.rows()
    return 2 * sum(row[1] for row in rows) / sum(row[2] + row[3] for row in rows)


@pytest.mark.parametrize("seed", range(4))
def test_idf1_is_that_of_trackeval_and_motmetrics(seed: int):
    from trackers.eval import compute_identity_metrics

    frames = random_tracks(seed)
    similarity = [overlaps(boxes, claims) for _, boxes, _, claims in frames]
    other = compute_identity_metrics([f[0] for f in frames], [f[2] for f in frames], similarity, 0.5)["IDF1"]
    assert 0.2 < other < 0.9
    assert ours(frames) == pytest.approx(other, abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        motmetrics = pytest.importorskip("motmetrics")
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for (ids, _, claim_ids, _), overlap in zip(frames, similarity, strict=True):
            accumulator.update(ids, claim_ids, np.where(overlap >= 0.5, 1 - overlap, np.nan))
        summary = motmetrics.metrics.create().compute(accumulator, metrics=["idf1"], return_dataframe=False)
    assert ours(frames) == pytest.approx(float(summary["idf1"]), abs=1e-12)


def test_a_track_under_two_names_counts_half():
    box, counts = np.array([[0.0, 0.0, 10.0, 20.0]]), IdentityCounts()
    for frame in range(10):
        counts.add(np.array([1]), box, np.array([7 if frame < 5 else 8]), box)
    assert sorted(counts.rows(), key=str) == sorted([(1, 5, 10, 5), (None, 0, 0, 5)], key=str)


def test_a_copy_and_a_double_are_followed():
    street = Street((Walker(step=2), Walker(left=150, step=-1, top=45)), 15)
    for result in (None, street.double):
        assert values(measure(street), run(measure(street), street, result)) == {"utility.tracking.idf1": 1.0}


def test_noise_and_an_empty_street_are_not_followed():
    street = Street(num_frames=10)
    for result in (street.noise, lambda index: street.ground):
        tally = run(measure(street), street, result)
        assert values(measure(street), tally) == {"utility.tracking.idf1": 0.0}
        assert tally.cases[0].badness == 1.0


def test_one_of_three_who_vanishes_costs_a_fifth():
    two = (Walker(step=1), Walker(left=90, step=0, height=40))
    street, other = Street((*two, Walker(left=150, step=1, top=45)), 12), Street(two, 12)
    other.ground = street.ground
    figure = measure(street).figures(run(measure(street), street, other.frame))[0]
    # Twice 2 * 11 shared of 33 + 22 boxes.
    assert figure.value == pytest.approx(4 / 5)
    low, high = figure.interval
    assert low <= figure.value <= high
    assert figure.trials > 20


def test_nobody_and_one_frame_give_no_value():
    for street in (without_people(Street(num_frames=3)), Street(num_frames=1)):
        figure = measure(street).figures(run(measure(street), street))[0]
        assert figure.value is None
        assert "nobody" in figure.note
