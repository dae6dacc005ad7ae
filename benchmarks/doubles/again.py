"""Re-identification where the place is all that is left, and over several casts.

Crops hold the ground and walls around a person. Within one clip who stands somewhere has the same wall behind them
before and after, so an attacker may find a place again and be right about the person. The same clip in which everybody
is painted out, and nobody plays, tells how often. And looks are drawn by chance: with few people one draw of them gives
quite another figure than the next, so it is their mean that says what an attacker learns.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from perception.table import Row

from bodydouble.scene.bundle_files import read_bundle, write_bundle

_MEASURE = "reidentification"
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
            _attack(original, _played(original, run, scene, 0, Path(scratch)), run, report, options)
    figures = _figures(report)
    return [
        Row(
            clip=clip, what=f"re-identification, {name}: rank-1 with everybody painted out",
            value=figures.get(f"privacy.reid.{name}.rank1", {}).get("value"), how="what the place alone gives",
        )
        for name in _ATTACKERS
    ]  # fmt: skip


def cast_rows(
    clip: str, original: Path, run: Path, reports: Path, seeds: Sequence[int], options: Sequence[str]
) -> list[Row]:
    """Rank-1 of each attacker, mean over casts drawn with other seeds from the same scene.

    Args:
        clip: name for the rows.
        original: the clip.
        run: run folder of a result; scene and plate are taken from it.
        reports: folder that takes a report per seed; those that are there are read again.
        seeds: of the casts.
        options: of `bodydouble evaluate`, such as who is who.
    """
    found = []
    for seed in seeds:
        report = reports / f"{clip}-cast{seed}"
        if not (report / "results.json").is_file():
            with tempfile.TemporaryDirectory() as scratch:
                _attack(original, _played(original, run, run / "scene", seed, Path(scratch)), run, report, options)
        found.append(_figures(report))
    rows = []
    for name in _ATTACKERS:
        figures = [figures.get(f"privacy.reid.{name}.rank1", {}) for figures in found]
        values = [figure["value"] for figure in figures if figure.get("value") is not None]
        chance = figures[0].get("chance")
        rows.append(
            Row(
                clip=clip, what=f"re-identification, {name}: rank-1, mean of {len(values)} casts",
                value=float(np.mean(values)) if values else None,
                most=1.5 * chance if chance is not None and name == "network" else None,
                how=f"{', '.join(f'{value:.3f}' for value in values)} with seeds {', '.join(map(str, seeds))}"
                + (f"; chance {chance:.3f}" if chance else ""),
            )
        )  # fmt: skip
    return rows


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


def _attack(original: Path, result: Path, run: Path, report: Path, options: Sequence[str]) -> None:
    subprocess.run(
        [*common.command(), "evaluate", str(original), str(result), "--scene", str(run / "scene"), "-o", str(report),
         "--measures", _MEASURE, "--no-pictures", "--resume", *options],
        check=True,
    )  # fmt: skip


def _figures(report: Path) -> dict[str, dict[str, Any]]:
    columns = json.loads((report / "results.json").read_text(encoding="utf-8"))["columns"]
    return {figure["key"]: figure for figure in columns[-1]["figures"]}
