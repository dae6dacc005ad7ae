"""Files that a generator will load. Imports nothing heavy: asked before a run begins."""

from __future__ import annotations

from pathlib import Path

from bodydouble.generation.config import GenerationConfig


def weight_files(config: GenerationConfig) -> tuple[Path, ...]:
    """Files of weights of the chosen generator, from wherever its options say; empty for those that need none.

    Raises:
        MissingWeights: a part is not there.
    """
    if config.backend != "animatediff":
        return ()
    from bodydouble.generation.animatediff.components import find_components

    return find_components(config).weight_files


def store_models(config: GenerationConfig) -> tuple[str, ...]:
    """Models of the store that the chosen generator needs, whether they are there or not."""
    if config.backend != "animatediff":
        return ()
    from bodydouble.generation.animatediff.components import store_models as of_animatediff

    return of_animatediff(config)
