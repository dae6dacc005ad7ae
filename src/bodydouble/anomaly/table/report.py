"""What the table says, gathered, and the files it is written into."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bodydouble import __version__
from bodydouble.anomaly.config import DetectorConfig
from bodydouble.anomaly.data import DataSet
from bodydouble.anomaly.table import quoted
from bodydouble.anomaly.table.checks import LabelCheck
from bodydouble.anomaly.table.curves import CurveGroup, curves
from bodydouble.anomaly.table.figures import TITLES, Block, Figures, remarks
from bodydouble.scene.strict_files import write_bytes

RESULTS: Final = "results.json"
"""All figures, for programs."""


@dataclass(frozen=True, kw_only=True)
class AboutData:
    """What the table says about the data set itself."""

    kind: str
    remarks: tuple[str, ...]
    """Of the reader."""
    size: str
    """How large the test half is, and what that means for the figures."""

    @classmethod
    def of(cls, data_set: DataSet) -> AboutData:
        """Of a data set with its labels."""
        frames = sum(len(video.labels) for video in data_set.testing.videos)
        abnormal = sum(int(video.labels.sum()) for video in data_set.testing.videos)
        size = (
            f"{len(data_set.training.videos)} training and {len(data_set.testing.videos)} test videos; {abnormal} of "
            f"{frames} test frames are abnormal. Neighbouring frames are nearly alike, so the figures are less sure than "
            "that number says; the deviations are over seeds only."
        )
        return cls(kind=data_set.kind, remarks=data_set.remarks, size=size)


@dataclass(frozen=True, kw_only=True)
class DetectorFacts:
    """How one detector was trained and scored."""

    detector: str
    title: str
    protocol: str
    """In words, with nothing left open."""
    settings: str
    parameters: int | None
    """None before a run is finished."""
    seconds: float | None
    """Mean of the finished runs, training and scoring."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is written."""

    data_set: str
    detectors: tuple[str, ...]
    variants: tuple[str, ...]
    seeds: int
    preset: str
    blocks: tuple[Block, ...]
    facts: tuple[DetectorFacts, ...]
    remarks: tuple[str, ...]
    failed: tuple[str, ...]
    checks: tuple[LabelCheck, ...]
    curves: tuple[CurveGroup, ...]
    made_by: str

    @property
    def main(self) -> tuple[Block, ...]:
        """The two tables that stand for Table 1."""
        return tuple(block for block in self.blocks if block.is_main)

    @property
    def others(self) -> tuple[Block, ...]:
        """The same runs under other choices of scoring."""
        return tuple(block for block in self.blocks if not block.is_main)


def make_report(
    figures: Figures,
    *,
    about: AboutData,
    detectors: Sequence[str],
    variants: Sequence[str],
    seeds: int,
    preset: str,
    configs: Mapping[str, DetectorConfig],
    failed: tuple[str, ...],
    checks: tuple[LabelCheck, ...],
) -> Report:
    """Gather figures, curves and remarks of the runs that are finished."""
    blocks = figures.blocks(detectors, variants, seeds)
    ordered = tuple(name for name in TITLES if name in detectors)
    return Report(
        data_set=about.kind,
        detectors=ordered,
        variants=tuple(variants),
        seeds=seeds,
        preset=preset,
        blocks=blocks,
        facts=tuple(_facts(figures, name, configs[name]) for name in ordered),
        remarks=(*about.remarks, *remarks(blocks, variants, seeds, about.size)),
        failed=failed,
        checks=checks,
        curves=curves(figures, ordered, variants, seeds),
        made_by=f"bodydouble {__version__}, {platform.machine()}, Python {platform.python_version()}",
    )


def write_report(report: Report, folder: Path) -> None:
    """Write ``table.md``, ``table.tex``, ``table.html``, ``results.json``, each whole or not at all.

    Raises:
        OutputError: the file system refuses.
    """
    from bodydouble.anomaly.table.page import render_page
    from bodydouble.anomaly.table.text import to_latex, to_markdown

    write_bytes(folder / RESULTS, (json.dumps(as_json(report), indent=1) + "\n").encode())
    write_bytes(folder / "table.md", to_markdown(report).encode())
    write_bytes(folder / "table.tex", to_latex(report).encode())
    write_bytes(folder / "table.html", render_page(report).encode())


def as_json(report: Report) -> dict[str, Any]:
    """All figures in full, for programs."""
    return {
        "format": "bodydouble-anomaly-results 1",
        "made_by": report.made_by,
        "data_set": report.data_set,
        "preset": report.preset,
        "seeds": report.seeds,
        "variants": list(report.variants),
        "tables": {
            block.key: {
                "title": block.title,
                "is_main": block.is_main,
                "rows": {
                    row.detector: {
                        variant: {
                            "by_seed": cell.by_seed,
                            "mean": cell.mean,
                            "deviation": cell.deviation,
                            "change_against_original": cell.change,
                        }
                        for variant, cell in zip(report.variants, row.cells, strict=True)
                    }
                    for row in block.rows
                },
            }
            for block in report.blocks
        },
        "detectors": {fact.detector: asdict(fact) for fact in report.facts},
        "quoted_from_the_paper": {
            "source": quoted.SOURCE,
            "columns": list(quoted.COLUMNS),
            "rows": quoted.ROWS,
            "notes": list(quoted.NOTES),
        },
        "label_checks": [{**asdict(check), "passed": check.passed} for check in report.checks],
        "remarks": list(report.remarks),
        "failed": list(report.failed),
    }


def _facts(figures: Figures, detector: str, config: DetectorConfig) -> DetectorFacts:
    done = [record for job, record in figures.records.items() if job.detector == detector]
    settings = [
        f"{config.size_px} px {'grey' if config.channels == 1 else 'RGB'}",
        *(
            [
                f"{config.epochs} epochs",
                *([f"of {config.clips_per_epoch} clips"] if config.clips_per_epoch else []),
                f"batch {config.batch_size}",
                f"learning rate {config.learning_rate:g}",
                f"channels {'-'.join(map(str, config.widths))}",
                config.precision,
            ]
            if config.epochs
            else ["not trained"]
        ),
    ]
    return DetectorFacts(
        detector=detector,
        title=TITLES[detector],
        protocol=figures.protocol.resolved(detector).described(),
        settings=", ".join(settings),
        parameters=done[0].parameters if done else None,
        seconds=sum(record.seconds for record in done) / len(done) if done else None,
    )
