"""What a folder of weights says about its noise is believed, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bodydouble.config import RunConfig
from bodydouble.errors import MissingWeights
from bodydouble.generation import AnimateDiffConfig, GenerationConfig
from bodydouble.generation.animatediff.components import find_components
from bodydouble.generation.animatediff.loader import load_models, make_sampler
from bodydouble.pipeline.ready import check_ready
from bodydouble.scene import SceneBundle
from tests.integration.diffusion.playing import play_all

PURE_NOISE = {
    "_class_name": "DDIMScheduler", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing", "beta_start": 0.001, "beta_end": 0.01, "beta_schedule": "linear",
}  # fmt: skip


def say(folder: Path, settings: Any) -> Path:
    path = folder / "scheduler" / "scheduler_config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings), encoding="utf-8")
    return path


@pytest.mark.parametrize("sampler", ["lightning", "standard"])
def test_schedule_is_read_from_the_folder(
    broken: Path, config: Callable[..., GenerationConfig], sampler: str
) -> None:  # fmt: skip
    options = config(weights=str(broken), diffusion={"sampler": sampler, "steps": 4})
    assert load_models(options).schedule == {}
    usual = make_sampler(options.animatediff).scheduler
    assert usual.config.prediction_type == "epsilon"
    say(broken, PURE_NOISE)
    models = load_models(options)
    told = make_sampler(options.animatediff, models.schedule)
    assert told.scheduler.config.prediction_type == "v_prediction"
    assert float(told.scheduler.alphas_cumprod[-1]) < 1e-6 < float(usual.alphas_cumprod[-1])
    assert int(told.timesteps[0]) == 999
    assert told.scheduler.config.beta_end == 0.01
    assert type(told.scheduler) is type(usual), "which steps are taken is the option's"
    assert len(told.timesteps) == 4


def test_settings_of_another_scheduler_are_taken_as_far_as_they_go(
    broken: Path, config: Callable[..., GenerationConfig]
) -> None:
    """As folders of Stable Diffusion have them: PNDM, and betas that are not AnimateDiff's."""
    say(broken, {"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "skip_prk_steps": True})
    options = config(weights=str(broken), diffusion={"sampler": "standard"})
    scheduler = make_sampler(options.animatediff, load_models(options).schedule).scheduler
    assert scheduler.config.beta_schedule == "scaled_linear"
    assert (scheduler.config.timestep_spacing, scheduler.config.steps_offset) == ("linspace", 1)


def test_schedule_belongs_to_the_motion_modules(broken: Path, config: Callable[..., GenerationConfig]) -> None:
    """Motion modules from elsewhere bring their own noise; the folder's is that of its own."""
    file = say(broken, PURE_NOISE)
    own = config(weights=str(broken))
    assert find_components(own).schedule == file
    options = dataclasses.replace(own.animatediff, motion=str(broken / "motion_adapter"))
    other = dataclasses.replace(own, animatediff=options)
    assert find_components(other).schedule is None
    assert load_models(other).schedule == {}


@pytest.mark.parametrize(
    "settings",
    ["no json", "[1]", {"beta_schedule": "unheard of"}, {"prediction_type": "guess"}, {"timestep_spacing": "none"},
     {"beta_start": "much"}],
)  # fmt: skip
def test_bad_schedules_are_refused_at_once(
    broken: Path, config: Callable[..., GenerationConfig], settings: Any
) -> None:  # fmt: skip
    say(broken, settings)
    with pytest.raises(MissingWeights, match=r"scheduler cannot be used.*scheduler_config\.json"):
        load_models(config(weights=str(broken)))


def test_schedule_is_in_the_manifest(broken: Path, config: Callable[..., GenerationConfig]) -> None:
    say(broken, PURE_NOISE)
    names = [record.name for record in check_ready(RunConfig(generation=config(weights=str(broken))))]
    assert "scheduler/scheduler_config.json" in names


def test_schedule_changes_what_is_played(
    broken: Path, config: Callable[..., GenerationConfig], street: SceneBundle
) -> None:
    def alphas() -> list[bytes]:
        windows = play_all(street, config(weights=str(broken)))
        return [sprite.rgba.tobytes() for window in windows for sprite in window.sprites]

    before = alphas()
    say(broken, PURE_NOISE)
    assert alphas() != before


def test_velocity_from_pure_noise_is_the_picture() -> None:
    """What the first step must do with a network that answers minus the picture: jump to it, in float32, without NaN."""
    sampler = make_sampler(AnimateDiffConfig(sampler="standard", steps=2), PURE_NOISE)
    picture, noise = torch.full((1, 4, 2, 2), 0.7), torch.randn(1, 4, 2, 2)
    after = sampler.stepped(-picture, noise, 0)
    alpha = sampler.scheduler.alphas_cumprod[int(sampler.timesteps[1])]
    assert torch.allclose(after, alpha.sqrt() * picture + (1 - alpha).sqrt() * noise, atol=1e-5)
