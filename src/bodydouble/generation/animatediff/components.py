"""Where the parts of the generator lie. Imports nothing heavy: asked before a run begins, and by `bodydouble doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bodydouble.errors import MissingWeights
from bodydouble.generation.config import GenerationConfig
from bodydouble.model_store import MODELS, locate

BASE_MODEL: Final = "epicrealism"
CONTROLNET_MODEL: Final = "control-v11p-sd15-openpose"
VAE_MODEL: Final = "sd-vae-ft-mse"
STANDARD_MOTION_MODEL: Final = "animatediff-motion-v1-5-2"
LIGHTNING_STEPS: Final = (1, 2, 4, 8)
"""Numbers of steps for which AnimateDiff-Lightning has a file."""

_WEIGHTS: Final = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "controlnet": "diffusion_pytorch_model",
    "motion_adapter": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Stem of the weights' file in each folder of diffusers' layout."""
_TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.json")
_SCHEDULE: Final = Path("scheduler", "scheduler_config.json")


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part: its configuration and its weights."""

    name: str
    """Such as ``unet``."""
    path: Path
    """Its folder; for a motion module possibly a single file."""
    weights: Path | None
    """File of its weights; None for the tokenizer."""
    variant: str | None
    """``fp16`` if only such weights are there."""


@dataclass(frozen=True, kw_only=True)
class Components:
    """All parts."""

    unet: Component
    text_encoder: Component
    tokenizer: Component
    vae: Component
    controlnet: Component
    motion_adapter: Component | None
    """None if the UNet has its motion modules inside (``UNetMotionModel``)."""
    schedule: Path | None
    """Settings of the noise that the motion modules were trained with; None where their folder does not say."""

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """Files that decide what is generated: weights in the order of the parts, then the schedule."""
        parts = (self.unet, self.text_encoder, self.vae, self.controlnet, self.motion_adapter)
        weights = tuple(part.weights for part in parts if part is not None and part.weights is not None)
        return weights if self.schedule is None else (*weights, self.schedule)


def motion_model(config: GenerationConfig) -> str:
    """The public motion module that fits sampler and steps.

    With three steps the two-step file is taken, which its authors found to work well.
    """
    if config.animatediff.sampler == "standard":
        return STANDARD_MOTION_MODEL
    wanted = config.animatediff.num_steps
    return f"animatediff-lightning-{max(steps for steps in LIGHTNING_STEPS if steps <= wanted)}step"


def store_models(config: GenerationConfig) -> tuple[str, ...]:
    """Models of the store that a configuration needs, whether they are there or not."""
    named = {model.name for model in MODELS}
    if config.weights in named:
        return (config.weights,)
    options = config.animatediff
    parts = (
        (options.base, BASE_MODEL), (options.motion, motion_model(config)), (options.controlnet, CONTROLNET_MODEL),
        (options.vae, VAE_MODEL),
    )  # fmt: skip
    chosen = (value or ("" if config.weights else default) for value, default in parts)
    return tuple(value for value in chosen if value in named)


def find_components(config: GenerationConfig) -> Components:
    """Find every part.

    Raises:
        MissingWeights: a part is not there, or has no weights in safetensors; the message names option and path.
    """
    options = config.animatediff
    root = locate(config.weights, default=BASE_MODEL, option="generation.weights") if config.weights else None
    if root is not None and not root.is_dir():
        raise MissingWeights(f"generation.weights must be a folder in diffusers' layout, this is a file: {root}")
    base = root if root is not None and not options.base else _locate(options.base, BASE_MODEL, "base")
    unet = _component("unet", base / "unet")
    has_motion = "UNetMotionModel" in (unet.path / "config.json").read_text(encoding="utf-8")

    def part(name: str, value: str, default: str, option: str) -> Component:
        if root is not None and not value:
            return _component(name, root / name)
        return _component(name, _locate(value, default, option))

    return Components(
        unet=unet,
        text_encoder=_component("text_encoder", base / "text_encoder"),
        tokenizer=_tokenizer(base / "tokenizer"),
        vae=part("vae", options.vae, VAE_MODEL, "vae"),
        controlnet=part("controlnet", options.controlnet, CONTROLNET_MODEL, "controlnet"),
        motion_adapter=None
        if has_motion and not options.motion
        else part("motion_adapter", options.motion, motion_model(config), "motion"),
        schedule=_schedule(root if not options.motion else None),
    )


def _locate(value: str, default: str, option: str) -> Path:
    return locate(value, default=default, option=f"generation.animatediff.{option}")


def _component(name: str, path: Path) -> Component:
    if name == "motion_adapter" and path.is_file():
        if path.suffix != ".safetensors":
            raise MissingWeights(
                f"{name}: weights are read from .safetensors only, for other kinds can run code: {path}"
            )
        return Component(name=name, path=path, weights=path, variant=None)
    if not path.is_dir():
        raise MissingWeights(f"{name} is missing: there is no such folder: {path}")
    single = sorted(path.glob("animatediff_lightning_*.safetensors"))
    if name == "motion_adapter" and single:
        return Component(name=name, path=single[0], weights=single[0], variant=None)
    if not (path / "config.json").is_file():
        raise MissingWeights(f"{name} has no config.json; it must be a folder in diffusers' layout: {path}")
    for variant in (None, "fp16"):
        file = path / f"{_WEIGHTS[name]}{f'.{variant}' if variant else ''}.safetensors"
        if file.is_file():
            return Component(name=name, path=path, weights=file, variant=variant)
    others = sorted(p.name for p in path.iterdir() if p.suffix in (".bin", ".ckpt", ".pt", ".pth"))
    found = f"; {', '.join(others)} can run code when opened and is not read" if others else ""
    raise MissingWeights(f"{name} has no weights, {_WEIGHTS[name]}.safetensors is missing{found}: {path}")


def _schedule(root: Path | None) -> Path | None:
    """Of the folder that the motion modules are from: they bring their own noise, the image model's is another."""
    return root / _SCHEDULE if root is not None and (root / _SCHEDULE).is_file() else None


def _tokenizer(path: Path) -> Component:
    if not any((path / name).is_file() for name in _TOKENIZER_FILES):
        raise MissingWeights(f"tokenizer is missing: there is no {' or '.join(_TOKENIZER_FILES)}: {path}")
    return Component(name="tokenizer", path=path, weights=None, variant=None)
