"""The ledger: spans, atomic writing, strict reading."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bodydouble.errors import InputError, OutputError
from bodydouble.ledger import LedgerBuilder, LedgerSpan, read_ledger, write_ledger


def build() -> LedgerBuilder:
    builder = LedgerBuilder()
    for frame in range(3, 9):
        builder.record(2, frame, "replaced")
    for frame, action, reason in (
        (0, "painted_out", "no skeleton"),
        (1, "painted_out", "no skeleton"),
        (2, "replaced", ""),
        (3, "painted_out", "double\u2028missing"),
        (9, "painted_out", "double\u2028missing"),
    ):
        builder.record(1, frame, action, reason)
    return builder


def test_spans_follow_action_reason_and_gaps():
    first, second = build().entries({2: {"mean_joint_score": 0.7}})
    assert (first.track_id, first.action, first.frames) == (1, "mixed", 5)
    assert first.reason == "no skeleton; double\u2028missing"
    assert [(s.action, s.first_frame, s.last_frame) for s in first.spans] == [
        ("painted_out", 0, 1),
        ("replaced", 2, 2),
        ("painted_out", 3, 3),
        ("painted_out", 9, 9),
    ]
    assert (second.action, second.frames, second.reason, dict(second.scores)) == (
        "replaced",
        6,
        "",
        {"mean_joint_score": 0.7},
    )
    assert second.spans == (LedgerSpan(action="replaced", first_frame=3, last_frame=8),)


def test_a_frame_cannot_be_recorded_twice():
    builder = build()
    with pytest.raises(ValueError, match="track 1: frame 9"):
        builder.record(1, 9, "replaced")


def test_written_is_read(tmp_path: Path):
    entries = build().entries({1: {"score": 0.25, "unknown": math.nan}})
    write_ledger(entries, tmp_path / "ledger.jsonl")
    again = read_ledger(tmp_path / "ledger.jsonl")
    assert math.isnan(again[0].scores["unknown"])
    assert again[0].scores["score"] == 0.25
    assert [(e.track_id, e.action, e.frames, e.reason, e.spans) for e in again] == [
        (e.track_id, e.action, e.frames, e.reason, e.spans) for e in entries
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.jsonl"]
    assert len((tmp_path / "ledger.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")) == 2


def test_an_empty_ledger_is_a_ledger(tmp_path: Path):
    write_ledger([], tmp_path / "ledger.jsonl")
    assert read_ledger(tmp_path / "ledger.jsonl") == []


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot write the ledger"):
        write_ledger([], tmp_path / "absent" / "ledger.jsonl")
    with pytest.raises(InputError, match="cannot read the ledger"):
        read_ledger(tmp_path / "ledger.jsonl")


def test_an_interrupted_write_leaves_the_old_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "ledger.jsonl"
    write_ledger(build().entries(), path)
    before = path.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_ledger([], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.jsonl"]


GOOD = {
    "track_id": 3,
    "action": "replaced",
    "frames": 1,
    "reason": "",
    "spans": [{"action": "replaced", "first_frame": 0, "last_frame": 0, "reason": ""}],
    "scores": {},
}


def test_the_good_line_is_good(tmp_path: Path):
    (tmp_path / "l").write_text(json.dumps(GOOD) + "\n")
    assert read_ledger(tmp_path / "l")[0].track_id == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"action": "ignored"}, "action is 'ignored'"),
        ({"frames": "1"}, "frames is '1'"),
        ({"frames": True}, "frames is True"),
        ({"frames": 0}, "0 frames"),
        ({"track_id": 0}, "track 0"),
        ({"extra": 1}, "unknown \\['extra'\\]"),
        ({"spans": []}, "0 spans"),
        ({"spans": [7]}, "a span is int"),
        ({"spans": [{**GOOD["spans"][0], "last_frame": -1}]}, "from frame 0 to -1"),
        ({"spans": [{**GOOD["spans"][0], "action": "mixed"}]}, "action is 'mixed'"),
        ({"scores": {"a": "high"}}, "score a is 'high'"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, change: dict, says: str):
    path = tmp_path / "ledger.jsonl"
    other = {**GOOD, "track_id": 2}
    path.write_text(json.dumps(other) + "\n" + json.dumps({**GOOD, **change}) + "\n")
    with pytest.raises(InputError, match=f"line 2 .*{says}"):
        read_ledger(path)


@pytest.mark.parametrize("text", ["[]\n", "{\n", "\n", '{"track_id": 1}\n'])
def test_lines_that_are_no_entries(tmp_path: Path, text: str):
    path = tmp_path / "ledger.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="line 1"):
        read_ledger(path)


def test_a_cut_off_ledger_is_noticed(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps(GOOD))
    with pytest.raises(InputError, match="cut off"):
        read_ledger(path)


def test_a_track_cannot_come_twice(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    path.write_text((json.dumps(GOOD) + "\n") * 2)
    with pytest.raises(InputError, match="repeats or misplaces track 3"):
        read_ledger(path)
