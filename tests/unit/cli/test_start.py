"""The command line starts at once, names its commands, and ends with the right code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bodydouble.cli import COMMANDS, EXIT_CODES, main

HEAVY = ("torch", "cv2", "av", "anny", "numba", "onnxruntime", "scipy", "trackers", "pydantic", "rich")
"""Modules that cost from 50 ms to several seconds."""

PROBE = """
import sys
from bodydouble.cli import main
import time
main(sys.argv[1:])
print(time.process_time(), [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


def probe(*words: str) -> tuple[str, float, str]:
    """Standard output, seconds of processor time (a busy machine does not change it), and heavy modules loaded."""
    command = [sys.executable, "-c", PROBE.format(heavy=(*HEAVY, "numpy")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, loaded = done.stderr.strip().splitlines()[-1].split(" ", 1)
    return done.stdout, float(seconds), loaded


def test_help_is_there_at_once_and_lists_every_command() -> None:
    text, seconds, loaded = probe("--help")
    assert loaded == "[]"
    for command, summary in COMMANDS.items():
        assert f"  {command} " in text
        assert summary in text
    for code in EXIT_CODES:
        assert f"  {code} " in text
    assert seconds < 0.5


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_every_command_loads_nothing_heavy(command: str) -> None:
    text, seconds, loaded = probe(command, "--help")
    assert f"usage: bodydouble {command}" in text
    assert not [name for name in HEAVY if repr(name) in loaded], loaded
    assert seconds < 2


def test_nested_options_of_every_stage_are_offered() -> None:
    text, _, _ = probe("anonymize", "--help")
    for option in (
        "--perception.people.score", "--generation.backend", "--compositing.", "--casting.", "--policy.on-failure",
        "--on-failure", "--min-coverage", "--codec", "--keep-audio", "--workers", "--seed", "--preset", "--config",
        "--overwrite", "--resume", "-o",
    ):  # fmt: skip
        assert option in text, option


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["--nonsense"], ["anonymize"], ["anonymize", "--bogus", "x"], ["config"]]
)
def test_bad_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bodydouble 0.")


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "bodydouble", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bodydouble ")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"'{sys.executable}' -m bodydouble backends | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""
