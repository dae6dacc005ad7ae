"""Bar of the cost: people finder and per-person network on vtest, beside a reference operation."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bodydouble.evaluation.ground_truth import read_mot
from bodydouble.evaluation.referee import Referee
from bodydouble.perception.config import PerceptionConfig
from bodydouble.video_io import open_source
from perception.clips import Clip
from perception.table import Row

FRAMES = 100
_LEAST_FPS = 12.0
_WARM_UP = 3


class _Watch:
    """Wall and CPU time of each call."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def time(self, work: Callable[[], object]) -> None:
        wall, cpu = perf_counter(), process_time()
        work()
        self.wall.append(perf_counter() - wall)
        self.cpu.append(process_time() - cpu)

    def summary(self) -> dict[str, float]:
        wall, cpu = np.array(self.wall[_WARM_UP:]) * 1000, np.array(self.cpu[_WARM_UP:]) * 1000
        return {
            "wall_ms_mean": round(float(wall.mean()), 2),
            "wall_ms_median": round(float(np.median(wall)), 2),
            "cpu_ms_mean": round(float(cpu.mean()), 2),
        }


def cost_rows(clip: Clip, model: Path, config: PerceptionConfig, num_frames: int) -> tuple[list[Row], dict[str, Any]]:
    """Time the networks on evenly spread frames, with the people of the ground truth; three operations in turn."""
    # Here, because the rest of perception's machinery is not needed to measure what is kept.
    from bodydouble.perception.ahead import ahead
    from bodydouble.perception.looking import look_at
    from bodydouble.perception.stages import load_networks

    assert clip.truth is not None
    # One thread, because ONNX Runtime's threads spin while they wait, and that would count as work.
    truth, networks, referee = read_mot(clip.truth), load_networks(config), Referee(model, threads=1)
    finding, reading, reference = _Watch(), _Watch(), _Watch()
    people, kept = 0, []
    with open_source(clip.path) as source:
        wanted = set(np.linspace(0, source.geometry.num_frames - 1, num_frames + _WARM_UP).round().astype(int).tolist())
        for frame in source.frames():
            if frame.index not in wanted:
                continue
            rows = [
                (b.left_px, b.top_px, b.left_px + b.width_px, b.top_px + b.height_px) for b in truth.at(frame.index)
            ]
            boxes = np.array(rows, dtype=np.float32).reshape(-1, 4)
            people += len(boxes)
            kept.append((frame.rgb, boxes))
            finding.time(partial(networks.finder.find, frame.rgb))
            reading.time(partial(look_at, frame.rgb, boxes, networks.reader))
            reference.time(partial(referee.find, frame.rgb, tiles=False))

    def both(item: tuple[Any, Any]) -> object:
        return networks.finder.find(item[0]), look_at(*item, networks.reader)

    # As perception runs: whole frames side by side, one thread each.
    started = perf_counter()
    for _ in ahead(kept, both, workers=config.threads):
        pass
    together_fps = len(kept) / (perf_counter() - started)
    found, read, known = finding.summary(), reading.summary(), reference.summary()
    wall, cpu = (found[key] + read[key] for key in ("wall_ms_mean", "cpu_ms_mean"))
    per_frame = people / (num_frames + _WARM_UP)
    load = os.getloadavg()[0]
    how = (
        f"one frame after the other on one thread, {found['wall_ms_mean']:.0f} ms finder + "
        f"{read['wall_ms_mean']:.0f} ms per-person network for {per_frame:.1f} people"
    )
    how_together = f"wall clock, {config.threads} frames side by side as in a run; {len(kept)} frames, load {load:.0f}"
    record = {
        "finder": found,
        "person": read,
        "yolox_nano": known,
        "people_per_frame": round(per_frame, 2),
        "load_1_min": load,
        "together_fps": round(together_fps, 2),
        "threads": config.threads,
    }
    return [
        Row(clip="cost", what="frames/s, finder + person", value=together_fps, how=how_together, least=_LEAST_FPS),
        Row(clip="cost", what="frames/s, one at a time", value=1000.0 / wall, how=how),
        Row(
            clip="cost",
            what="frames/s at most on two free cores",
            value=2 * 1000.0 / cpu,
            how=f"CPU time, {found['cpu_ms_mean']:.0f} ms + {read['cpu_ms_mean']:.0f} ms, spread over both without loss",
        ),
        Row(
            clip="cost",
            what="CPU time in YOLOX-nano frames",
            value=cpu / known["cpu_ms_mean"],
            how=f"timed in turn; YOLOX-nano at 416 px, one thread: {known['cpu_ms_mean']:.0f} ms",
        ),
    ], record
