"""Parts of the benchmark of perception that need no clip: who counts as found, and what the table says."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bodydouble.evaluation.claims import FrameClaims
from bodydouble.testing import make_walker_clip

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def claim(*boxes: tuple[float, ...]) -> FrameClaims:
    count = len(boxes)
    return FrameClaims(
        track_ids=np.arange(1, count + 1),
        steps=np.zeros(count, np.int64),
        boxes_xyxy_px=np.array(boxes, float).reshape(-1, 4),
    )


def look(part, frame: int, *boxes: tuple[float, ...]):
    count = len(boxes)
    return part("perception.referee_looks").RefereeLook(
        frame_index=frame,
        boxes_xyxy_px=np.array(boxes, float).reshape(-1, 4),
        scores=np.full(count, 0.6),
        confirmed=np.ones(count, bool),
    )


def test_the_referees_people_are_found_one_to_one(part):
    rows = part("perception.referee_rows")
    a, b, small = (0, 0, 10, 30), (30, 0, 40, 30), (60, 0, 65, 15)
    looks = [look(part, 0, a, b, small), look(part, 1, a), look(part, 2)]
    people = [claim(a, small), claim(), claim(a)]
    counted = rows.tally(looks, people, [claim(a, b, small), claim(), claim()], 24.0)
    assert counted.hit.tolist() == [True, False, False]
    assert counted.touched.tolist() == [True, True, False]
    assert counted.frames.tolist() == [0, 0, 1]
    assert counted.num_frames == 3
    assert counted.share(np.ones(3, bool)) == pytest.approx(1 / 3)
    assert counted.share(np.zeros(3, bool)) is None
    everybody = rows.tally(looks, people, people, 0.0)
    assert everybody.hit.tolist() == [True, False, True, False]


def test_a_clip_without_anybody_has_no_share(part):
    counted = part("perception.referee_rows").tally([look(part, 0)], [claim()], [claim()], 0.0)
    assert counted.share(np.ones(0, bool)) is None


@pytest.mark.parametrize(
    ("value", "least", "most", "verdict"),
    [
        (0.95, 0.95, None, "pass"),
        (0.949, 0.95, None, "FAIL"),
        (0.02, None, 0.02, "pass"),
        (0.03, None, 0.02, "FAIL"),
        (0.5, None, None, ""),
        (None, 0.95, None, "not measured"),
    ],
)
def test_verdicts(part, value, least, most, verdict):
    table = part("perception.table")
    row = table.Row(clip="pets", what="recall", value=value, how="so", least=least, most=most)
    assert row.verdict == verdict
    text = table.as_text([row])
    assert len({len(line.split("|")) for line in text.splitlines()}) == 1
    assert table.as_record(row)["verdict"] == verdict


def test_the_beginning_of_a_clip(part):
    source = make_walker_clip(num_frames=6, width_px=64, height_px=48)
    beginning = part("perception.clips").Beginning(source, 4)
    assert beginning.geometry.num_frames == 4
    assert [frame.index for frame in beginning.frames()] == [0, 1, 2, 3]
    assert [frame.index for frame in beginning.frames(2, 9)] == [2, 3]
    assert part("perception.clips").Beginning(source, 99).geometry.num_frames == 6


def test_options_name_what_is_unknown(part):
    bars = part("perception_bars")
    assert bars._words("pets,ped2_test_03") == ["pets", "ped2_test_03"]
    assert bars._limits("60") == {"": 60}
    assert bars._limits("crowd=40,ped2=30") == {"crowd": 40, "ped2": 30}
    with pytest.raises(argparse.ArgumentTypeError, match="pest"):
        bars._words("pest")
    for wrong in ("", "crowd=", "0", "crowd=-1", "many"):
        with pytest.raises(argparse.ArgumentTypeError, match="number of frames"):
            bars._limits(wrong)
