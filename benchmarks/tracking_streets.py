"""Tracking on rendered streets that nothing was tuned on: default thresholds, and the paper's of BoT-SORT.

    python benchmarks/tracking_streets.py [--seeds 7301 7302] [--frames 100] [--json FILE]

Streets come from `bodydouble synth`'s own renderer, with seeds that neither training nor tests use; the truth is exact and
counts hidden people as it says. IoU 0.5. Perception runs whole, once for each set of thresholds.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path
from typing import Any, Literal

import common

from bodydouble.evaluation.claims import claims_of
from bodydouble.evaluation.ground_truth import read_mot
from bodydouble.evaluation.mot import score_tracks
from bodydouble.perception import perceive
from bodydouble.perception.config import PerceptionConfig
from bodydouble.scene import SilentProgress
from bodydouble.synth import render_street
from bodydouble.video_io import open_source

PRESETS: tuple[Literal["default", "paper"], ...] = ("default", "paper")


def scores_of(seed: int, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Scores of one street for each set of thresholds."""
    files = render_street(
        folder / f"{seed}.mkv",
        seed=seed,
        num_frames=arguments.frames,
        width_px=arguments.width,
        height_px=arguments.width * 9 // 16 // 2 * 2,
        num_people=arguments.people,
        fps=arguments.fps,
        codec="lossless",
        is_gray=False,
        overwrite=False,
        progress=SilentProgress(),
    )
    truth = read_mot(files.truth / "gt.txt")
    row: dict[str, Any] = {"boxes": truth.num_boxes}
    for preset in PRESETS:
        plain = PerceptionConfig()
        config = dataclasses.replace(plain, tracking=dataclasses.replace(plain.tracking, preset=preset))
        with open_source(files.video) as source:
            bundle = perceive(
                source,
                config,
                work_dir=folder / f"{seed}.{preset}.work",
                plate_dir=folder / f"{seed}.{preset}.plate",
                producer="tracking_streets",
                progress=SilentProgress(),
            )
        scores = score_tracks(truth, claims_of(bundle, "people"))
        figures = {name: getattr(scores, name) for name in ("mota", "idf1", "recall", "precision")}
        row[preset] = {name: round(float(value), 3) for name, value in figures.items()} | {"switches": scores.switches}
    return row


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7301, 7302])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--fps", type=int, default=12)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    record: dict[str, Any] = {"benchmark": "tracking on streets", **common.origin()}
    with tempfile.TemporaryDirectory(prefix="bodydouble-streets-") as folder:
        for seed in arguments.seeds:
            record[str(seed)] = scores_of(seed, arguments, Path(folder))
    common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
