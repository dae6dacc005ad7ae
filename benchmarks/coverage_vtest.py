"""Coverage against ground truth, what changed outside people and doubles, and what a referee sees on the plate.

    python benchmarks/coverage_vtest.py [--clip CLIP] [--truth GT] [--result RESULT --run RUN_FOLDER] [--json FILE]

Without `--result` the clip is run first, with `--codec lossless`. The clean plate is made from the clip with the
ground truth's boxes, not taken from the run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import common
import numpy as np

from bodydouble.compositing import CompositingConfig
from bodydouble.config.toml import read_config
from bodydouble.evaluation.coverage import coverage_of_clip
from bodydouble.evaluation.ground_truth import gt_plate, read_mot
from bodydouble.evaluation.outside import Margins, measure_outside
from bodydouble.evaluation.referee import Referee
from bodydouble.ledger import read_ledger
from bodydouble.scene.bundle_files import read_bundle
from bodydouble.scene.performance_files import PerformanceReader
from bodydouble.scene.plate_files import PlateReader
from bodydouble.video_io import open_source


def margins_of(config: CompositingConfig) -> Margins:
    """How far from people and doubles a run with these settings may write."""
    return Margins(
        silhouette_share=config.paint_out.dilation_share,
        silhouette_min_px=config.paint_out.dilation_min_px,
        silhouette_max_px=config.paint_out.dilation_max_px,
        double_px=int(np.ceil(2.5 * config.sensor.max_blur_px)),
        shadow_share=config.shadow.reach_share,
        cast_strength=config.shadow.cast_strength,
        filmed_shadow_px=config.paint_out.shadow_margin_px,
        min_silhouette_share=config.paint_out.min_silhouette_share,
    )


def people_on_plates(run: Path, referee: Referee) -> dict[str, Any]:
    """How many people the referee sees on each key plate; 0 is right."""
    plates = PlateReader(run / "plate")
    counts = {str(frame): len(referee.find(plates.at(frame)[0])[1]) for frame in plates.key_frames}
    return {"keys": len(counts), "people_found": sum(counts.values()), "by_key_frame": counts}


def measure(clip: Path, truth_path: Path, result: Path, run: Path, model: Path | None) -> dict[str, Any]:
    """All figures of one finished run."""
    truth = read_mot(truth_path)
    record: dict[str, Any] = {}
    with open_source(clip) as original, open_source(result) as made:
        plate, seen = gt_plate(original.frames(), truth)
        counts, uncovered = coverage_of_clip(original.frames(), made.frames(), truth, plate)
        by_person = Counter(box.person_id for box in uncovered)
        record["coverage"] = {
            **asdict(counts),
            "coverage": round(counts.coverage, 5),
            "plate_seen_share": round(float(seen.mean()), 4),
            "uncovered_by_person": dict(by_person.most_common()),
            "uncovered": [asdict(box) for box in uncovered[:200]],
        }
        bundle = read_bundle(run / "scene")
        performance = PerformanceReader(run / "performance")
        outside = measure_outside(
            original.frames(),
            made.frames(),
            bundle,
            performance,
            margins_of(read_config(run / "config.toml").compositing),
        )
        record["outside"] = asdict(outside)
    entries = read_ledger(run / "ledger.jsonl")
    record["ledger"] = {
        "tracks": len(entries),
        "actions": dict(Counter(entry.action for entry in entries)),
        "frames_by_action": dict(
            sum((Counter({s.action: s.last_frame - s.first_frame + 1}) for e in entries for s in e.spans), Counter())
        ),
    }
    if model is not None:
        record["referee_on_plates"] = people_on_plates(run, Referee(model))
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="default: pets09_s2l1/vtest.avi of the recorded clips")
    parser.add_argument("--truth", type=Path, help="default: gt.txt beside the clip")
    parser.add_argument("--result", type=Path, help="a finished lossless result; needs --run")
    parser.add_argument("--run", type=Path, help="its run folder")
    parser.add_argument("--seed", type=int, default=0, help="when the clip is run first")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    clip = arguments.clip or common.data_dir() / "pets09_s2l1" / "vtest.avi"
    truth = arguments.truth or clip.parent / "gt.txt"
    record: dict[str, Any] = {"benchmark": "coverage", "clip": clip.name, **common.origin()}
    model = common.data_dir() / "models" / "yolox_nano_416x416.onnx"
    with tempfile.TemporaryDirectory(prefix="bodydouble-benchmark-") as temporary:
        result, run = arguments.result, arguments.run
        if result is None:
            result = Path(temporary) / f"{clip.stem}.mkv"
            log = Path(temporary) / "log"
            options = ["--codec", "lossless", "--seed", str(arguments.seed)]
            done = common.run_measured([*common.command(), "anonymize", str(clip), "-o", str(result), *options], log)
            if done.exit_code != 0:
                sys.exit(log.read_text(encoding="utf-8", errors="replace"))
            record["seconds"] = round(done.seconds, 1)
            run = next(Path(temporary).glob("*.run"))
        if run is None:
            sys.exit("--result needs --run, the run folder of that result")
        record |= measure(clip, truth, result, run, model if model.is_file() else None)
    common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
