"""Progress on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TextIO

from bodydouble.scene import Progress, SilentProgress

if TYPE_CHECKING:
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES: Final = 10.0


def make_progress(stream: TextIO, *, quiet: bool) -> Progress:
    """Progress as it suits a stream."""
    if quiet:
        return SilentProgress()
    return TerminalProgress(stream) if stream.isatty() else LineProgress(stream)


class LineProgress:
    """A line at the beginning and end of each stage, and every few seconds between, with frames a second.

    Where doubles are made, frames are counted for each person.
    """

    def __init__(self, stream: TextIO, *, seconds_between_lines: float = _SECONDS_BETWEEN_LINES) -> None:
        self._stream = stream
        self._pause = seconds_between_lines
        self._stage, self._total, self._done = "", 0, 0
        self._begin = self._last = 0.0

    def start(self, stage: str, total: int) -> None:
        """Say that a stage begins."""
        self._stage, self._total, self._done = stage, total, 0
        self._begin = self._last = time.monotonic()
        self._say(f"{stage}: {total} to do")

    def advance(self, steps: int = 1) -> None:
        """Count; say so when the last line is some seconds old."""
        self._done += steps
        now = time.monotonic()
        if now - self._last >= self._pause:
            self._last = now
            self._say(f"{self._stage}: {self._done} of {self._total}, {self._rate(now):.1f} frames a second")

    def finish(self) -> None:
        """Say how long the stage took."""
        now = time.monotonic()
        self._say(f"{self._stage}: done in {now - self._begin:.1f} s, {self._rate(now):.1f} frames a second")

    def _rate(self, now: float) -> float:
        return self._done / max(now - self._begin, 1e-9)

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class TerminalProgress:
    """A bar for each stage."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.progress import Task as BarTask
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: BarTask) -> Text:
                speed = task.finished_speed or task.speed
                return Text(f"{speed:.1f} frames/s" if speed else "")

        self._bars = Bars(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task: TaskID | None = None

    def start(self, stage: str, total: int) -> None:
        """Show a new bar."""
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def finish(self) -> None:
        """Leave the full bar standing and free the line."""
        self._bars.stop()
        self._task = None
