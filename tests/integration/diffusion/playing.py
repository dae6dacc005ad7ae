"""What tests of the diffusion generator share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.generation import (
    AnimateDiffConfig,
    GenerationConfig,
    KeepsWork,
    make_generator,
    plan_windows,
)
from bodydouble.scene import SceneBundle, TrackWindow

CANVAS_PX = 64 * 128


def config_for(toy: Path, *, diffusion: dict[str, Any] | None = None, **options: Any) -> GenerationConfig:
    own = AnimateDiffConfig(**{"canvas_px": CANVAS_PX, "steps": 2, **(diffusion or {})})
    return GenerationConfig(**{"backend": "animatediff", "weights": str(toy), "animatediff": own, **options})


def play_all(
    bundle: SceneBundle, config: GenerationConfig, *, seed: int = 1, folder: Path | None = None
) -> list[TrackWindow]:
    generator = make_generator(config)
    if folder is not None:
        assert isinstance(generator, KeepsWork)
        generator.keep_in(folder)
    generator.prepare(bundle, cast_tracks(bundle, CastingConfig(), seed), config, seed)
    return [generator.play(plan) for plan in plan_windows(bundle, config)]


def by_frame(windows: list[TrackWindow]) -> dict[tuple[int, int], bytes]:
    return {
        (window.track_id, int(frame)): sprite.rgba.tobytes() + bytes(f"{sprite.left_px},{sprite.top_px}", "ascii")
        for window in windows
        for frame, sprite in zip(window.frame_indices, window.sprites, strict=True)
    }


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder
