"""``bodydouble backends``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bodydouble.backends import BACKENDS, Backend
from bodydouble.cli.options import parse_plain


@dataclass(frozen=True, kw_only=True)
class Backends:
    """List what can do the work of each stage, its licence, and whether it is installed."""


def run(words: Sequence[str]) -> None:
    """Run the command."""
    parse_plain(Backends, "backends", words)
    rows = [("stage", "backend", "ready", "licence", "what it is"), *(_row(backend) for backend in BACKENDS)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]))


def _row(backend: Backend) -> tuple[str, str, str, str, str]:
    missing = [*backend.missing_modules(), *backend.missing_weights(), *backend.missing_models()]
    ready = f"no: {', '.join(missing)}" if missing else "yes"
    return backend.stage, backend.name, ready, backend.licence, backend.summary
