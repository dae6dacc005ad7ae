"""Progress tells what, how far and how fast, in plain lines where there is no terminal."""

from __future__ import annotations

import io

from bodydouble.cli.progress import LineProgress, TerminalProgress, make_progress
from bodydouble.scene import SilentProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_kind_suits_the_stream() -> None:
    assert isinstance(make_progress(io.StringIO(), quiet=True), SilentProgress)
    assert isinstance(make_progress(io.StringIO(), quiet=False), LineProgress)
    assert isinstance(make_progress(Terminal(), quiet=False), TerminalProgress)


def test_lines() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, seconds_between_lines=0)
    progress.start("people", 4)
    progress.advance()
    progress.advance(3)
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "people: 4 to do"
    assert lines[1].startswith("people: 1 of 4, ")
    assert lines[2].startswith("people: 4 of 4, ")
    assert lines[3].startswith("people: done in ")
    assert "\x1b" not in stream.getvalue()


def test_lines_are_few() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.start("people", 10_000)
    for _ in range(10_000):
        progress.advance()
    progress.finish()
    assert len(stream.getvalue().splitlines()) < 5


def test_bars_name_the_stage_and_reach_the_end() -> None:
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.start("people", 3)
    progress.advance(3)
    progress.finish()
    assert "people" in stream.getvalue()
    assert "3/3" in stream.getvalue()
    progress.start("empty", 0)
    progress.finish()
