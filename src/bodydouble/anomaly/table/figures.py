"""Figures of the table: areas under the curve over seeds, and what they lose against training on the footage as filmed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from bodydouble.anomaly.faults import DetectorFailed
from bodydouble.anomaly.protocol import UNIFORM, Protocol
from bodydouble.anomaly.scores import Scores, combined
from bodydouble.anomaly.table.record import Job, Record, Test
from bodydouble.anomaly.table.variants import ORIGINAL

TITLES: Final[dict[str, str]] = {
    "mnad-pred": "MNAD prediction",
    "mnad-recon": "MNAD reconstruction",
    "mpn": "MPN",
    "lgn-net": "LGN-Net",
    "lntra": "LNTRA",
    "unet": "plain U-Net (baseline)",
    "flow": "largest optical flow (baseline, untrained)",
}
"""Rows, in the order of the paper's table, then what a detector has to beat."""
BASELINES: Final = ("unet", "flow")
UNTRAINED: Final = ("flow",)
"""Nothing is learnt: one seed, and the test on raw footage is the same for all variants."""

Average = Literal["micro", "macro"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure: a value for each seed, in points of 0 to 100."""

    by_seed: Mapping[int, float]
    change: float | None
    """This less the same detector's figure on the original, mean over the seeds that both have; negative: worse. None on the
    original itself, and where one of them was not run."""

    @property
    def mean(self) -> float | None:
        """Over seeds; None without any."""
        return sum(self.by_seed.values()) / len(self.by_seed) if self.by_seed else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the sample over seeds (divided by one less than their number); None below two."""
        mean, count = self.mean, len(self.by_seed)
        if mean is None or count < 2:
            return None
        return math.sqrt(sum((value - mean) ** 2 for value in self.by_seed.values()) / (count - 1))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A detector."""

    detector: str
    title: str
    cells: tuple[Cell, ...]
    """In the order of the variants."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One table: one test, one way of scoring."""

    key: str
    title: str
    note: str
    test: Test
    is_main: bool
    """Of the two that stand for Table 1; the others are the same runs under other choices."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class _Way:
    key: str
    words: str
    note: str
    average: Average
    choose: Callable[[Protocol], Protocol]
    """From the protocol asked for, resolved for a detector."""


def _uniform(protocol: Protocol) -> Protocol:
    return replace(UNIFORM, memory_update=protocol.memory_update, update_threshold=protocol.update_threshold)


def _other_normalisation(protocol: Protocol) -> Protocol:
    return replace(protocol, normalisation="per-video" if protocol.normalisation == "global" else "global")


def _ways(protocol: Protocol) -> tuple[_Way, ...]:
    other = _other_normalisation(protocol).normalisation
    return (
        _Way(key="micro", words="micro AUC", note="", average="micro", choose=lambda p: p),
        _Way(
            key="macro", words="macro AUC", average="macro", choose=lambda p: p,
            note="Mean of the videos' own areas; videos that are all normal or all abnormal have none and are left out.",
        ),
        _Way(
            key=f"micro-{other}", words=f"micro AUC, normalisation {other}", note="", average="micro",
            choose=_other_normalisation,
        ),
        _Way(
            key="micro-uniform", words="micro AUC, one way of scoring for all", average="micro", choose=_uniform,
            note="Decibels of the frame's error alone, per-video normalisation, no smoothing: what the detectors' own extra "
            "terms and smoothing add is left out. The memory updates of the run stay.",
        ),
    )  # fmt: skip


TESTS: Final[dict[Test, str]] = {
    "raw": "trained on the variant, tested on the footage as filmed",
    "own": "trained on the variant, tested on the variant",
}


@dataclass(kw_only=True)
class Figures:
    """Reads figures off finished runs; each is computed once."""

    protocol: Protocol
    records: dict[Job, Record] = field(default_factory=dict)
    _known: dict[tuple[Job, Test, Protocol], Scores | None] = field(default_factory=dict)

    def scores(self, job: Job, test: Test, protocol: Protocol) -> Scores | None:
        """Scores of a run under a protocol; None: there is no such run, or it scores all frames alike."""
        record, key = self.records.get(job), (job, test, protocol)
        if record is None or test not in record.tests:
            return None
        if key not in self._known:
            try:
                self._known[key] = combined(job.detector, record.tests[test], protocol)
            except DetectorFailed:
                # Of the main protocol it has been reported when it was scored; under another one it is an empty cell.
                self._known[key] = None
        return self._known[key]

    def found(self, job: Job, test: Test, protocol: Protocol) -> Scores | None:
        """`scores`, from the run that holds them: the original has one test half, and who learns nothing one training."""
        if job.variant == ORIGINAL:
            test = "raw"
        found = self.scores(job, test, protocol)
        if found is None and test == "raw" and job.detector in UNTRAINED:
            return self.scores(replace(job, variant=ORIGINAL), test, protocol)
        return found

    def blocks(self, detectors: Sequence[str], variants: Sequence[str], seeds: int) -> tuple[Block, ...]:
        """All tables, the two main ones first.

        Args:
            detectors: rows; they come out in the order of `TITLES`.
            variants: columns.
            seeds: how many were asked for.
        """
        made = []
        for way in _ways(self.protocol):
            for test, words in TESTS.items():
                rows = tuple(
                    Row(detector=name, title=title, cells=self._cells(name, variants, range(seeds), test, way))
                    for name, title in TITLES.items()
                    if name in detectors
                )
                made.append(
                    Block(
                        key=f"{way.key}-{test}",
                        title=f"{way.words}, {words}",
                        note=way.note,
                        test=test,
                        is_main=way.key == "micro",
                        rows=rows,
                    )
                )
        return tuple(made)

    def _cells(
        self, detector: str, variants: Sequence[str], seeds: Sequence[int], test: Test, way: _Way
    ) -> tuple[Cell, ...]:
        reference = self._by_seed(detector, ORIGINAL, seeds, test, way)
        cells = []
        for variant in variants:
            values = self._by_seed(detector, variant, seeds, test, way)
            both = [seed for seed in values if seed in reference]
            change = sum(values[s] - reference[s] for s in both) / len(both) if both and variant != ORIGINAL else None
            cells.append(Cell(by_seed=values, change=change))
        return tuple(cells)

    def _by_seed(self, detector: str, variant: str, seeds: Sequence[int], test: Test, way: _Way) -> dict[int, float]:
        found = {}
        protocol = way.choose(self.protocol.resolved(detector))
        for seed in seeds:
            scores = self.found(Job(seed=seed, detector=detector, variant=variant), test, protocol)
            value = None if scores is None else scores.micro_auc if way.average == "micro" else scores.macro_auc
            if value is not None:
                found[seed] = 100 * value
        return found


def remarks(blocks: Sequence[Block], variants: Sequence[str], seeds: int, precision: str) -> tuple[str, ...]:
    """What the figures themselves tell a reader to beware of.

    Args:
        blocks: all tables.
        variants: their columns.
        seeds: how many were asked for.
        precision: how the test set's size limits what differences mean; empty: nothing to say.
    """
    main = next(block for block in blocks if block.is_main and block.test == "raw")
    said = _weak(main, list(variants).index(ORIGINAL)) if ORIGINAL in variants else []
    if seeds == 1:
        said.append("One seed: differences of a point or two may be chance.")
    unfinished = sum(len(cell.by_seed) < _wanted(row, seeds) for row in main.rows for cell in row.cells)
    if unfinished:
        said.append(f"Not finished: {unfinished} of {len(main.rows) * len(variants)} cells lack runs.")
    if precision:
        said.append(precision)
    return tuple(said)


def _weak(block: Block, column: int) -> list[str]:
    """Which detectors do not do what a detector must, even when trained on footage as filmed."""
    means = {row.detector: mean for row in block.rows if (mean := row.cells[column].mean) is not None}
    said = []
    for rival in BASELINES:
        below = [name for name, mean in means.items() if name not in BASELINES and mean < means.get(rival, 0.0)]
        if below:
            bar = means[rival]
            said.append(f"On the original, below the {TITLES[rival]} with {bar:.1f}: {_listed(below, means)}.")
    chance = [name for name, mean in means.items() if mean < 50]
    if chance:
        said.append(
            f"On the original, below chance, so trained too little or looking elsewhere: {_listed(chance, means)}."
        )
    return said


def _listed(names: Sequence[str], means: Mapping[str, float]) -> str:
    return ", ".join(f"{TITLES[name]} ({means[name]:.1f})" for name in names)


def _wanted(row: Row, seeds: int) -> int:
    return 1 if row.detector in UNTRAINED else seeds
