from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bodydouble.errors import OutputError
from bodydouble.scene.video import VideoGeometry
from bodydouble.video_io import open_sink, open_source
from bodydouble.video_io.segments import FRAMES_PER_SEGMENT
from tests.unit.video_io.making import NTSC, decode, index_in, make_images, make_video, noise, picture, times

BEYOND_ONE_PIECE = FRAMES_PER_SEGMENT + 7


def geometry_of(num_frames: int, size: tuple[int, int] = (64, 48), *, is_gray: bool = False) -> VideoGeometry:
    return VideoGeometry(
        width_px=size[0],
        height_px=size[1],
        time_base=Fraction(1, 25),
        average_rate=Fraction(25),
        pts_ticks=tuple(range(num_frames)),
        is_gray=is_gray,
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
@pytest.mark.parametrize("size", [(64, 48), (65, 49), (33, 2), (1, 1), (3, 700)])
def test_lossless_is_exact(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"out{suffix}"
    frames = [noise(i, *size) for i in range(5)]
    with open_sink(path, geometry_of(5, size), codec="lossless") as sink:
        for rgb in frames:
            sink.write(rgb)
        assert not path.exists()
        sink.commit()
    for decoded in (decode(path), [frame.rgb for frame in open_source(path).frames()]):
        assert len(decoded) == 5
        for one, other in zip(frames, decoded, strict=True):
            np.testing.assert_array_equal(one, other)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [((64, 48), "yuv420p"), ((65, 48), "yuv444p"), ((1, 1), "yuv444p"), ((3, 5000), "yuv444p"), ((2, 2), "yuv420p")],
)
def test_h264_keeps_the_exact_size(tmp_path: Path, size: tuple[int, int], pixel_format: str) -> None:
    path = tmp_path / "out.mp4"
    with open_sink(path, geometry_of(4, size), codec="h264", quality=12) as sink:
        for index in range(4):
            sink.write(picture(index, *size))
        sink.commit()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.pix_fmt) == (*size, pixel_format)
        assert (stream.codec_context.color_range, stream.codec_context.colorspace) == (1, 1 if size[1] >= 720 else 6)
        assert container.metadata.keys() <= {"encoder", "major_brand", "minor_version", "compatible_brands"}
    frames = [frame.rgb for frame in open_source(path).frames()]
    assert len(frames) == 4
    if min(size) > 2:  # one chroma sample for all of a 2 px picture leaves little of its colours
        assert [index_in(rgb) for rgb in frames] == [0, 1, 2, 3]
        assert np.abs(frames[3].astype(int) - picture(3, *size)).mean() < 3


def test_high_definition_is_tagged_and_keeps_its_colours(tmp_path: Path) -> None:
    red = np.full((720, 32, 3), (200, 30, 30), np.uint8)
    with open_sink(tmp_path / "hd.mp4", geometry_of(1, (32, 720)), codec="h264", quality=5) as sink:
        sink.write(red)
        sink.commit()
    with av.open(str(tmp_path / "hd.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace == 1
    (frame,) = open_source(tmp_path / "hd.mp4").frames()
    assert np.abs(frame.rgb.astype(int) - red).max() <= 3


@pytest.mark.parametrize("codec", ["h264", "lossless"])
@pytest.mark.parametrize(("suffix", "slack"), [(".mp4", 0), (".mov", 0), (".mkv", Fraction(1, 2000))])
@pytest.mark.parametrize(
    ("time_base", "ticks"),
    [
        (Fraction(1, 90000), [0, 3003, 3500, 9000, 9001 + 89, 40000, 43003, 200000]),
        (1 / NTSC, list(range(8))),
        (Fraction(1, 90000), [45001 + 3003 * i for i in range(8)]),  # begins after zero
        (Fraction(1, 1000), [0, 33, 67, 100, 133, 167, 200, 234]),
        (Fraction(1, 1200000), [i * 40040 for i in range(8)]),
    ],
)
def test_times_are_kept(
    tmp_path: Path, codec: str, suffix: str, slack: Fraction, time_base: Fraction, ticks: list[int]
) -> None:
    path = tmp_path / f"out{suffix}"
    geometry = VideoGeometry(width_px=64, height_px=48, time_base=time_base, average_rate=NTSC, pts_ticks=tuple(ticks))
    with open_sink(path, geometry, codec=codec) as sink:
        for index in range(8):
            sink.write(picture(index))
        sink.commit()
    found = times(path)
    assert len(found) == 8
    assert all(abs(a - b * time_base) <= slack for a, b in zip(found, ticks, strict=True))
    assert [index_in(rgb) for rgb in decode(path)] == list(range(8))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_ntsc_rate_comes_back(tmp_path: Path, suffix: str) -> None:
    source = open_source(make_video(tmp_path / "in.avi", rate=NTSC, codec="mpeg4", num_frames=30))
    path = tmp_path / f"out{suffix}"
    with open_sink(path, source.geometry, codec="h264") as sink:
        for frame in source.frames():
            sink.write(frame.rgb)
        sink.commit()
    with open_source(path) as result:
        assert result.geometry.average_rate == NTSC
        assert result.geometry.num_frames == 30


def test_negative_start_moves_to_zero(tmp_path: Path) -> None:
    geometry = VideoGeometry(
        width_px=64, height_px=48, time_base=Fraction(1, 1000), average_rate=Fraction(25), pts_ticks=(-80, -40, 10, 40)
    )
    with open_sink(tmp_path / "out.mp4", geometry, codec="h264") as sink:
        for index in range(4):
            sink.write(picture(index))
        sink.commit()
    assert times(tmp_path / "out.mp4") == [Fraction(t, 1000) for t in (0, 40, 90, 120)]


def test_containers_that_cannot_hold_the_times(tmp_path: Path) -> None:
    geometry = VideoGeometry(
        width_px=64, height_px=48, time_base=Fraction(1, 90000), average_rate=Fraction(25), pts_ticks=(0, 1, 7000)
    )
    with pytest.raises(OutputError, match=r"constant rate.*write \.mp4.*out\.avi"):
        open_sink(tmp_path / "out.avi", geometry, codec="h264")
    with pytest.raises(OutputError, match="less than a millisecond"):
        open_sink(tmp_path / "out.mkv", geometry, codec="h264")
    assert list(tmp_path.iterdir()) == []


def test_sample_aspect_ratio(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        path = tmp_path / f"out{suffix}"
        with open_sink(path, geometry_of(2), codec="h264", sample_aspect_ratio=Fraction(16, 15)) as sink:
            for index in range(2):
                sink.write(picture(index))
            sink.commit()
        assert open_source(path).sample_aspect_ratio == Fraction(16, 15)


@pytest.mark.parametrize("codec", ["h264", "lossless"])
@pytest.mark.parametrize("stopped_after", [3, FRAMES_PER_SEGMENT, FRAMES_PER_SEGMENT + 2])
def test_interrupted_or_not_gives_the_same_file(tmp_path: Path, codec: str, stopped_after: int) -> None:
    geometry = geometry_of(BEYOND_ONE_PIECE)
    options = {"codec": codec, "work_dir": tmp_path / "work"}
    whole, halved = tmp_path / "whole.mp4", tmp_path / "halved.mp4"
    with open_sink(whole, geometry, **options) as sink:
        for index in range(BEYOND_ONE_PIECE):
            sink.write(picture(index))
        sink.commit()
    assert not (tmp_path / "work").exists()
    with open_sink(halved, geometry, **options) as sink:
        for index in range(stopped_after):
            sink.write(picture(index))
    assert not halved.exists()
    with open_sink(halved, geometry, resume=True, **options) as sink:
        assert sink.next_frame_index == stopped_after // FRAMES_PER_SEGMENT * FRAMES_PER_SEGMENT
        for index in range(sink.next_frame_index, BEYOND_ONE_PIECE):
            sink.write(picture(index))
        sink.commit()
    assert whole.read_bytes() == halved.read_bytes()
    assert [index_in(rgb) for rgb in decode(halved)] == [i % 24 for i in range(BEYOND_ONE_PIECE)]


def test_killed_in_the_middle_of_a_piece(tmp_path: Path) -> None:
    """What a kill leaves: a piece under its temporary name, here with rubbish in it."""
    work = tmp_path / "work"
    geometry = geometry_of(4)
    with open_sink(tmp_path / "out.mp4", geometry, codec="h264", work_dir=work) as sink:
        sink.write(picture(0))
    (work / "000000.partial").write_bytes(b"half a piece")
    with open_sink(tmp_path / "out.mp4", geometry, codec="h264", work_dir=work, resume=True) as sink:
        assert sink.next_frame_index == 0
        for index in range(4):
            sink.write(picture(index))
        sink.commit()
    assert [index_in(rgb) for rgb in decode(tmp_path / "out.mp4")] == [0, 1, 2, 3]


def test_pieces_of_other_settings_are_not_taken(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with open_sink(tmp_path / "out.mp4", geometry_of(4), codec="h264", quality=20, work_dir=work) as sink:
        sink.write(picture(0))
    with pytest.raises(OutputError, match="another quality; start without --resume"):
        open_sink(tmp_path / "out.mp4", geometry_of(4), codec="h264", quality=21, work_dir=work, resume=True)
    with open_sink(tmp_path / "out.mp4", geometry_of(4), codec="h264", quality=21, work_dir=work) as sink:
        assert sink.next_frame_index == 0


def test_piece_of_wrong_length_is_not_joined(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with open_sink(tmp_path / "out.mp4", geometry_of(4), codec="h264", work_dir=work) as sink:
        for index in range(4):
            sink.write(picture(index))
        make_video(work / "000000.mp4", num_frames=3, options={"bf": "0"})
        with pytest.raises(OutputError, match=r"incomplete.*000000\.mp4"):
            sink.commit()
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("lossless", "out.mkv"), ("png", "out")])
def test_nothing_appears_without_commit(tmp_path: Path, codec: str, name: str) -> None:
    with open_sink(tmp_path / name, geometry_of(3), codec=codec) as sink:
        sink.write(picture(0))
        with pytest.raises(OutputError, match="only 1 of 3 frames"):
            sink.commit()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("codec", "name"), [("h264", "out.mp4"), ("png", "out")])
def test_wrong_frames_are_refused(tmp_path: Path, codec: str, name: str) -> None:
    with open_sink(tmp_path / name, geometry_of(1), codec=codec) as sink:
        for wrong in (np.zeros((48, 64), np.uint8), np.zeros((48, 65, 3), np.uint8), np.zeros((48, 64, 3), np.float32)):
            with pytest.raises(ValueError, match="expected uint8"):
                sink.write(wrong)
        sink.write(picture(0))
        with pytest.raises(ValueError, match="all 1 frames"):
            sink.write(picture(1))


def test_png_folder(tmp_path: Path) -> None:
    frames = [noise(i, 31, 17) for i in range(3)]
    with open_sink(tmp_path / "out", geometry_of(3, (31, 17)), codec="png") as sink:
        for rgb in frames:
            sink.write(rgb)
        assert not (tmp_path / "out").exists()
        sink.commit()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["000000.png", "000001.png", "000002.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    for rgb, frame in zip(frames, open_source(tmp_path / "out").frames(), strict=True):
        np.testing.assert_array_equal(rgb, frame.rgb)


@pytest.mark.parametrize("gray", [False, True])
def test_image_names_and_formats_are_kept(tmp_path: Path, gray: bool) -> None:
    names = ["0001.jpg", "2.png", "a3.tif", "b.bmp"]
    source = open_source(make_images(tmp_path / "in", names, gray=gray))
    with open_sink(tmp_path / "out", source.geometry, image_names=source.image_names, quality=90) as sink:
        for frame in source.frames():
            sink.write(frame.rgb)
        sink.commit()
    for frame, name in zip(source.frames(), names, strict=True):
        stored = cv2.imread(str(tmp_path / "out" / name), cv2.IMREAD_UNCHANGED)
        assert stored.ndim == (2 if gray else 3)
        expected = frame.rgb[..., 0] if gray else frame.rgb[..., ::-1]
        assert np.abs(stored.astype(int) - expected).max() <= (8 if name.endswith("jpg") else 0)


def test_jpeg_quality(tmp_path: Path) -> None:
    sizes = []
    for quality in (20, 95):
        path = tmp_path / str(quality)
        with open_sink(path, geometry_of(1), image_names=["1.jpg"], quality=quality) as sink:
            sink.write(noise(0, 64, 48))
            sink.commit()
        sizes.append((path / "1.jpg").stat().st_size)
    assert sizes[1] > 2 * sizes[0]


def test_images_can_be_resumed(tmp_path: Path) -> None:
    options = {"codec": "png", "work_dir": tmp_path / "work"}
    with open_sink(tmp_path / "out", geometry_of(4), **options) as sink:
        for index in range(2):
            sink.write(picture(index))
    (tmp_path / "work" / ".000002.png.partial").write_bytes(b"half an image")
    with open_sink(tmp_path / "out", geometry_of(4), resume=True, **options) as sink:
        assert sink.next_frame_index == 2
        for index in (2, 3):
            sink.write(picture(index))
        sink.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert [index_in(frame.rgb) for frame in open_source(tmp_path / "out").frames()] == [0, 1, 2, 3]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_only_where_asked_for(tmp_path: Path, suffix: str) -> None:
    source = open_source(make_video(tmp_path / "in.mp4", num_frames=25, audio_seconds=1.0, rate=NTSC))
    for keep in (False, True):
        path = tmp_path / f"out{keep}{suffix}"
        audio = tmp_path / "in.mp4" if keep else None
        with open_sink(path, source.geometry, codec="h264", audio_from=audio) as sink:
            for frame in source.frames():
                sink.write(frame.rgb)
            sink.commit()
        with av.open(str(path)) as container:
            assert len(container.streams.audio) == keep
            packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size] if keep else []
        with av.open(str(tmp_path / "in.mp4")) as container:
            original = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
        assert packets == (original if keep else [])
        slack = Fraction(1, 2000) if suffix == ".mkv" else 0
        found = times(path)
        assert all(abs(found[i] - found[0] - i / NTSC) <= 2 * slack for i in range(25))
        assert abs(found[0]) <= Fraction(1, 40)


def test_sound_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no sound"):
        open_sink(tmp_path / "out", geometry_of(1), codec="png", audio_from=tmp_path / "in.mp4")
    with open_sink(tmp_path / "out.mp4", geometry_of(1), codec="h264", audio_from=tmp_path / "missing.mp4") as sink:
        sink.write(picture(0))
        with pytest.raises(OutputError, match="cannot read the sound"):
            sink.commit()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.webm", {"codec": "h264"}, "allowed: .avi, .m4v, .mkv, .mov, .mp4"),
        ("out", {"codec": "lossless"}, "a name without suffix"),
        ("out.mp4", {"codec": "h265"}, "unknown codec 'h265'; allowed: h264, lossless, png"),
        ("out.mp4", {"codec": "h264", "quality": 52}, "is 52; allowed is 0 to 51"),
        ("out", {"image_names": ["1.jpg"], "quality": 0}, "JPEG quality is 0; allowed is 1 to 100"),
        ("out", {"image_names": ["1.jpg", "2.jpg"]}, "2 image names for 1 frames"),
        ("out", {"image_names": ["../1.jpg"]}, "is no name of an image"),
        ("out", {"image_names": ["1.gif"]}, "is no name of an image"),
    ],
)
def test_bad_options(tmp_path: Path, name: str, options: dict, message: str) -> None:
    with pytest.raises(OutputError) as caught:
        open_sink(tmp_path / name, geometry_of(1), **options)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_names_that_differ_by_case_only(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="two frames would be written"):
        open_sink(tmp_path / "out", geometry_of(2), image_names=["A.jpg", "a.jpg"])
