"""All bars of doubles on all clips, side by side: one table from the records that `doubles_bars.py --json` wrote.

    python benchmarks/bars_of_clips.py vtest.json 20.json ... [--casts]

A bar is asked of every clip. The last column is the mean over clips, each counting once however long it is; a mean of
clips hides who misses, so it stands beside them and not for them. With ``--casts`` bars that hang on looks are means over
casts, where `doubles_bars.py --casts` measured them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from perception.table import Row

_CASTS = ", mean of "


def read_rows(path: Path) -> list[Row]:
    """Rows of one record, those with a bar and a value."""
    record = json.loads(path.read_text(encoding="utf-8"))
    names = ("clip", "what", "value", "least", "most", "how")
    rows = [Row(**{name: row[name] for name in names}) for row in record["rows"]]
    return [row for row in rows if row.value is not None and (row.least is not None or row.most is not None)]


def chosen(rows: list[Row], *, casts: bool) -> dict[str, Row]:
    """One row a bar: of the run itself, or the mean over casts if that is wanted and there."""
    of_run = {row.what: row for row in rows if _CASTS not in row.what}
    if casts:
        of_run |= {row.what.split(_CASTS)[0]: row for row in rows if _CASTS in row.what}
    return of_run


def as_table(clips: dict[str, dict[str, Row]]) -> str:
    """Markdown: a line a bar, a column a clip; misses are marked with the bar that is missed."""
    bars = list(dict.fromkeys(what for rows in clips.values() for what in rows))
    lines = ["| bar | " + " | ".join(clips) + " | mean of clips |", "|---" * (len(clips) + 2) + "|"]
    for what in bars:
        cells, values = [], []
        for rows in clips.values():
            row = rows.get(what)
            if row is None or row.value is None:
                cells.append("-")
                continue
            values.append(row.value)
            cells.append(f"**{row.value:.3f}**" if row.verdict == "pass" else f"{row.value:.3f} (bar {row.bar})")
        lines.append(f"| {what} | " + " | ".join(cells) + f" | {np.mean(values):.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, nargs="+", metavar="JSON")
    parser.add_argument("--casts", action="store_true", help="means over casts where they were measured")
    arguments = parser.parse_args()
    clips: dict[str, dict[str, Row]] = {}
    for path in arguments.records:
        rows = read_rows(path)
        for clip in dict.fromkeys(row.clip for row in rows):
            clips[clip] = chosen([row for row in rows if row.clip == clip], casts=arguments.casts)
    print(as_table(clips))


if __name__ == "__main__":
    main()
