"""Bad inputs through the command line: message, exit code, and what is left under the final name.

    python benchmarks/bad_input_table.py [--work DIR] [--markdown FILE]

Everything is made here; no recorded clip is needed. Run as root, it gives up the right to read every file for one
case, and the full disk is a small tmpfs; where mounting is forbidden, a limit on file sizes stands in for it.
Fails if an exit code is not the expected one, if there is a traceback, or if a failed run left a final file.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import common
import cv2
import numpy as np

_CAPABILITIES = "-dac_override,-dac_read_search"
_WITHOUT_PRIVILEGE = ("setpriv", f"--inh-caps={_CAPABILITIES}", f"--bounding-set={_CAPABILITIES}")
"""Root reads every file; without these capabilities it is bound by permissions like everybody else."""
_FULL_DISK_BYTES = 64 << 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input."""

    kind: str
    source: Path
    output: Path
    expected: frozenset[int] = frozenset({2})
    options: tuple[str, ...] = ()
    unprivileged: bool = False
    limit_bytes: int | None = None
    keeps_output: bool = False
    """The output was there before, and must still be what it was."""


@dataclass(kw_only=True)
class Row:
    """What came of it."""

    case: Case
    exit_code: int
    message: str
    faults: list[str] = field(default_factory=list)


def picture(index: int, width: int = 96, height: int = 72) -> np.ndarray:
    """A frame of a drawn street with something that moves."""
    drawn = np.random.default_rng(1).integers(90, 130, size=(height, width, 3)).astype(np.uint8)
    drawn[height // 4 : 3 * height // 4, 4 * index : 4 * index + max(1, width // 8)] = (200, 40, 60)
    return drawn


def write_clip(path: Path, frames: int, width: int = 96, height: int = 72, *, codec: str = "libx264") -> Path:
    """Write a clip; with no frames the file has a header only."""
    pixel_format = "yuv420p" if codec == "libx264" else "rgb24"
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as made:
        stream = made.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        if codec == "libx264":
            stream.codec_context.gop_size = 4
        made.start_encoding()
        for index in range(frames):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index, width, height), format="rgb24")))
        if frames > 0:
            made.mux(stream.encode(None))
    return path


def write_images(folder: Path, count: int = 6) -> Path:
    """Write a folder of images."""
    folder.mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / f"{index:03d}.jpg"), picture(index))
    return folder


def _files(work: Path) -> Iterator[Case]:
    good = write_clip(work / "good.mp4", 12)
    yield Case(kind="missing file", source=work / "absent.mp4", output=work / "o1.mp4")
    text = work / "text.mp4"
    text.write_text("this is no video\n" * 50)
    yield Case(kind="text file named .mp4", source=text, output=work / "o2.mp4")
    whole = write_clip(work / "whole.mp4", 30, 320, 240).read_bytes()
    cut = work / "truncated.mp4"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    yield Case(kind="truncated mp4, index in front", source=cut, output=work / "o3.mp4")
    head = work / "truncated_early.mp4"
    head.write_bytes(good.read_bytes()[:200])
    yield Case(kind="truncated mp4, no index", source=head, output=work / "o4.mp4")
    yield Case(kind="zero frames", source=write_clip(work / "zero.mkv", 0), output=work / "o5.mp4")
    fine = frozenset({0})
    one = write_clip(work / "one.mp4", 1)
    yield Case(kind="one frame", source=one, output=work / "o6.mp4", expected=fine)
    tiny = write_clip(work / "tiny.mov", 3, 1, 1, codec="png")
    yield Case(kind="1x1 px", source=tiny, output=work / "o7.mp4", expected=fine)
    narrow = write_clip(work / "narrow.mov", 3, 3, 5000, codec="png")
    yield Case(kind="3x5000 px", source=narrow, output=work / "o8.mp4", expected=fine)
    locked = write_clip(work / "locked.mp4", 3)
    locked.chmod(0)
    yield Case(kind="no permission", source=locked, output=work / "o9.mp4", unprivileged=True)
    exists = work / "o10.mp4"
    exists.write_bytes(b"precious")
    yield Case(kind="output exists", source=good, output=exists, keeps_output=True)
    yield Case(kind="output folder missing", source=good, output=work / "no" / "such" / "o11.mp4")
    config = work / "bad.toml"
    config.write_text("[generation]\ncolour = 3\n")
    options = ("--config", str(config))
    yield Case(kind="unknown option in the config", source=good, output=work / "o12.mp4", options=options)


def _folders(work: Path) -> Iterator[Case]:
    mixed = write_images(work / "mixed")
    cv2.imwrite(str(mixed / "003.jpg"), picture(3, 80, 60))
    yield Case(kind="folder with mixed sizes", source=mixed, output=work / "f1", options=("--codec", "png"))
    other = write_images(work / "other")
    (other / "notes.docx").write_bytes(b"PK\x03\x04 no image")
    yield Case(
        kind="folder with a non-image",
        source=other,
        output=work / "f2",
        options=("--codec", "png"),
        expected=frozenset({0, 2}),
    )
    corrupt = write_images(work / "corrupt")
    middle = corrupt / "003.jpg"
    middle.write_bytes(middle.read_bytes()[:300])
    yield Case(kind="corrupt jpg in the middle", source=corrupt, output=work / "f3", options=("--codec", "png"))


@contextmanager
def _full_disk(work: Path) -> Iterator[tuple[Path, int | None]]:
    """A folder on a disk of 64 KiB, and a limit on file sizes where no such disk can be had."""
    folder = work / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_FULL_DISK_BYTES}", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield folder, None if mounted else _FULL_DISK_BYTES
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _limits(limit_bytes: int | None) -> Callable[[], None] | None:
    if limit_bytes is None:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))


def run(case: Case) -> Row:
    """Run one case through the command line."""
    before = case.output.read_bytes() if case.keeps_output else None
    arguments = [*common.command(), "anonymize", str(case.source), "-o", str(case.output), *case.options]
    if case.unprivileged and os.geteuid() == 0:
        arguments = [*_WITHOUT_PRIVILEGE, *arguments]
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=_limits(case.limit_bytes),
        check=False,
    )
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    row = Row(case=case, exit_code=done.returncode, message=_message(lines))
    if done.returncode not in case.expected:
        row.faults.append(f"exit code {done.returncode}, expected {sorted(case.expected)}")
    if "Traceback (most recent call last)" in done.stderr:
        row.faults.append("traceback")
    if done.returncode != 0 and before is None and case.output.exists():
        row.faults.append("a final file was left")
    if before is not None and case.output.read_bytes() != before:
        row.faults.append("the existing output was touched")
    if done.returncode == 0 and not case.output.exists():
        row.faults.append("success without output")
    return row


def _message(lines: list[str]) -> str:
    """The error of a run, else its last line."""
    errors = [line for line in lines if line.lower().startswith(("error", "bodydouble:"))]
    return (errors or lines or [""])[-1 if not errors else 0]


def table(rows: list[Row], work: Path) -> str:
    """Markdown."""
    lines = ["| input | exit code | message | fault |", "|---|---|---|---|"]
    for row in rows:
        message = row.message.replace(str(work), "…").replace("|", "\\|")
        lines.append(f"| {row.case.kind} | {row.exit_code} | {message} | {', '.join(row.faults) or 'none'} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="empty folder to work in; a temporary one by default")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bodydouble-bad-") as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        work.chmod(0o777)
        rows = [run(case) for case in (*_files(work), *_folders(work))]
        with _full_disk(work) as (disk, limit):
            large = write_clip(work / "large.mp4", 40, 640, 480)
            kind = "disk full (tmpfs of 64 KiB)" if limit is None else "disk full (limit of 64 KiB on files)"
            rows.append(run(Case(kind=kind, source=large, output=disk / "o.mp4", limit_bytes=limit)))
        text = table(rows, work)
    print(text)
    if arguments.markdown is not None:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    if faults := sum(bool(row.faults) for row in rows):
        sys.exit(f"{faults} of {len(rows)} cases are wrong")


if __name__ == "__main__":
    main()
