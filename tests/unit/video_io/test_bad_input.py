"""What users get wrong, and machines: one clear error of ours each, exit code 2, nothing under the final name."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodydouble.errors import BodyDoubleError, InputError, OutputError, UnreadableImage, UnreadableVideo
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io import discover_clips, open_job_sink, open_sink, open_source
from tests.unit.video_io.making import make_images, make_video, noise, picture


def anonymize(source_path: Path, output: Path, codec: str = "h264", *, overwrite: bool = False) -> None:
    """The whole way of a clip, with nothing done to it."""
    for job in discover_clips(source_path, output, codec):
        with open_source(job.source) as source, open_job_sink(job, source, overwrite=overwrite) as sink:
            for frame in source.frames():
                sink.write(frame.rgb)
            sink.commit()


def text_file(folder: Path) -> Path:
    path = folder / "in.mp4"
    path.write_text("this is a text file\n" * 200)
    return path


def truncated(folder: Path) -> Path:
    path = make_video(folder / "in.mp4", num_frames=30, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-700])
    return path


def truncated_without_index(folder: Path) -> Path:
    path = make_video(folder / "in.mp4", num_frames=30)
    path.write_bytes(path.read_bytes()[:2000])
    return path


def zero_frames(folder: Path) -> Path:
    path = folder / "in.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        container.start_encoding()
    return path


def sound_only(folder: Path) -> Path:
    path = folder / "in.mp4"
    make_video(folder / "both.mp4", num_frames=2, audio_seconds=0.5)
    with av.open(str(folder / "both.mp4")) as both, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(both.streams.audio[0])
        for packet in both.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    (folder / "both.mp4").unlink()
    return path


def mixed_sizes(folder: Path) -> Path:
    make_images(folder / "in", ["1.jpg", "2.jpg"])
    return make_images(folder / "in", ["3.jpg"], size=(33, 24))


def with_a_stranger(folder: Path) -> Path:
    make_images(folder / "in", ["1.jpg", "2.jpg"])
    (folder / "in" / "labels.txt").write_text("0 0 1")
    return folder / "in"


def corrupt_in_the_middle(folder: Path) -> Path:
    make_images(folder / "in", [f"{i}.jpg" for i in range(5)], size=(80, 60))
    data = (folder / "in" / "2.jpg").read_bytes()
    (folder / "in" / "2.jpg").write_bytes(data[: len(data) // 2])
    return folder / "in"


def empty_file(folder: Path) -> Path:
    (folder / "in.mp4").touch()
    return folder / "in.mp4"


def folder_without_footage(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "readme.txt").write_text("x")
    return folder / "in"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda folder: folder / "in.mp4", UnreadableVideo, "there is no such file or folder; check the name"),
        (empty_file, UnreadableVideo, "the file is empty (0 bytes)"),
        (text_file, UnreadableVideo, "not a readable video (mp4, mov, avi, mkv, webm, ...): the data are damaged"),
        (truncated, UnreadableVideo, "the file is truncated: it has "),
        (truncated_without_index, UnreadableVideo, "the file is truncated: it has 2000 bytes of the "),
        (zero_frames, UnreadableVideo, "the video has no frames"),
        (sound_only, UnreadableVideo, "no video stream in the file (found: audio)"),
        (mixed_sizes, UnreadableImage, "images of a clip must have one size: 1.jpg is 32x24 px, this one 33x24"),
        (with_a_stranger, UnreadableImage, "a folder of images may hold nothing but images"),
        (corrupt_in_the_middle, UnreadableImage, "frame 2: the image is "),
        (folder_without_footage, UnreadableVideo, "no footage in the folder"),
    ],
)
def test_bad_input(tmp_path: Path, make: Callable[[Path], Path], error: type[InputError], message: str) -> None:
    source = make(tmp_path)
    output = tmp_path / ("out.mp4" if source.suffix else "out")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BodyDoubleError) as caught:
        anonymize(source, output)
    assert type(caught.value) is error
    assert str(caught.value).startswith(message)
    assert str(tmp_path / "in") in str(caught.value).rsplit(": ", 1)[-1]  # the path comes last
    assert caught.value.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("num_frames", "size"), [(1, (64, 48)), (1, (1, 1)), (3, (1, 1)), (2, (3, 5000))])
@pytest.mark.parametrize("codec", ["h264", "lossless", "png"])
def test_unusual_but_fine(tmp_path: Path, num_frames: int, size: tuple[int, int], codec: str) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=num_frames, size=size, pixel_format="yuv444p")
    output = tmp_path / {"h264": "out.mp4", "lossless": "out.mkv", "png": "out"}[codec]
    anonymize(source, output, codec)
    with open_source(output) as result, open_source(source) as original:
        assert result.geometry.num_frames == num_frames
        assert (result.geometry.width_px, result.geometry.height_px) == size
        if codec != "h264":
            for one, other in zip(result.frames(), original.frames(), strict=True):
                np.testing.assert_array_equal(one.rgb, other.rgb)


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("png", "out")])
def test_output_exists(tmp_path: Path, codec: str, name: str) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=2)
    output = tmp_path / name
    if codec == "png":
        make_images(output, ["old.png"])
    else:
        output.write_bytes(b"old")
    with pytest.raises(OutputError, match=f"exists already; use --overwrite.*{name}") as caught:
        anonymize(source, output, codec)
    assert caught.value.exit_code == 2
    assert (output / "old.png").exists() if codec == "png" else output.read_bytes() == b"old"
    anonymize(source, output, codec, overwrite=True)
    assert open_source(output).geometry.num_frames == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in.mp4", name])


def test_overwriting_is_not_deleting_other_things(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=2)
    precious = make_images(tmp_path / "precious", ["1.png"])
    (precious / "thesis.tex").write_text("x")
    with pytest.raises(OutputError, match=r"holds more than images \(thesis.tex\)"):
        anonymize(source, precious, "png", overwrite=True)
    renamed = precious.rename(tmp_path / "precious.mp4")
    with pytest.raises(OutputError, match="exists as a folder and would become a file"):
        open_sink(renamed, open_source(source).geometry, overwrite=True)
    assert (tmp_path / "precious.mp4" / "thesis.tex").exists()


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("png", "out")])
def test_output_folder_missing(tmp_path: Path, codec: str, name: str) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=2)
    with pytest.raises(OutputError, match=r"output folder does not exist; create it \(mkdir -p\).*missing") as caught:
        anonymize(source, tmp_path / "missing" / name, codec)
    assert caught.value.exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_output_folder_is_a_file(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=2)
    with pytest.raises(OutputError, match="output folder is a file"):
        anonymize(source, source / "out.mp4")


def test_output_on_the_input(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", num_frames=2)
    data = source.read_bytes()
    with pytest.raises(OutputError, match="in, on or around the input"):
        anonymize(source, source, overwrite=True)
    assert source.read_bytes() == data


@contextmanager
def as_nobody() -> Iterator[None]:
    """File permissions do not bind root; its effective user does not have to be root, though."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """``tmp_path`` lies in a folder that only its owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="bodydouble-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("png", "out")])
def test_no_permission_to_write(public_folder: Path, codec: str, name: str) -> None:
    source = make_video(public_folder / "in.mp4", num_frames=2)
    locked = public_folder / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    with as_nobody(), pytest.raises(OutputError, match=r"no permission to write into the output folder.*locked"):
        anonymize(source, locked / name, codec)
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize("kind", ["video", "folder", "image"])
def test_no_permission_to_read(public_folder: Path, kind: str) -> None:
    if kind == "video":
        source = locked = make_video(public_folder / "in.mp4", num_frames=2)
    else:
        source = make_images(public_folder / "in", ["1.png"])
        locked = source if kind == "folder" else source / "1.png"
    locked.chmod(0o000)
    with as_nobody(), pytest.raises(InputError, match=r"(no permission|Permission denied).*: .*in") as caught:
        open_source(source)
    assert caught.value.exit_code == 2
    locked.chmod(0o755)


def write_noise(path: Path, codec: str, num_frames: int, work_dir: Path | None = None) -> None:
    quality = 0 if codec == "h264" else None
    with open_sink(
        path, big_geometry(num_frames), codec=codec, quality=quality, work_dir=work_dir, resume=True
    ) as sink:
        for index in range(sink.next_frame_index, num_frames):
            sink.write(noise(index, 320, 240))
        sink.commit()


def big_geometry(num_frames: int) -> VideoGeometry:
    return VideoGeometry(
        width_px=320,
        height_px=240,
        time_base=Fraction(1, 25),
        average_rate=Fraction(25),
        pts_ticks=tuple(range(num_frames)),
    )


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("lossless", "out.mkv"), ("png", "out")])
def test_file_size_limit(tmp_path: Path, codec: str, name: str) -> None:
    """Stands for a full disk where none can be mounted: the same path, from ``write`` failing half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(OutputError, match="file size") as caught:
            write_noise(tmp_path / name, codec, 40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 2
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("when", ["encoding", "joining"])
@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("lossless", "out.mkv"), ("png", "out")])
def test_disk_full(small_disk: Path, tmp_path: Path, codec: str, name: str, when: str) -> None:
    work = tmp_path / "work" if when == "joining" else None
    with pytest.raises(OutputError, match="the disk is full; free some space") as caught:
        write_noise(small_disk / name, codec, 12, work)
    assert caught.value.exit_code == 2
    assert list(small_disk.iterdir()) == []
    if work is not None:  # what was encoded is kept: with more space the run can be finished
        assert any(work.iterdir())
        write_noise(tmp_path / name, codec, 12, work)
        assert open_source(tmp_path / name).geometry.num_frames == 12


def test_name_taken_while_running(tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    geometry = VideoGeometry(
        width_px=64, height_px=48, time_base=Fraction(1, 25), average_rate=Fraction(25), pts_ticks=(0,)
    )
    with open_sink(output, geometry, codec="h264") as sink:
        sink.write(picture(0))
        output.write_bytes(b"somebody else's")
        with pytest.raises(OutputError, match="exists already"):
            sink.commit()
    assert output.read_bytes() == b"somebody else's"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
