"""A table that was made earlier, whole or in part, read back from its folder; no footage is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bodydouble.anomaly.config import from_plain
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.table.checks import LabelCheck
from bodydouble.anomaly.table.figures import Figures
from bodydouble.anomaly.table.plan import MARK, MARK_FORMAT, RUNS, jobs_of
from bodydouble.anomaly.table.record import read_record
from bodydouble.anomaly.table.report import RESULTS, AboutData, Report, make_report
from bodydouble.errors import ConfigError, InputError


def read_report(folder: Path) -> Report:
    """Make the report of a table again, from its finished runs.

    Args:
        folder: what ``bodydouble anomaly table`` wrote.

    Raises:
        InputError: it is none, is of another version, or has no finished run.
    """
    mark = _read(folder / MARK, folder)
    if mark.get("format") != MARK_FORMAT:
        raise InputError(
            f"holds a table of another version ({mark.get('format')}); `bodydouble anomaly table ... --resume` brings it "
            f"up to date: {folder}"
        )
    try:
        about = AboutData(**{**mark["data_set"], "remarks": tuple(mark["data_set"]["remarks"])})
        configs = {name: from_plain(name, values) for name, values in mark["settings"].items()}
        figures = Figures(protocol=Protocol(**mark["protocol"]))
        variants, seeds, preset = tuple(mark["variants"]), int(mark["seeds"]), str(mark["preset"])
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise InputError(f"holds a table that cannot be read ({MARK}: {error}): {folder}") from error
    for job in jobs_of(tuple(configs), variants, seeds):
        path = folder / RUNS / f"{job.name}.json"
        if path.is_file():
            figures.records[job] = read_record(path, job)
    if not figures.records:
        raise InputError(f"holds a table without a finished run; let `bodydouble anomaly table` finish one: {folder}")
    results = _read(folder / RESULTS, folder)
    try:
        checks = tuple(
            LabelCheck(**{name: value for name, value in check.items() if name != "passed"})
            for check in results["label_checks"]
        )
        failed = tuple(str(text) for text in results["failed"])
    except (KeyError, TypeError) as error:
        raise InputError(f"holds a table that cannot be read ({RESULTS}: {error}): {folder}") from error
    return make_report(
        figures, about=about, detectors=tuple(configs), variants=variants, seeds=seeds, preset=preset, configs=configs,
        failed=failed, checks=checks,
    )  # fmt: skip


def _read(path: Path, folder: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"is no folder of `bodydouble anomaly table` ({path.name}: {error.strerror or error}): {folder}"
        ) from error
    except ValueError as error:
        raise InputError(f"holds a table that cannot be read ({path.name}: {error}): {folder}") from error
    if not isinstance(content, dict):
        raise InputError(f"holds a table that cannot be read ({path.name} is no object): {folder}")
    return content
