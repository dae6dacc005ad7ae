"""The paper's thresholds: cases worked out by hand, the same for `trackers` and for ultralytics, whose terms they are."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
import pytest

from bodydouble.perception.config import TrackingConfig
from bodydouble.perception.tracking.botsort import FragmentCollector, make_tracker

BACKENDS = [
    "botsort",
    pytest.param(
        "ultralytics-botsort",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("ultralytics") is None or importlib.util.find_spec("lap") is None,
            reason="extra yolov8 is not installed",
        ),
    ),
]

Frame = list[tuple[float, float]]
"""People of a frame: how far each stands to the right, and the score."""


@dataclass(frozen=True)
class Case:
    why: str
    frames: list[Frame]
    expected: list[list[int | None]]
    """Identity of each detection, counted in the order in which identities appear; None: in no track."""


def identities(tracker: FragmentCollector, frames: list[list[tuple[float, ...]]]) -> list[list[int | None]]:
    """Which track each detection became part of; boxes of a frame differ."""
    for index, frame in enumerate(frames):
        rows = np.array(frame, float).reshape(-1, 5)
        tracker.add(index, rows[:, :4], rows[:, 4].astype(np.float32))
    owner = {
        (int(frame), *np.round(box, 3).tolist()): number
        for number, part in enumerate(tracker.finish())
        for frame, box in zip(part.frames, part.boxes, strict=True)
    }
    return [[owner.get((i, *np.round(row[:4], 3).tolist())) for row in frame] for i, frame in enumerate(frames)]


def standing(frames: list[Frame]) -> list[list[tuple[float, ...]]]:
    """Boxes 50 px wide and 100 px tall: moved by d, they overlap by (50 - d) / (50 + d)."""
    return [[(100.0 + x, 100, 150 + x, 200, score) for x, score in frame] for frame in frames]


X, NOBODY = 0, None
CASES = [
    Case("below new_track_thresh nobody starts", [[], [(0, 0.69)], [(0, 0.69)]], [[], [NOBODY], [NOBODY]]),
    Case("a new track counts from its second detection", [[], [(0, 0.71)], [(0, 0.55)]], [[], [NOBODY], [X]]),
    Case("but in the first frame at once", [[(0, 0.71)], [(0, 0.55)]], [[X], [X]]),
    Case("seen once, then missed: forgotten", [[], [(0, 0.9)], [], [(0, 0.9)]], [[], [NOBODY], [], [NOBODY]]),
    Case("above track_low_thresh goes on", [[(0, 0.9)], [(0, 0.21)], [(0, 0.9)]], [[X], [X], [X]]),
    Case("below it does not", [[(0, 0.9)], [(0, 0.19)], [(0, 0.9)]], [[X], [NOBODY], [X]]),
    Case("weak ones do not wake the lost", [[(0, 0.9)], [], [(0, 0.3)], [(0, 0.9)]], [[X], [], [NOBODY], [X]]),
    Case("first association: 0.333 times 0.95 is 0.317", [[(0, 0.9)], [(25, 0.95)]], [[X], [X]]),
    Case("first association: 0.282 times 0.95 is 0.268", [[(0, 0.9)], [(28, 0.95)]], [[X], [NOBODY]]),
    Case("fused with the score: 0.449 times 0.75 is 0.337", [[(0, 0.9)], [(19, 0.75)]], [[X], [X]]),
    Case("fused with the score: 0.449 times 0.62 is 0.278", [[(0, 0.9)], [(19, 0.62)]], [[X], [NOBODY]]),
    Case("second association: 0.515, not fused", [[(0, 0.9)], [(16, 0.45)]], [[X], [X]]),
    Case("second association: 0.449", [[(0, 0.9)], [(19, 0.45)]], [[X], [NOBODY]]),
    Case("31 frames are waited", [[(0, 0.9)], *[[]] * 31, [(0, 0.9)]], [[X], *[[]] * 31, [X]]),
    Case("32 are not", [[(0, 0.9)], *[[]] * 32, [(0, 0.9)]], [[X], *[[]] * 32, [NOBODY]]),
    Case(
        "the nearer of two",
        [[(0, 0.9), (60, 0.9)], [(8, 0.9), (66, 0.9)], [(16, 0.9), (72, 0.9)]],
        [[0, 1], [0, 1], [0, 1]],
    ),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_thresholds_mean_what_the_paper_s_library_means(backend: str, case: Case) -> None:
    config = TrackingConfig(preset="paper", backend=backend)  # type: ignore[arg-type]
    assert identities(make_tracker(config, 25.0), standing(case.frames)) == case.expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_frame_rate_does_not_change_the_buffer_of_the_paper(backend: str) -> None:
    config = TrackingConfig(preset="paper", backend=backend)  # type: ignore[arg-type]
    frames: list[Frame] = [[(0, 0.9)], *[[]] * 25, [(0, 0.9)]]
    for rate in (5.0, 120.0):
        assert identities(make_tracker(config, rate), standing(frames))[-1] == [0]


def street(seed: int, num_frames: int = 120) -> list[list[tuple[float, ...]]]:
    """People who walk, are missed, and are seen weakly."""
    rng = np.random.default_rng(seed)
    starts, steps = rng.uniform(0, 600, (8, 2)), rng.normal(0, 2.5, (8, 2))
    frames = []
    for index in range(num_frames):
        frame = []
        for start, step in zip(starts, steps, strict=True):
            left, top = start + step * index + rng.normal(0, 1.0, 2)
            if rng.random() > 0.12:
                frame.append((left, top, left + 30, top + 75, float(rng.uniform(0.1, 0.98))))
        frames.append(frame)
    return frames


@pytest.mark.parametrize("seed", range(4))
def test_both_libraries_agree_on_a_street(seed: int) -> None:
    pytest.importorskip("ultralytics", reason="extra yolov8 is not installed")
    pytest.importorskip("lap", reason="extra yolov8 is not installed")
    frames = street(seed)
    names: tuple[str, ...] = ("botsort", "ultralytics-botsort")
    ours, theirs = (
        identities(make_tracker(TrackingConfig(preset="paper", backend=name), 25.0), frames)  # type: ignore[arg-type]
        for name in names
    )
    pairs = [(a, b) for mine, other in zip(ours, theirs, strict=True) for a, b in zip(mine, other, strict=True)]
    # They differ where assignment is ambiguous (see the module), so a few detections may.
    same = {pair: pairs.count(pair) for pair in set(pairs)}
    best: dict[int | None, int] = {}
    for (mine, _), count in same.items():
        best[mine] = max(best.get(mine, 0), count)
    assert sum(best.values()) >= 0.97 * len(pairs)
    assert sum(a is not None for a, _ in pairs) > 0.4 * len(pairs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_at_all(backend: str) -> None:
    tracker = make_tracker(TrackingConfig(backend=backend), 25.0)  # type: ignore[arg-type]
    for index in range(3):
        tracker.add(index, np.zeros((0, 4)), np.zeros(0, np.float32))
    assert tracker.finish() == []
