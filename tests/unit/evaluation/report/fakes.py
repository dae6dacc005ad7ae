"""An evaluation of people who do not exist, by measures that only read what was counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bodydouble.evaluation.measures.base import (
    Better,
    Case,
    ClipMeasurement,
    Figure,
    Group,
    Measure,
    PairedClip,
    Series,
    Tally,
)
from bodydouble.evaluation.measures.registry import Distribution, MeasureEntry
from bodydouble.evaluation.report.model import Column, Evaluation, LedgerSums, MeasuredClip

FRAMES = 24


@dataclass(frozen=True)
class Ratio:
    """Reads ``part / whole`` off a tally."""

    name: str
    key: str
    label: str
    group: Group
    better: Better
    chance: float | None = None

    def start(self, clip: PairedClip) -> ClipMeasurement:
        raise NotImplementedError

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        whole = tally.counts.get("whole", 0.0)
        figure = Figure(key=self.key, label=self.label, group=self.group, better=self.better, value=None)
        if not whole:
            return (replace(figure, note="nobody came"),)
        value = tally.counts["part"] / whole
        interval = (value * 0.9, min(1.0, value * 1.1))
        return (replace(figure, value=value, interval=interval, chance=self.chance, trials=round(whole)),)


MEASURES: tuple[Ratio, ...] = (
    Ratio("coverage", "privacy.coverage.truth", "people covered", "privacy", "high"),
    Ratio("lookup", "privacy.reid.net.rank1", "re-identification, network: rank-1", "privacy", "chance", 0.1),
    Ratio("weak", "privacy.reid.weak.rank1", "re-identification, coin", "privacy", "chance", 0.1),
    Ratio("motion_kept", "utility.motion.oks", "motion kept, OKS", "utility", "high"),
    Ratio("ssim", "temporal.ssim.pairs", "pairwise SSIM", "temporal", "high"),
)
VALUES: dict[str, dict[str, float]] = {
    "original": {"coverage": 0.0, "lookup": 0.9, "weak": 0.12, "motion_kept": 1.0, "ssim": 0.9},
    "pixelated": {"coverage": 0.97, "lookup": 0.7, "weak": 0.11, "motion_kept": 0.6, "ssim": 0.95},
    "ours": {"coverage": 0.9995, "lookup": 0.12, "weak": 0.1, "motion_kept": 0.9, "ssim": 0.8},
}
PEOPLE = 2000.0


def by_name() -> dict[str, Measure]:
    return {measure.name: measure for measure in MEASURES}


def entries() -> list[MeasureEntry]:
    distributions = {"ssim": (Distribution(title="SSIM of each person", part="part", whole="whole", limits=(0, 1)),)}
    return [
        MeasureEntry(
            name=measure.name,
            group=measure.group,
            asks=f"What does {measure.label} say?",
            build=lambda workshop, column: (_ for _ in ()).throw(NotImplementedError),
            distributions=distributions.get(measure.name, ()),
            cases_show_people=measure.name == "coverage",
        )
        for measure in MEASURES
    ]


def tally(measure: str, value: float, clip: str) -> Tally:
    case = Case(
        clip=clip, frame_index=5, track_id=1, badness=1 - value, what=f"{measure} is <{value:g}> & worst",
        box_xyxy_px=(20.0, 10.0, 50.0, 90.0),
    )  # fmt: skip
    keys = {one.name: one.key for one in MEASURES}
    line = Series(
        clip=clip,
        key=keys[measure],
        frame_indices=tuple(range(FRAMES)),
        values=tuple(value + 0.1 * (i % 5) / 5 if i != 3 else float("nan") for i in range(FRAMES)),
    )
    return Tally(
        measure=measure,
        counts={"part": value * PEOPLE, "whole": PEOPLE},
        samples={"part": (value, value / 2, 0.5), "whole": (1.0, 1.0, 0.0)},
        cases=(case,),
        series=(line,) if measure in ("ssim", "motion_kept") else (),
    )


def make_evaluation(clip: str = "street.mp4", *, labels: tuple[str, ...] = tuple(VALUES)) -> Evaluation:
    columns = tuple(
        Column(
            label=label,
            tallies={name: tally(name, value, clip) for name, value in VALUES[label].items()},
            method={"made by": ("bodydouble 0.1.0",), "seed": ("3",)} if label == "ours" else {},
            ledger=LedgerSums(
                people={"replaced": 2}, frames={"replaced": 40, "painted_out": 4}, reasons={"too small": 4}
            )
            if label == "ours"
            else None,
        )
        for label in labels
    )
    facts = MeasuredClip(
        name=clip,
        num_frames=FRAMES,
        width_px=160,
        height_px=120,
        num_tracks=2,
        truth_boxes=None,
        scene_from="perceived",
    )
    return Evaluation(
        version="0.1.0", seed=0, measures=tuple(measure.name for measure in MEASURES), clips=(facts,), columns=columns
    )
