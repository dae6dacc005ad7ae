from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.errors import UnreadableImage, UnreadableVideo
from bodydouble.scene import picked_frames
from bodydouble.video_io import open_source
from bodydouble.video_io.image_header import read_image_header
from bodydouble.video_io.natural_order import natural_key
from tests.unit.video_io.making import index_in, make_images, picture


def test_natural_order() -> None:
    names = ["10.jpg", "9.jpg", "010.jpg", "a2b10", "a2b9", "B1", "0000.png", "²"]
    assert sorted(names, key=natural_key) == ["0000.png", "9.jpg", "010.jpg", "10.jpg", "a2b9", "a2b10", "B1", "²"]


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".JPG"])
@pytest.mark.parametrize("gray", [False, True])
def test_formats(tmp_path: Path, suffix: str, gray: bool) -> None:
    folder = make_images(tmp_path / "01", [f"{i}{suffix}" for i in (1, 2, 10)], gray=gray)
    for litter in ("Thumbs.db", ".DS_Store", "._1.jpg", "desktop.ini"):
        (folder / litter).write_bytes(b"litter")
    (folder / "sub").mkdir()
    with open_source(folder) as source:
        assert source.name == "01"
        geometry = source.geometry
        assert (geometry.width_px, geometry.height_px, geometry.num_frames) == (32, 24, 3)
        assert geometry.is_gray is gray
        assert geometry.average_rate == 25
        assert geometry.time_base == Fraction(1, 25)
        frames = list(source.frames())
    for index, frame in enumerate(frames):
        assert frame.index == frame.pts_ticks == index
        expected = picture(index, 32, 24)
        if gray:
            expected = np.repeat(expected[..., :1], 3, axis=2)
        tolerance = 6 if suffix.lower() in (".jpg", ".jpeg") else 0
        assert np.abs(frame.rgb.astype(int) - expected).max() <= tolerance


def test_sixteen_bits_and_alpha_and_palette(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (4, 1))
    cv2.imwrite(str(folder / "1.png"), ramp)
    cv2.imwrite(str(folder / "2.tif"), ramp)
    color = np.dstack([ramp // 257] * 3 + [np.zeros_like(ramp)]).astype(np.uint8)
    color[..., 0] = 7  # blue in OpenCV's order
    cv2.imwrite(str(folder / "3.png"), color)
    one, two, three = open_source(folder).frames()
    np.testing.assert_array_equal(one.rgb[0, :, 0], np.arange(256))
    np.testing.assert_array_equal(two.rgb[0, :, 2], np.arange(256))
    assert three.rgb[0, 200].tolist() == [200, 200, 7]
    assert not open_source(folder).geometry.is_gray  # one of them has colour


def _with_exif(path: Path, orientation: int) -> None:
    data = path.read_bytes()
    tiff = b"MM\x00*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 274, 3, 1, orientation, 0) + bytes(4)
    segment = b"Exif\x00\x00" + tiff
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_like_opencv(tmp_path: Path, orientation: int) -> None:
    """``cv2.imread`` with IMREAD_COLOR follows the tag; ours must end at the same pixels by another way."""
    path = make_images(tmp_path / "phone", ["1.jpg"]) / "1.jpg"
    _with_exif(path, orientation)
    source = open_source(path.parent)
    reference = cv2.imread(str(path), cv2.IMREAD_COLOR)
    (frame,) = source.frames()
    np.testing.assert_array_equal(frame.rgb, reference[..., ::-1])
    assert frame.rgb.shape[:2] == (source.geometry.height_px, source.geometry.width_px)


@pytest.mark.parametrize("flags", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
def test_header_of_jpeg_kinds(tmp_path: Path, flags: list[int]) -> None:
    cv2.imwrite(str(tmp_path / "1.jpg"), picture(0, 37, 21), flags)
    header = read_image_header(tmp_path / "1.jpg")
    assert (header.width_px, header.height_px, header.is_gray) == (37, 21, False)


def test_sizes_are_checked_when_opened(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "01", ["1.jpg", "2.jpg"])
    make_images(folder, ["3.png"], size=(32, 25))
    with pytest.raises(UnreadableImage, match=r"1\.jpg is 32x24 px, this one 32x25.*3\.png"):
        open_source(folder)


def test_picked_images_are_those_of_a_pass_over_all(tmp_path: Path) -> None:
    source = open_source(make_images(tmp_path / "01", [f"{i}.png" for i in range(6)]))
    every, some = list(source.frames()), list(picked_frames(source, lambda index: index % 2 == 1))
    assert [frame.index for frame in some] == [1, 3, 5]
    assert all(np.array_equal(frame.rgb, every[frame.index].rgb) for frame in some)


def test_stranger_in_the_folder(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "01", ["1.jpg"])
    (folder / "notes.txt").write_text("x")
    with pytest.raises(UnreadableImage, match=r"nothing but images.*notes\.txt"):
        open_source(folder)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideo, match="no images"):
        open_source(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
def test_truncated_in_the_middle(tmp_path: Path, suffix: str) -> None:
    """The header is whole, so that only decoding can tell; frames before it come out."""
    folder = make_images(tmp_path / "01", [f"{i}{suffix}" for i in range(5)], size=(80, 60))
    broken = folder / f"2{suffix}"
    data = broken.read_bytes()
    # OpenCV puts the directory of a tif at its end; what is lost there is found when the folder is opened.
    broken.write_bytes(data[: int(len(data) * 0.7)])
    seen = []
    with pytest.raises(UnreadableImage, match=rf"2\{suffix}"):
        seen.extend(frame.index for frame in open_source(folder).frames())
    if suffix != ".tif":
        frames = open_source(folder).frames()
        assert [index_in(next(frames).rgb) for _ in range(2)] == [0, 1]
        with pytest.raises(UnreadableImage, match="frame 2: "):
            next(frames)
        assert [frame.index for frame in open_source(folder).frames(3)] == [3, 4]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0\x00\x10",
        b"\x89PNG\r\n\x1a\n",
        b"BM",
        b"II*\x00",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"hello",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
    ],
)
def test_headers_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.png").write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"1\.png"):
        open_source(tmp_path)


def test_floating_point_and_several_pages_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "1.tif"), np.ones((4, 5), np.float32))
    with pytest.raises(UnreadableImage, match="float32"):
        list(open_source(tmp_path / "a").frames())
    cv2.imwritemulti(str(tmp_path / "b" / "1.tif"), [np.ones((4, 5), np.uint8)] * 2)
    with pytest.raises(UnreadableImage, match="several pages"):
        open_source(tmp_path / "b")


def test_single_image_as_input(tmp_path: Path) -> None:
    make_images(tmp_path, ["1.png"])
    with pytest.raises(UnreadableVideo, match="single image; give a video, or the folder"):
        open_source(tmp_path / "1.png")
