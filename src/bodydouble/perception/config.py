"""Options of perception. Imports nothing heavy, so that ``--help`` stays instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from bodydouble.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class YoloxConfig:
    """YOLOX (Ge et al. 2021), any export to ONNX of release 0.1.1rc0 or later."""

    weights: str = ""
    """ONNX file, or a model of `bodydouble models list`; empty: ``yolox-s``."""
    input_px: int = 640
    """Side of the network's input, a multiple of 32, where the export leaves it open; most exports fix it."""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            ConfigError: the side is no multiple of 32, or absurd.
        """
        _check_input_px("perception.people.yolox.input_px", self.input_px)


@dataclass(frozen=True, kw_only=True)
class RfDetrConfig:
    """RF-DETR (Robinson et al. 2025) through transformers."""

    weights: str = ""
    """Folder in transformers' layout, or a model of `bodydouble models list`; empty: ``rfdetr-medium``."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""


@dataclass(frozen=True, kw_only=True)
class Yolov8Config:
    """YOLOv8 through ultralytics, which is AGPL-3.0; the paper's detector."""

    weights: str = ""
    """File of a detection model, or a model of `bodydouble models list`; empty: ``yolov8n``, the authors' choice."""
    input_px: int = 640
    """Longer side of the network's input, a multiple of 32."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            ConfigError: the side is no multiple of 32, or absurd.
        """
        _check_input_px("perception.people.yolov8.input_px", self.input_px)


@dataclass(frozen=True, kw_only=True)
class PeopleConfig:
    """Finding people in single frames."""

    backend: Literal["rendered", "yolox", "rfdetr", "yolov8"] = "rendered"
    """Which finder runs; ``rendered`` is the project's own network, trained on rendered bodies only."""
    score: float = 0.15
    """Lowest score of a detection that is handed to tracking, 0 to 1."""
    nms_overlap: float = 0.6
    """Intersection over union above which the weaker of two boxes is dropped."""
    working_pixels: int = 450_000
    """Frames are resized to about this many pixels before the network sees them."""
    max_upscale: float = 2.0
    """Small frames are enlarged by at most this factor."""
    coarse_looks: int = 3
    """Further looks for people who are large in the picture, each at 0.7 times the size of the one before."""
    second_look: bool = True
    """Ask the per-person network about whatever the finder takes for a person, and weigh both."""
    tiles: bool = False
    """Look also at four overlapping quarters of the frame, for people who are small in it; costs four more looks. The
    four options above are of ``rendered``, this one is of the others."""
    yolox: YoloxConfig = field(default_factory=YoloxConfig)
    """Options of ``yolox``."""
    rfdetr: RfDetrConfig = field(default_factory=RfDetrConfig)
    """Options of ``rfdetr``."""
    yolov8: Yolov8Config = field(default_factory=Yolov8Config)
    """Options of ``yolov8``."""


@dataclass(frozen=True, kw_only=True)
class VerdictConfig:
    """When a track is painted out instead of played; see ``tracking/verdict.py``."""

    still_heights: float = 0.5
    """A track that gets further than this, in its own heights, has walked and is never doubted."""
    still_likeness: float = 0.66
    """Below this likeness to a person, 0 to 1, what stays in its place and never moves there is painted out."""
    still_motion_swing: float = 0.25
    """What differs from the plate now more, now less, by at least this share of it, has moved."""


@dataclass(frozen=True, kw_only=True)
class TrackingConfig:
    """Joining detections to tracks: BoT-SORT forwards, then one pass over the whole clip."""

    backend: Literal["botsort", "ultralytics-botsort"] = "botsort"
    """``botsort``: of the package trackers; ``ultralytics-botsort``: the library the paper used, AGPL-3.0."""
    preset: Literal["default", "paper"] = "default"
    """``paper``: the published thresholds (0.20, 0.70, 0.70); ``default``: tuned for the ``rendered`` finder."""
    strong_score: float = 0.50
    """Detections from this score on are matched first."""
    new_track_score: float = 0.50
    """A detection of at least this score that fits no track starts one."""
    weak_score: float = 0.20
    """Detections from this score on that last, and that nobody who is followed explains, are painted out, though none is
    sure enough to start a track; above 1: never. Not with the paper's preset."""
    first_overlap: float = 0.10
    """Lowest overlap times score in the first association."""
    second_overlap: float = 0.40
    """Lowest overlap in the second association, with weak detections."""
    lost_seconds: float = 0.8
    """How long a track is kept alive without a detection."""
    link_seconds: float = 4.0
    """Longest pause over which two fragments are joined offline."""
    extend_seconds: float = 0.4
    """How far tracks are prolonged at both ends, at most."""
    min_seconds: float = 0.25
    """Shorter tracks that no motion confirms are dropped."""
    verdict: VerdictConfig = field(default_factory=VerdictConfig)
    """When a track is doubted."""


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """Motion against the plate; used where the camera stands still."""

    enabled: bool = True
    """Switch for the whole cue."""
    threshold: int = 20
    """Smallest difference from the plate that counts as foreground, 0 to 255 in any channel."""
    max_frame_share: float = 0.5
    """A frame with more foreground than this share (light switch, jolt) gives no evidence."""
    cast_shadows: bool = True
    """Look for the shadows people cast, also faint ones, which go with them."""
    min_blob_frames: int = 3
    """Moving regions that nobody explains become tracks when seen in at least this many frames."""


@dataclass(frozen=True, kw_only=True)
class ClipSegConfig:
    """CLIPSeg (Lüddecke and Ecker 2022), asked about the box of each person; the paper's silhouettes."""

    weights: str = ""
    """Folder with the converted ``clipseg-rd64-refined``; empty: as all models are found."""
    prompts: tuple[str, ...] = ("person", "hands", "head", "feet", "torso")
    """What is asked for; a pixel has the highest answer of all. The paper's list; its authors' program used the first."""
    threshold: float = 0.4
    """Probability from which a pixel belongs to the person."""
    stretch: bool = False
    """Stretch each answer to its own range before the threshold, as the authors' program does and the paper does not say."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""


@dataclass(frozen=True, kw_only=True)
class Sam2Config:
    """SAM 2 (Ravi et al. 2024), prompted by each person's box."""

    weights: str = ""
    """Folder with ``sam2.1-hiera-tiny`` or another size; empty: as all models are found."""
    view: Literal["frame", "person"] = "frame"
    """``frame``: one look at the whole frame for everybody. ``person``: one at each person; slow, for small people."""
    threshold: float = 0.5
    """Probability from which a pixel belongs to the person; 0.5 is SAM 2's own."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""


@dataclass(frozen=True, kw_only=True)
class SilhouetteConfig:
    """Which pixels belong to a person."""

    backend: Literal["rendered", "clipseg", "sam2"] = "rendered"
    """Which network draws silhouettes."""
    threshold: float = 0.35
    """Probability from which a pixel belongs to the person; low, because leaving a piece of a person is the worst. Of
    ``rendered``; the others have their own."""
    blind_threshold: float = 0.2
    """The same where motion cannot complete the silhouette; lower still. Of ``rendered``."""
    complete_with_motion: bool = True
    """Add moving pixels connected to the person (bags, coats, papers)."""
    belongings: Annotated[Literal["remove", "keep"], tyro.conf.arg(aliases=["--belongings"])] = "remove"
    """remove: what touches a person (bag, umbrella, pram, bicycle, shadow) goes with them. keep: what they carry clear of
    their body stays as filmed. People are RE-IDENTIFIED by what they carry: keep it only where nobody must be hidden from
    those who know their things. Doubts about where a body ends are settled for removing."""
    clipseg: ClipSegConfig = field(default_factory=ClipSegConfig)
    """Options of ``clipseg``."""
    sam2: Sam2Config = field(default_factory=Sam2Config)
    """Options of ``sam2``."""

    def thresholds(self) -> tuple[float, float]:
        """Probabilities of the chosen backend from which a pixel belongs to the person: with motion, and without."""
        if self.backend == "clipseg":
            return self.clipseg.threshold, self.clipseg.threshold
        if self.backend == "sam2":
            return self.sam2.threshold, self.sam2.threshold
        return self.threshold, self.blind_threshold


@dataclass(frozen=True, kw_only=True)
class VitPoseConfig:
    """ViTPose (Xu et al. 2022) through transformers."""

    weights: str = ""
    """Folder with ``vitpose-base-simple`` or another size; empty: as all models are found."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""


@dataclass(frozen=True, kw_only=True)
class RtmPoseConfig:
    """RTMPose (Jiang et al. 2023) through rtmlib."""

    weights: str = ""
    """ONNX file of a 17-joint body model; empty: as all models are found."""


@dataclass(frozen=True, kw_only=True)
class OpenPoseConfig:
    """OpenPose (Cao et al. 2017): the CMU body network; its weights are for non-commercial use only."""

    weights: str = ""
    """File with the converted network; empty: as all models are found."""


@dataclass(frozen=True, kw_only=True)
class PoseConfig:
    """Joints per frame, and over time."""

    backend: Literal["rendered", "vitpose", "rtmpose", "openpose"] = "rendered"
    """Which network finds joints."""
    joint_score: float = 0.15
    """Joints below this score count as not found."""
    max_gap_seconds: float = 0.8
    """Longest gap of a joint that is interpolated."""
    smoothing_seconds: float = 0.06
    """Standard deviation of the zero-lag smoothing over time."""
    filter_window_frames: int = 32
    """Length of the windows that the sequence filter judges."""
    filter_missing_share: float = 0.2
    """A window with a larger share of frames without a skeleton is painted out (paper, section 3.3)."""
    filter_mean_score: float = 0.35
    """A window with a lower mean joint score is painted out (paper, section 3.3)."""
    filter_bridge_share: float = 0.25
    """A window between played ones is played too if it has skeletons in this share of its frames; above 1: never."""
    vitpose: VitPoseConfig = field(default_factory=VitPoseConfig)
    """Options of ``vitpose``."""
    rtmpose: RtmPoseConfig = field(default_factory=RtmPoseConfig)
    """Options of ``rtmpose``."""
    openpose: OpenPoseConfig = field(default_factory=OpenPoseConfig)
    """Options of ``openpose``."""


@dataclass(frozen=True, kw_only=True)
class PlateConfig:
    """The clean background."""

    kind: Literal["clean", "moving", "median"] = "clean"
    """``clean``: median over unoccupied samples, and ``moving`` where the camera moves. ``moving``: a picture for every
    fifth of a second, from frames close in time, aligned part by part; for shakes too small to count as motion as well.
    ``median``: one median over everything, with whoever stands still in it (paper, section 3.1)."""
    second_look_score: float = 0.4
    """The people finder looks at the finished plate too; what it finds from this score on is filled. Above 1: never."""
    key_seconds: float = 15.0
    """One key plate for each stretch of this length."""
    window_seconds: float = 30.0
    """Samples up to this far before and after a key are used for it."""
    max_samples: int = 48
    """Most samples per key."""
    sample_bytes: int = 230_400_000
    """Most memory held for samples; large frames get fewer of them."""


@dataclass(frozen=True, kw_only=True)
class PerceptionConfig:
    """Everything that perception can be told."""

    people: PeopleConfig = field(default_factory=PeopleConfig)
    """Finding people."""
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    """Following them."""
    motion: MotionConfig = field(default_factory=MotionConfig)
    """Motion against the plate."""
    silhouette: SilhouetteConfig = field(default_factory=SilhouetteConfig)
    """Their pixels."""
    pose: PoseConfig = field(default_factory=PoseConfig)
    """Their joints."""
    plate: PlateConfig = field(default_factory=PlateConfig)
    """The background without them."""
    threads: int = 2
    """Threads of the networks; results do not depend on it."""
    batch_people: int = 32
    """Crops per call of the per-person network."""
    weights_dir: str = ""
    """Folder with ``people_finder.onnx`` and ``person.onnx``; empty: ``BODYDOUBLE_WEIGHTS_DIR``, else the package's."""


def _check_input_px(option: str, side: int) -> None:
    if side % 32 or not 32 <= side <= 4096:
        raise ConfigError(f"{option} is {side}; allowed is a multiple of 32 from 32 to 4096")
