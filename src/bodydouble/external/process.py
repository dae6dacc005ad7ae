"""Starting a program of others: its output goes into a log, its failure becomes an error that says what it said."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bodydouble.errors import InputError, MissingDependency
from bodydouble.external.base import Launch

_LINES_TOLD: Final = 3
_NOT_HANDED_ON: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
"""Of our own environment; another Python would find our packages instead of its own."""


def find_program(program: Path, *, name: str, how_to_install: str) -> str:
    """The path of a program.

    Raises:
        MissingDependency: it is not there.
    """
    found = shutil.which(program)
    if found is None:
        raise MissingDependency(f"{name} is not installed ({program}); {how_to_install}")
    # Not resolved: the Python of an environment is a link, and only under its own name it knows its packages.
    return str(Path(found).absolute())


def run_program(launch: Launch, log: Path, *, name: str) -> None:
    """Run a program to its end. An interruption ends it too.

    Args:
        launch: how.
        log: file that takes what it says.
        name: of the program, for messages.

    Raises:
        MissingDependency: it cannot be started.
        InputError: it failed.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_HANDED_ON} | dict(
        launch.environment
    )
    with log.open("ab") as stream:
        try:
            done = subprocess.run(
                launch.command,
                cwd=launch.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise MissingDependency(f"{name} cannot be started ({error.strerror}): {launch.command[0]}") from error
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise InputError(f"{name} failed ({how}): {last_words(log)}; all it said: {log}")


def last_words(log: Path) -> str:
    """The last lines of a log, on one line."""
    text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_LINES_TOLD:]) or "it said nothing"


def ask_version(program: str, *arguments: str) -> str:
    """First line of what a program says about its version; empty where it says nothing of use."""
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""
