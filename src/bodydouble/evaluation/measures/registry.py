"""All measures: what each asks, what it needs, and whether it is made without being asked for.

A measure that cannot be had here (weights or a package are absent) is no error: the table says why it has no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from bodydouble.errors import MissingDependency, UsageError
from bodydouble.evaluation.measures import builders
from bodydouble.evaluation.measures.base import Group, Measure
from bodydouble.evaluation.measures.builders import ColumnParts, Workshop

Need = Literal["truth", "plate", "result_bundle"]
"""What a clip must bring for a measure: ground truth, the clean background, what perception finds in the result."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Something in a measure's samples that is worth drawing."""

    title: str
    """With the unit, and what one value is (a person, a track, a frame)."""
    part: str
    """Name of the samples."""
    whole: str | None = None
    """Name of samples that the others are divided by, one by one."""
    limits: tuple[float, float] | None = None
    """Ends of the axis; None takes the values' own."""


@dataclass(frozen=True, kw_only=True)
class MeasureEntry:
    """One measure."""

    name: str
    group: Group
    """Of most of its figures; where it stands while it cannot be had."""
    asks: str
    """The question that it answers, in plain words."""
    build: Callable[[Workshop, ColumnParts], Measure]
    """Makes it; raises `MissingDependency` where a package or weights are absent."""
    of_column: bool = False
    """Depends on `ColumnParts`."""
    needs: frozenset[Need] = frozenset()
    quick: bool = False
    """Made with ``--quick``: no network is asked, little more than reading the frames."""
    default: bool = True
    """Made unless others are named."""
    cases_show_people: bool = False
    """Its worst cases are people left as filmed; their pictures are withheld unless originals may be shown."""
    distributions: tuple[Distribution, ...] = field(default=())


def _share(title: str, key: str) -> Distribution:
    """Shares of people as `intervals.Shares` keeps them."""
    return Distribution(title=title, part=f"{key}:part", whole=f"{key}:whole", limits=(0, 1))


REGISTRY: Final[tuple[MeasureEntry, ...]] = (
    MeasureEntry(
        name="coverage",
        group="privacy",
        asks="Is everybody covered whom the ground truth knows?",
        build=builders.coverage,
        needs=frozenset({"truth"}),
        quick=True,
        cases_show_people=True,
        distributions=(_share("Share of boxes covered, each person", "privacy.coverage.truth"),),
    ),
    MeasureEntry(
        name="referee_coverage",
        group="privacy",
        asks="Is everybody covered whom an independent detector sees?",
        build=builders.referee_coverage,
        needs=frozenset({"plate"}),
        cases_show_people=True,
        distributions=(_share("Share of detections covered, each person", "privacy.coverage.referee"),),
    ),
    MeasureEntry(
        name="faces",
        group="privacy",
        asks="Are faces of the original left in the result?",
        build=builders.faces,
        cases_show_people=True,
    ),
    MeasureEntry(
        name="plates",
        group="privacy",
        asks="Does the background without people show anybody?",
        build=builders.plates,
        needs=frozenset({"plate"}),
        cases_show_people=True,
    ),
    MeasureEntry(
        name="reidentification",
        group="privacy",
        asks="Can somebody who knows people from the original find them in the result by their looks?",
        build=builders.reidentification,
    ),
    MeasureEntry(
        name="gait",
        group="privacy",
        asks="Can people be told by their proportions and walk alone?",
        build=builders.gait,
        needs=frozenset({"result_bundle"}),
    ),
    MeasureEntry(
        name="attributes",
        group="privacy",
        asks="Can colours of clothes, brightness and build be read off the result?",
        build=builders.attributes,
        needs=frozenset({"result_bundle"}),
    ),
    MeasureEntry(
        name="silhouettes",
        group="privacy",
        asks="Does the outline in the result give away the build of the person?",
        build=builders.silhouettes,
        needs=frozenset({"result_bundle"}),
    ),
    MeasureEntry(
        name="motion_kept",
        group="utility",
        asks="Do the people of the result move as those of the original did?",
        build=builders.motion_kept,
        distributions=(
            Distribution(
                title="Likeness of poses (OKS), mean of each person", part="oks", whole="people", limits=(0, 1)
            ),
        ),
    ),
    MeasureEntry(
        name="detection_kept",
        group="utility",
        asks="Does a detector of people find the people of the original in the result?",
        build=builders.detection_kept,
    ),
    MeasureEntry(
        name="tracking_kept",
        group="utility",
        asks="Can people be followed in the result as in the original?",
        build=builders.tracking_kept,
        distributions=(
            Distribution(
                title="Share of boxes that are followed alike, each person",
                part="shared",
                whole="mean_boxes",
                limits=(0, 1),
            ),
        ),
    ),
    MeasureEntry(
        name="outside_unchanged",
        group="utility",
        asks="Did the picture stay as it was where nobody is?",
        build=builders.outside,
        of_column=True,
        quick=True,
    ),
    MeasureEntry(
        name="flow_kept",
        group="utility",
        asks="Does the picture of people move as in the original, pixel by pixel?",
        build=builders.flow_kept,
    ),
    MeasureEntry(
        name="pairwise_ssim",
        group="temporal",
        asks="Are consecutive pictures of a person alike (the paper's measure)?",
        build=builders.pairwise_ssim,
        quick=True,
        distributions=(
            Distribution(title="Pairwise SSIM, mean of each person", part="ssim", whole="pairs", limits=(0, 1)),
        ),
    ),
    MeasureEntry(
        name="warp_error",
        group="temporal",
        asks="Does a person's surface stay the same when its motion is taken out?",
        build=builders.warp_error,
        distributions=(
            Distribution(title="Warp error, levels of 255, mean of each person", part="difference", whole="people"),
        ),
    ),
    MeasureEntry(
        name="flicker",
        group="temporal",
        asks="Do the colours of people flicker?",
        build=builders.flicker,
        quick=True,
    ),
    MeasureEntry(
        name="identity_drift.colour",
        group="temporal",
        asks="Does somebody stay the same person as long as they are in view?",
        build=builders.identity_drift,
        quick=True,
    ),
    MeasureEntry(
        name="cost",
        group="cost",
        asks="What did making the result take?",
        build=builders.cost,
        of_column=True,
        quick=True,
    ),
)
"""In the order of the report."""


def entry_of(name: str) -> MeasureEntry:
    """The entry of a measure.

    Raises:
        UsageError: there is none of that name.
    """
    for entry in REGISTRY:
        if entry.name == name:
            return entry
    raise UsageError(f"there is no measure {name!r}; there are {', '.join(entry.name for entry in REGISTRY)}")


def choose(names: Iterable[str] = (), *, quick: bool = False) -> tuple[str, ...]:
    """Names of measures, in the order of the report.

    Args:
        names: those wanted; empty stands for the default ones.
        quick: only the quick ones of the default.

    Raises:
        UsageError: there is none of that name, or both were asked for.
    """
    wanted = {entry_of(name).name for name in names}
    if wanted and quick:
        raise UsageError("measures were named, and the quick ones asked for; say one of --measures and --quick")
    if wanted:
        return tuple(entry.name for entry in REGISTRY if entry.name in wanted)
    return tuple(entry.name for entry in REGISTRY if entry.default and (entry.quick or not quick))


def build_measures(
    names: Iterable[str], workshop: Workshop, column: ColumnParts | None = None
) -> tuple[dict[str, Measure], dict[str, str]]:
    """Make measures that share their networks.

    Args:
        names: of the measures.
        workshop: what they share.
        column: the result that they are for; None is enough to read figures off tallies.

    Returns:
        Measures by name, and for those that cannot be had why not.

    Raises:
        UsageError: there is none of that name.
    """
    measures: dict[str, Measure] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            measures[name] = _make(entry_of(name), workshop, column or ColumnParts())
        except MissingDependency as error:
            absent[name] = str(error)
    return measures, absent


def _make(entry: MeasureEntry, workshop: Workshop, column: ColumnParts) -> Measure:
    """A measure; those that do not depend on the column are made once."""
    if entry.of_column:
        return entry.build(workshop, column)
    if entry.name not in workshop.made:
        workshop.made[entry.name] = entry.build(workshop, column)
    return workshop.made[entry.name]
