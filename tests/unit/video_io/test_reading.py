from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodydouble.errors import UnreadableVideo
from bodydouble.scene import picked_frames
from bodydouble.video_io import open_source
from bodydouble.video_io.video_file import VideoFile
from tests.unit.video_io.making import NTSC, index_in, make_video, picture


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format", "options"),
    [
        (".mp4", "libx264", "yuv420p", {}),  # B-frames: coding order differs from shown order
        (".mov", "libx264", "yuv420p", {"bf": "0"}),
        (".mkv", "libx264", "yuv420p", {}),
        (".avi", "libx264", "yuv420p", {}),  # B-frames in a container without presentation times
        (".avi", "mpeg4", "yuv420p", {"bf": "2"}),
        (".avi", "mjpeg", "yuvj420p", {}),
        (".webm", "libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
        (".webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "8"}),  # packets that show nothing
    ],
)
def test_containers(tmp_path: Path, suffix: str, codec: str, pixel_format: str, options: dict[str, str]) -> None:
    path = make_video(
        tmp_path / f"clip{suffix}", num_frames=20, codec=codec, pixel_format=pixel_format, options=options, rate=NTSC
    )
    with open_source(path) as source:
        geometry = source.geometry
        assert source.name == path.name
        assert (geometry.num_frames, geometry.width_px, geometry.height_px) == (20, 64, 48)
        assert geometry.average_rate == NTSC
        assert not geometry.is_gray
        frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(20))
    assert [index_in(frame.rgb) for frame in frames] == list(range(20))
    assert [frame.pts_ticks for frame in frames] == list(geometry.pts_ticks)
    seconds = [(tick - geometry.pts_ticks[0]) * geometry.time_base for tick in geometry.pts_ticks]
    slack = Fraction(1, 1000) if suffix in (".mkv", ".webm") else Fraction(0)
    assert all(abs(second - index / NTSC) <= slack for index, second in enumerate(seconds))


def test_picked_frames_are_those_of_a_pass_over_all(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "clip.mp4", num_frames=9, rate=NTSC, options={"bf": "2"}))
    every = list(source.frames())
    some = list(picked_frames(source, lambda index: index % 3 == 1))
    assert [frame.index for frame in some] == [1, 4, 7]
    for frame in some:
        assert frame.pts_ticks == every[frame.index].pts_ticks
        assert np.array_equal(frame.rgb, every[frame.index].rgb)


def test_variable_rate_is_kept_exactly(tmp_path: Path) -> None:
    ticks = [0, 3003, 3500, 9000, 9001, 40000, 43003, 200000]
    path = make_video(
        tmp_path / "vfr.mp4", num_frames=8, rate=NTSC, time_base=Fraction(1, 90000), ticks=ticks, options={"bf": "2"}
    )
    geometry = open_source(path).geometry
    assert [tick * geometry.time_base for tick in geometry.pts_ticks] == [Fraction(tick, 90000) for tick in ticks]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mov"])
@pytest.mark.parametrize("options", [{"g": "7"}, {"g": "7", "x264-params": "open-gop=1:b-adapt=0:bframes=3"}])
def test_any_start_gives_the_same_pixels(tmp_path: Path, suffix: str, options: dict[str, str]) -> None:
    path = make_video(tmp_path / f"clip{suffix}", num_frames=23, options=options)
    source = open_source(path)
    whole = list(source.frames())
    assert len(whole) == 23
    for start in range(24):
        part = list(source.frames(start))
        assert [frame.index for frame in part] == list(range(start, 23))
        assert [frame.pts_ticks for frame in part] == [frame.pts_ticks for frame in whole[start:]]
        for one, other in zip(part, whole[start:], strict=True):
            np.testing.assert_array_equal(one.rgb, other.rgb)
    assert [frame.index for frame in source.frames(5, 9)] == [5, 6, 7, 8]
    assert list(source.frames(5, 5)) == []


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (0, 13), (5, 4), (13, None)])
def test_range_outside_of_the_clip(tmp_path: Path, start: int, stop: int | None) -> None:
    source = open_source(make_video(tmp_path / "clip.mp4"))
    with pytest.raises(ValueError, match="not within 0 to 12"):
        source.frames(start, stop)


def test_two_passes_at_once_and_an_abandoned_one(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "clip.mp4"))
    first, second = source.frames(), source.frames()
    next(first)
    assert next(second).index == 0
    assert next(first).index == 1
    del first
    assert [frame.index for frame in second] == list(range(1, 12))


def test_workers_get_a_source_without_another_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(make_video(tmp_path / "clip.mp4"))
    data = pickle.dumps(source)
    monkeypatch.setattr("bodydouble.video_io.video_file._scan", lambda *_: pytest.fail("scanned again"))
    assert [frame.index for frame in pickle.loads(data).frames(10)] == [10, 11]  # noqa: S301 (made above)


@pytest.mark.parametrize("size", [(65, 48), (64, 49), (65, 49), (1, 1), (3, 5), (2, 1), (3, 5000)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make_video(tmp_path / "odd.mp4", num_frames=3, size=size, pixel_format="yuv444p")
    frames = list(open_source(path).frames())
    assert [frame.rgb.shape for frame in frames] == [(size[1], size[0], 3)] * 3


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le"])
def test_gray(tmp_path: Path, pixel_format: str) -> None:
    path = make_video(tmp_path / "gray.mkv", num_frames=3, codec="ffv1", pixel_format=pixel_format)
    source = open_source(path)
    assert source.geometry.is_gray
    for frame in source.frames():
        expected = av.VideoFrame.from_ndarray(picture(frame.index), format="rgb24").to_ndarray(format="gray")
        assert np.array_equal(frame.rgb[..., 0], frame.rgb[..., 1])
        assert np.array_equal(frame.rgb[..., 0], frame.rgb[..., 2])
        assert np.abs(frame.rgb[..., 0].astype(int) - expected).max() <= 1


def test_ten_bits(tmp_path: Path) -> None:
    path = make_video(tmp_path / "ten.mp4", num_frames=3, codec="libx265", pixel_format="yuv420p10le")
    frames = list(open_source(path).frames())
    assert [index_in(frame.rgb) for frame in frames] == [0, 1, 2]
    assert np.abs(frames[1].rgb.astype(int) - picture(1)).mean() < 3


@pytest.mark.parametrize(("tag", "matrix"), [("bt709", 0.2126), ("smpte170m", 0.299), (None, 0.299)])
def test_matrix_by_tag(tmp_path: Path, tag: str | None, matrix: float) -> None:
    """Full-range luma of pure red is 255 times the matrix's weight of red (BT.709, BT.601 section 2.5)."""
    path = tmp_path / "red.mkv"
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    luma = 16 + 219 * matrix
    v_chroma = 128 + 112
    u_chroma = 128 - 112 * matrix / (1 - (0.0722 if matrix == 0.2126 else 0.114))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv444p"
        if tag:
            stream.codec_context.colorspace = {"bt709": 1, "smpte170m": 6}[tag]
        stream.codec_context.color_range = 1
        planes = np.stack([np.full((32, 32), round(v), np.uint8) for v in (luma, u_chroma, v_chroma)])
        frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (decoded,) = open_source(path).frames()
    assert np.abs(decoded.rgb.astype(int) - red).max() <= 3


def test_untagged_high_definition_is_bt709(tmp_path: Path) -> None:
    """The same YUV values mean another colour in HD."""
    results = {}
    for height in (718, 720):
        path = make_video(
            tmp_path / f"{height}.mkv",
            num_frames=1,
            size=(16, height),
            codec="ffv1",
            pixel_format="yuv444p",
            pictures=[np.full((height, 16, 3), (200, 30, 30), np.uint8)],
        )
        results[height] = next(open_source(path).frames()).rgb[0, 0].astype(int)
    assert np.abs(results[718] - (200, 30, 30)).max() <= 2
    assert np.abs(results[720] - results[718]).max() > 5


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        ((0, False, False), lambda p: p),
        ((90, False, False), lambda p: np.rot90(p)),  # a display matrix turns counter-clockwise
        ((-90, False, False), lambda p: np.rot90(p, -1)),
        ((180, False, False), lambda p: np.rot90(p, 2)),
        ((0, True, False), lambda p: p[:, ::-1]),
        ((0, False, True), lambda p: p[::-1]),
    ],
)
def test_rotation(tmp_path: Path, rotation: tuple[float, bool, bool], expected) -> None:
    corner = np.zeros((48, 64, 3), np.uint8)
    corner[:12, :24] = (250, 40, 40)
    corner[36:, 48:] = (40, 40, 250)
    path = make_video(
        tmp_path / "phone.mp4",
        num_frames=2,
        rotation=rotation,
        pictures=[corner] * 2,
        options={"crf": "5"},
        aspect=Fraction(4, 3),
    )
    source = open_source(path)
    upright = expected(corner)
    assert (source.geometry.height_px, source.geometry.width_px) == upright.shape[:2]
    frame = next(source.frames())
    assert np.abs(frame.rgb.astype(int) - upright).mean() < 3
    assert frame.rgb.flags.c_contiguous
    swapped = upright.shape[0] == 64
    assert source.sample_aspect_ratio == (Fraction(3, 4) if swapped else Fraction(4, 3))


def test_oblique_rotation_is_refused(tmp_path: Path) -> None:
    path = make_video(tmp_path / "tilted.mp4", num_frames=2, rotation=(30, False, False))
    with pytest.raises(UnreadableVideo, match="only quarter turns"):
        open_source(path)


def test_cover_picture_is_not_footage(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.mp4", num_frames=5)
    cover = make_video(tmp_path / "cover.mkv", num_frames=1, size=(16, 16), codec="mjpeg", pixel_format="yuvj420p")
    path = tmp_path / "both.mp4"
    with av.open(str(clip)) as video, av.open(str(cover)) as picture_file, av.open(str(path), "w") as out:
        first = out.add_stream_from_template(picture_file.streams.video[0])
        first.disposition = av.stream.Disposition.attached_pic
        second = out.add_stream_from_template(video.streams.video[0])
        for stream, source in ((first, picture_file), (second, video)):
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    with av.open(str(path)) as both:
        assert len(both.streams.video) == 2  # the file is what this test is about
    geometry = open_source(path).geometry
    assert (geometry.num_frames, geometry.width_px) == (5, 64)


def test_default_among_several_streams(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    small = make_video(tmp_path / "small.mkv", num_frames=3, size=(16, 16))
    big = make_video(tmp_path / "big.mkv", num_frames=4)
    with av.open(str(small)) as one, av.open(str(big)) as two, av.open(str(path), "w") as out:
        streams = [out.add_stream_from_template(source.streams.video[0]) for source in (one, two)]
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for stream, source in zip(streams, (one, two), strict=True):
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    assert open_source(path).geometry.num_frames == 4


def test_start_before_zero(tmp_path: Path) -> None:
    """As written by FFmpeg with negative stamps allowed, e.g. after cutting without encoding."""
    path = make_video(
        tmp_path / "neg.mkv",
        num_frames=6,
        options={"bf": "0"},
        time_base=Fraction(1, 1000),
        ticks=[-80, -40, 0, 40, 80, 120],
        container_options={"avoid_negative_ts": "disabled"},
    )
    geometry = open_source(path).geometry
    assert geometry.num_frames == 6
    assert list(np.diff(geometry.pts_ticks)) == [40] * 5


def test_colon_in_the_name_is_no_protocol(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", num_frames=2).rename(tmp_path / "http: clip.mp4")
    assert open_source(path).geometry.num_frames == 2


def test_playlist_does_not_reach_other_files(tmp_path: Path) -> None:
    make_video(tmp_path / "secret.ts", num_frames=3)
    path = tmp_path / "list.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableVideo):
        open_source(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".webm"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_truncated_is_never_just_short(tmp_path: Path, suffix: str, share: float) -> None:
    vp9 = suffix == ".webm"
    path = make_video(
        tmp_path / f"clip{suffix}",
        num_frames=30,
        codec="libvpx-vp9" if vp9 else "libx264",
        container_options={"movflags": "faststart"} if suffix in (".mp4", ".mov") else {},
        options={"deadline": "realtime"} if vp9 else {},
    )
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableVideo, match=f"truncated.*{path.name}"):
        open_source(path)


def _damaged(path: Path) -> Path:
    """Overwrite the payload of a packet in the second half of the file; stamps and container stay intact."""
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][18]
        position, size = packet.pos, packet.size
    assert position is not None
    data = bytearray(path.read_bytes())
    data[position + 6 : position + size] = np.random.default_rng(3).bytes(size - 6)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_damaged_frame_is_named(tmp_path: Path, suffix: str) -> None:
    path = make_video(
        tmp_path / f"clip{suffix}",
        num_frames=30,
        size=(160, 120),
        options={"bf": "0"},
        pictures=[np.clip(picture(i, 160, 120) + noise_of(i), 0, 255).astype(np.uint8) for i in range(30)],
    )
    _damaged(path)
    with pytest.raises(UnreadableVideo, match=r"frame 1[5-9] cannot be decoded"):
        open_source(path)


def noise_of(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 30, (120, 160, 3))


def test_file_replaced_while_running(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4")
    source = open_source(path)
    make_video(path, num_frames=11)
    with pytest.raises(UnreadableVideo, match="changed after it was opened"):
        next(source.frames())


def test_time_stamps_are_checked_while_decoding(tmp_path: Path) -> None:
    source = VideoFile(make_video(tmp_path / "clip.mp4"))
    source._stored_ticks = (*source._stored_ticks[:7], 99999, *source._stored_ticks[8:])
    with pytest.raises(UnreadableVideo, match="frame 7 cannot be decoded: its time stamp differs"):
        list(source.frames())


def test_size_that_changes_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "joined.avi"
    with av.open(str(path), "w") as out:
        stream = None
        for number, width in enumerate((64, 96)):
            part = make_video(
                tmp_path / f"{width}.avi", num_frames=4, size=(width, 48), codec="mjpeg", pixel_format="yuvj420p"
            )
            with av.open(str(part)) as source:
                stream = stream or out.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts = packet.dts = packet.dts + 4 * number
                        packet.stream = stream
                        out.mux(packet)
    with pytest.raises(UnreadableVideo, match="frame 4 cannot be decoded: the picture changes from 64x48 to 96x48"):
        open_source(path)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Frames handed out and dropped are freed; seen in the resident set after 20 and after 220 big frames."""
    path = make_video(
        tmp_path / "long.mp4",
        num_frames=240,
        size=(640, 480),
        options={"preset": "ultrafast"},
        pictures=[picture(0, 640, 480)] * 240,
    )

    def resident_mb() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 / 1e6

    at = {}
    for frame in open_source(path).frames():
        if frame.index in (40, 239):
            at[frame.index] = resident_mb()
    assert at[239] - at[40] < 30  # 200 frames would be 184 MB
