"""What a table is asked for, and the file that says so in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.protocol import Protocol
from bodydouble.anomaly.table.figures import UNTRAINED
from bodydouble.anomaly.table.record import Job
from bodydouble.anomaly.table.report import AboutData
from bodydouble.anomaly.table.variants import Variant
from bodydouble.errors import UsageError
from bodydouble.scene.strict_files import write_bytes

RUNS: Final = "runs"
"""Folder of finished runs in the table."""
MARK: Final = "table.json"
"""What was asked for; also the sign that a folder is one of ours."""
MARK_FORMAT: Final = "bodydouble-anomaly-table 2"


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """What is asked for."""

    dataset: Path
    variants: tuple[Variant, ...]
    configs: Mapping[str, DetectorConfig]
    """Settings by detector."""
    preset: str
    """What the settings started from, for the report."""
    seeds: int = 3
    """Seeds 0, 1, …"""
    kind: str = "auto"
    labels_from: Path | None = None
    protocol: Protocol = field(default_factory=Protocol)
    label_check: bool = False
    """Also check that labels as scores give 1 and shuffled labels 0.5."""

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= 1000:
            raise UsageError(f"{self.seeds} seeds cannot be run; allowed is 1 to 1000")

    def jobs(self) -> tuple[Job, ...]:
        """All runs: first everything with one seed, so that an unfinished table is complete in width."""
        return jobs_of(tuple(self.configs), tuple(variant.name for variant in self.variants), self.seeds)


def jobs_of(detectors: Sequence[str], variants: Sequence[str], seeds: int) -> tuple[Job, ...]:
    """All runs: first everything with one seed, so that an unfinished table is complete in width."""
    return tuple(
        Job(seed=seed, detector=detector, variant=variant)
        for seed in range(seeds)
        for detector in detectors
        for variant in variants
        if seed == 0 or detector not in UNTRAINED
    )


def write_mark(plan: TablePlan, about: AboutData, folder: Path) -> None:
    """Write ``table.json``: all that, with the finished runs, makes the table again (`bodydouble.anomaly.table.reopen`).

    Raises:
        OutputError: the file system refuses.
    """
    content: dict[str, Any] = {
        "format": MARK_FORMAT,
        "data_set": asdict(about),
        "variants": [variant.name for variant in plan.variants],
        "seeds": plan.seeds,
        "preset": plan.preset,
        "protocol": asdict(plan.protocol),
        "settings": {name: asdict(config) for name, config in plan.configs.items()},
    }
    write_bytes(folder / MARK, (json.dumps(content, indent=1) + "\n").encode())
