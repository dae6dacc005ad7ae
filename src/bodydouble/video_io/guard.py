"""Foreign errors become ours at this border; every adapter of this package goes through it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodydouble.errors import InputError, OutputError, UnreadableVideo

_READ_HINTS = {
    errno.ENOENT: "there is no such file; check the name",
    errno.EACCES: "no permission to read it; change the permissions or run as another user",
    errno.EPERM: "no permission to read it; change the permissions or run as another user",
    errno.EISDIR: "it is a folder where a file was expected",
}

_WRITE_HINTS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another disk, and resume",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another disk, and resume",
    errno.EFBIG: "the file would exceed the allowed file size; raise the limit, or choose another disk, and resume",
    errno.EACCES: "no permission to write here; change the permissions or choose another folder",
    errno.EPERM: "no permission to write here; change the permissions or choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOENT: "the folder is gone; create it again",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def read_reason(error: Exception) -> str:
    """Put a foreign error of reading into words, with what to do where that is known."""
    import av

    if isinstance(error, av.error.InvalidDataError):
        return "the data are damaged, or are not what the name says"
    number = getattr(error, "errno", None)
    return _READ_HINTS.get(number or 0) or getattr(error, "strerror", None) or str(error) or type(error).__name__


def write_reason(error: Exception) -> str:
    """Put a foreign error of writing into words, with what to do where that is known."""
    number = getattr(error, "errno", None)
    return _WRITE_HINTS.get(number or 0) or getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def reading(path: Path, what: str, error_type: type[InputError] = UnreadableVideo) -> Iterator[None]:
    """Map errors of PyAV and of the operating system to ``error_type``.

    Args:
        path: what is read; ends the message.
        what: start of the message, e.g. ``"cannot open the video"``.
        error_type: what is raised instead.
    """
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise error_type(f"{what}: {read_reason(error)}: {path}") from error


@contextmanager
def writing(path: Path, what: str = "cannot write the output") -> Iterator[None]:
    """Map errors of PyAV and of the operating system to ``OutputError``; the path ends the message."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{what}: {write_reason(error)}: {path}") from error
