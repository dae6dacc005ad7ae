"""The bars of doubles (avatar, casting, compositing) on results of clips: a table, contact sheets, side-by-side videos.

    python benchmarks/doubles_bars.py ORIGINAL=RESULT ... [--frames 200] [--referees DIR] [--report DIR] [--out DIR]
                                      [--truth gt.txt] [--people merge.json] [--movenet FILE] [--every 4] [--fit-seed 7]
                                      [--sheets-only] [--nobody] [--casts 1 2 3] [--json FILE]

Each result needs its run folder (RESULT with `.bodydouble.run` for its ending) beside it. What the measures count is kept
in DIR/CLIP; a report that is there already is read again. With ``--movenet`` the bundle's joints are compared with what
that network sees (`doubles/bundle_oks.py`); with ``--nobody`` people are looked for again where everybody is painted out,
with ``--casts`` bars that hang on looks are measured with other seeds, too (`doubles/again.py`); with ``--fit-seed``
doubles are fitted anew for their joints at window borders.
Sheets and videos show the people who were filmed: keep them where the footage is kept. `make sheets CLIPS="ORIGINAL=RESULT
..." OUT=DIR` writes only those.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import common
from doubles.again import cast_rows, nobody_rows
from doubles.bar_rows import MEASURES, evaluation_rows, run_rows
from doubles.bundle_oks import bundle_oks_rows
from doubles.gait import border_row
from doubles.own_jitter import own_jitter_row
from doubles.sheets import write_sheet, write_side_by_side
from perception.table import Row, as_record, as_text


def _pair(text: str) -> tuple[Path, Path]:
    original, _, result = text.partition("=")
    if not result:
        raise argparse.ArgumentTypeError(f"{text!r} is not ORIGINAL=RESULT")
    return Path(original), Path(result)


def _options(arguments: argparse.Namespace) -> list[str]:
    """What `bodydouble evaluate` is told in any case."""
    extra: list[str] = []
    for option, value in (
        ("--truth", arguments.truth), ("--identities", arguments.people), ("--referees", arguments.referees),
        ("--max-frames", arguments.frames),
    ):  # fmt: skip
        extra += [] if value is None else [option, str(value)]
    return extra


def _evaluate(original: Path, result: Path, report: Path, arguments: argparse.Namespace) -> None:
    subprocess.run(
        [*common.command(), "evaluate", str(original), str(result), "-o", str(report), "--measures", ",".join(MEASURES),
         "--no-pictures", "--resume", *_options(arguments)],
        check=True,
    )  # fmt: skip


def _joints_against(
    name: str, original: Path, run: Path, arguments: argparse.Namespace
) -> Callable[[Path], Row] | None:
    """What compares the bundle's joints with a result; None without MoveNet."""
    if arguments.movenet is None:
        return None
    return lambda result: bundle_oks_rows(
        name, original, result, run, arguments.movenet, frames=arguments.frames, every=arguments.every
    )[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=_pair, nargs="+", metavar="ORIGINAL=RESULT")
    parser.add_argument("--frames", type=int, help="measure only the first N frames; speed and borders are of all")
    parser.add_argument("--truth", type=Path, help="ground truth; only with one clip")
    parser.add_argument("--people", type=Path, help="who came in more than once; only with one clip")
    parser.add_argument("--referees", type=Path, help="folder of networks that made no result")
    parser.add_argument("--report", type=Path, help="folder of reports, DIR/CLIP; without it only runs are looked at")
    parser.add_argument("--out", type=Path, help="folder for sheets and videos")
    parser.add_argument("--movenet", type=Path, help="MoveNet's file: compares the bundle's joints with what it sees")
    parser.add_argument("--every", type=int, default=4, help="look with MoveNet at every how many frames")
    parser.add_argument("--fit-seed", type=int, help="seed of the run: fits doubles anew, for joints at window borders")
    parser.add_argument(
        "--nobody", action="store_true", help="attack the clip with everybody painted out, too; needs --report"
    )
    parser.add_argument("--casts", type=int, nargs="+", help="measure doubles of these seeds, too; needs --report")
    parser.add_argument("--sheets-only", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if len(arguments.clips) > 1 and (arguments.truth or arguments.people):
        parser.error("--truth and --people belong to one clip")
    if arguments.sheets_only and arguments.out is None:
        parser.error("--sheets-only needs --out")
    rows: list[Row] = []
    for original, result in arguments.clips:
        name, run = original.stem, result.with_suffix(".bodydouble.run")
        if not run.is_dir():
            sys.exit(f"the run folder is not beside its result: {run}")
        if not arguments.sheets_only:
            if arguments.report is not None:
                report = arguments.report / name
                arguments.report.mkdir(parents=True, exist_ok=True)
                if not (report / "results.json").is_file():
                    _evaluate(original, result, report, arguments)
                rows += evaluation_rows(name, report)
                if arguments.nobody:
                    empty = arguments.report / f"{name}-nobody"
                    rows += nobody_rows(name, original, run, empty, _options(arguments))
                if arguments.casts:
                    rows += cast_rows(
                        name, original, run, arguments.report, arguments.casts, _options(arguments),
                        _joints_against(name, original, run, arguments),
                    )  # fmt: skip
            rows += run_rows(name, run)
            rows.append(own_jitter_row(name, original, result, run, frames=arguments.frames))
            if arguments.movenet is not None:
                rows += bundle_oks_rows(
                    name, original, result, run, arguments.movenet, frames=arguments.frames, every=arguments.every
                )
            if arguments.fit_seed is not None:
                rows.append(border_row(name, run, arguments.fit_seed))
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            write_sheet(original, result, run, arguments.out / f"{name}.png")
            write_side_by_side(original, result, arguments.out / f"{name}.mp4")
    if rows:
        print(as_text(rows))
        record = {"benchmark": "doubles bars", **common.origin(), "rows": [as_record(row) for row in rows]}
        common.finish(record, arguments.json)


if __name__ == "__main__":
    main()
