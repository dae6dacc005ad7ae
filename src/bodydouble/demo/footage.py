"""A clip to show: a real one from a Debian package where there is apt."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, Final

from bodydouble.errors import InputError
from bodydouble.scene.strict_files import replacing

PACKAGE: Final = "opencv-doc"
"""Debian package with OpenCV's examples."""
CLIP: Final = "vtest.avi"
"""PETS 2009 S2.L1, view 1: 795 frames of a university campus, 768x576 px."""
_NAMES: Final = (CLIP, f"{CLIP}.gz")
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
        _extract(_download(Path(name)), target)


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


def _extract(package: Path, target: Path) -> None:
    """Take the clip, which Debian compresses, out of the package, and none of its thousands of other files."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    stream = archive.extractfile(member) if PurePosixPath(member.name).name in _NAMES else None
                    if stream is not None:
                        _copy(stream, target, packed=member.name.endswith(".gz"))
                        return
        except tarfile.TarError as error:
            raise NoClip(f"the package {PACKAGE} cannot be unpacked: {error}") from error
        finally:
            process.kill()
    raise NoClip(f"the package {PACKAGE} holds no {CLIP}")


def _copy(stream: IO[bytes], target: Path, *, packed: bool) -> None:
    with replacing(target) as temporary, temporary.open("wb") as plain:
        # A tar that is read as a stream cannot be searched back and forth; the clip fits into memory.
        data = stream.read()
        plain.write(gzip.decompress(data) if packed else data)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NoClip(f"`{' '.join(command[:2])}` took more than {_PATIENCE_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoClip(f"`{' '.join(command[:2])}` failed: {last}") from error
