"""From latents to sprites, in blocks that lie in the run and nowhere else, so that who asks for what changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.base import SCRATCH_FOLDER, CannotPlay
from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.cutting import Cutter
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.sprites import empty_sprite, sprite_of
from bodydouble.generation.diffusion.view import View
from bodydouble.generation.fallback import Remark, write_remarks
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import PersonTrack, Sprite, TrackWindow
from bodydouble.scene.performance_files import PerformanceReader, PerformanceWriter

BLOCK_FRAMES: Final = 16
"""Frames that are decoded, judged and stored together."""

_LEAST_PERSON_SHARE: Final = 0.02
_MOST_PERSON_SHARE: Final = 0.9
"""A person who covers less or more of the canvas is none: nobody was drawn, or no plain background."""
_MOST_BAD_SHARE: Final = 0.2
"""A block with more frames than this without a person has failed; as many as the paper's filter allows without skeleton."""


class StoredFrames(Protocol):
    """Frames of a run on disk, as the generator left them."""

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Frames from, to, counted from the run's start; NaN where the networks gave it."""

    def remove(self) -> None:
        """Delete them, when all is drawn."""


Decode = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Makes pictures of stored frames, (time, height, width, 3), 0 to 1; NaN where the networks gave it."""
StandIn = Callable[[WindowPlan], TrackWindow]
"""Plays a stretch in another way, or raises `CannotPlay`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Filming:
    """A run and where its canvas lies."""

    track: PersonTrack
    run: PlayedRun
    view: View

    @property
    def name(self) -> str:
        """Unique in the clip."""
        return f"track_{self.run.track_id:06d}_{int(self.track.frame_indices[self.run.start]):06d}"

    def frame(self, step: int) -> int:
        """Frame of the clip of a step that counts from the run's start."""
        return int(self.track.frame_indices[self.run.start + step])

    def ground_y_px(self, step: int) -> float:
        """Row at which the person touches the ground: the lower edge of the box."""
        return float(self.track.boxes_xyxy_px[self.run.start + step, 3])


class DrawnBlocks:
    """The finished sprites of a run, on disk."""

    def __init__(self, filming: Filming, config: GenerationConfig, folder: Path) -> None:
        self._filming = filming
        self._config = config
        self._folder = folder
        self._drawn = folder / SCRATCH_FOLDER / "drawn"
        self._writer = PerformanceWriter(self._drawn)
        length = len(filming.run)
        self._blocks = [(start, min(length, start + BLOCK_FRAMES)) for start in range(0, length, BLOCK_FRAMES)]

    @property
    def are_done(self) -> bool:
        """True if every block has been drawn."""
        return all(self._has(start) for start, _ in self._blocks)

    def _has(self, start: int) -> bool:
        return self._writer.has(self._filming.run.track_id, self._filming.frame(start))

    def draw(self, stored: StoredFrames, decode: Decode, cutter: Cutter, stand_in: StandIn) -> None:
        """Decode, cut out and store the blocks that are not there yet."""
        for start, stop in self._blocks:
            if self._has(start):
                continue
            sprites, problem = self._block(stored.read(start, stop), decode, cutter, start)
            if problem:
                sprites = self._instead(start, stop, problem, stand_in)
            frames = self._filming.track.frame_indices[self._filming.run.start + start : self._filming.run.start + stop]
            self._writer.write(
                TrackWindow(track_id=self._filming.run.track_id, frame_indices=frames, sprites=sprites)
            )  # fmt: skip

    def _block(
        self, stored: NDArray[np.float32], decode: Decode, cutter: Cutter, start: int
    ) -> tuple[tuple[Sprite, ...], str]:
        """Sprites of a block, and what is wrong with it; empty when nothing is."""
        if not np.isfinite(stored).all():
            return (), "the diffusion gave NaN"
        pictures = decode(stored)
        if not np.isfinite(pictures).all():
            return (), "the decoder gave NaN"
        alphas = cutter.cut(np.round(pictures * 255).astype(np.uint8))
        if not np.isfinite(alphas).all():
            return (), "the cutter gave NaN"
        shares = (alphas >= 0.5).mean(axis=(1, 2))
        nobody, everywhere = shares < _LEAST_PERSON_SHARE, shares > _MOST_PERSON_SHARE
        if (nobody | everywhere).mean() > _MOST_BAD_SHARE:
            return (), "the diffusion drew nobody" if nobody.any() else "the diffusion drew no plain background"
        sprites = [
            empty_sprite(self._filming.ground_y_px(start + step))
            if nobody[step] or everywhere[step]
            else sprite_of(
                pictures[step], alphas[step], self._filming.view, start + step,
                ground_y_px=self._filming.ground_y_px(start + step),
            )
            for step in range(len(pictures))
        ]  # fmt: skip
        return tuple(sprites), ""

    def _instead(self, start: int, stop: int, problem: str, stand_in: StandIn) -> tuple[Sprite, ...]:
        """The avatar's sprites for a block that failed, or empty ones; a remark says which."""
        run = self._filming.run
        try:
            plan = WindowPlan(track_id=run.track_id, step_start=run.start + start, step_stop=run.start + stop)
            sprites = stand_in(plan).sprites
            remark = self._remark(start, stop, f"played by the avatar: {problem}", replaced=True)
        except CannotPlay as error:
            sprites = tuple(empty_sprite(self._filming.ground_y_px(step)) for step in range(start, stop))
            why = f"; {error.reason}" if self._config.fallback == "avatar" else ""
            remark = self._remark(start, stop, f"{problem}{why}", replaced=False)
        # First the remark: a block that is there is not looked at again after a kill.
        write_remarks(self._folder, f"track_{run.track_id:06d}_{self._filming.frame(start):06d}", [remark])
        return sprites

    def _remark(self, start: int, stop: int, reason: str, *, replaced: bool) -> Remark:
        return Remark(
            track_id=self._filming.run.track_id, first_frame=self._filming.frame(start),
            last_frame=self._filming.frame(stop - 1), reason=reason, instead="avatar" if replaced else "paint-out",
        )  # fmt: skip

    def window(self, plan: WindowPlan) -> TrackWindow:
        """A window of work, put together from blocks."""
        frames = self._filming.track.frame_indices[plan.step_start : plan.step_stop].copy()
        reader = PerformanceReader(self._drawn)
        sprites = [dict(reader.sprites_at(int(frame)))[plan.track_id] for frame in frames]
        return TrackWindow(track_id=plan.track_id, frame_indices=frames, sprites=tuple(sprites))
