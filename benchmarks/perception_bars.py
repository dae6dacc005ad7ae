"""Every bar of perception, measured on the recorded clips: one table, and JSON.

    python benchmarks/perception_bars.py --bundles DIR [--only pets,tud,avenue,...] [--frames N]
                                         [--every N] [--weights DIR] [--again] [--json FILE]

What perception says about a clip is kept in DIR and read again next time, so that measuring anew is free; a folder
belongs to one state of networks and settings, so name a new one for new ones (or `--again`). `--frames` perceives and
scores only the beginning of each clip. DIR/CLIP and DIR/CLIP.plate may also come from `bodydouble perceive`.

The headline of the tracking scores counts all tracks in which perception saw a person, whether a double plays there
or not. Movers that no detection explains are painted out, and counted only in the rows that say so.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import common
from perception.clips import Perceived, all_clips, perceived
from perception.cost_rows import FRAMES, cost_rows
from perception.joint_rows import joint_rows
from perception.referee_looks import Looks
from perception.referee_rows import found_rows, ped2_rows
from perception.table import Row, as_record, as_text
from perception.truth_rows import truth_rows

from bodydouble.errors import MissingDependency, MissingWeights
from bodydouble.perception.config import PerceptionConfig

PARTS = ("pets", "tud", "avenue", "crowd", "ped2", "joints", "cost")
REFEREE = "yolox_nano_416x416.onnx"


def _words(text: str) -> list[str]:
    words = text.split(",")
    known = {*PARTS, *(clip.name for clip in all_clips(Path()))}
    if strangers := [word for word in words if word not in known]:
        raise argparse.ArgumentTypeError(f"{strangers} unknown; choose from {', '.join(sorted(known))}")
    return words


def _limits(text: str) -> dict[str, int]:
    """`60` for all clips, or `crowd=40,ped2=60` by part or clip."""
    limits = {}
    for word in text.split(","):
        name, _, number = word.rpartition("=")
        if not number.isdecimal() or int(number) < 1:
            raise argparse.ArgumentTypeError(f"{word!r} is no number of frames, such as 60 or crowd=40")
        limits[name] = int(number)
    return limits


def measure(arguments: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """All rows asked for, and their details."""
    rows: list[Row] = []
    details: dict[str, Any] = {}
    config = dataclasses.replace(PerceptionConfig(), weights_dir=arguments.weights)
    data = common.data_dir()

    def look(group: str, *, anyway: bool = False) -> list[Perceived]:
        only, limits = arguments.only, arguments.frames
        return [
            perceived(
                clip,
                arguments.bundles,
                config,
                frames=limits.get(clip.name, limits.get(clip.group, limits.get(""))),
                again=arguments.again,
            )
            for clip in all_clips(data)
            if clip.group == group and (anyway or group in only or clip.name in only)
        ]

    for group in ("pets", "tud"):
        for seen in look(group):
            more, details[seen.clip.name] = truth_rows(seen)
            rows += more
    looks = Looks(data / "models" / REFEREE, arguments.bundles / "referee")
    for group in ("avenue", "crowd"):
        for seen in look(group):
            more, details[seen.clip.name] = found_rows(seen, looks, arguments.every)
            rows += more
    if clips := look("ped2"):
        more, details["ped2"] = ped2_rows(clips, looks)
        rows += more
    if "joints" in arguments.only:
        more, details["joints"] = _joints(look("pets", anyway=True)[0], data, arguments)
        rows += more
    if "cost" in arguments.only:
        limit = arguments.frames.get("cost", FRAMES)
        more, details["cost"] = cost_rows(all_clips(data)[0], data / "models" / REFEREE, config, limit)
        rows += more
    return rows, details


def _joints(seen: Perceived, data: Path, arguments: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    model = data / "models" / "movenet_singlepose_lightning_int8_4.tflite"
    try:
        return joint_rows(seen, model, arguments.bundles / "referee", arguments.every)
    except (MissingDependency, MissingWeights) as error:
        return [Row(clip="pets joints", what="agreement with MoveNet", value=None, how=str(error))], {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=Path, required=True, help="folder that keeps what was perceived")
    parser.add_argument("--only", type=_words, default=list(PARTS), help="comma-separated parts; default: all")
    parser.add_argument("--frames", type=_limits, default={}, help="only the first N frames: `N`, or `crowd=N,ped2=N`")
    parser.add_argument("--every", type=int, default=10, help="the referee looks at every N-th frame")
    parser.add_argument("--weights", default="", help="folder of networks; default: the package's")
    parser.add_argument("--again", action="store_true", help="perceive anew")
    parser.add_argument("--json", type=Path, help="also write all figures and details here")
    arguments = parser.parse_args()
    arguments.bundles.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = {"benchmark": "perception bars", **common.origin()}
    rows, details = measure(arguments)
    print(as_text(rows))
    print(f"{sum(row.verdict == 'FAIL' for row in rows)} bars missed", file=sys.stderr)
    if arguments.json is not None:
        import json

        record |= {"rows": [as_record(row) for row in rows], "details": details}
        arguments.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
