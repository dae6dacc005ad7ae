"""Files that a generator will load. Imports nothing heavy: asked before a run begins."""

from __future__ import annotations

from pathlib import Path

from bodydouble.generation.config import GenerationConfig
from bodydouble.generation.cutting.base import cutter_model
from bodydouble.generation.fallback import DIFFUSION
from bodydouble.model_store import MODELS, locate


def weight_files(config: GenerationConfig) -> tuple[Path, ...]:
    """Files of weights of the chosen generator and its cutter, from wherever options say; empty where none are needed.

    Raises:
        MissingWeights: a part is not there.
    """
    if config.backend == "animatediff":
        from bodydouble.generation.animatediff.components import find_components

        return (*find_components(config).weight_files, *_cutter_files(config))
    if config.backend == "vace":
        from bodydouble.generation.vace.components import find_parts

        return (*find_parts(config).weight_files, *_cutter_files(config))
    return ()


def store_models(config: GenerationConfig) -> tuple[str, ...]:
    """Models of the store that the chosen generator and its cutter need, whether they are there or not."""
    if config.backend not in DIFFUSION:
        return ()
    if config.backend == "animatediff":
        from bodydouble.generation.animatediff.components import store_models as of_generator
    else:
        from bodydouble.generation.vace.components import store_models as of_generator
    known = {model.name for model in MODELS}
    cutter = config.cutting.weights or cutter_model(config)
    return (*of_generator(config), *((cutter,) if cutter_model(config) and cutter in known else ()))


def _cutter_files(config: GenerationConfig) -> tuple[Path, ...]:
    """Weights of a cutter, and code that comes with them: it decides what is done as much as they do."""
    default = cutter_model(config)
    if not default:
        return ()
    folder = locate(config.cutting.weights, default=default, option="generation.cutting.weights")
    return tuple(sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".py")))
