"""What becomes of blocks that fail, whatever made them: nobody stays in the picture, and a remark says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bodydouble.generation import CannotPlay, GenerationConfig, WindowPlan, read_remarks
from bodydouble.generation.base import SCRATCH_FOLDER
from bodydouble.generation.diffusion.drawn import BLOCK_FRAMES, DrawnBlocks, Filming
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.view import view_of
from bodydouble.scene import TrackWindow
from bodydouble.testing import make_bundle

FRAMES = BLOCK_FRAMES + 8
SIZE = (64, 32)
Floats = NDArray[np.float32]


class Stored:
    """Frames that are what they are asked for, or NaN in the first block."""

    def __init__(self, *, sick: bool) -> None:
        self._sick = sick

    def read(self, start: int, stop: int) -> Floats:
        value = np.nan if self._sick and start < BLOCK_FRAMES else 0.5
        return np.full((stop - start, *SIZE, 3), value, np.float32)

    def remove(self) -> None:
        """Nothing is there."""


class Cutter:
    """Finds so large a share of the canvas in the first block, and a third in the second."""

    def __init__(self, share: float) -> None:
        self._shares = [share, 1 / 3]

    def cut(self, rgb: NDArray[np.uint8]) -> Floats:
        alpha = np.zeros(rgb.shape[:3], np.float32)
        share = self._shares.pop(0)
        alpha[:, : round(SIZE[0] * share) if np.isfinite(share) else None] = 1.0 if np.isfinite(share) else np.nan
        return alpha


def decode_of(*, sick: bool) -> Callable[[Floats], Floats]:
    first = [sick]

    def decode(stored: Floats) -> Floats:
        return stored * np.float32(np.nan if first and first.pop() else 1)

    return decode


def no_stand_in(plan: WindowPlan) -> TrackWindow:
    raise CannotPlay(plan.track_id, "generation.fallback is 'paint-out'")


@pytest.mark.parametrize(
    ("stored", "decoder", "share", "reason"),
    [
        (True, False, 1 / 3, "the diffusion gave NaN"),
        (False, True, 1 / 3, "the decoder gave NaN"),
        (False, False, np.nan, "the cutter gave NaN"),
        (False, False, 0.0, "the diffusion drew nobody"),
        (False, False, 1.0, "the diffusion drew no plain background"),
    ],
)
def test_a_block_that_failed_is_empty_and_remarked(
    tmp_path: Path, stored: bool, decoder: bool, share: float, reason: str
) -> None:
    (tmp_path / SCRATCH_FOLDER).mkdir()
    (track,) = make_bundle(num_frames=FRAMES, num_people=1).tracks
    run = PlayedRun(track_id=track.track_id, start=0, stop=FRAMES)
    view = view_of(track, run, canvas_px=SIZE[0] * SIZE[1], margin=0.1, joint_score=0.1)
    filming: Any = Filming(track=track, run=run, view=view)
    blocks = DrawnBlocks(filming, GenerationConfig(backend="vace"), tmp_path)
    # A cutter is not asked about pictures that are NaN, and must not be.
    cutter = Cutter(1 / 3 if stored or decoder else share)
    blocks.draw(Stored(sick=stored), decode_of(sick=decoder), cutter, no_stand_in)
    assert blocks.are_done
    window = blocks.window(WindowPlan(track_id=track.track_id, step_start=0, step_stop=FRAMES))
    assert [bool(sprite.rgba.size) for sprite in window.sprites] == [False] * BLOCK_FRAMES + [True] * 8
    (remark,) = read_remarks(tmp_path)
    assert (remark.first_frame, remark.last_frame, remark.reason) == (0, BLOCK_FRAMES - 1, reason)
    assert remark.instead == "paint-out"
