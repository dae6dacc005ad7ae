"""``bodydouble models list`` and ``bodydouble models fetch``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bodydouble.errors import UsageError
from bodydouble.model_store import MODELS, DownloadProgress, SilentDownload, fetch_model, is_present, model_named
from bodydouble.model_store import store_folder as folder_of_store

if TYPE_CHECKING:
    from rich.progress import TaskID

_HELP = """usage: bodydouble models list
       bodydouble models fetch NAME [NAME ...]

  list   weights that others publish and that backends can use: size, licence, source, and whether they are here
  fetch  put some of them into the store: the folder that BODYDOUBLE_MODELS names, else ~/.cache/bodydouble/models"""


def run(words: Sequence[str]) -> None:
    """Run the command.

    Raises:
        UsageError: neither ``list`` nor ``fetch`` with names.
        MissingWeights: a model cannot be fetched.
    """
    match list(words):
        case ["list"]:
            _list()
        case ["fetch", *names] if names and not any(name.startswith("-") for name in names):
            for path in fetch(names, quiet=False):
                print(path)
        case ["--help" | "-h"] | ["list" | "fetch", "--help" | "-h"]:
            print(_HELP)
        case _:
            raise UsageError(f"models takes `list`, or `fetch` and names, got {' '.join(words)!r}")


def fetch(names: Sequence[str], *, quiet: bool) -> list[Path]:
    """Fetch models into the store, saying what comes under which licence.

    Raises:
        UsageError: a name is unknown; nothing was fetched.
        MissingWeights: one cannot be fetched.
    """
    models = [model_named(name) for name in names]
    progress = SilentDownload() if quiet else _progress(sys.stderr)
    paths = []
    for model in models:
        if not quiet and not is_present(model.name):
            print(
                f"{model.name}: about {model.size_mb} MB, licence {model.licence}, from {model.source}", file=sys.stderr
            )
            if model.unknown_hashes:
                print(
                    f"  no sha256 is known of {', '.join(model.unknown_hashes)} at {model.revision}: what comes is recorded "
                    "in sha256.json and must stay the same; compare it with that page if it matters",
                    file=sys.stderr,
                )
        paths.append(fetch_model(model.name, progress))
    return paths


def _list() -> None:
    rows = [("model", "here", "MB", "licence", "source")]
    rows += [(m.name, "yes" if is_present(m.name) else "no", str(m.size_mb), m.licence, m.source) for m in MODELS]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]))
    print(f"\nstore: {folder_of_store()}")


def _progress(stream: TextIO) -> DownloadProgress:
    return _Bar(stream) if stream.isatty() else _Lines(stream)


class _Lines:
    """A line for each file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, file_name: str, num_bytes: int | None) -> None:
        size = "of unknown size" if num_bytes is None else f"{num_bytes / 1e6:.1f} MB"
        self._stream.write(f"  {file_name}, {size}\n")
        self._stream.flush()

    def advance(self, num_bytes: int) -> None:
        """Say nothing between."""

    def finish(self) -> None:
        """Say nothing: whatever goes wrong is said by the error."""


class _Bar:
    """A bar for each file."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as SpeedColumn

        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task: TaskID | None = None

    def start(self, file_name: str, num_bytes: int | None) -> None:
        self._bars.start()
        self._task = self._bars.add_task(file_name, total=num_bytes)

    def advance(self, num_bytes: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, num_bytes)

    def finish(self) -> None:
        self._bars.stop()
        self._task = None
