"""Errors become one line and an exit code, in one place."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import pytest

from bodydouble import errors
from bodydouble.cli.guard import run_guarded


def raising(error: BaseException) -> int:
    def command(words: Sequence[str]) -> None:
        raise error

    return run_guarded(command, [])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("u"), 2),
        (errors.ConfigError("c"), 2),
        (errors.InputError("i"), 2),
        (errors.UnreadableVideo("v"), 2),
        (errors.UnreadableImage("m"), 2),
        (errors.BundleError("b"), 2),
        (errors.OutputError("o"), 2),
        (errors.PolicyStop("p"), 3),
        (errors.MissingDependency("d"), 4),
        (errors.MissingWeights("w"), 4),
        (errors.WorkerCrashed("k"), 1),
        (errors.Interrupted("n"), 130),
        (KeyboardInterrupt(), 130),
        (RuntimeError("bug"), 1),
        (SystemExit(2), 2),
        (SystemExit(0), 0),
        (SystemExit(None), 0),
        (SystemExit("words"), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    if not isinstance(error, SystemExit):
        assert text.startswith("bodydouble: ")
        assert text.count("\n") == 1
        assert str(error) in text


def test_every_error_of_ours_has_a_code_that_help_explains() -> None:
    from bodydouble.cli import EXIT_CODES

    def below(kind: type[errors.BodyDoubleError]) -> list[type[errors.BodyDoubleError]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    kinds = below(errors.BodyDoubleError)
    assert len(kinds) > 10
    assert {kind.exit_code for kind in kinds} <= set(EXIT_CODES)


def test_notes_and_line_breaks_end_up_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.InputError("two\nlines")
    error.add_note("2 of 5 clips have no result")
    raising(error)
    assert capsys.readouterr().err == "bodydouble: error: two lines; 2 of 5 clips have no result\n"


@pytest.mark.parametrize("words", [["--debug"], ["x", "--debug"]])
def test_debug_shows_where_and_is_not_handed_on(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def command(rest: Sequence[str]) -> None:
        seen.extend(rest)
        raise errors.InputError("broken")

    assert run_guarded(command, words) == 2
    assert "--debug" not in seen
    text = capsys.readouterr().err
    assert "Traceback" in text
    assert text.endswith("bodydouble: error: broken\n")


def test_debug_by_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BODYDOUBLE_DEBUG", "1")
    raising(RuntimeError("bug"))
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("BODYDOUBLE_DEBUG", "0")
    raising(RuntimeError("bug"))
    assert "Traceback" not in capsys.readouterr().err


def test_a_polite_kill_is_an_interruption_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def command(words: Sequence[str]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    assert run_guarded(command, []) == 130
    assert signal.getsignal(signal.SIGTERM) is before
