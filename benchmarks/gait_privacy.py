"""What skeletons of the doubles give away of a walk, for each way of moving, and what that costs.

    python benchmarks/gait_privacy.py RUN_FOLDER [--truth gt.txt] [--people merge.json] [--seeds 3] [--styles private]

Fits every track of the run's scene anew, with casts of seeds 1, 2, ...; renders nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from time import perf_counter

import common
from doubles.gait import STYLES, as_text, run_bundle, told

from bodydouble.evaluation.ground_truth import read_mot
from bodydouble.evaluation.measures.identities import read_people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--styles", nargs="+", choices=STYLES, default=list(STYLES))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    begin = perf_counter()
    rows = told(
        run_bundle(arguments.run), arguments.seeds,
        read_mot(arguments.truth) if arguments.truth else None,
        read_people(arguments.people) if arguments.people else None, tuple(arguments.styles),
    )  # fmt: skip
    print(as_text(rows))
    record = {"benchmark": "gait privacy", **common.origin(), "seconds": perf_counter() - begin}
    common.finish({**record, "rows": [dataclasses.asdict(row) for row in rows]}, arguments.json)


if __name__ == "__main__":
    main()
