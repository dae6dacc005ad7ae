"""Settings of the detectors, and three presets of each: ``paper``, ``official``, ``cpu``.

``paper`` is what the paper behind this project states in section 4 of how it trained them. ``official`` is the default of
the code that the detectors' own authors published, where that differs. ``cpu`` is a scale at which two cores train a
detector in minutes, by the same code: small frames, fewer channels, few epochs.

Light: nothing heavy is imported, so the command line may read this at start-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from bodydouble.errors import ConfigError

DetectorName = Literal["mnad-pred", "mnad-recon", "lgn-net", "mpn", "lntra", "unet", "flow"]
PresetName = Literal["paper", "official", "cpu"]
Schedule = Literal["constant", "cosine", "cosine-steps"]

DETECTORS: tuple[DetectorName, ...] = get_args(DetectorName)
"""The paper's five, then two that a detector has to beat: a plain U-Net, and optical flow without any training."""

PRESETS: tuple[PresetName, ...] = get_args(PresetName)


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """What every detector has."""

    size_px: int = 256
    """Frames are resized to a square of this side, as all the papers do; a multiple of 16."""
    channels: Literal[1, 3] = 3
    """1: grey, 3: RGB."""
    resize: Literal["bilinear", "area"] = "bilinear"
    """``bilinear`` samples, as the authors' code does; ``area`` averages, which keeps small people at small sizes."""
    widths: tuple[int, ...] = (64, 128, 256, 512)
    """Channels of the four levels, finest first."""
    batch_size: int = 4
    """Clips of one step."""
    learning_rate: float = 2e-4
    """Of Adam, at the start."""
    schedule: Schedule = "cosine"
    """``cosine`` falls to zero over the epochs, one value per epoch; ``cosine-steps`` does so from step to step, which
    matters where there are few epochs."""
    epochs: int = 60
    """How often the clips are gone through."""
    clips_per_epoch: int = 0
    """Clips drawn for one epoch, without repetition; 0: all there are."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """``bfloat16``: mixed precision, half the memory and on many processors half the time."""
    device: str = "cpu"
    """As torch names it: ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""
    threads: int = 1
    """Threads on the CPU; part of the settings because sums depend on it in their last bits."""
    save_every_steps: int = 200
    """Steps between two savings inside an epoch; what is lost by a kill, never what comes out."""

    def __post_init__(self) -> None:
        if self.size_px < 16 or self.size_px % 16:
            raise ConfigError(f"size_px is {self.size_px}; it must be a multiple of 16, at least 16")
        if self.channels not in (1, 3):
            raise ConfigError(f"channels is {self.channels}; allowed are 1 (grey) and 3 (RGB)")
        if len(self.widths) != 4 or min(self.widths) < 1:
            raise ConfigError(f"widths is {self.widths}; it must name four levels of at least one channel")
        for name, least in (("batch_size", 1), ("epochs", 0), ("threads", 1), ("save_every_steps", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if self.clips_per_epoch < 0:
            raise ConfigError(f"clips_per_epoch is {self.clips_per_epoch}; it must be 0 (all) or more")
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f"learning_rate is {self.learning_rate}; it must lie between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class MemoryConfig(DetectorConfig):
    """A memory of normal patterns (Park, Noh, Ham: Learning Memory-guided Normality, CVPR 2020)."""

    memory_items: int = 10
    """Items of the memory, each as long as the last of ``widths``; at least 2."""
    compactness: float = 0.01
    """Weight of the squared distance from each query to its nearest item."""
    separateness: float = 0.1
    """Weight of the triplet loss that keeps a query nearer to its item than to the second nearest."""
    detach_addressing: bool = False
    """True: no gradient through the weights by which items are read, as in the authors' code; the paper's equations
    have one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_items < 2:
            raise ConfigError(f"memory_items is {self.memory_items}; the second nearest item needs at least 2")


@dataclass(frozen=True, kw_only=True)
class MnadConfig(MemoryConfig):
    """MNAD, by prediction of a frame from four or by reconstruction of one."""


@dataclass(frozen=True, kw_only=True)
class LgnNetConfig(MemoryConfig):
    """LGN-Net (Zhao et al.: Local-Global Normality Network for Video Anomaly Detection, arXiv 2211.07454)."""

    compactness: float = 10.0
    separateness: float = 5.0
    lstm_layers: int = 4
    """Layers of the spatiotemporal LSTM."""
    lstm_width: int = 128
    """Channels of its states, and of the frames it reads."""


@dataclass(frozen=True, kw_only=True)
class MpnConfig(DetectorConfig):
    """MPN (Lv et al.: Learning Normal Dynamics in Videos with Meta Prototype Network, CVPR 2021), without meta-learning."""

    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    epochs: int = 100
    prototypes: int = 10
    """Prototypes that are made anew from each clip; at least 2."""
    frame_weight: float = 1.0
    """Weight of the squared error of the predicted frame."""
    feature_weight: float = 1.0
    """Weight of the squared distance from each feature to its nearest prototype."""
    distinction: float = 0.1
    """Weight of the hinge loss that keeps prototypes apart."""
    squared_distinction: bool = True
    """True: by squared distances, as in the authors' code, which has next to no slope where prototypes lie together."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prototypes < 2:
            raise ConfigError(f"prototypes is {self.prototypes}; keeping them apart needs at least 2")


@dataclass(frozen=True, kw_only=True)
class LntraConfig(DetectorConfig):
    """LNTRA (Astrid et al.: Learning Not to Reconstruct Anomalies, BMVC 2021)."""

    channels: Literal[1, 3] = 1
    widths: tuple[int, ...] = (96, 128, 256, 256)
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    skip_probability: float = 0.2
    """Share of the clips whose frames are taken in jumps; the unjumped clip is what must come out."""
    jumps: tuple[int, ...] = (3, 4, 5)
    """Steps between the frames of such a clip, one drawn per clip."""
    patch_probability: float = 0.0
    """Share of the clips into which a patch of another video is blended; the clip without it must come out. The authors'
    best patches come from CIFAR-100, those of the training videos are nearly as good (their figure 5c). None by default:
    "skip frames and pseudo anomaly in-painting of 0.2" is one option of their code, ``pseudo_anomaly_jump_inpainting``."""
    patch_size: float = 0.5
    """Largest side of a patch, in shares of the frame's."""
    patch_move_px: int = 10
    """How far a patch may move from frame to frame at 256 px; scaled to ``size_px``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (
            not 0 <= self.skip_probability + self.patch_probability <= 1
            or min(self.skip_probability, self.patch_probability) < 0
        ):
            raise ConfigError(
                f"skip_probability {self.skip_probability} and patch_probability {self.patch_probability} must be at "
                "least 0 and at most 1 together"
            )
        if not self.jumps or min(self.jumps) < 2:
            raise ConfigError(f"jumps is {self.jumps}; it must name steps of at least 2 frames")


@dataclass(frozen=True, kw_only=True)
class UnetConfig(DetectorConfig):
    """A plain U-Net that predicts a frame from four: what a detector's ideas have to improve upon."""

    widths: tuple[int, ...] = (16, 32, 64, 128)


@dataclass(frozen=True, kw_only=True)
class FlowConfig(DetectorConfig):
    """The fastest motion of a frame (Farnebäck's optical flow); nothing is learnt."""

    channels: Literal[1, 3] = 1
    epochs: int = 0
    patch_px: int = 33
    """Side of the square over which motion is averaged before the largest is taken; odd. About an eighth of the side, as
    tall as a person of UCSD Ped2: the largest single arrow of a field is mostly noise."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch_px < 1 or self.patch_px % 2 == 0:
            raise ConfigError(f"patch_px is {self.patch_px}; it must be odd")


_OF: dict[DetectorName, type[DetectorConfig]] = {
    "mnad-pred": MnadConfig,
    "mnad-recon": MnadConfig,
    "lgn-net": LgnNetConfig,
    "mpn": MpnConfig,
    "lntra": LntraConfig,
    "unet": UnetConfig,
    "flow": FlowConfig,
}


def config_type(detector: str) -> type[DetectorConfig]:
    """Which settings a detector has.

    Raises:
        ConfigError: there is no such detector.
    """
    for name, found in _OF.items():
        if name == detector:
            return found
    raise ConfigError(f"no detector {detector!r}; there are {', '.join(DETECTORS)}")


def from_plain(detector: str, values: Mapping[str, Any]) -> DetectorConfig:
    """Settings as ``dataclasses.asdict`` and JSON left them: tuples have become lists.

    Raises:
        ConfigError: there is no such detector, it has other settings, or a value is out of range.
    """
    kind = config_type(detector)
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        raise ConfigError(
            f"settings of {detector} of another version differ in {', '.join(sorted(set(values) ^ names))}"
        )
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return kind(**plain)


def preset(detector: str, name: str) -> DetectorConfig:
    """Settings of a detector by name.

    Args:
        detector: one of `DETECTORS`.
        name: one of `PRESETS`.

    Raises:
        ConfigError: there is no such detector or preset.
    """
    kind = config_type(detector)
    if name == "paper":
        return kind()
    if name == "official":
        return _official(detector, kind)
    if name == "cpu":
        return _CPU[detector]
    raise ConfigError(f"no preset {name!r}; there are {', '.join(PRESETS)}")


def _official(detector: str, kind: type[DetectorConfig]) -> DetectorConfig:
    """Defaults of the authors' code: MNAD 4e108a8, LGN-Net 7afbfcb, MPN a941cec, LNTRA bce1fbb."""
    if detector == "mnad-pred":
        return MnadConfig(compactness=0.1, separateness=0.1, detach_addressing=True)
    if detector == "mnad-recon":
        return MnadConfig(compactness=0.01, separateness=0.01, detach_addressing=True)
    if detector == "lgn-net":
        return LgnNetConfig(batch_size=6, detach_addressing=True)
    if detector == "mpn":
        return MpnConfig(epochs=1000, distinction=1e-4)
    if detector == "lntra":
        return LntraConfig(jumps=(2, 3, 4, 5))
    return kind()


_CPU: dict[str, DetectorConfig] = {
    "mnad-pred": MnadConfig(
        size_px=96, channels=1, resize="area", widths=(8, 16, 32, 64), batch_size=8, learning_rate=3e-3,
        schedule="cosine-steps", epochs=3, clips_per_epoch=2400, precision="bfloat16",
    ),
    "mnad-recon": MnadConfig(
        size_px=64, channels=1, resize="area", widths=(8, 16, 32, 64), batch_size=8, learning_rate=3e-3,
        schedule="cosine-steps", epochs=2, clips_per_epoch=2400, precision="bfloat16",
    ),
    "lgn-net": LgnNetConfig(
        size_px=64, channels=1, resize="area", widths=(8, 16, 32, 64), batch_size=4, learning_rate=2e-3,
        schedule="cosine-steps", epochs=3, clips_per_epoch=1600, precision="bfloat16", lstm_layers=2, lstm_width=16,
    ),
    "mpn": MpnConfig(
        size_px=64, channels=1, resize="area", widths=(8, 16, 32, 64), batch_size=4, learning_rate=2e-3,
        schedule="cosine-steps", epochs=2, clips_per_epoch=2400, precision="bfloat16",
    ),
    "lntra": LntraConfig(
        size_px=64, resize="area", widths=(16, 24, 48, 48), batch_size=8, learning_rate=2e-3,
        schedule="cosine-steps", epochs=2, clips_per_epoch=2000, precision="bfloat16",
    ),
    "unet": UnetConfig(
        size_px=64, channels=1, resize="area", widths=(8, 16, 32, 64), batch_size=8, learning_rate=3e-3,
        schedule="cosine-steps", epochs=4, clips_per_epoch=2400, precision="bfloat16",
    ),
    "flow": FlowConfig(size_px=128, resize="area", patch_px=17),
}  # fmt: skip
"""On UCSD Ped2 each trains in about a minute of one core's time. ``bfloat16`` halves that where the processor computes in it
(AVX512-BF16, AMX, recent ARM); elsewhere set ``precision`` to ``float32``."""
