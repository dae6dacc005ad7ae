"""What all diffusion generators do alike: take a clip, generate runs once, hand out windows, and say what failed."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import ConfigError
from bodydouble.generation.base import SCRATCH_FOLDER, CannotPlay, Generator
from bodydouble.generation.config import AnimateDiffConfig, GenerationConfig, VaceConfig
from bodydouble.generation.cutting import make_cutter
from bodydouble.generation.diffusion.drawn import DrawnBlocks, Filming, StoredFrames
from bodydouble.generation.diffusion.locking import locked
from bodydouble.generation.diffusion.noise import frame_noise
from bodydouble.generation.diffusion.runs import PlayedRun, run_of
from bodydouble.generation.diffusion.view import View, view_of
from bodydouble.generation.fallback import Remark, write_remarks
from bodydouble.generation.plan import WindowPlan
from bodydouble.scene import Appearance, Cast, PersonTrack, SceneBundle, TrackWindow
from bodydouble.scene.strict_files import write_bytes

PROMPTS_FILE: Final = "prompts.json"
"""In a performance: what every track's double was asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """What `DiffusionGenerator.prepare` was given."""

    bundle: SceneBundle
    cast: Cast
    seed: int
    tracks: Mapping[int, PersonTrack]

    def noise(
        self, track_id: int, frames: Iterable[int], shape: tuple[int, int, int], *, shared: float = 0.0
    ) -> NDArray[np.float32]:
        """What a double is made of at some frames of the clip; see `frame_noise`."""
        return frame_noise(self.seed, self.bundle.clip_name, track_id, frames, shape, shared=shared)

    def look_of(self, track_id: int) -> Appearance:
        """Whom a track is played by.

        Raises:
            CannotPlay: nobody was cast.
        """
        try:
            return self.cast.appearance_of(track_id)
        except KeyError as error:
            raise CannotPlay(track_id, "nobody was cast for it") from error


class DiffusionGenerator(ABC):
    """Plays doubles by diffusion; what networks do is up to subclasses. See `bodydouble.generation.base.Generator`."""

    def __init__(self, config: GenerationConfig, options: AnimateDiffConfig | VaceConfig) -> None:
        self._config = config
        self._shared_options = options
        self._cutter = make_cutter(config)
        self._clip: Clip | None = None
        self._avatar: Generator | None = None
        self._folder: Path | None = None

    @abstractmethod
    def _load(self, bundle: SceneBundle) -> None:
        """Load the networks unless they are, choose a layout, and take what else a clip needs.

        Raises:
            MissingWeights: a part is absent or does not fit.
            ConfigError: the device is not there, or has too little memory by the budget.
        """

    @abstractmethod
    def _layout_record(self) -> Mapping[str, int]:
        """How the work is cut, for the record."""

    @abstractmethod
    def _prompt(self, look: Appearance) -> str:
        """What the networks are asked for."""

    @abstractmethod
    def _negative(self) -> str | None:
        """What must not be seen; None without guidance."""

    @abstractmethod
    def _generate(self, clip: Clip, filming: Filming, scratch: Path) -> StoredFrames:
        """Generate a run; what an earlier, killed call had finished is not made again."""

    @abstractmethod
    def _decode(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures (time, height, width, 3), 0 to 1, of stored frames; NaN where the networks gave it."""

    def keep_in(self, folder: Path) -> None:
        """Keep work in progress, prompts and remarks in the folder of a performance, instead of one that is temporary."""
        self._folder = folder

    def prepare(self, bundle: SceneBundle, cast: Cast, config: GenerationConfig, seed: int) -> None:
        """Take a clip and load the networks.

        Raises:
            MissingWeights: a part is absent or does not fit.
            ConfigError: the device is not there, or has too little memory by the budget.
            BundleError: a plate was asked for and cannot be read.
        """
        self._clip = Clip(
            bundle=bundle, cast=cast, seed=seed, tracks={track.track_id: track for track in bundle.tracks}
        )
        self._avatar = None
        self._load(bundle)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="bodydouble-diffusion-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        (self._folder / SCRATCH_FOLDER).mkdir(exist_ok=True)
        self._write_prompts(self._clip, self._folder)

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Take one window out of its run; the run is generated as a whole when its first window is asked for.

        Raises:
            CannotPlay: nobody was cast, or a stretch that the sequence filter took has no stand-in.
            ConfigError: the device's memory ran out.
        """
        if self._clip is None or self._folder is None:
            raise RuntimeError("prepare() must be called before play()")
        track = self._clip.tracks[plan.track_id]
        run = run_of(track, plan)
        if not track.play[run.start]:
            return self._play_filtered(track, plan, self._folder)
        filming = Filming(track=track, run=run, view=self._view(track, run))
        blocks = DrawnBlocks(filming, self._config, self._folder)
        scratch = self._folder / SCRATCH_FOLDER
        with locked(scratch / f"{filming.name}.lock"), self._threads(), self._memory():
            if not blocks.are_done:
                stored = self._generate(self._clip, filming, scratch)
                blocks.draw(stored, self._decode, self._cutter, self._stand_in)
                stored.remove()
        return blocks.window(plan)

    def _view(self, track: PersonTrack, run: PlayedRun) -> View:
        options = self._shared_options
        return view_of(
            track, run, canvas_px=options.canvas_px, margin=options.margin, joint_score=options.joint_score
        )  # fmt: skip

    def _stand_in(self, plan: WindowPlan) -> TrackWindow:
        """The avatar's window.

        Raises:
            CannotPlay: no avatar is wanted, or it cannot play either.
        """
        if self._config.fallback != "avatar":
            raise CannotPlay(plan.track_id, "generation.fallback is 'paint-out'")
        assert self._clip is not None
        if self._avatar is None:
            from bodydouble.generation.avatar.generator import AvatarGenerator

            self._avatar = AvatarGenerator(self._config.avatar)
            self._avatar.prepare(self._clip.bundle, self._clip.cast, self._config, self._clip.seed)
        return self._avatar.play(plan)

    def _play_filtered(self, track: PersonTrack, plan: WindowPlan, folder: Path) -> TrackWindow:
        """A window that the sequence filter took away."""
        window = self._stand_in(plan)
        first, last = int(window.frame_indices[0]), int(window.frame_indices[-1])
        remark = Remark(
            track_id=track.track_id, first_frame=first, last_frame=last, reason=f"played by the avatar: {track.reason}",
            instead="avatar",
        )  # fmt: skip
        write_remarks(folder, f"track_{track.track_id:06d}_{first:06d}_filtered", [remark])
        return window

    def _write_prompts(self, clip: Clip, folder: Path) -> None:
        record = {
            "seed": clip.seed,
            "layout": dict(self._layout_record()),
            "negative_prompt": self._negative() or "",
            "prompts": {str(track_id): self._prompt(look) for track_id, look in clip.cast.parts},
        }
        write_bytes(folder / PROMPTS_FILE, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """With the threads of the configuration, on which the last bits of sums depend; not those of who happens to ask."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._shared_options.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @contextmanager
    def _memory(self) -> Iterator[None]:
        """Says what to do when the device's memory runs out."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"out of memory on {self._config.device}; give a budget (--generation.memory-mb), a smaller canvas "
                f"(--generation.{self._config.backend}.canvas-px) or --generation.offload"
            ) from error
