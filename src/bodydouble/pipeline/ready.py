"""Is everything there that a configuration needs? Asked before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bodydouble.backends import BACKENDS, Backend, check_installed
from bodydouble.config import RunConfig
from bodydouble.errors import MissingWeights
from bodydouble.generation.fallback import DIFFUSION
from bodydouble.generation.weights import store_models, weight_files
from bodydouble.manifest import WeightRecord, hash_path
from bodydouble.model_store import MODELS, is_present, locate, store_folder


def used_backends(config: RunConfig) -> tuple[Backend, ...]:
    """The rows of the table that a configuration chooses."""
    chosen = {
        "perception.people": config.perception.people.backend,
        "perception.tracking": config.perception.tracking.backend,
        "perception.silhouette": config.perception.silhouette.backend,
        "perception.pose": config.perception.pose.backend,
        "perception.plate": config.perception.plate.kind,
        "generation": config.generation.backend,
        "generation.cutting": config.generation.cutting.backend if config.generation.backend in DIFFUSION else "",
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
    paths += [path for backend in used_backends(config) if backend.models for path in _model_files(config, backend)]
    if config.perception.pose.backend == "openpose":
        paths.append(_openpose_file(config))
    records = {path: path.name for path in paths}
    # In diffusers' layout every part has files of the same names.
    records |= {path: f"{path.parent.name}/{path.name}" for path in weight_files(config.generation)}
    return tuple(
        WeightRecord(name=name, sha256=hash_path(path), num_bytes=path.stat().st_size) for path, name in records.items()
    )


def _openpose_file(config: RunConfig) -> Path:
    """The weights of OpenPose, which no table lists because nothing ever fetches them.

    Raises:
        MissingWeights: they are nowhere.
    """
    from bodydouble.perception.pose.openpose.files import find_weights

    named = config.perception.pose.openpose.weights
    path = Path(named) if named else find_weights(store_folder())
    if not path.is_file():
        raise MissingWeights(f"perception.pose.openpose.weights names no file: {path}")
    return path


def needed_models(config: RunConfig) -> tuple[str, ...]:
    """Models of the store that a configuration needs, whether they are there or not, in the order of the stages."""
    known = {model.name for model in MODELS}
    wanted = [_weights(config, backend) or backend.models[0] for backend in used_backends(config) if backend.models]
    wanted += store_models(config.generation)
    return tuple(name for name in dict.fromkeys(wanted) if name in known)


def missing_models(config: RunConfig) -> tuple[str, ...]:
    """Those of `needed_models` that are not there."""
    return tuple(name for name in needed_models(config) if not is_present(name))


def _model_files(config: RunConfig, backend: Backend) -> list[Path]:
    """Files of the weights that a backend will load from the store, or from where its option says."""
    option = f"{backend.stage}.{_section(backend)}.weights"
    path = locate(_weights(config, backend), default=backend.models[0], option=option)
    if path.is_file():
        return [path]
    # Files that begin with a dot are nobody's weights; the store's own record of hashes is neither.
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith(".") and p.name != "sha256.json")


def _weights(config: RunConfig, backend: Backend) -> str:
    """Value of ``weights`` in the section of a backend, such as ``perception.people.yolox.weights``."""
    node: Any = config
    for name in (*backend.stage.split("."), _section(backend)):
        node = getattr(node, name)
    return str(node.weights)


def _section(backend: Backend) -> str:
    return backend.name.replace("-", "_")
