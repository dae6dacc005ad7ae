from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from bodydouble.video_io.timing import are_strictly_increasing, frame_step_ticks, presentation_ticks


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([], ()),
        ([7], (7,)),
        ([None], (0,)),
        ([-80, -40, 0], (-80, -40, 0)),  # complete: as they are
        ([None, None, None], (0, 40, 80)),
        ([None, None, 100], (20, 60, 100)),  # counted back from the first that is there
        ([0, None, 80], (0, 40, 80)),
        ([0, None, 30], (0, 40, 41)),  # the gap was no gap
        ([0, 40, 40, 80], (0, 40, 41, 80)),  # repeated
        ([0, 40, 40, 41], (0, 40, 41, 42)),
        ([0, 40, 80, 0, 40], (0, 40, 80, 120, 160)),  # a second recording begins
        ([0, 40, 0, None, 80], (0, 40, 80, 120, 160)),
    ],
)
def test_repair(stored: list[int | None], expected: tuple[int, ...]) -> None:
    ticks = presentation_ticks(stored, [], step_ticks=40, trust_stored=True)
    assert ticks == expected
    assert are_strictly_increasing(ticks)


def test_containers_without_presentation_times() -> None:
    # Coding order on frames in shown order, as FFmpeg hands them out for H.264 with B-frames in AVI.
    stored = [1, 3, 2, 5, 4]
    assert presentation_ticks(stored, [0, 1, 2, 3, 4], step_ticks=1, trust_stored=False) == (0, 1, 2, 3, 4)
    # Dropped frames are empty chunks there: the numbers of the others go on, and the time with them.
    assert presentation_ticks(stored, [0, 1, 4, 5, 6], step_ticks=1, trust_stored=False) == (0, 1, 4, 5, 6)
    assert presentation_ticks(stored, [0, 1, 2, 3], step_ticks=2, trust_stored=False) == (0, 2, 4, 6, 8)
    assert presentation_ticks([3, 4, 9], [0, 1, 2], step_ticks=1, trust_stored=False) == (3, 4, 9)


def test_step() -> None:
    assert frame_step_ticks(Fraction(30000, 1001), Fraction(1, 90000)) == 3003
    assert frame_step_ticks(Fraction(1000), Fraction(1, 25)) == 1


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, bodydouble.video_io; heavy = {'av', 'cv2', 'torch', 'scipy'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
