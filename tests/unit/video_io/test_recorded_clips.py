from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.video_io import discover_clips, open_sink, open_source

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("name", "num_frames", "rate"),
    [
        ("pets09_s2l1/vtest.avi", 795, Fraction(10)),
        ("avenue/testing_videos/20.avi", 273, Fraction(25)),
        ("clips/tvquynh_walking.mp4", 299, Fraction(30000, 1001)),
        ("tud_campus/TUD-Campus.mp4", 71, Fraction(25)),
    ],
)
def test_number_and_rate(real_data_dir: Path, name: str, num_frames: int, rate: Fraction) -> None:
    geometry = open_source(real_data_dir / name).geometry
    assert (geometry.num_frames, geometry.average_rate) == (num_frames, rate)


def test_pictures_agree_with_opencv(real_data_dir: Path) -> None:
    """Another decoder's conversion: same frames, same colours up to its coarser chroma."""
    path = real_data_dir / "pets09_s2l1" / "vtest.avi"
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 400)
    for frame in open_source(path).frames(400, 404):
        there, reference = capture.read()
        assert there
        assert np.abs(frame.rgb.astype(int) - reference[..., ::-1]).mean() < 2
    capture.release()


def test_lossless_copy_of_an_excerpt(real_data_dir: Path, tmp_path: Path) -> None:
    source = open_source(real_data_dir / "clips" / "tvquynh_walking.mp4")  # 722x406: no multiple of anything
    frames = list(source.frames(100, 105))
    geometry = type(source.geometry)(
        width_px=722,
        height_px=406,
        time_base=source.geometry.time_base,
        average_rate=source.geometry.average_rate,
        pts_ticks=source.geometry.pts_ticks[100:105],
    )
    with open_sink(tmp_path / "out.mp4", geometry, codec="lossless") as sink:
        for frame in frames:
            sink.write(frame.rgb)
        sink.commit()
    result = open_source(tmp_path / "out.mp4")
    for one, other in zip(frames, result.frames(), strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
        seconds = other.pts_ticks * result.geometry.time_base
        assert seconds == one.pts_ticks * geometry.time_base


def test_ped2_tree(real_data_dir: Path, tmp_path: Path) -> None:
    jobs = discover_clips(real_data_dir / "ucsd_ped2", tmp_path / "out")
    assert [job.name for job in jobs] == [
        *(f"testing/frames/{i:02d}" for i in range(1, 13)),
        *(f"training/frames/{i:02d}" for i in range(1, 17)),
    ]
    source = open_source(jobs[0].source)
    assert (source.geometry.width_px, source.geometry.height_px, source.geometry.is_gray) == (
        360,
        240,
        False,
    )  # grey, but stored as colour
