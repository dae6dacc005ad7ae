"""What cannot be used is named in one line, ends with the documented code, and leaves nothing under the final name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bodydouble.manifest import read_manifest
from bodydouble.video_io import open_source
from tests.integration.conftest import Flat, frame_rgb, write_clip

Run = Callable[..., int]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An input that was made, and what is to come of it."""

    source: Path
    output: Path
    message: str
    """What the line on stderr says, besides the name of the file; empty where the run is to succeed."""
    words: tuple[str, ...] = ()
    names: str = ""
    """What the message must name, if not the input."""
    found_late: bool = False
    """Nobody could know before the run had begun: its run folder stays, with the reason."""


def picture(width: int, height: int, index: int = 0) -> np.ndarray:
    rng = np.random.default_rng(index)
    return np.asarray(rng.integers(80, 150, (height, width, 1)).repeat(3, axis=2), np.uint8)


def write_images(folder: Path, sizes: list[tuple[int, int]], suffix: str = ".png") -> Path:
    folder.mkdir()
    for index, (width, height) in enumerate(sizes):
        cv2.imwrite(str(folder / f"{index:03d}{suffix}"), picture(width, height, index))
    return folder


def missing_file(work: Path) -> Case:
    return Case(source=work / "none.mp4", output=work / "out.mp4", message="no such file")


def text_named_mp4(work: Path) -> Case:
    (work / "text.mp4").write_text("this is not a video\n" * 100)
    return Case(source=work / "text.mp4", output=work / "out.mp4", message="")


def truncated_mp4(work: Path) -> Case:
    whole = work / "whole.mp4"
    write_clip(whole, [frame_rgb(index) for index in range(12)], codec="h264")
    (work / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    whole.unlink()
    return Case(source=work / "cut.mp4", output=work / "out.mp4", message="truncated")


def zero_frames(work: Path) -> Case:
    with av.open(str(work / "zero.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return Case(source=work / "zero.mkv", output=work / "out.mp4", message="no frame")


def one_frame(work: Path) -> Case:
    write_clip(work / "one.mkv", [frame_rgb(3)])
    return Case(source=work / "one.mkv", output=work / "out.mkv", message="", words=("--codec", "lossless"))


def frames_too_close_for_the_container(work: Path) -> Case:
    with av.open(work / "fast.mp4", "w") as clip:
        stream = clip.add_stream("mpeg4", rate=5000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(4):
            frame = av.VideoFrame.from_ndarray(picture(64, 48, index), format="rgb24").reformat(format="yuv420p")
            frame.time_base, frame.pts = Fraction(1, 5000), index
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    return Case(
        source=work / "fast.mp4", output=work / "out.mkv", message="less than a millisecond apart", names="out.mkv"
    )


def one_pixel(work: Path) -> Case:
    return Case(source=write_images(work / "dots", [(1, 1)] * 3), output=work / "out", message="")


def thin_and_tall(work: Path) -> Case:
    return Case(source=write_images(work / "strips", [(3, 5000)] * 3), output=work / "out", message="")


def no_permission(work: Path) -> Case:
    write_clip(work / "secret.mkv", [frame_rgb(0)])
    (work / "secret.mkv").chmod(0)
    return Case(source=work / "secret.mkv", output=work / "out.mp4", message="ermission")


def output_exists(work: Path) -> Case:
    write_clip(work / "clip.mkv", [frame_rgb(0)])
    (work / "out.mp4").write_text("precious")
    return Case(source=work / "clip.mkv", output=work / "out.mp4", message="--overwrite", names="out.mp4")


def output_folder_missing(work: Path) -> Case:
    write_clip(work / "clip.mkv", [frame_rgb(0)])
    return Case(
        source=work / "clip.mkv", output=work / "nowhere" / "out.mp4", message="does not exist", names="nowhere"
    )


def mixed_sizes(work: Path) -> Case:
    folder = write_images(work / "mixed", [(64, 48), (64, 48), (32, 48), (64, 48)])
    return Case(source=folder, output=work / "out", message="", names="002.png")


def non_image(work: Path) -> Case:
    folder = write_images(work / "folder", [(64, 48)] * 3)
    (folder / "001b.png").write_text("this is not an image")
    return Case(source=folder, output=work / "out", message="", names="001b.png")


def corrupt_jpg(work: Path) -> Case:
    folder = write_images(work / "jpegs", [(64, 48)] * 5, ".jpg")
    path = folder / "002.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return Case(source=folder, output=work / "out", message="", names="002.jpg", found_late=True)


def unknown_option(work: Path) -> Case:
    write_clip(work / "clip.mkv", [frame_rgb(0)])
    (work / "my.toml").write_text("[perception.people]\nscroe = 0.3\n")
    words = ("--config", str(work / "my.toml"))
    return Case(
        source=work / "clip.mkv", output=work / "out.mp4", message="did you mean perception.people.score", words=words,
        names="perception.people.scroe",
    )  # fmt: skip


REFUSED = [
    missing_file, text_named_mp4, truncated_mp4, zero_frames, output_exists, output_folder_missing, mixed_sizes,
    non_image, corrupt_jpg, unknown_option, frames_too_close_for_the_container,
]  # fmt: skip

ACCEPTED = [one_frame, one_pixel, thin_and_tall]
"""Odd, but footage."""


def everything_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if os.access(path, os.R_OK) else b""
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_refused(
    make: Callable[[Path], Case], tmp_path: Path, run: Run, flat: type[Flat], capsys: pytest.CaptureFixture[str]
) -> None:
    case = make(tmp_path)
    before = everything_in(tmp_path)
    assert run("anonymize", case.source, "-o", case.output, "--quiet", *case.words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("bodydouble: error: ")
    assert case.message in error
    assert (case.names or case.source.name) in error
    if case.found_late:
        manifest = read_manifest(tmp_path / "out.bodydouble.run" / "manifest.json")
        assert manifest.state == "failed"
        assert case.names in manifest.error
        shutil.rmtree(tmp_path / "out.bodydouble.run")
    assert everything_in(tmp_path) == before, "nothing was written, nothing was changed"


@pytest.mark.parametrize("make", ACCEPTED, ids=lambda make: make.__name__)
def test_accepted(make: Callable[[Path], Case], tmp_path: Path, run: Run, flat: type[Flat]) -> None:
    case = make(tmp_path)
    assert run("anonymize", case.source, "-o", case.output, "--quiet", *case.words) == 0
    with open_source(case.source) as before, open_source(case.output) as after:
        assert after.geometry.num_frames == before.geometry.num_frames
        assert (after.geometry.width_px, after.geometry.height_px) == (
            before.geometry.width_px,
            before.geometry.height_px,
        )


def test_missing_weights_are_4_and_nothing_is_written(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "clip.mkv", [frame_rgb(0)])
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("BODYDOUBLE_WEIGHTS_DIR", str(tmp_path / "empty"))
    assert run("anonymize", tmp_path / "clip.mkv") == 4
    assert "people_finder.onnx" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mkv", "empty"}


def test_a_missing_package_is_4_and_says_what_to_install(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "clip.mkv", [frame_rgb(0)])
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "anny" else real(name, *rest))
    assert run("anonymize", tmp_path / "clip.mkv") == 4
    assert "anny" in (error := capsys.readouterr().err)
    assert "pip install" in error
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mkv"}


def in_a_process(words: list[str], *, weights: Path, prefix: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-m", "bodydouble", *words],
        env={**os.environ, "BODYDOUBLE_WEIGHTS_DIR": str(weights)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def as_ordinary_user() -> list[str]:
    """What makes root obey permissions; nothing for anybody else."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root, and no setpriv to give up the right to read everything")
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}"]


def test_no_permission(tmp_path: Path, weights: Path) -> None:
    case = no_permission(tmp_path)
    done = in_a_process(
        ["anonymize", str(case.source), "-o", str(case.output)], weights=weights, prefix=as_ordinary_user()
    )
    assert done.returncode == 2, done.stderr
    assert case.message in done.stderr
    assert case.source.name in done.stderr
    assert not case.output.exists()


def test_no_permission_to_write(tmp_path: Path, weights: Path) -> None:
    write_clip(tmp_path / "clip.mkv", [frame_rgb(0)])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    done = in_a_process(
        ["anonymize", str(tmp_path / "clip.mkv"), "-o", str(closed / "out.mp4")],
        weights=weights,
        prefix=as_ordinary_user(),
    )
    assert done.returncode == 2, done.stderr
    assert "ermission" in done.stderr
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("limit_kib", [8, 48, 160])
def test_full_disk(limit_kib: int, street: Path, tmp_path: Path, weights: Path) -> None:
    """A limit on the size of files stands in for a disk that is full; it hits plate, performance or output."""
    output = tmp_path / "out.mkv"
    words = ["anonymize", str(street), "-o", str(output), "--codec", "lossless", "--generation.backend", "paint-out"]
    done = in_a_process(words, weights=weights, prefix=["prlimit", f"--fsize={limit_kib << 10}"])
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("bodydouble: error: ")
    assert "full" in last or "too large" in last
    assert not output.exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"out.bodydouble.run"}
