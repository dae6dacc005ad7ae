"""Rows of the table of doubles: read off a report of `bodydouble evaluate`, a run's manifest and its sprites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from perception.table import Row

from bodydouble.scene.performance_files import PerformanceReader

MEASURES = ("motion_kept", "detection_kept", "pairwise_ssim", "flicker", "reidentification")
Floats = npt.NDArray[np.float64]


def evaluation_rows(clip: str, report: Path) -> list[Row]:
    """Bars that existing measures answer, of the last column of a report; a figure that is absent says why."""
    columns = json.loads((report / "results.json").read_text(encoding="utf-8"))["columns"]
    original, result = ({figure["key"]: figure for figure in column["figures"]} for column in (columns[0], columns[-1]))

    def row(key: str, what: str, *, least: float | None = None, most: float | None = None, how: str = "") -> Row:
        figure = result.get(key, {"value": None, "note": "not measured", "trials": 0})
        text = "; ".join(part for part in (how, figure["note"] or f"{figure['trials']} trials") if part)
        return Row(clip=clip, what=what, value=figure["value"], how=text, least=least, most=most)

    def value(key: str) -> float | None:
        number = original.get(key, {}).get("value")
        return None if number is None else float(number)

    rows = [
        row("utility.motion.oks", "OKS, MoveNet on original against result"),
        row(
            "utility.motion.bundle_pck",
            "PCK@0.2, bundle against MoveNet on result",
            how=_beside(value, "motion.bundle_pck"),
        ),
        row("utility.detection.ap50", "AP50, referee on result against original", least=0.8),
    ]
    made, filmed = result.get("temporal.ssim.pairs", {}).get("value"), value("temporal.ssim.pairs")
    share = made / filmed if made is not None and filmed else None
    rows.append(Row(clip=clip, what="pairwise SSIM over the original's", value=share, how="mean of pairs", least=0.97))
    rows.append(row("temporal.flicker.ratio", "colour jitter over filmed people's", most=1.0))
    for name in ("network", "colours", "trained"):
        key = f"privacy.reid.{name}.rank1"
        chance = result.get(key, {}).get("chance")
        limit = None if chance is None or name != "network" else 1.5 * chance
        before = value(key)
        how = f"original to original {before:.3f}, chance {chance:.3f}" if before is not None and chance else ""
        rows.append(row(key, f"re-identification, {name}: rank-1", most=limit, how=how))
    return rows


def _beside(value: Any, key: str) -> str:
    ceiling = value(f"utility.{key}")
    return "" if ceiling is None else f"ceiling, on the original: {ceiling:.3f}"


def run_rows(clip: str, run: Path) -> list[Row]:
    """Speed as the run's manifest tells it, and whether windows meet without a jump."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    stages = {stage["name"]: stage["seconds"] for stage in manifest["stages"]}
    frames = manifest["num_frames"]
    reader = PerformanceReader(run / "performance")
    inside, across, sprites = _jumps(reader, run / "performance", frames)
    rows = []
    if sprites and "generation" in stages and "compositing" in stages:
        seconds = stages["generation"] + stages["compositing"]
        rows.append(
            Row(
                clip=clip, what="person-frames a second, generation and compositing", value=sprites / seconds, least=100,
                how=f"{sprites} sprites in {seconds:.0f} s as the run's manifest has it, whatever else the machine did",
            )
        )  # fmt: skip
    for column, what in enumerate(("place, px", "colour, levels")):
        if not len(across) or not len(inside):
            rows.append(Row(clip=clip, what=f"window borders: {what}", value=None, how="no two windows meet"))
            continue
        limit = float(np.percentile(inside[:, column], 95))
        share = float((across[:, column] > limit).mean())
        rows.append(
            Row(
                clip=clip, what=f"window borders above the 95th percentile inside: {what}", value=share, most=0.1,
                how=f"second difference of a sprite's middle or mean; {len(across)} at borders, {len(inside)} inside, "
                f"medians {np.median(across[:, column]):.2f} and {np.median(inside[:, column]):.2f}",
            )
        )  # fmt: skip
    return rows


def _jumps(reader: PerformanceReader, folder: Path, frames: int) -> tuple[Floats, Floats, int]:
    """(n, 2) and (m, 2): jumps of place and colour inside windows and across their borders; how many sprites."""
    starts = {tuple(int(part) for part in path.stem.split("_")[1:]) for path in folder.glob("track_*.npz")}
    tails: dict[int, list[tuple[int, Floats]]] = {}
    inside, across, sprites = [], [], 0
    for frame in range(frames):
        for track_id, sprite in reader.sprites_at(frame):
            alpha = sprite.rgba[..., 3].astype(float)
            if alpha.sum() <= 0:
                continue
            sprites += 1
            rows, columns = np.nonzero(alpha > 127)
            if not len(rows):
                continue
            mean = (sprite.rgba[..., :3] * alpha[..., None]).sum((0, 1)) / alpha.sum()
            here = np.array([sprite.left_px + columns.mean(), sprite.top_px + rows.mean(), *mean])
            tail = [*tails.get(track_id, []), (frame, here)][-3:]
            tails[track_id] = tail
            if len(tail) < 3 or tail[0][0] != frame - 2:
                continue
            bend = tail[1][1] - (tail[0][1] + tail[2][1]) / 2
            jump = [float(np.hypot(*bend[:2])), float(np.sqrt(np.mean(bend[2:] ** 2)))]
            border = any((track_id, start) in starts for start in (frame - 1, frame))
            (across if border else inside).append(jump)
    return np.array(inside).reshape(-1, 2), np.array(across).reshape(-1, 2), sprites
