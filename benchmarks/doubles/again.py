"""Re-identification where the place is all that is left, and the bars over several casts.

Crops hold the ground and walls around a person. Within one clip who stands somewhere has the same wall behind them
before and after, so an attacker may find a place again and be right about the person. The same clip in which everybody
is painted out, and nobody plays, tells how often. And looks are drawn by chance: with few people one draw of them gives
quite another figure than the next, not only to an attacker: a network of joints reads somebody in a long skirt worse than
somebody in shorts. So it is the mean over casts that tells one state of the code from another.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from perception.table import Row, as_record

from bodydouble.scene.bundle_files import read_bundle, write_bundle
from doubles.bar_rows import MEASURES, evaluation_rows

_CAST_MEASURES = tuple(name for name in MEASURES if name != "motion_kept")
"""Motion is asked of the bundle's joints: the original's, as MoveNet reads them, are the poorer reference."""
_ATTACKERS = ("network", "colours", "trained")


def nobody_rows(clip: str, original: Path, run: Path, report: Path, options: Sequence[str]) -> list[Row]:
    """Rank-1 of each attacker on a clip with nobody in it.

    Args:
        clip: name for the rows.
        original: the clip.
        run: run folder of a result; its scene says who was where.
        report: folder that takes the report; one that is there is read again.
        options: of `bodydouble evaluate`, such as who is who.
    """
    if not (report / "results.json").is_file():
        with tempfile.TemporaryDirectory() as scratch:
            scene = Path(scratch) / "scene"
            bundle = read_bundle(run / "scene")
            idle = tuple(
                replace(track, play=np.zeros_like(track.play), reason=track.reason or "painted out")
                for track in bundle.tracks
            )
            write_bundle(replace(bundle, tracks=idle), scene)
            played = _played(original, run, scene, 0, Path(scratch))
            _evaluate(original, played, run, report, ["reidentification"], options)
    figures = _figures(report)
    return [
        Row(
            clip=clip, what=f"re-identification, {name}: rank-1 with everybody painted out",
            value=figures.get(f"privacy.reid.{name}.rank1", {}).get("value"), how="what the place alone gives",
        )
        for name in _ATTACKERS
    ]  # fmt: skip


def cast_rows(
    clip: str,
    original: Path,
    run: Path,
    reports: Path,
    seeds: Sequence[int],
    options: Sequence[str],
    joints: Callable[[Path], Row] | None,
) -> list[Row]:
    """What has a bar and hangs on looks, mean over casts drawn with other seeds from the same scene.

    Args:
        clip: name for the rows.
        original: the clip.
        run: run folder of a result; scene and plate are taken from it.
        reports: folder that takes a report per seed; those that are there are read again.
        seeds: of the casts.
        options: of `bodydouble evaluate`, such as who is who.
        joints: compares the bundle's joints with a result, None leaves that out.
    """
    casts = []
    for seed in seeds:
        report = reports / f"{clip}-cast{seed}"
        kept = report / "joints.json"
        if not (report / "results.json").is_file() or (joints is not None and not kept.is_file()):
            with tempfile.TemporaryDirectory() as scratch:
                result = _played(original, run, run / "scene", seed, Path(scratch))
                _evaluate(original, result, run, report, _CAST_MEASURES, options)
                if joints is not None:
                    kept.write_text(json.dumps(as_record(joints(result))), encoding="utf-8")
        rows = evaluation_rows(clip, report)
        if joints is not None:
            record = json.loads(kept.read_text(encoding="utf-8"))
            rows.append(Row(**{name: record[name] for name in ("clip", "what", "value", "least", "most", "how")}))
        casts.append([row for row in rows if (row.least is not None or row.most is not None) and row.value is not None])
    by_name: dict[str, list[Row]] = {}
    for row in (row for rows in casts for row in rows):
        by_name.setdefault(row.what, []).append(row)
    return [_mean_row(rows, seeds) for rows in by_name.values()]


def _mean_row(rows: Sequence[Row], seeds: Sequence[int]) -> Row:
    values = [row.value for row in rows if row.value is not None]
    shown = ", ".join(f"{value:.3f}" for value in values)
    return replace(
        rows[0], what=f"{rows[0].what}, mean of {len(values)} casts", value=float(np.mean(values)),
        how=f"{shown} with seeds {', '.join(map(str, seeds))}",
    )  # fmt: skip


def _played(original: Path, run: Path, scene: Path, seed: int, scratch: Path) -> Path:
    """The clip, lossless, with doubles of a seed."""
    performance, result = scratch / "performance", scratch / "result.mkv"
    subprocess.run(
        [*common.command(), "generate", str(scene), "-o", str(performance), "--seed", str(seed), "--quiet"], check=True
    )
    subprocess.run(
        [*common.command(), "composite", str(original), str(scene), str(performance), "--plate", str(run / "plate"),
         "--seed", str(seed), "-o", str(result), "--codec", "lossless", "--quiet"],
        check=True,
    )  # fmt: skip
    return result


def _evaluate(
    original: Path, result: Path, run: Path, report: Path, measures: Sequence[str], options: Sequence[str]
) -> None:
    subprocess.run(
        [*common.command(), "evaluate", str(original), str(result), "--scene", str(run / "scene"), "-o", str(report),
         "--measures", ",".join(measures), "--no-pictures", "--resume", *options],
        check=True,
    )  # fmt: skip


def _figures(report: Path) -> dict[str, dict[str, Any]]:
    columns = json.loads((report / "results.json").read_text(encoding="utf-8"))["columns"]
    return {figure["key"]: figure for figure in columns[-1]["figures"]}
