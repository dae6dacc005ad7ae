"""How often people are found again where nobody is left: what of re-identification is the place, not the double.

Crops hold the ground and walls around a person. Within one clip who stands somewhere has the same wall behind them
before and after, so an attacker may find a place again and be right about the person. The same clip in which everybody
is painted out, and nobody plays, tells how often.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import common
import numpy as np
from perception.table import Row

from bodydouble.scene.bundle_files import read_bundle, write_bundle

_MEASURE = "reidentification"


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
            empty = _without_anybody(original, run, Path(scratch))
            subprocess.run(
                [*common.command(), "evaluate", str(original), str(empty), "--scene", str(run / "scene"), "-o",
                 str(report), "--measures", _MEASURE, "--no-pictures", "--resume", *options],
                check=True,
            )  # fmt: skip
    columns = json.loads((report / "results.json").read_text(encoding="utf-8"))["columns"]
    figures = {figure["key"]: figure for figure in columns[-1]["figures"]}
    return [
        Row(
            clip=clip, what=f"re-identification, {name}: rank-1 with everybody painted out",
            value=figures.get(key, {}).get("value"), how="what the place alone gives",
        )
        for name in ("network", "colours", "trained")
        for key in (f"privacy.reid.{name}.rank1",)
    ]  # fmt: skip


def _without_anybody(original: Path, run: Path, scratch: Path) -> Path:
    """The clip, lossless, with all silhouettes painted out."""
    bundle = read_bundle(run / "scene")
    idle = tuple(
        replace(track, play=np.zeros_like(track.play), reason=track.reason or "painted out") for track in bundle.tracks
    )
    write_bundle(replace(bundle, tracks=idle), scratch / "scene")
    subprocess.run(
        [*common.command(), "generate", str(scratch / "scene"), "-o", str(scratch / "performance"), "--quiet"],
        check=True,
    )
    empty = scratch / "nobody.mkv"
    subprocess.run(
        [*common.command(), "composite", str(original), str(scratch / "scene"), str(scratch / "performance"),
         "--plate", str(run / "plate"), "-o", str(empty), "--codec", "lossless", "--quiet"],
        check=True,
    )  # fmt: skip
    return empty
