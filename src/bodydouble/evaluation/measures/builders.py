"""How each measure is made, and what all of them share. Imports a measure only when it is made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bodydouble.errors import MissingWeights
from bodydouble.evaluation.measures.base import ClipMeasurement, Figure, Measure, PairedClip, Tally

if TYPE_CHECKING:
    from bodydouble.evaluation.measures.cost import RunCost
    from bodydouble.evaluation.measures.identities import KnownPeople
    from bodydouble.evaluation.measures.reidentification import ReIdentification
    from bodydouble.evaluation.measures.remembered import RememberingDetector
    from bodydouble.evaluation.outside import Doubles
    from bodydouble.scene import FrameSource

REFEREES_VARIABLE: Final = "BODYDOUBLE_REFEREES"
"""Environment variable that names the folder of networks that took no part in making results."""
YOLOX_NANO: Final = "yolox_nano_416x416.onnx"
MOVENET: Final = "movenet_singlepose_lightning_int8_4.tflite"
REIDENTIFICATION: Final = "person-reidentification-retail-0248.onnx"
YUNET: Final = "yunet_n_dynamic.onnx"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all measures share: networks that took no part in making any result, each loaded when first asked for."""

    folder: Path
    """Where their weights are."""
    known: Mapping[str, KnownPeople] = field(default_factory=dict)
    """By name of the clip, who came in more than once."""
    originals: dict[str, FrameSource] = field(default_factory=dict)
    """By name of the clip, what is being measured; for measures that look at it in a pass of their own."""
    made: dict[str, Measure] = field(default_factory=dict)
    """Measures that serve all columns."""

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
        path = self.file(YOLOX_NANO, "the independent detector")
        from bodydouble.evaluation.measures.remembered import RememberingDetector
        from bodydouble.evaluation.referee import Referee

        # All results of a clip are measured frame by frame together: few pictures are asked about again later.
        return RememberingDetector(Referee(path), capacity=64)


@dataclass(frozen=True, kw_only=True)
class ColumnParts:
    """What is known of one result, by name of the clip."""

    runs: Mapping[str, RunCost] = field(default_factory=dict)
    """What making it took."""
    doubles: Mapping[str, Doubles] = field(default_factory=dict)
    """Which pixels its doubles are."""


def referees_folder(named: Path | None, default: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the weights of measures are: where the user says, else the environment, else the default."""
    if named is not None:
        return named
    return Path(environment.get(REFEREES_VARIABLE, "") or default)


def coverage(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``coverage``."""
    from bodydouble.evaluation.measures.coverage import Coverage

    return Coverage(lambda clip: workshop.originals[clip.name].frames(0, clip.bundle.video.num_frames))


def referee_coverage(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``referee_coverage``."""
    detector = workshop.detector
    from bodydouble.evaluation.measures.referee_coverage import RefereeCoverage

    return RefereeCoverage(detector)


def plates(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``plates``."""
    detector = workshop.detector
    from bodydouble.evaluation.measures.plates import Plates

    return Plates(detector)


def faces(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``faces``."""
    path = workshop.file(YUNET, "the face detector")
    from bodydouble.evaluation.measures.faces import FaceFinder, Faces

    return Faces(FaceFinder(path))


def attributes(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``attributes``."""
    from bodydouble.evaluation.measures.attributes import Attributes

    return Attributes(known=workshop.known)


def reidentification(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``reidentification``."""
    from bodydouble.evaluation.measures.attackers import (
        Attacker,
        ColourHistograms,
        RememberingAttacker,
        RetailNetwork,
    )
    from bodydouble.evaluation.measures.attackers_trained import TrainedAttacker
    from bodydouble.evaluation.measures.reidentification import ReIdentification

    attackers: list[Attacker] = [ColourHistograms()]
    try:
        network = RetailNetwork(workshop.file(REIDENTIFICATION, "the re-identification network"))
        attackers.append(RememberingAttacker(network))
    except MissingWeights as error:
        # The other attackers are tried all the same, and the table says what was not.
        trainable = [TrainedAttacker(attackers)]
        return WithoutAttacker(
            ReIdentification(attackers, trainable=trainable, known=workshop.known),
            RetailNetwork.name,
            RetailNetwork.label,
            str(error),
        )
    return ReIdentification(attackers, trainable=[TrainedAttacker(attackers)], known=workshop.known)


def gait(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``gait``."""
    from bodydouble.evaluation.measures.gait import Gait

    return Gait(known=workshop.known)


def silhouettes(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``silhouettes``."""
    from bodydouble.evaluation.measures.silhouettes import Silhouettes

    return Silhouettes()


def motion_kept(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``motion_kept``."""
    path = workshop.file(MOVENET, "the independent pose network")
    from bodydouble.evaluation.measures.motion_kept import MotionKept
    from bodydouble.evaluation.movenet import MoveNet

    return MotionKept(MoveNet(path))


def detection_kept(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``detection_kept``."""
    detector = workshop.detector
    from bodydouble.evaluation.measures.detection_kept import DetectionKept

    return DetectionKept(detector)


def tracking_kept(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``tracking_kept``."""
    detector = workshop.detector
    from bodydouble.evaluation.measures.tracking_kept import TrackingKept

    return TrackingKept(detector)


def outside(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``outside_unchanged``."""
    from bodydouble.evaluation.measures.outside_unchanged import OutsideUnchanged

    return OutsideUnchanged(doubles=column.doubles)


def flow_kept(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``flow_kept``."""
    from bodydouble.evaluation.measures.flow_kept import FlowKept

    return FlowKept()


def pairwise_ssim(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``pairwise_ssim``."""
    from bodydouble.evaluation.measures.pairwise_ssim import PairwiseSsim

    return PairwiseSsim()


def warp_error(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``warp_error``."""
    from bodydouble.evaluation.measures.warp_error import WarpError

    return WarpError()


def flicker(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``flicker``."""
    from bodydouble.evaluation.measures.flicker import Flicker

    return Flicker()


def identity_drift(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``identity_drift``."""
    from bodydouble.evaluation.measures.identity_drift import IdentityDrift

    return IdentityDrift()


def cost(workshop: Workshop, column: ColumnParts) -> Measure:
    """See ``cost``."""
    from bodydouble.evaluation.measures.cost import Cost

    return Cost(column.runs)


class WithoutAttacker:
    """Re-identification in which one attacker could not be had; the table says so where its figures would stand."""

    def __init__(self, measure: ReIdentification, name: str, label: str, why: str) -> None:
        self._measure, self._missing, self._why = measure, Stub(name=name, label=label), why

    @property
    def name(self) -> str:
        """That of the measure."""
        return self._measure.name

    def start(self, clip: PairedClip) -> ClipMeasurement:
        """Begin with a clip."""
        return self._measure.start(clip)

    def figures(self, tally: Tally) -> tuple[Figure, ...]:
        """Figures of all attackers, those of the missing one without a value."""
        from bodydouble.evaluation.measures.reidentification import ReIdentification

        shown = ReIdentification([*self._measure.attackers, self._missing], trainable=self._measure.trainable)
        place = f".{self._missing.name}."
        return tuple(
            replace(figure, note=self._why) if place in figure.key and figure.value is None else figure
            for figure in shown.figures(tally)
        )


@dataclass(frozen=True, kw_only=True)
class Stub:
    """Stands for an attacker that is not there; its name and label are all that is ever asked for."""

    name: str
    label: str

    def embed(self, crops: Any) -> Any:
        """Cannot be done.

        Raises:
            MissingWeights: always.
        """
        raise MissingWeights(f"the attacker {self.label} is not there")
