"""Windows cover what is to be played, once, and nothing else; other backends and bad options."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bodydouble.errors import ConfigError
from bodydouble.generation import AvatarConfig, CannotPlay, GenerationConfig, WindowPlan, make_generator, plan_windows
from bodydouble.scene import Cast, PersonTrack, SceneBundle


def _track(track_of: Callable[..., PersonTrack], play: list[bool], track_id: int = 1) -> PersonTrack:
    steps = len(play)
    boxes = np.tile([10.0, 10, 50, 110], (steps, 1))
    track = track_of(track_id, boxes, np.full((steps, 18, 2), np.nan), np.zeros((steps, 18)), np.ones(steps))
    return replace(track, play=np.array(play))


@pytest.mark.parametrize("window", [1, 2, 3, 64])
@pytest.mark.parametrize("pattern", ["1", "0", "111", "1011011110", "0110", "1110001"])
def test_every_played_step_is_planned_once(
    track_of: Callable[..., PersonTrack], bundle_of: Callable[..., SceneBundle], pattern: str, window: int
) -> None:
    play = [c == "1" for c in pattern]
    bundle = bundle_of(_track(track_of, play, 1), _track(track_of, play[::-1], 4))
    plans = plan_windows(bundle, GenerationConfig(window_frames=window))
    assert plans == sorted(plans)
    for track in bundle.tracks:
        steps = [s for p in plans if p.track_id == track.track_id for s in range(p.step_start, p.step_stop)]
        assert steps == np.flatnonzero(track.play).tolist()
    assert all(0 < p.step_stop - p.step_start <= window for p in plans)


def test_plans_and_errors_survive_the_way_to_a_worker() -> None:
    plan = WindowPlan(track_id=3, step_start=0, step_stop=2)
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301 - own bytes
    error = pickle.loads(pickle.dumps(CannotPlay(3, "no box")))  # noqa: S301 - own bytes
    assert (error.track_id, error.reason) == (3, "no box")
    assert "track 3" in str(error)


def test_paint_out_plays_nobody(track_of: Callable[..., PersonTrack], bundle_of: Callable[..., SceneBundle]) -> None:
    bundle = bundle_of(_track(track_of, [True, True]))
    config = GenerationConfig(backend="paint-out")
    assert plan_windows(bundle, config) == []
    generator = make_generator(config)
    generator.prepare(bundle, Cast(seed=1, parts=()), config, 1)
    with pytest.raises(CannotPlay, match="paint-out"):
        generator.play(WindowPlan(track_id=1, step_start=0, step_stop=1))


@pytest.mark.parametrize(
    "config",
    [
        GenerationConfig(window_frames=0),
        GenerationConfig(backend="film"),  # type: ignore[arg-type]
        GenerationConfig(avatar=AvatarConfig(supersampling=0)),
        GenerationConfig(avatar=AvatarConfig(max_raster_side_px=8)),
        GenerationConfig(avatar=AvatarConfig(joint_noise_m=0.0)),
    ],
)
def test_bad_options_are_config_errors(config: GenerationConfig) -> None:
    with pytest.raises(ConfigError, match=r"generation\."):
        make_generator(config)
