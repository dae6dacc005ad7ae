"""Can a configuration run here, and at what cost? Looks, and changes nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bodydouble.backends import PACKAGE_DIR, Backend
from bodydouble.config import RunConfig
from bodydouble.errors import ConfigError, MissingWeights
from bodydouble.generation.fallback import DIFFUSION
from bodydouble.generation.weights import weight_files
from bodydouble.model_store import is_present, model_named, store_folder
from bodydouble.pipeline.estimates import Footage, MemoryEstimate, StageEstimate, estimate_memory, estimate_stages
from bodydouble.pipeline.ready import needed_models, used_backends

PEOPLE_IN_VIEW: Final = 5.0
"""Assumed average number of people in a frame."""
_MEASURE_SECONDS: Final = 0.2
_MATRIX_SIDE: Final = 768


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """Weights that are needed."""

    name: str
    present: bool
    size_mb: int
    licence: str
    folder: Path
    """Where they are, or go."""


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """Something that computes."""

    name: str
    """``cpu``, ``cuda`` or ``mps``."""
    summary: str
    memory_bytes: int | None
    """In all; None where it cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a run will cost; estimates."""

    footage: Footage
    flops_per_second: float
    """Measured, of large matrices."""
    measured_on: str
    stages: tuple[StageEstimate, ...]
    output_bytes: int
    """Disk that the run folder takes at most: what a lossless plate and the doubles take."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All that was found."""

    backends: tuple[Backend, ...]
    models: tuple[ModelState, ...]
    devices: tuple[DeviceState, ...]
    store_free_bytes: int
    memory: MemoryEstimate | None
    expectation: Expectation | None
    """None without an input."""
    problems: tuple[str, ...]
    """What must be done before the configuration can run; empty if it can."""


def examine(
    config: RunConfig, source: Path | None = None, *, people_in_view: float = PEOPLE_IN_VIEW, output: Path | None = None
) -> Diagnosis:
    """Look whether a configuration can run here.

    Args:
        config: what is to be done.
        source: a clip to estimate the cost for; it is opened, and no frame of it is worked on.
        people_in_view: average number of people in a frame, for the estimate.
        output: folder that the result goes to; that of the clip if None.

    Raises:
        InputError: the clip cannot be read.
    """
    backends = used_backends(config)
    models = tuple(_model_state(name) for name in needed_models(config))
    devices = find_devices(config)
    problems = [*_missing_packages(backends), *_missing_files(config, backends), *_missing_consent(config)]
    problems += [
        f"the weights {model.name} are missing ({model.size_mb} MB, licence {model.licence}): "
        f"`bodydouble models fetch {model.name}` puts them into {model.folder}"
        for model in models
        if not model.present
    ]
    free = free_bytes(store_folder())
    to_fetch = sum(model.size_mb for model in models if not model.present) * 1_000_000
    if to_fetch > free:
        problems.append(f"{to_fetch / 1e9:.1f} GB are to be fetched, {free / 1e9:.1f} GB are free at {store_folder()}")
    memory, more = _memory(config, devices)
    expectation = None
    if source is not None:
        expectation = _expect(config, source, people_in_view, devices)
        place = free_bytes(output or source.parent)
        if expectation.output_bytes > place:
            problems.append(f"the run may take {expectation.output_bytes / 1e9:.1f} GB, {place / 1e9:.1f} GB are free")
    return Diagnosis(
        backends=backends, models=models, devices=devices, store_free_bytes=free, memory=memory, expectation=expectation,
        problems=(*problems, *more),
    )  # fmt: skip


def _model_state(name: str) -> ModelState:
    model = model_named(name)
    return ModelState(
        name=name, present=is_present(name), size_mb=model.size_mb, licence=model.licence, folder=store_folder() / name
    )


def _missing_packages(backends: tuple[Backend, ...]) -> list[str]:
    missing = [(backend, backend.missing_modules()) for backend in backends]
    return [
        f"{backend.stage} {backend.name} needs {', '.join(modules)}: "
        f"pip install 'bodydouble{f'[{backend.extra}]' if backend.extra else ''}'"
        for backend, modules in missing
        if modules
    ]


def _missing_files(config: RunConfig, backends: tuple[Backend, ...]) -> list[str]:
    """What is wrong with our own networks, and with weights that options name by path."""
    folder = Path(config.perception.weights_dir) if config.perception.weights_dir else None
    own = [(folder / Path(name).name) if folder else PACKAGE_DIR / name for b in backends for name in b.weights]
    problems = [
        f"the network {path.name} is missing; reinstall bodydouble: {path}" for path in own if not path.is_file()
    ]
    if config.perception.pose.backend == "openpose":
        problems += _missing_openpose(config.perception.pose.openpose.weights)
    if config.generation.weights or config.generation.cutting.weights:
        try:
            weight_files(config.generation)
        except MissingWeights as error:
            problems.append(str(error))
    return problems


def _missing_openpose(weights: str) -> list[str]:
    """OpenPose's weights are in no table: their licence wants that people fetch them for themselves."""
    from bodydouble.perception.pose.openpose.files import find_weights

    if weights:
        return [] if Path(weights).is_file() else [f"perception.pose.openpose.weights is no file: {weights}"]
    try:
        find_weights(store_folder())
    except MissingWeights as error:
        return [str(error)]
    return []


def _missing_consent(config: RunConfig) -> list[str]:
    cutting = config.generation.cutting
    if config.generation.backend not in DIFFUSION or cutting.backend != "birefnet" or cutting.trust_remote_code:
        return []
    return [
        "generation.cutting.backend is 'birefnet', which runs Python code that comes with its weights: agree by "
        "--generation.cutting.trust-remote-code, or choose plain or clipseg"
    ]


def find_devices(config: RunConfig) -> tuple[DeviceState, ...]:
    """The processor, and what PyTorch finds beside it; PyTorch is asked only where a diffusion backend is chosen."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = [DeviceState(name="cpu", summary=f"{cores} cores", memory_bytes=main_memory_bytes())]
    if config.generation.backend not in DIFFUSION or importlib.util.find_spec("torch") is None:
        return tuple(found)
    import torch

    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(DeviceState(name="cuda", summary=properties.name, memory_bytes=int(properties.total_memory)))
    if torch.backends.mps.is_available():
        found.append(DeviceState(name="mps", summary="Apple GPU, shares main memory", memory_bytes=main_memory_bytes()))
    return tuple(found)


def main_memory_bytes() -> int | None:
    """Main memory in all, None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def free_bytes(folder: Path) -> int:
    """Free disk where a folder is or would be made."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _memory(config: RunConfig, devices: tuple[DeviceState, ...]) -> tuple[MemoryEstimate | None, list[str]]:
    """Memory of the generator, and whether the device that is asked for is there and has it."""
    generation = config.generation
    if generation.backend not in DIFFUSION:
        return None, []
    device = next((device for device in devices if device.name == generation.device), None)
    if device is None:
        there = ", ".join(device.name for device in devices)
        return None, [f"generation.device is {generation.device!r}, which is not here; there are: {there}"]
    try:
        memory = estimate_memory(config)
    except ConfigError as error:
        return None, [str(error)]
    if memory is not None and device.memory_bytes and memory.num_bytes > device.memory_bytes:
        return memory, [
            f"about {memory.num_bytes / 1e9:.1f} GB are needed (estimate), {device.name} has "
            f"{device.memory_bytes / 1e9:.1f} GB: --generation.offload, a smaller canvas "
            f"(--generation.{generation.backend}.canvas-px) or a narrower --generation.dtype"
        ]
    return memory, []


def _expect(config: RunConfig, source: Path, people_in_view: float, devices: tuple[DeviceState, ...]) -> Expectation:
    from bodydouble.video_io import open_source

    with open_source(source) as clip:
        geometry = clip.geometry
    footage = Footage(
        width_px=geometry.width_px, height_px=geometry.height_px, num_frames=len(geometry.pts_ticks),
        people_in_view=people_in_view,
    )  # fmt: skip
    speed, where = measure_speed(config, devices)
    pixels = footage.width_px * footage.height_px
    # Doubles as RGBA of a twentieth of the frame each; plate and result: not more than the frames themselves.
    doubles = footage.num_frames * people_in_view * pixels * 4 / 20
    latents = footage.num_frames * people_in_view * config.generation.vace.canvas_px * 6
    scratch = latents if config.generation.backend == "vace" else 0.0
    return Expectation(
        footage=footage, flops_per_second=speed, measured_on=where,
        stages=estimate_stages(config, footage, flops_per_second=speed),
        output_bytes=round(doubles + scratch + 3 * pixels * footage.num_frames),
    )  # fmt: skip


def measure_speed(config: RunConfig, devices: tuple[DeviceState, ...]) -> tuple[float, str]:
    """Operations per second of large matrices, where generation will run, and in words where that was."""
    name = config.generation.device if config.generation.backend in DIFFUSION else "cpu"
    if name != "cpu" and any(device.name == name for device in devices):
        return _speed_of_torch(name), f"{name}, measured"
    import numpy as np

    matrix = np.random.default_rng(0).standard_normal((_MATRIX_SIDE, _MATRIX_SIDE), dtype=np.float32)
    matrix @ matrix
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _MEASURE_SECONDS:
        matrix @ matrix
        count += 1
    return count * 2 * _MATRIX_SIDE**3 / spent, "cpu, measured, all cores that NumPy takes"


def _speed_of_torch(name: str) -> float:
    import torch

    matrix = torch.randn((4096, 4096), device=name, dtype=torch.float16)

    def once() -> float:
        start = time.perf_counter()
        # Reading a number waits until the device is done.
        float((matrix @ matrix)[0, 0])
        return time.perf_counter() - start

    once()
    return 2 * 4096**3 / min(once() for _ in range(5))
