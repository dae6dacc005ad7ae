"""Memory of the diffusion generators against the length of a track, and seams at the borders of their windows.

    python benchmarks/diffusion_length.py [--backend animatediff|vace|small|all] [--frames 30 120 ...] [--json FILE]

Networks are made at toy size, so the figures say how memory grows, not how much the public ones take; ``small`` is the
packaged model as preset ``diffusion-small`` runs it. Each length runs in a
process of its own; stated is its largest resident size from the moment on at which the networks were there. Somebody walks
there and back. Windows are shorter than the shortest track: a track of one window takes less than one of many.

Seams are looked for in pictures that would be alike without windows: one pose, the same noise in every frame. Differences
between neighbours in time are put apart by whether a window begins or ends between them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

WINDOWS = {"animatediff": (16, 4), "vace": (17, 5)}
"""Frames of a window, and frames that neighbours share."""
CANVAS_PX = {"animatediff": 64 * 128 * 4, "vace": 64 * 128}


def config_of(backend: str, weights: Path, **options: Any) -> Any:
    """A configuration with short windows, two steps and a small canvas."""
    from bodydouble.config import preset
    from bodydouble.generation import AnimateDiffConfig, GenerationConfig
    from bodydouble.generation.config import VaceConfig

    if backend == "small":
        return preset("diffusion-small").generation
    frames, overlap = WINDOWS[backend]
    shared = {
        "window_frames": frames,
        "overlap_frames": overlap,
        "canvas_px": CANVAS_PX[backend],
        "steps": 2,
        **options,
    }
    own = {"animatediff": AnimateDiffConfig, "vace": VaceConfig}[backend](**shared)
    return GenerationConfig(backend=backend, weights=str(weights), **{backend: own})  # type: ignore[arg-type]


def bundle_of(num_frames: int, *, still: bool = False) -> Any:
    """One person of a rendered street who walks there and back, or stands still."""
    from bodydouble.scene import MaskStack
    from bodydouble.testing import make_bundle

    street = make_bundle(num_frames=max(60, num_frames), num_people=1, width_px=640, height_px=480)
    (track,) = street.tracks
    last = min(60, len(track)) - 1
    steps = np.zeros(num_frames, np.int64) if still else last - np.abs(np.arange(num_frames) % (2 * last) - last)
    arrays = {name: value[steps] for name, value in vars(track).items() if isinstance(value, np.ndarray)}
    masks = track.silhouettes
    moved = dataclasses.replace(
        track,
        **{
            **arrays,
            "frame_indices": np.arange(num_frames),
            "play": np.ones(num_frames, bool),
            "silhouettes": MaskStack(
                windows_xyxy_px=masks.windows_xyxy_px[steps], bits=tuple(masks.bits[step] for step in steps)
            ),
        },
    )
    return dataclasses.replace(street, tracks=(moved,))


def memory_of_one(backend: str, weights: Path, num_frames: int) -> dict[str, float]:
    """Play one track in this process; megabytes and seconds of processor time."""
    from bodydouble.casting import CastingConfig, cast_tracks
    from bodydouble.generation import make_generator, plan_windows

    bundle, config = bundle_of(num_frames), config_of(backend, weights)
    generator = make_generator(config)
    generator.prepare(bundle, cast_tracks(bundle, CastingConfig(), 0), config, 0)
    before = _status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    begin = time.process_time()
    for plan in plan_windows(bundle, config):
        generator.play(plan)
    return {
        "frames": num_frames,
        "before_mb": before,
        "peak_mb": _status_mb("VmHWM"),
        "cpu_seconds": round(time.process_time() - begin, 1),
    }


def _status_mb(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return round(int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024, 1)


def seams(backend: str, weights: Path, num_frames: int) -> dict[str, float]:
    """Mean difference of neighbouring frames (levels of 255), inside windows and across their borders."""
    if backend == "animatediff":
        film, borders = _film_of_animatediff(weights, num_frames)
    else:
        film, borders = _film_of_vace(weights, num_frames)
    change = np.abs(np.diff(film, axis=0)).mean(axis=(1, 2, 3)) * 255
    across = np.isin(np.arange(len(change)), sorted(borders))
    return {
        "frames": num_frames,
        "inside_mean": round(float(change[~across].mean()), 3),
        "inside_p95": round(float(np.percentile(change[~across], 95)), 3),
        "inside_max": round(float(change[~across].max()), 3),
        "border_mean": round(float(change[across].mean()), 3),
        "border_max": round(float(change[across].max()), 3),
        "borders": int(across.sum()),
    }


def _film_of_animatediff(weights: Path, num_frames: int) -> tuple[NDArray[np.float32], set[int]]:
    from bodydouble.generation.animatediff.denoise import denoise_run
    from bodydouble.generation.animatediff.loader import load_models, make_sampler
    from bodydouble.generation.animatediff.models import ControlledDenoiser
    from bodydouble.generation.animatediff.windows import plan_windows_over, shift_of
    from bodydouble.generation.animatediff.words import embed
    from bodydouble.generation.diffusion.noise import frame_noise

    config = config_of("animatediff", weights)
    frames, overlap = WINDOWS["animatediff"]
    models, drawing = load_models(config), np.zeros((128, 64, 3), np.uint8)
    drawing[20:100, 30:34] = 255
    one = frame_noise(0, "clip", 1, [0], (4, 16, 8))
    denoiser = ControlledDenoiser(
        models, words=embed(models, "tall man", None)[0], negative_words=None, guidance=1.0, control_strength=1.0,
        together=False, drawings=lambda start, stop: np.stack([drawing] * (stop - start)),
    )  # fmt: skip
    sampler = make_sampler(config.animatediff)
    with tempfile.TemporaryDirectory() as folder:
        latents = denoise_run(
            denoiser, sampler, folder=Path(folder), name="run", num_frames=num_frames, shape=(4, 16, 8),
            noise=lambda start, stop: np.repeat(one, stop - start, 0), window_frames=frames, overlap_frames=overlap,
        ).read(0, num_frames)  # fmt: skip
    shift = shift_of(config.animatediff.steps - 1, config.animatediff.steps, length=frames, overlap=overlap)
    windows = plan_windows_over(num_frames, length=frames, overlap=overlap, shift=shift)
    inner = {edge - 1 for window in windows for edge in window if 0 < edge < num_frames}
    return models.decode(latents, tiled=False), inner


def _film_of_vace(weights: Path, num_frames: int) -> tuple[NDArray[np.float32], set[int]]:
    from bodydouble.casting import CastingConfig, cast_tracks
    from bodydouble.generation.diffusion import generator as shared
    from bodydouble.generation.diffusion.drawn import Filming
    from bodydouble.generation.diffusion.runs import PlayedRun
    from bodydouble.generation.vace.generator import VaceGenerator
    from bodydouble.generation.vace.spans import plan_spans

    bundle, config = bundle_of(num_frames, still=True), config_of("vace", weights)
    generator = VaceGenerator(config)
    generator.prepare(bundle, cast_tracks(bundle, CastingConfig(), 0), config, 0)
    usual = shared.frame_noise
    # The same noise in every frame: what changes from frame to frame is then the windows' doing.
    shared.frame_noise = lambda seed, clip, track, frames, shape: usual(seed, clip, track, [0 for _ in frames], shape)
    run = PlayedRun(track_id=bundle.tracks[0].track_id, start=0, stop=num_frames)
    filming = Filming(track=bundle.tracks[0], run=run, view=generator._view(bundle.tracks[0], run))
    clip = generator._clip
    assert clip is not None
    frames, overlap = WINDOWS["vace"]
    with tempfile.TemporaryDirectory() as folder:
        film = generator._generate(clip, filming, Path(folder)).read(0, num_frames)
    spans = plan_spans(num_frames, length=frames, overlap=overlap)
    return film, {edge - 1 for span in spans for edge in (span.start, span.stop) if 0 < edge < num_frames}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("animatediff", "vace", "small", "all"), default="all")
    parser.add_argument("--frames", type=int, nargs="+", default=[30, 120, 480])
    parser.add_argument("--seam-frames", type=int, default=120)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(memory_of_one(arguments.backend, arguments.one, arguments.frames[0])))
        return
    from bodydouble.testing.toy_diffusion import make_toy_diffusion
    from bodydouble.testing.toy_vace import make_toy_vace

    record: dict[str, Any] = {"benchmark": "diffusion_length", **common.origin()}
    backends = list(WINDOWS) if arguments.backend == "all" else [arguments.backend]
    with tempfile.TemporaryDirectory(prefix="bodydouble-benchmark-") as temporary:
        for backend in backends:
            make = {"animatediff": make_toy_diffusion, "vace": make_toy_vace}.get(backend)
            weights = make(Path(temporary) / backend) if make else Path(backend)
            rows = []
            for num_frames in arguments.frames:
                words = [__file__, "--backend", backend, "--frames", str(num_frames), "--one", str(weights)]
                done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, check=True, text=True)
                rows.append(json.loads(done.stdout.splitlines()[-1]))
            record[backend] = {"window_and_overlap": WINDOWS.get(backend), "memory": rows}
            if arguments.seam_frames and make:
                record[backend]["seams"] = seams(backend, weights, arguments.seam_frames)
    common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
