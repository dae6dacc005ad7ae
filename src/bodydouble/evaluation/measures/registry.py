"""All measures: what each asks, what it needs, and whether it is made without being asked for.

A measure that cannot be had here (weights or a package are absent) is no error: the table says why it has no value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from bodydouble.errors import MissingDependency, MissingWeights, UsageError
from bodydouble.evaluation.measures.base import Group, Measure

if TYPE_CHECKING:
    from bodydouble.evaluation.measures.remembered import RememberingDetector

Need = Literal["truth", "plate", "result_bundle"]
"""What a clip must bring for a measure: ground truth, the clean background, what perception finds in the result."""

REFEREES_VARIABLE: Final = "BODYDOUBLE_REFEREES"
"""Environment variable that names the folder of networks that took no part in making results."""
YOLOX_NANO: Final = "yolox_nano_416x416.onnx"
MOVENET: Final = "movenet_singlepose_lightning_int8_4.tflite"
REIDENTIFICATION: Final = "person-reidentification-retail-0248.onnx"
YUNET: Final = "yunet_n_dynamic.onnx"


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
class Referees:
    """Networks that measures ask, and that took no part in making any result. Each is loaded once, when first asked for."""

    folder: Path

    def file(self, name: str, what: str) -> Path:
        """Path of a file of weights.

        Raises:
            MissingWeights: it is not there.
        """
        path = self.folder / name
        if not path.is_file():
            # Without the path: the message goes into reports, which travel.
            raise MissingWeights(f"the weights of {what} ({name}) are not there; name their folder by --referees")
        return path

    @cached_property
    def detector(self) -> RememberingDetector:
        """An independent detector of people.

        Raises:
            MissingWeights: it is not there.
        """
        path = self.file(YOLOX_NANO, "an independent detector")
        from bodydouble.evaluation.measures.remembered import RememberingDetector
        from bodydouble.evaluation.referee import Referee

        return RememberingDetector(Referee(path), capacity=64)


@dataclass(frozen=True, kw_only=True)
class MeasureEntry:
    """One measure."""

    name: str
    group: Group
    """Of most of its figures; where it stands while it cannot be had."""
    asks: str
    """The question that it answers, in plain words."""
    build: Callable[[Referees], Measure]
    """Makes it; raises `MissingDependency` where a package or weights are absent."""
    needs: frozenset[Need] = frozenset()
    quick: bool = False
    """Made with ``--quick``: no network is asked, little more than reading the frames."""
    default: bool = True
    """Made unless others are named."""
    cases_show_people: bool = False
    """Its worst cases are people left as filmed; their pictures are withheld unless originals may be shown."""
    distributions: tuple[Distribution, ...] = field(default=())


REGISTRY: Final[tuple[MeasureEntry, ...]] = ()
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


def build_measures(names: Iterable[str], referees: Referees) -> tuple[dict[str, Measure], dict[str, str]]:
    """Make measures that share their networks.

    Returns:
        Measures by name, and for those that cannot be had why not.

    Raises:
        UsageError: there is none of that name.
    """
    measures: dict[str, Measure] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            measures[name] = entry_of(name).build(referees)
        except MissingDependency as error:
            absent[name] = str(error)
    return measures, absent


def referees_folder(named: Path | None, default: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the weights of measures are: where the user says, else the environment, else the default."""
    if named is not None:
        return named
    return Path(environment.get(REFEREES_VARIABLE, "") or default)
