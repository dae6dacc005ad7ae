"""Counts of a cast."""

from __future__ import annotations

import json
from pathlib import Path

from bodydouble.casting import CastingConfig, balance, cast_tracks, write_balance
from bodydouble.casting.palette import VOCABULARY
from bodydouble.scene import Cast
from tests.unit.casting.test_draw import make_bundle


def cast_of(*track_ids: int, config: CastingConfig | None = None) -> Cast:
    return cast_tracks(make_bundle(list(track_ids)), config or CastingConfig(), 1)


def test_everybody_counts_once_and_nobody_is_zero() -> None:
    counts = balance(cast_of(*range(1, 25), config=CastingConfig(pin=("2:occupation=juggler",), exclude=("coat",))))
    assert {sum(values.values()) for values in counts.values()} == {24}
    assert counts["top"]["coat"] == 0
    assert counts["occupation"]["juggler"] == 1
    assert set(counts["gender"].values()) == {8}
    assert list(counts)[:2] == ["ethnicity", "gender"]


def test_only_those_who_play_count(tmp_path: Path) -> None:
    cast = cast_of(1, 2, 3, 4)
    write_balance(cast, tmp_path / "balance.json", {2, 3, 99})
    data = json.loads((tmp_path / "balance.json").read_text(encoding="utf-8"))
    assert data["people"] == 2
    assert data["counts"] == balance(Cast(seed=1, parts=cast.parts[1:3]))


def test_a_cast_of_nobody() -> None:
    assert balance(Cast(seed=1, parts=()))["gender"] == dict.fromkeys(VOCABULARY["gender"], 0)
