"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from bodydouble.errors import BodyDoubleError, Interrupted

DEBUG_VARIABLE = "BODYDOUBLE_DEBUG"


def run_guarded(command: Callable[[Sequence[str]], None], words: Sequence[str]) -> int:
    """Run a command; whatever it raises ends as one line on stderr and an exit code.

    Args:
        command: takes the words after its name.
        words: those, with or without ``--debug``.
    """
    debug = "--debug" in words or os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
    try:
        with _sigterm_interrupts():
            command([word for word in words if word != "--debug"])
    except SystemExit as request:  # tyro, after help or a usage error
        return request.code if isinstance(request.code, int) else int(request.code is not None)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`bodydouble backends | head`). Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as error:
        return _report(error, "interrupted; the same command with --resume goes on", Interrupted.exit_code, debug)
    except BodyDoubleError as error:
        return _report(error, _with_notes(f"error: {error}", error), error.exit_code, debug)
    except Exception as error:  # noqa: BLE001 (the last line of defence: it becomes a message and exit code 1)
        message = f"internal error: {type(error).__name__}: {error}; this is a bug, --debug shows where"
        return _report(error, _with_notes(message, error), BodyDoubleError.exit_code, debug)
    return 0


def _report(error: BaseException, message: str, exit_code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    print(f"bodydouble: {message}", file=sys.stderr)
    return exit_code


def _with_notes(message: str, error: BaseException) -> str:
    one_line = " ".join(message.split())
    return "; ".join([one_line, *getattr(error, "__notes__", ())])


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """A polite kill ends a run as Ctrl-C does: recorded, workers ended, resumable."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        former = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread, such as in a test or a notebook: signals are not ours
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
