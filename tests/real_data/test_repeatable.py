"""Same seed, same frames, whatever the number of workers; another seed, other people; on an excerpt of vtest.avi."""

from __future__ import annotations

import numpy as np
import pytest

from bodydouble.scene.performance_files import read_cast

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def clip(real_data_dir, excerpt):
    return excerpt(real_data_dir / "pets09_s2l1" / "vtest.avi", 180, 24)


@pytest.fixture(scope="module")
def first(clip, run_default):
    return run_default(clip, seed=7)


def test_same_seed_same_frames_with_one_worker_or_two(clip, first, run_default):
    again = run_default(clip, seed=7, workers=2)
    for one, other in zip(first.pictures(), again.pictures(), strict=True):
        np.testing.assert_array_equal(one, other)
    ledgers = [run.result.run_folder / "ledger.jsonl" for run in (first, again)]
    assert ledgers[0].read_bytes() == ledgers[1].read_bytes()


def test_another_seed_other_people_in_the_same_places(clip, first, run_default):
    other = run_default(clip, seed=8)
    casts = [read_cast(run.result.run_folder / "performance" / "cast.json") for run in (first, other)]
    assert [track_id for track_id, _ in casts[0].parts] == [track_id for track_id, _ in casts[1].parts]
    assert len(casts[0].parts) > 0
    assert all(a[1] != b[1] for a, b in zip(casts[0].parts, casts[1].parts, strict=True))
    differing = [(a != b).any() for a, b in zip(first.pictures(), other.pictures(), strict=True)]
    assert any(differing)
