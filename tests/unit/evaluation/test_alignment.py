"""Which result belongs to which original, and whether both show the same instants."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodydouble.errors import InputError
from bodydouble.evaluation.alignment import check_aligned, match_clips
from bodydouble.pipeline.pairing import pair_up
from bodydouble.scene import VideoGeometry


class Clip:
    """A source of which only size and timing are asked."""

    def __init__(
        self, num_frames: int = 20, size: tuple[int, int] = (64, 48), rate: Fraction = Fraction(25), first_tick: int = 0
    ) -> None:
        self.name = "clip"
        self.geometry = VideoGeometry(
            width_px=size[0],
            height_px=size[1],
            time_base=1 / rate,
            average_rate=rate,
            pts_ticks=tuple(range(first_tick, first_tick + num_frames)),
        )

    def frames(self, start: int = 0, stop: int | None = None) -> object:
        raise AssertionError("no frame is needed to compare sizes and times")


class Pictures(Clip):
    """The same as a folder of images."""

    image_names = ("0.png",)


def paths(*names: str) -> dict[str, Path]:
    return {name: Path("x") / name for name in names}


def matched(originals: dict[str, Path], results: dict[str, Path]) -> list[tuple[str, str]]:
    return [(pair.name, pair.result_path.relative_to("x").as_posix()) for pair in match_clips(originals, results)]


def test_suffixes_folders_and_tools_endings_may_differ() -> None:
    originals = paths("a/01.avi", "a/02.avi", "b/01", "b/03.mp4", "b/v1.5")
    results = paths("a/01.mp4", "a/02", "b/01.mkv", "b/03_anonymized.mp4", "b/v1.5", "c/extra.mp4")
    assert matched(originals, results) == [
        ("a/01.avi", "a/01.mp4"),
        ("a/02.avi", "a/02"),
        ("b/01", "b/01.mkv"),
        ("b/03.mp4", "b/03_anonymized.mp4"),
        ("b/v1.5", "b/v1.5"),
    ]
    assert matched(paths("one.avi", "two.avi"), paths("two.bodydouble.mp4", "one.bodydouble")) == [
        ("one.avi", "one.bodydouble"),
        ("two.avi", "two.bodydouble.mp4"),
    ]


def test_a_single_result_needs_no_name() -> None:
    assert matched(paths("street.avi"), paths("deface.mp4")) == [("street.avi", "deface.mp4")]


def test_the_full_name_wins_and_what_is_open_is_refused() -> None:
    assert matched(paths("a.avi", "b.avi"), paths("a.avi", "a.mp4", "b.mp4"))[0] == ("a.avi", "a.avi")
    with pytest.raises(InputError, match=r"two results could be meant.*a\.mkv, a\.mp4"):
        match_clips(paths("a.avi", "b.avi"), paths("a.mkv", "a.mp4", "b.mp4"))
    with pytest.raises(InputError, match="differ only in their suffix"):
        match_clips(paths("a.avi", "a.mp4"), paths("a.mkv", "b.mkv"))


def test_a_missing_result_is_named() -> None:
    with pytest.raises(InputError, match=r"1 of 3 clips have no result \(b\.avi\)"):
        match_clips(paths("a.avi", "b.avi", "c.avi"), paths("a.mp4", "c.mp4"))
    with pytest.raises(InputError, match=r"4 of 5 .*and 1 more"):
        match_clips(paths("a", "b", "c", "d", "e"), paths("a", "f"))


def test_trees_on_disk_pair_up_without_masks_and_run_folders(tmp_path: Path) -> None:
    def image(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))

    for clip in ("Test001", "Test002"):
        image(tmp_path / "in" / "Test" / clip / "001.tif")
        image(tmp_path / "out" / "Test" / clip / "001.png")
    image(tmp_path / "in" / "Test" / "Test001_gt" / "001.bmp")
    image(tmp_path / "out" / "Test" / "x.bodydouble.run" / "plate" / "000000.png")
    pairs = pair_up(tmp_path / "in", tmp_path / "out")
    assert [pair.name for pair in pairs] == ["Test/Test001", "Test/Test002"]
    assert [pair.result_path for pair in pairs] == [tmp_path / "out" / "Test" / name for name in ("Test001", "Test002")]


def test_equal_clips_pass_also_where_one_begins_later() -> None:
    check_aligned(Clip(), Clip(), name="c")
    check_aligned(Clip(), Clip(first_tick=7), name="c")
    check_aligned(Clip(1), Clip(1, rate=Fraction(10)), name="one frame has no distance to another")


def test_rounded_rates_pass_and_wrong_ones_do_not() -> None:
    ntsc = Fraction(30000, 1001)
    check_aligned(Clip(3000, rate=ntsc), Clip(3000, rate=Fraction(2997, 100)), name="c")
    with pytest.raises(InputError, match=r"frame 3 at 0\.100 s, the original at 0\.120 s .*30 and 25 frames a second"):
        check_aligned(Clip(), Clip(rate=Fraction(30)), name="c")
    with pytest.raises(InputError, match="frame 500"):  # a thousandth adds up to half a frame
        check_aligned(Clip(600), Clip(600, rate=Fraction(25) * Fraction(1000, 1001)), name="c")


def test_one_message_has_every_difference() -> None:
    with pytest.raises(InputError) as caught:
        check_aligned(Clip(20), Clip(19, size=(128, 96)), name="Test/01.avi")
    message = str(caught.value)
    assert "19 frames, the original 20" in message
    assert "128x96 px, the original 64x48" in message
    assert message.endswith("Test/01.avi")


def test_folders_of_images_state_no_times() -> None:
    check_aligned(Clip(rate=Fraction(10)), Pictures(), name="c")
    check_aligned(Pictures(), Clip(rate=Fraction(10)), name="c")
    with pytest.raises(InputError, match="21 frames"):
        check_aligned(Pictures(), Clip(21, rate=Fraction(10)), name="c")
