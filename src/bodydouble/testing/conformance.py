"""What every implementation of a contract must do, as checks that raise `AssertionError` and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bodydouble.scene import Frame, FrameSink, FrameSource, TrackWindow
from bodydouble.testing.bundles import window_differences

Plan = TypeVar("Plan")


def check_frame_source(source: FrameSource) -> None:
    """Read a source in several ways: each must tell the same story.

    Frames have the size, the times and the number that `geometry` states; reading again, reading a part, and reading
    while another reader is half-way give the same pixels. Holds the whole clip in memory: use a short one.

    Raises:
        AssertionError: it does not hold; the frame is named.
    """
    geometry = source.geometry
    whole = list(source.frames())
    _require(len(whole) == geometry.num_frames, f"{len(whole)} frames decode, geometry states {geometry.num_frames}")
    shape = (geometry.height_px, geometry.width_px, 3)
    for position, frame in enumerate(whole):
        rgb = frame.rgb
        _require(frame.index == position, f"frame {position} calls itself {frame.index}")
        _require(frame.pts_ticks == geometry.pts_ticks[position], f"frame {position}: its time is not geometry's")
        _require(
            rgb.shape == shape and rgb.dtype == np.uint8, f"frame {position} is {rgb.shape} {rgb.dtype}, not {shape}"
        )
        if geometry.is_gray:
            same = np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2])
            _require(same, f"frame {position} of a grey clip has colour")
    _require(bool(source.name) and "/" not in source.name, f"name {source.name!r} is empty or has a path in it")
    _same_frames(source.frames(), whole, "read a second time")
    count = len(whole)
    for start, stop in ((0, 1), (count // 2, None), (count - 1, count), (1, count // 2 + 1), (count, None), (0, 0)):
        _same_frames(source.frames(start, stop), whole[start:stop], f"read from {start} to {stop}")
    half_way = source.frames()
    first = next(half_way)
    _same_frames(source.frames(), whole, "read beside another reader")
    _same_frames(iter([first, *half_way]), whole, "read beside another reader, the first one")


def check_frame_sink(
    open_sink: Callable[[Path], FrameSink], path: Path, frames: Sequence[npt.NDArray[np.uint8]]
) -> None:
    """Write to a sink with and without a happy end.

    Args:
        open_sink: opens a sink for a path; called several times.
        path: a name in a folder made for this check, with nothing else in it.
        frames: at least one, (H, W, 3).

    Raises:
        AssertionError: something shows under the final name too early, or is left behind.
    """
    sink = open_sink(path)
    sink.write(frames[0])
    _require(not path.exists(), f"{path.name} exists before commit")
    sink.close()
    _require(not path.exists(), f"{path.name} exists though nothing was committed")
    sink.close()

    sink = open_sink(path)
    for frame in frames:
        before = frame.copy()
        sink.write(frame)
        _require(np.array_equal(before, frame), "the sink has changed the frame it was given")
    sink.commit()
    sink.close()
    _require(path.exists(), f"{path.name} does not exist after commit")
    left = sorted(other.name for other in path.parent.iterdir() if other != path)
    _require(not left, f"left behind beside {path.name}: {left}")
    sink.close()
    _require(path.exists(), f"closing again has removed {path.name}")


def check_generator(play: Callable[[], Callable[[Plan], TrackWindow]], plans: Iterable[Plan]) -> None:
    """Play windows in two orders with two instances: a generator must be a pure function of its plan.

    Args:
        play: makes and prepares a new generator, and returns its ``play``.
        plans: windows to play.

    Raises:
        AssertionError: a window depends on what was played before it, or is malformed.
    """
    wanted = list(plans)
    one, other = play(), play()
    forward = [one(plan) for plan in wanted]
    backward = [other(plan) for plan in reversed(wanted)][::-1]
    again = [one(plan) for plan in wanted]
    for plan, first, second, third in zip(wanted, forward, backward, again, strict=True):
        _require(len(first.sprites) == len(first.frame_indices), f"{plan}: not one sprite for each frame")
        _require(not window_differences(first, second), f"{plan}: another order of work gives another window")
        _require(not window_differences(first, third), f"{plan}: playing again gives another window")


def _same_frames(actual: Iterator[Frame], expected: Sequence[Frame], how: str) -> None:
    frames = list(actual)
    _require(len(frames) == len(expected), f"{how}: {len(frames)} frames, expected {len(expected)}")
    for one, other in zip(frames, expected, strict=True):
        _require(
            one.index == other.index and one.pts_ticks == other.pts_ticks, f"{how}: frame {other.index} is misnumbered"
        )
        _require(np.array_equal(one.rgb, other.rgb), f"{how}: frame {other.index} has other pixels")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
