"""What happened to whom: one JSON line per track."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from bodydouble.errors import InputError, OutputError

TrackAction = Literal["replaced", "painted_out", "mixed", "kept", "obscured", "blurred", "pixelated"]
"""``kept`` is written for an explicit keep list only; ``mixed`` has spans of more than one kind; the last three are what
baselines do."""

_ACTIONS: Final[tuple[str, ...]] = get_args(TrackAction)
_ENTRY_KEYS: Final[frozenset[str]] = frozenset({"track_id", "action", "frames", "reason", "spans", "scores"})
_SPAN_KEYS: Final[frozenset[str]] = frozenset({"action", "first_frame", "last_frame", "reason"})


@dataclass(frozen=True, kw_only=True)
class LedgerSpan:
    """Consecutive frames of a track in which the same was done for the same reason."""

    action: TrackAction
    """Never ``mixed``."""
    first_frame: int
    """0-based."""
    last_frame: int
    """0-based, inclusive."""
    reason: str = ""
    """Empty when replaced."""


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """What was done with one track."""

    track_id: int
    action: TrackAction
    frames: int
    """Number of frames in which the person was present."""
    reason: str
    """Reasons of all spans that were not replaced, joined by ``; ``."""
    spans: tuple[LedgerSpan, ...]
    """In order of frames."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Figures by name, such as ``mean_joint_score`` and ``unchanged_share``."""


@dataclass(kw_only=True)
class LedgerBuilder:
    """Collects outcomes frame by frame; memory grows with the number of spans only."""

    _spans: dict[int, list[LedgerSpan]] = field(default_factory=dict)
    _frames: dict[int, int] = field(default_factory=dict)

    def record(self, track_id: int, frame_index: int, action: TrackAction, reason: str = "") -> None:
        """Note what was done with a track in a frame; frames of a track come in increasing order.

        Raises:
            ValueError: the frame does not come after the last one of the track.
        """
        spans = self._spans.setdefault(track_id, [])
        self._frames[track_id] = self._frames.get(track_id, 0) + 1
        last = spans[-1] if spans else None
        if last is not None and frame_index <= last.last_frame:
            raise ValueError(f"track {track_id}: frame {frame_index} comes after frame {last.last_frame}")
        if last is not None and last.last_frame == frame_index - 1 and (last.action, last.reason) == (action, reason):
            spans[-1] = LedgerSpan(action=action, first_frame=last.first_frame, last_frame=frame_index, reason=reason)
        else:
            spans.append(LedgerSpan(action=action, first_frame=frame_index, last_frame=frame_index, reason=reason))

    def entries(self, scores: Mapping[int, Mapping[str, float]] | None = None) -> list[LedgerEntry]:
        """Entries so far, ordered by track id, with scores per track id."""
        result = []
        for track_id in sorted(self._spans):
            spans = self._spans[track_id]
            actions = {span.action for span in spans}
            reasons = dict.fromkeys(span.reason for span in spans if span.reason)
            result.append(
                LedgerEntry(
                    track_id=track_id,
                    action=spans[0].action if len(actions) == 1 else "mixed",
                    frames=self._frames[track_id],
                    reason="; ".join(reasons),
                    spans=tuple(spans),
                    scores=dict((scores or {}).get(track_id, {})),
                )
            )
        return result


def _as_json(entry: LedgerEntry) -> str:
    scores = {name: value if math.isfinite(value) else None for name, value in sorted(entry.scores.items())}
    record = {
        "track_id": entry.track_id,
        "action": entry.action,
        "frames": entry.frames,
        "reason": entry.reason,
        "spans": [
            {
                "action": span.action,
                "first_frame": span.first_frame,
                "last_frame": span.last_frame,
                "reason": span.reason,
            }
            for span in entry.spans
        ],
        "scores": scores,
    }
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def write_ledger(entries: Iterable[LedgerEntry], path: Path) -> None:
    """Write a ledger; the file appears complete or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    text = "".join(_as_json(entry) + "\n" for entry in entries)
    temporary = path.with_name(path.name + ".partial")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write the ledger ({error.strerror}): {path}") from error


class _Malformed(Exception):
    """What is wrong with a line; turned into an InputError that names line and file."""


def _typed(record: Mapping[str, Any], key: str, kind: type) -> Any:
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _Malformed(f"{key} is {value!r}, expected {kind.__name__}")
    return value


def _check_keys(record: object, keys: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise _Malformed(f"{what} is {type(record).__name__}, expected an object")
    if set(record) != keys:
        missing, unknown = sorted(keys - set(record)), sorted(set(record) - keys)
        raise _Malformed(f"{what} lacks {missing} and has unknown {unknown}")
    return record


def _action(record: Mapping[str, Any], allowed: tuple[str, ...]) -> TrackAction:
    value = record["action"]
    if value not in allowed:
        raise _Malformed(f"action is {value!r}; allowed is {', '.join(allowed)}")
    return cast(TrackAction, value)


def _read_span(value: object) -> LedgerSpan:
    record = _check_keys(value, _SPAN_KEYS, "a span")
    span = LedgerSpan(
        action=_action(record, tuple(a for a in _ACTIONS if a != "mixed")),
        first_frame=_typed(record, "first_frame", int),
        last_frame=_typed(record, "last_frame", int),
        reason=_typed(record, "reason", str),
    )
    if not 0 <= span.first_frame <= span.last_frame:
        raise _Malformed(f"a span runs from frame {span.first_frame} to {span.last_frame}")
    return span


def _read_entry(line: str) -> LedgerEntry:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Malformed(f"no JSON: {error.msg}") from error
    record = _check_keys(value, _ENTRY_KEYS, "the entry")
    scores: dict[str, float] = {}
    for name, score in _typed(record, "scores", dict).items():
        if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
            raise _Malformed(f"score {name} is {score!r}, expected a number")
        scores[name] = math.nan if score is None else float(score)
    entry = LedgerEntry(
        track_id=_typed(record, "track_id", int),
        action=_action(record, _ACTIONS),
        frames=_typed(record, "frames", int),
        reason=_typed(record, "reason", str),
        spans=tuple(_read_span(span) for span in _typed(record, "spans", list)),
        scores=scores,
    )
    if entry.track_id < 1 or entry.frames < 1 or not entry.spans:
        raise _Malformed(f"track {entry.track_id} has {entry.frames} frames in {len(entry.spans)} spans")
    return entry


def read_ledger(path: Path) -> list[LedgerEntry]:
    """Read a ledger.

    Raises:
        InputError: the file cannot be read, or a line is malformed (it is named).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the ledger ({error}): {path}") from error
    if text and not text.endswith("\n"):
        raise InputError(f"the ledger ends in the middle of a line; it was cut off: {path}")
    entries: list[LedgerEntry] = []
    # Not splitlines: a reason may hold one of the rarer line separators of Unicode.
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            entry = _read_entry(line)
        except _Malformed as error:
            raise InputError(f"line {number} of the ledger is malformed ({error}): {path}") from error
        if entries and entry.track_id <= entries[-1].track_id:
            raise InputError(f"line {number} of the ledger repeats or misplaces track {entry.track_id}: {path}")
        entries.append(entry)
    return entries
