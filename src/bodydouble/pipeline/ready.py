"""Is everything there that a configuration needs? Asked before anything is written."""

from __future__ import annotations

from pathlib import Path

from bodydouble.backends import BACKENDS, Backend, check_installed
from bodydouble.config import RunConfig
from bodydouble.errors import MissingWeights
from bodydouble.manifest import WeightRecord, hash_path


def used_backends(config: RunConfig) -> tuple[Backend, ...]:
    """The rows of the table that a configuration chooses."""
    chosen = {
        "perception.people": config.perception.people.backend,
        "perception.tracking": "botsort",
        "perception.silhouette": config.perception.silhouette.backend,
        "perception.pose": config.perception.pose.backend,
        "perception.plate": config.perception.plate.kind,
        "generation": config.generation.backend,
    }
    return tuple(backend for backend in BACKENDS if chosen.get(backend.stage) == backend.name)


def check_ready(config: RunConfig) -> tuple[WeightRecord, ...]:
    """See that packages and weights are there, before a run folder is made that could not be resumed.

    Returns:
        The files of weights that the run will load, by name.

    Raises:
        MissingDependency: a package is not installed.
        MissingWeights: a file of weights is absent.
    """
    for backend in used_backends(config):
        check_installed(backend)
    # Only now: this loads packages that the line above has looked for.
    from bodydouble.perception.networks import WEIGHTS_VARIABLE, weights_folder

    folder = weights_folder(config.perception.weights_dir)
    paths = sorted({folder / Path(name).name for backend in used_backends(config) for name in backend.weights})
    for path in paths:
        if not path.is_file():
            raise MissingWeights(
                f"the network {path.name} is missing; reinstall bodydouble, or point {WEIGHTS_VARIABLE} (or "
                f"perception.weights_dir) at a folder that holds it: {folder}"
            )
    return tuple(WeightRecord(name=path.name, sha256=hash_path(path), num_bytes=path.stat().st_size) for path in paths)
