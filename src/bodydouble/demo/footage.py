"""A clip to show: a real one from a Debian package where there is apt."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from bodydouble.errors import InputError

PACKAGE: Final = "opencv-doc"
"""Debian package with OpenCV's examples."""
CLIP: Final = "vtest.avi"
"""PETS 2009 S2.L1, view 1: 795 frames of a university campus, 768x576 px."""
_PATIENCE_SECONDS: Final = 300


class NoClip(InputError):
    """The clip could not be fetched."""


def fetch_clip(target: Path) -> None:
    """Fetch the clip through apt, without root and without installing anything.

    Args:
        target: file to write.

    Raises:
        NoClip: there is no apt, or it has no such package; the reason is in the message.
        OutputError: the file cannot be written.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoClip(f"there is no {tool} on this machine")
    with tempfile.TemporaryDirectory(prefix="bodydouble-demo-") as name:
        folder = Path(name)
        package = _download(folder)
        _run(["dpkg-deb", "-x", str(package), str(folder / "files")], folder)
        _unpack(folder / "files", target)


def _download(folder: Path) -> Path:
    try:
        _run(["apt-get", "download", PACKAGE], folder)
    except NoClip:
        # A machine that has never updated knows no packages. The lists go into our own folder: no root is needed,
        # and the machine stays as it was.
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]
        _run(["apt-get", *own, "update"], folder)
        _run(["apt-get", *own, "download", PACKAGE], folder)
    found = sorted(folder.glob(f"{PACKAGE}_*.deb"))
    if not found:
        raise NoClip(f"apt-get fetched no package {PACKAGE}")
    return found[0]


def _unpack(files: Path, target: Path) -> None:
    """Copy the clip, which Debian compresses, out of the package's files."""
    for path in sorted(files.rglob(f"{CLIP}*")):
        if path.name == CLIP:
            shutil.copyfile(path, target)
            return
        if path.name == f"{CLIP}.gz":
            with gzip.open(path) as packed, target.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
            return
    raise NoClip(f"the package {PACKAGE} holds no {CLIP}")


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NoClip(f"`{' '.join(command[:2])}` took more than {_PATIENCE_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoClip(f"`{' '.join(command[:2])}` failed: {last}") from error
