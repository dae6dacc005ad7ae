"""Where a run keeps its files, and when an existing folder may be used, replaced or must be left alone."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bodydouble.config import RunConfig, write_config
from bodydouble.errors import OutputError, UsageError
from bodydouble.ledger import write_ledger
from bodydouble.manifest import Manifest, read_manifest
from bodydouble.video_io.codecs import VIDEO_SUFFIXES

SUFFIX: Final = ".bodydouble.run"

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run folder."""

    root: Path

    @property
    def manifest(self) -> Path:
        """What ran and how it ended (JSON)."""
        return self.root / "manifest.json"

    @property
    def ledger(self) -> Path:
        """What happened to whom (JSON lines)."""
        return self.root / "ledger.jsonl"

    @property
    def config(self) -> Path:
        """The resolved configuration (TOML)."""
        return self.root / "config.toml"

    @property
    def scene(self) -> Path:
        """The scene bundle (folder)."""
        return self.root / "scene"

    @property
    def plate(self) -> Path:
        """Key pictures of the clean background (folder)."""
        return self.root / "plate"

    @property
    def performance(self) -> Path:
        """Windows of the doubles (folder)."""
        return self.root / "performance"

    @property
    def work(self) -> Path:
        """Scratch; removed when the run is done."""
        return self.root / "work"


def run_folder_for(output: Path) -> Path:
    """The run folder beside an output: ``street.bodydouble.mp4`` has ``street.bodydouble.run``.

    >>> run_folder_for(Path("out/street.bodydouble.mp4")).as_posix()
    'out/street.bodydouble.run'
    >>> run_folder_for(Path("out/mine.v2.mkv")).as_posix(), run_folder_for(Path("out/frames.v2")).as_posix()
    ('out/mine.v2.bodydouble.run', 'out/frames.v2.bodydouble.run')
    """
    stem = output.stem if output.suffix.lower() in VIDEO_SUFFIXES else output.name
    return output.with_name(stem.removesuffix(".bodydouble") + SUFFIX)


def check_free(path: Path, *, overwrite: bool) -> None:
    """See, before any work is done, that something of ours can be written.

    Raises:
        OutputError: it exists and may not be replaced, or its folder is missing or not writable.
    """
    if not path.absolute().parent.is_dir():
        raise OutputError(f"the folder of the output does not exist; create it first: {path.absolute().parent}")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise OutputError(f"no permission to write into the folder of the output: {path.absolute().parent}")
    if path.exists() and not overwrite:
        raise OutputError(f"the output exists; choose another name or say --overwrite: {path}")


def make_parents(*paths: Path) -> None:
    """Make the folders that paths of a data set tree lie in.

    Raises:
        OutputError: they cannot be made.
    """
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the folder cannot be made: {error.strerror}: {path.parent}") from error


def find_former_run(folder: RunFolder, manifest: Manifest) -> Manifest | None:
    """The manifest of an earlier run, if there is one that can be gone on with.

    Raises:
        UsageError: it had another input, configuration or version.
        BundleError: its manifest cannot be read.
    """
    if not folder.manifest.is_file():
        return None
    former = read_manifest(folder.manifest)
    _check_same_run(former, manifest, folder.root)
    return former


def new_run_folder(folder: RunFolder, manifest: Manifest, config: RunConfig, *, overwrite: bool) -> None:
    """Make a run folder with what is there from the first moment: manifest, configuration and an empty ledger.

    Args:
        folder: where.
        manifest: of the run that begins.
        config: its configuration.
        overwrite: remove the folder of an earlier run first.

    Raises:
        OutputError: the folder exists and may not be removed, or is none of ours.
    """
    if folder.root.exists():
        if folder.manifest.is_file() and not overwrite:
            raise OutputError(
                f"there is a run folder of an earlier run; go on with it by --resume, or start anew by --overwrite: "
                f"{folder.root}"
            )
        if not folder.manifest.is_file() and any(folder.root.iterdir()):
            raise OutputError(f"this is no run folder (it has no manifest.json) and is left alone: {folder.root}")
        shutil.rmtree(folder.root)
    folder.root.mkdir()
    manifest.save(folder.manifest)
    write_config(config, folder.config)
    write_ledger([], folder.ledger)


def _check_same_run(former: Manifest, now: Manifest, root: Path) -> None:
    if (former.identity, former.weights) == (now.identity, now.weights):
        return
    differences = []
    if former.identity.input_sha256 != now.identity.input_sha256:
        differences.append(f"the input has changed (it was {former.input_name!r})")
    if former.identity.config_sha256 != now.identity.config_sha256:
        changed = sorted(_changed_keys(former.config, now.config))
        differences.append(f"the configuration differs in {', '.join(changed[:5])}{', …' if len(changed) > 5 else ''}")
    if former.identity.version != now.identity.version:
        differences.append(f"it was made by bodydouble {former.identity.version}, this is {now.identity.version}")
    if former.weights != now.weights:
        differences.append("the weights of the networks are others")
    raise UsageError(
        f"the earlier run cannot be resumed: {'; '.join(differences)}; repeat it as it was "
        f"(--config {root.name}/config.toml) or start anew by --overwrite: {root}"
    )


def _changed_keys(former: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key in {*former, *now} - ({"execution"} if not prefix else set()):
        old, new = former.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changed_keys(old, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key} ({old!r}, now {new!r})"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk and missing permissions into an error that says so, wherever in the run they are met.

    Raises:
        OutputError: instead of the ``OSError``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise OutputError(
                f"the disk (or quota) is full: {error.strerror}; free some space and run again with --resume: "
                f"{error.filename or path}"
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise OutputError(f"no permission: {error.strerror}: {error.filename or path}") from error
        raise
