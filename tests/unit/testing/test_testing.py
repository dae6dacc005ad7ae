"""The kit itself: clips whose truth is true, and checks that notice what they are made to notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bodydouble.scene import Frame, Sprite, TrackWindow
from bodydouble.testing import (
    FakeFinder,
    MemorySink,
    RecordingProgress,
    WalkerClip,
    bundle_differences,
    check_frame_sink,
    check_frame_source,
    check_generator,
    make_bundle,
    make_walker_clip,
    random_bundle,
    random_window,
    window_differences,
)
from bodydouble.video_io import open_sink, open_source


def test_a_walker_clip_is_a_source_and_its_truth_is_true() -> None:
    clip = make_walker_clip(num_frames=10, num_people=3)
    check_frame_source(clip)
    for frame in clip.frames():
        masks = clip.masks(frame.index)
        somebody = np.logical_or.reduce(list(masks.values()))
        assert np.sum(list(masks.values()), axis=0).max() == 1
        assert np.array_equal(frame.rgb[~somebody], clip.plate_rgb[~somebody])
        for track in clip.bundle.tracks:
            step = track.step_of(frame.index)
            canvas = np.zeros(somebody.shape, bool)
            if step is not None:
                track.silhouettes.paint(step, canvas)
            assert np.array_equal(canvas, masks[track.track_id])


def test_two_people_cross_and_the_nearer_hides_the_farther() -> None:
    bundle = make_bundle(num_frames=25)
    one, two = bundle.tracks
    x_one, x_two = one.joints_xy_px[:, 1, 0], two.joints_xy_px[:, 1, 0]
    assert x_one[0] < x_two[0]
    assert x_one[-1] > x_two[-1]
    assert one.visible_fraction.min() == 1
    assert two.visible_fraction.min() < 0.5


@pytest.mark.parametrize(
    ("num_frames", "width", "height", "people"), [(1, 160, 120, 2), (3, 31, 57, 1), (2, 8, 8, 2), (2, 160, 120, 0)]
)
def test_hurtful_sizes(num_frames: int, width: int, height: int, people: int) -> None:
    clip = make_walker_clip(num_frames=num_frames, width_px=width, height_px=height, num_people=people)
    check_frame_source(clip)
    assert clip.bundle.video == clip.geometry


def test_grey_clips_are_grey() -> None:
    check_frame_source(make_walker_clip(num_frames=3, is_gray=True))


def test_differences_are_found() -> None:
    bundle = random_bundle(1)
    assert bundle_differences(bundle, random_bundle(1)) == []
    assert "clip_name" in bundle_differences(bundle, random_bundle(2))
    track = bundle.tracks[0]
    moved = replace(track, box_scores=track.box_scores * np.float32(0.5))
    changed = replace(bundle, tracks=(moved, *bundle.tracks[1:]))
    assert bundle_differences(bundle, changed) == ["track 1: box_scores"]
    assert window_differences(random_window(1), random_window(1)) == []
    assert window_differences(random_window(1), random_window(2)) != []


@dataclass
class _Found:
    boxes_xyxy_px: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]


def test_the_fake_finder_knows_its_clip_only() -> None:
    clip = make_walker_clip(num_frames=20)
    finder = FakeFinder(clip, _Found)
    for frame in clip.frames():
        assert np.array_equal(
            finder.find(frame.rgb).boxes_xyxy_px, [t.boxes_xyxy_px[frame.index] for t in clip.bundle.tracks]
        )
    with pytest.raises(ValueError, match="changed it"):
        finder.find(clip.rgb(0) ^ 1)
    careless = FakeFinder(clip, _Found, miss_share=0.5, jitter_px=1.0)
    counts = [len(careless.find(frame.rgb).scores) for frame in clip.frames()]
    assert 5 < sum(counts) < 35


class _Broken(WalkerClip):
    """A source with one defect."""

    defect = ""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for position, frame in enumerate(super().frames(start, stop)):
            if self.defect == "seek" and start and position == 0:
                yield replace(frame, rgb=frame.rgb ^ 1)
            elif self.defect == "time" and frame.index == 2:
                yield replace(frame, pts_ticks=frame.pts_ticks + 1)
            elif self.defect == "short" and frame.index == 3:
                return
            elif self.defect == "size":
                yield replace(frame, rgb=frame.rgb[:-1])
            else:
                yield frame


@pytest.mark.parametrize("defect", ["seek", "time", "short", "size"])
def test_the_source_check_notices(defect: str) -> None:
    clip = make_walker_clip(num_frames=4)
    broken = _Broken(clip.walkers, num_frames=4, width_px=160, height_px=120, seed=0, is_gray=False)
    check_frame_source(broken)
    broken.defect = defect
    with pytest.raises(AssertionError):
        check_frame_source(broken)


class _EagerSink(MemorySink):
    """Shows its file at once."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.touch()


def test_the_sink_check_notices_files_that_show_too_early(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exists before commit"):
        check_frame_sink(_EagerSink, tmp_path / "x", [np.zeros((2, 2, 3), np.uint8)])


def test_the_generator_check_notices_memory() -> None:
    def pure(plan: int) -> TrackWindow:
        return random_window(plan)

    check_generator(lambda: pure, range(3))

    def remembering() -> object:
        count = 0

        def play(plan: int) -> TrackWindow:
            nonlocal count
            count += 1
            sprite = Sprite(left_px=count, top_px=0, rgba=np.zeros((1, 1, 4), np.uint8), ground_y_px=0.0)
            return TrackWindow(track_id=1, frame_indices=np.array([plan]), sprites=(sprite,))

        return play

    with pytest.raises(AssertionError, match="gives another window"):
        check_generator(remembering, range(3))  # type: ignore[arg-type]


def test_progress_in_a_wrong_order_is_noticed() -> None:
    progress = RecordingProgress()
    with pytest.raises(ValueError, match="without a stage"):
        progress.advance()
    progress.start("a", 2)
    progress.advance(2)
    with pytest.raises(ValueError, match="before"):
        progress.start("b", 1)
    progress.finish()
    assert progress.stages == [("a", 2, 2)]


@pytest.mark.parametrize(("codec", "suffix"), [("lossless", ".mkv"), ("h264", ".mp4"), ("png", "")])
def test_our_own_files_conform(tmp_path: Path, codec: str, suffix: str) -> None:
    clip = make_walker_clip(num_frames=3, width_px=64, height_px=48)
    path = tmp_path / "out" / f"clip{suffix}"
    path.parent.mkdir()
    check_frame_sink(lambda p: open_sink(p, clip.geometry, codec=codec), path, [frame.rgb for frame in clip.frames()])
    with open_source(path) as source:
        check_frame_source(source)
        assert source.geometry.average_rate == Fraction(25)
