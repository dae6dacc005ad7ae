"""The generator: runs in, sprites out."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bodydouble.errors import ConfigError
from bodydouble.generation.animatediff.drawn import DrawnBlocks, Filming
from bodydouble.generation.animatediff.locking import locked
from bodydouble.generation.animatediff.noise import frame_noise
from bodydouble.generation.animatediff.prompts import BACKGROUNDS, background_for
from bodydouble.generation.animatediff.runs import run_of
from bodydouble.generation.animatediff.view import view_of
from bodydouble.generation.base import SCRATCH_FOLDER, CannotPlay, Generator
from bodydouble.generation.config import AnimateDiffConfig, GenerationConfig
from bodydouble.generation.cutting import make_cutter
from bodydouble.generation.fallback import Remark, write_remarks
from bodydouble.generation.plan import WindowPlan
from bodydouble.generation.vace.conditions import Conditions, PlateAt, widened
from bodydouble.generation.vace.memory import Sizes, choose_window
from bodydouble.generation.vace.models import VaceModels, Words, load_vace
from bodydouble.generation.vace.pictures import WindowPictures
from bodydouble.generation.vace.spans import Span, plan_spans
from bodydouble.scene import Appearance, Cast, PersonTrack, SceneBundle, TrackWindow
from bodydouble.scene.plate_files import PlateReader
from bodydouble.scene.strict_files import write_bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clip:
    bundle: SceneBundle
    cast: Cast
    seed: int
    tracks: dict[int, PersonTrack]
    plate: PlateAt | None


class _Pictures:
    """What is on disk is a picture already."""

    def decode(self, latents: NDArray[np.float32], *, tiled: bool) -> NDArray[np.float32]:
        """The pictures themselves."""
        return latents


class VaceGenerator:
    """Plays doubles by Wan2.1-VACE. See `bodydouble.generation.base.Generator`."""

    def __init__(self, config: GenerationConfig) -> None:
        self._config = config
        self._models: VaceModels | None = None
        self._window_frames = config.vace.window_frames
        self._cutter = make_cutter(config)
        self._clip: _Clip | None = None
        self._avatar: Generator | None = None
        self._folder: Path | None = None

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
        self._clip = _Clip(
            bundle=bundle, cast=cast, seed=seed, tracks={track.track_id: track for track in bundle.tracks},
            plate=_plate_of(bundle, self._config.vace.plate),
        )  # fmt: skip
        self._avatar = None
        if self._models is None:
            self._models = load_vace(self._config)
            self._window_frames = choose_window(
                _sizes_of(self._models),
                self._config.vace,
                memory_mb=self._config.memory_mb,
                offload=self._config.offload,
            )
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="bodydouble-vace-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        (self._folder / SCRATCH_FOLDER).mkdir(exist_ok=True)
        self._write_prompts(self._clip, self._folder)

    def play(self, plan: WindowPlan) -> TrackWindow:
        """Take one window out of its run; the run is generated as a whole when its first window is asked for."""
        if self._clip is None or self._models is None or self._folder is None:
            raise RuntimeError("prepare() must be called before play()")
        track = self._clip.tracks[plan.track_id]
        run = run_of(track, plan)
        if not track.play[run.start]:
            return self._play_filtered(track, plan, self._folder)
        options, scratch = self._config.vace, self._folder / SCRATCH_FOLDER
        view = view_of(
            track, run, canvas_px=options.canvas_px, margin=options.margin, joint_score=options.joint_score
        )  # fmt: skip
        filming = Filming(track=track, run=run, view=widened(view))
        blocks = DrawnBlocks(filming, self._config, self._folder)
        with locked(scratch / f"{filming.name}.lock"), self._threads(), self._memory():
            if not blocks.are_done:
                pictures = self._generate(self._clip, self._models, filming, scratch)
                blocks.draw(pictures, _Pictures(), self._cutter, self._stand_in, tiled=False)
                pictures.remove()
        return blocks.window(plan)

    def _generate(self, clip: _Clip, models: VaceModels, filming: Filming, scratch: Path) -> WindowPictures:
        """Generate a run; windows that an earlier, killed call had finished are not made again."""
        options, track = self._config.vace, filming.track
        try:
            look = clip.cast.appearance_of(track.track_id)
        except KeyError as error:
            raise CannotPlay(track.track_id, "nobody was cast for it") from error
        conditions = Conditions(
            track=track, run=filming.run, view=filming.view, options=options, plate=clip.plate,
            background_rgb=BACKGROUNDS[self._background(look)],
        )  # fmt: skip
        overlap = min(options.overlap_frames, (self._window_frames - 1) // 8 * 4 + 1)
        spans = plan_spans(len(filming.run), length=self._window_frames, overlap=overlap)
        pictures = WindowPictures(scratch, filming.name, spans)
        missing = [number for number in range(len(spans)) if not pictures.has(number)]
        if missing:
            words = models.embed(self._prompt(look), options.negative if options.guidance > 1 else None)
        for number in missing:
            span = spans[number]
            known = pictures.tail(number - 1, span.known) if span.known else None
            made = self._window(clip, models, words, conditions, span, known)
            pictures.write(number, made[: span.stop - span.start])
        return pictures

    def _window(
        self, clip: _Clip, models: VaceModels, words: Words, conditions: Conditions, span: Span,
        known: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Pictures of one window, with those beyond the run's end."""
        steps = [min(step, span.stop - 1) for step in range(span.start, span.start + span.length)]
        told = [conditions.at(step) for step in steps]
        video = np.stack([rgb for rgb, _ in told]).astype(np.float32) / np.float32(255)
        mask = np.stack([mask for _, mask in told])
        # A window that failed is not gone on from: the next one begins anew.
        if known is not None and np.isfinite(known).all():
            video[: span.known], mask[: span.known] = known, False
        view, first = conditions.view, int(conditions.track.frame_indices[conditions.run.start])
        stride = models.latent_stride_px
        noise = frame_noise(
            clip.seed, clip.bundle.clip_name, conditions.track.track_id, [first + f for f in span.latent_frames()],
            (models.latent_channels, view.height_px // stride, view.width_px // stride),
        )  # fmt: skip
        options = self._config.vace
        return models.generate(
            words, video, mask, noise, steps=options.steps, guidance=options.guidance,
            control_strength=options.control_strength,
        )  # fmt: skip

    def _background(self, look: Appearance) -> str:
        return background_for(look, AnimateDiffConfig(background=self._config.vace.background))

    def _prompt(self, look: Appearance) -> str:
        """The look in the paper's order, word by word as it was cast; this model's text encoder reads plain sentences."""
        where = f"plain uniform {self._background(look)} studio background"
        if self._config.vace.plate:
            where = "in the street"
        return f"Full body video of one person, head to feet in view: {look.prompt}. {where}, static camera, photorealistic"

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

    def _write_prompts(self, clip: _Clip, folder: Path) -> None:
        from bodydouble.generation.animatediff.generator import PROMPTS_FILE

        record = {
            "seed": clip.seed,
            "layout": {"window_frames": self._window_frames, "overlap_frames": self._config.vace.overlap_frames},
            "negative_prompt": self._config.vace.negative if self._config.vace.guidance > 1 else "",
            "prompts": {str(track_id): self._prompt(look) for track_id, look in clip.cast.parts},
        }
        write_bytes(folder / PROMPTS_FILE, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """With the threads of the configuration, on which the last bits of sums depend; not those of who happens to ask."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._config.vace.threads)
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
                "(--generation.vace.canvas-px) or --generation.offload"
            ) from error


def _plate_of(bundle: SceneBundle, folder: str) -> PlateAt | None:
    if not folder:
        return None
    size = (bundle.video.width_px, bundle.video.height_px)
    reader = PlateReader(Path(folder), bundle.camera, frame_size_px=size)
    return lambda frame: reader.at(frame)[0]


def _sizes_of(models: VaceModels) -> Sizes:
    transformer = models.pipeline.transformer
    return Sizes(
        transformer_bytes=_bytes_of(transformer), vae_bytes=_bytes_of(models.pipeline.vae),
        text_encoder_bytes=_bytes_of(models.text_encoder),
        width=int(transformer.config.num_attention_heads * transformer.config.attention_head_dim),
        feed_forward=int(transformer.config.ffn_dim), number_bytes=torch.empty((), dtype=transformer.dtype).element_size(),
    )  # fmt: skip


def _bytes_of(network: torch.nn.Module) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
