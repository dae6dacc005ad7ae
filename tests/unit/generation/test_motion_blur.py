"""What moves while the shutter is open is blurred along its way, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from bodydouble.body.model import BodyModel
from bodydouble.casting import CastingConfig, cast_tracks
from bodydouble.errors import ConfigError
from bodydouble.generation import GenerationConfig, make_generator
from bodydouble.generation.avatar.draw import Framing, draw, lamp_of
from bodydouble.generation.avatar.physique import build_physique, phenotype_of
from bodydouble.generation.avatar.skeleton import NUM_ANGLES, forward
from bodydouble.generation.avatar.wardrobe import dress
from bodydouble.generation.config import AvatarConfig
from bodydouble.scene import Light, SceneBundle, Sprite
from bodydouble.testing.bundles import make_bundle

SIZE = 240
SECONDS = 0.04


@lru_cache(maxsize=1)
def dressed() -> tuple[Any, Any]:
    bundle: SceneBundle = make_bundle()
    look = cast_tracks(bundle, CastingConfig(), 3).parts[0][1]
    model = BodyModel.load()
    physique = build_physique(model, phenotype_of(look, 3))
    return physique, dress(model, physique, look, 3)


def filmed(
    step_px: tuple[float, float], *, exposure_seconds: float, step: int = 1, timed: bool = True,
    scale_px_per_m: float = 70.0, size: int = SIZE,
) -> Sprite:  # fmt: skip
    """A stiff double, of 120 px unless told otherwise, that goes so far from frame to frame, three frames."""
    physique, outfit = dressed()
    framing = Framing(
        elevation_rad=np.full(3, 0.15), scale_px_per_m=np.full(3, scale_px_per_m),
        root_px=np.array([size / 2, size / 2]) + np.arange(-1, 2)[:, None] * np.array(step_px),
        times_s=np.arange(3) * SECONDS if timed else None,
    )  # fmt: skip
    return draw(
        outfit, physique.skeleton, forward(physique.skeleton, np.zeros((3, NUM_ANGLES))), step, framing=framing,
        lamp=lamp_of(Light()), frame_size_px=(size, size), config=AvatarConfig(exposure_seconds=exposure_seconds), seed=1,
    )  # fmt: skip


def on_frame(sprite: Sprite) -> Any:
    frame = np.zeros((SIZE + 8, SIZE + 8), np.float64)
    rows, columns = sprite.rgba.shape[:2]
    frame[4 + sprite.top_px :, 4 + sprite.left_px :][:rows, :columns] = sprite.rgba[..., 3] / 255
    return frame


def softness(alpha: Any) -> float:
    """Pixels that are neither the double's nor not."""
    return float(((alpha > 0.02) & (alpha < 0.98)).sum())


def test_the_still_are_drawn_as_with_a_shutter_that_is_never_open() -> None:
    still, unblurred = filmed((0, 0), exposure_seconds=0.02), filmed((0, 0), exposure_seconds=0)
    assert np.array_equal(still.rgba, unblurred.rgba)
    untimed = filmed((9, 0), exposure_seconds=0.02, timed=False)
    assert np.array_equal(untimed.rgba, filmed((9, 0), exposure_seconds=0).rgba)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_edges_across_the_way_soften_by_the_way_gone_while_the_shutter_is_open(step: int) -> None:
    sharp = on_frame(filmed((8, 0), exposure_seconds=0, step=step))
    soft = on_frame(filmed((8, 0), exposure_seconds=0.02, step=step))
    softer = on_frame(filmed((8, 0), exposure_seconds=0.04, step=step))
    assert softness(sharp) < softness(soft) < softness(softer)
    # Light is only spread: as much of it, about the same place.
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.01)
    columns = np.arange(sharp.shape[1])
    middles = [float((picture.sum(0) * columns).sum() / picture.sum()) for picture in (sharp, softer)]
    assert middles[1] == pytest.approx(middles[0], abs=0.25)
    # A blur by 4 px to the side is none upwards: heads end at the same row.
    tops = [int(np.flatnonzero(picture.max(1) > 0.5)[0]) for picture in (sharp, softer)]
    assert abs(tops[0] - tops[1]) <= 1
    widths = [float((picture.max(0) > 0.02).sum()) for picture in (sharp, soft, softer)]
    assert widths[1] - widths[0] == pytest.approx(4, abs=2)
    assert widths[2] - widths[0] == pytest.approx(8, abs=2)


def test_the_large_and_fast_are_blurred_and_not_seen_twice() -> None:
    sprite = filmed((16, 0), exposure_seconds=0.02, scale_px_per_m=330.0, size=800)
    alpha = sprite.rgba[..., 3].astype(int)
    shins = alpha[int(alpha.shape[0] * 0.75) : int(alpha.shape[0] * 0.85)]
    # An edge passes over eight pixels while the shutter is open; two images of it would leave one step of a half.
    assert np.abs(np.diff(shins, axis=1)).max() < 0.4 * 255
    sharp = filmed((0, 0), exposure_seconds=0.02, scale_px_per_m=330.0, size=800).rgba[..., 3].astype(int)
    assert np.abs(np.diff(sharp[int(sharp.shape[0] * 0.75) : int(sharp.shape[0] * 0.85)], axis=1)).max() > 0.6 * 255


def test_no_exposure_is_longer_than_a_frame_and_no_jump_smears_a_body() -> None:
    frame_long = filmed((8, 0), exposure_seconds=SECONDS)
    assert np.array_equal(filmed((8, 0), exposure_seconds=1.0).rgba, frame_long.rgba)
    jump = on_frame(filmed((90, 0), exposure_seconds=SECONDS))
    assert (jump.max(0) > 0.02).sum() < (on_frame(filmed((0, 0), exposure_seconds=0)).max(0) > 0.02).sum() + 20


def test_the_generator_knows_how_long_a_frame_lasts(
    film: Callable[..., Any], person: Any, bundle_of: Callable[..., SceneBundle], cast_of: Callable[..., Any]
) -> None:
    bundle = bundle_of(film(person(frames=6)).track)

    def sprite(exposure_seconds: float) -> Sprite:
        from bodydouble.generation import WindowPlan

        config = GenerationConfig(avatar=AvatarConfig(exposure_seconds=exposure_seconds))
        generator = make_generator(config)
        generator.prepare(bundle, cast_of(bundle), config, 1)
        return generator.play(WindowPlan(track_id=1, step_start=2, step_stop=3)).sprites[0]

    assert softness(sprite(0.1).rgba[..., 3] / 255) > 1.2 * softness(sprite(0).rgba[..., 3] / 255)


def test_exposures_that_cannot_be_are_refused() -> None:
    for wrong in (-0.01, 1.5):
        config = dataclasses.replace(GenerationConfig(), avatar=AvatarConfig(exposure_seconds=wrong))
        with pytest.raises(ConfigError, match="exposure_seconds"):
            make_generator(config)
