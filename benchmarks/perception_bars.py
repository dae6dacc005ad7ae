"""Every bar of perception, measured on the recorded clips: one table, and JSON.

    python benchmarks/perception_bars.py --bundles DIR [--only pets,tud,avenue,crowd,ped2,joints,cost] [--frames N]
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
from perception.table import Row, as_record, as_text
from perception.truth_rows import truth_rows

from bodydouble.perception.config import PerceptionConfig

PARTS = ("pets", "tud")


def _words(text: str) -> list[str]:
    words = text.split(",")
    if strangers := [word for word in words if word not in PARTS]:
        raise argparse.ArgumentTypeError(f"{strangers} unknown; choose from {','.join(PARTS)}")
    return words


def measure(arguments: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """All rows asked for, and their details."""
    rows: list[Row] = []
    details: dict[str, Any] = {}
    config = dataclasses.replace(PerceptionConfig(), weights_dir=arguments.weights)
    data = common.data_dir()

    def look(group: str) -> list[Perceived]:
        chosen = [clip for clip in all_clips(data) if clip.group == group]
        return [
            perceived(clip, arguments.bundles, config, frames=arguments.frames, again=arguments.again)
            for clip in chosen
        ]

    for group in ("pets", "tud"):
        if group in arguments.only:
            for seen in look(group):
                more, details[seen.clip.name] = truth_rows(seen)
                rows += more
    return rows, details


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=Path, required=True, help="folder that keeps what was perceived")
    parser.add_argument("--only", type=_words, default=list(PARTS), help="comma-separated parts; default: all")
    parser.add_argument("--frames", type=int, help="only the first N frames of each clip")
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
