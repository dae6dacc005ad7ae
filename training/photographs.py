"""Photographs without people from Debian packages: backgrounds, and cut-out things, for the training scenes.

``photographs.csv`` names every file: package, version, path, SHA-256, licence, kind. Each was looked at: none shows a
person, a face, a statue or a picture of one. Nothing else of the packages is used.

    python -m training.photographs --out /tmp/training/photographs
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import logging
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

LIST: Final = Path(__file__).with_name("photographs.csv")
LONGEST_SIDE_PX: Final = 1024
JPEG_QUALITY: Final = 92
KINDS: Final = {"background": ("backgrounds", ".jpg"), "thing": ("things", ".png")}
log = logging.getLogger(__name__)


class PhotographError(RuntimeError):
    """A package cannot be had, or a file in it is not the one that was looked at."""


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """One row of the list; ``path`` is relative to the root of the package."""

    package: str
    version: str
    path: str
    sha256: str
    licence: str
    kind: str

    def target(self, out: Path) -> Path:
        """Where the prepared copy lies: the file's own name, after its package's first word."""
        folder, suffix = KINDS[self.kind]
        return out / folder / f"{self.package.split('-')[0]}_{Path(self.path).stem}_{self.sha256[:6]}{suffix}"


def read_list(path: Path = LIST) -> list[Photograph]:
    """The rows of the list, in file order.

    Raises:
        PhotographError: a row has an unknown kind.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [Photograph(**row) for row in csv.DictReader(file)]
    for row in rows:
        if row.kind not in KINDS:
            raise PhotographError(f"unknown kind {row.kind!r}; allowed: {', '.join(KINDS)}: {path}")
    return rows


def unpack(package: str, version: str, work: Path) -> Path:
    """Download and unpack a package below ``work`` (kept for the next start); returns its root folder.

    Raises:
        PhotographError: no apt here, or apt does not have this version.
    """
    root, done = work / "unpacked" / package, work / "unpacked" / f"{package}.done"
    if done.exists() and done.read_text(encoding="utf-8") == version:
        return root
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise PhotographError(f"{tool} not found: run this on Debian 12 (or a container of it)")
    debs = work / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    log.info("downloading %s %s", package, version)
    _call(["apt-get", "download", f"{package}={version}"], debs)
    archives = sorted(debs.glob(f"{package}_{version.replace(':', '%3a')}_*.deb"))
    if not archives:
        raise PhotographError(f"apt-get download left no archive of {package} {version}: {debs}")
    _call(["dpkg-deb", "-x", str(archives[-1]), str(root)], debs)
    done.write_text(version, encoding="utf-8")
    return root


def _call(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        raise PhotographError(f"{' '.join(command)} failed (try apt-get update): {result.stderr.strip()}")


def prepare(photograph: Photograph, root: Path, out: Path) -> bool:
    """Check one file and write its copy, at most 1024 px long, as JPEG (background) or RGBA PNG (thing).

    Returns:
        Whether it was written; False where the copy was there already.

    Raises:
        PhotographError: the file is missing, is not the one that was looked at, or cannot be read.
    """
    target, source = photograph.target(out), root / photograph.path
    if target.exists():
        return False
    if not source.is_file():
        raise PhotographError(f"{photograph.package} {photograph.version} holds no such file: {photograph.path}")
    data = source.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != photograph.sha256:
        raise PhotographError(f"SHA-256 is {found}, the list says {photograph.sha256}: {source}")
    thing = photograph.kind == "thing"
    flag = cv2.IMREAD_UNCHANGED if thing else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None or (thing and (image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8)):
        raise PhotographError(f"not an 8-bit picture{' with transparency' if thing else ''}: {source}")
    scale = LONGEST_SIDE_PX / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part{target.suffix}")
    if not cv2.imwrite(str(part), image, [] if thing else [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise PhotographError(f"cannot write: {part}")
    part.replace(target)
    return True


def main() -> None:
    """Prepare every photograph of the list."""
    parser = argparse.ArgumentParser(description="Fetch the person-free photographs of photographs.csv from Debian.")
    parser.add_argument("--out", type=Path, default=Path("/tmp/training/photographs"))
    out: Path = parser.parse_args().out
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    photographs = read_list()
    for package, version in dict.fromkeys((item.package, item.version) for item in photographs):
        mine = [item for item in photographs if item.package == package]
        if all(item.target(out).exists() for item in mine):
            continue
        root = unpack(package, version, out / "work")
        log.info("%s: %d of %d written", package, sum(prepare(item, root, out) for item in mine), len(mine))


if __name__ == "__main__":
    main()
