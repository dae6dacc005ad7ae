"""What an output name may be, the temporary name beside it, and the rename that makes the output appear."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bodydouble.errors import OutputError
from bodydouble.video_io.codecs import IMAGE_SUFFIXES, is_ignored
from bodydouble.video_io.guard import write_reason


def partial_path(output: Path) -> Path:
    """Hidden name in the same folder (so that the rename is atomic), with the suffix kept."""
    return output.with_name(f".{output.stem}.partial{output.suffix}")


def check_output(output: Path, *, overwrite: bool, as_folder: bool) -> None:
    """Check that an output may be written, before any work is done. Its parent folder must exist.

    Raises:
        OutputError: the parent is missing, not a folder or not writable; the output is there without ``overwrite``, or
            is something that is never overwritten (a folder by a file, a folder that holds more than images).
    """
    parent = output.absolute().parent
    try:
        if not parent.exists():
            raise OutputError(f"the output folder does not exist; create it (mkdir -p) or choose another: {parent}")
        if not parent.is_dir():
            raise OutputError(f"the output folder is a file; choose another: {parent}")
        if not output.name:
            raise OutputError(f"the output has no name: {output}")
        if os.path.lexists(output):
            _check_replaceable(output, overwrite=overwrite, as_folder=as_folder)
    except OSError as error:
        raise OutputError(f"cannot write the output: {write_reason(error)}: {output}") from error
    if not os.access(parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise OutputError(
            f"no permission to write into the output folder; change the permissions or choose another: {parent}"
        )


def _check_replaceable(output: Path, *, overwrite: bool, as_folder: bool) -> None:
    if not overwrite:
        raise OutputError(f"the output exists already; use --overwrite to replace it, or choose another name: {output}")
    if output.is_dir() != as_folder:
        kinds = ("a folder", "a file") if output.is_dir() else ("a file", "a folder")
        raise OutputError(f"the output exists as {kinds[0]} and would become {kinds[1]}; choose another name: {output}")
    if as_folder:
        # A slip of the keyboard must not cost a folder of something else.
        others = [e for e in output.iterdir() if e.is_dir() or not _may_be_replaced(e.name)]
        if others:
            raise OutputError(
                f"the output folder holds more than images ({others[0].name}), it is not overwritten; choose another "
                f"name or empty it: {output}"
            )


def _may_be_replaced(name: str) -> bool:
    return is_ignored(name) or Path(name).suffix.lower() in IMAGE_SUFFIXES


def remove(path: Path) -> None:
    """Delete a temporary file or folder if it is there.

    Raises:
        OutputError: it cannot be deleted.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot delete a temporary file: {write_reason(error)}: {path}") from error


def publish(partial: Path, output: Path, *, overwrite: bool) -> None:
    """Give a finished file or folder its final name.

    Args:
        partial: finished, on the disk of ``output``.
        output: final name.
        overwrite: replace what is there.

    Raises:
        OutputError: something took the name in the meantime, or the rename fails.
    """
    try:
        if os.path.lexists(output):
            _check_replaceable(output, overwrite=overwrite, as_folder=partial.is_dir())
            if partial.is_dir():
                replaced = output.with_name(f".{output.name}.replaced")
                remove(replaced)
                output.rename(replaced)
                partial.rename(output)
                remove(replaced)
                return
        partial.replace(output)
    except OSError as error:
        raise OutputError(f"cannot write the output: {write_reason(error)}: {output}") from error
