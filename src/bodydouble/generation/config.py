"""Options of generation; one sub-config per backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from bodydouble.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AvatarConfig:
    """The parametric body, rendered on the CPU."""

    supersampling: int = 3
    """Samples per pixel and axis for people of usual size, 1 to 8; lowered where a person is so large that a frame of
    samples would pass ``max_raster_side_px``."""
    max_raster_side_px: int = 3200
    """Longest side of the picture of samples; bounds time and memory for people who fill the frame."""
    joint_noise_m: float = 0.035
    """How far a joint that was found is taken to be off, in metres on the body; larger trusts the priors more."""
    exposure_seconds: float = 0.02
    """How long the shutter is open for a frame, 0 (nothing blurs) to 1: what moves meanwhile is blurred along its way. No
    longer than the time from one frame to the next. A fiftieth of a second is common where mains light must not flicker."""
    motion: Annotated[Literal["exact", "natural", "private"], tyro.conf.arg(aliases=["--motion"])] = "natural"
    """How doubles move; their limbs are their own in any case. ``natural``: as the people filmed, smoothed. ``exact``: as
    close to the joints found as the body can. ``private``: posture, swing and timing of the steps are changed within
    bounds, against recognition by the walk; the path and the action stay."""
    private_strength: float = 1.0
    """How strong the habits of ``private`` are, 0 to 2: 1 changes angles of the trunk by up to 9 degrees, of arms by up to
    32, and timing by up to a tenth of a second. Legs follow from the feet."""


@dataclass(frozen=True, kw_only=True)
class AnimateDiffConfig:
    """Stable Diffusion 1.5 with a motion module and the OpenPose ControlNet (paper, section 3.3)."""

    base: str = ""
    """Folder in diffusers' layout with ``unet``, ``text_encoder`` and ``tokenizer``, or a model of
    `bodydouble models list`; empty: ``generation.weights``, else ``epicrealism``."""
    motion: str = ""
    """Folder of a motion adapter, a single ``.safetensors`` file of AnimateDiff-Lightning, or a model of the list; empty:
    ``generation.weights``, else what ``sampler`` and ``steps`` ask for."""
    controlnet: str = ""
    """Folder of a ControlNet for OpenPose drawings, or a model of the list; empty: ``generation.weights``, else
    ``control-v11p-sd15-openpose``."""
    vae: str = ""
    """Folder of an autoencoder, or a model of the list; empty: ``generation.weights``, else ``sd-vae-ft-mse``."""
    sampler: Literal["lightning", "standard"] = "lightning"
    """``lightning``: Euler, trailing spacing, few steps, for AnimateDiff-Lightning. ``standard``: DDIM, for
    ``animatediff-motion-adapter-v1-5-2``."""
    steps: int = 0
    """Denoising steps, 1 to 100; 0: 4 for ``lightning``, 20 for ``standard``."""
    guidance: float = 0.0
    """Strength of classifier-free guidance, 1 to 30; 1 is none, and the negative prompt is not read then. 0: 1 for
    ``lightning``, 7.5 for ``standard``."""
    control_strength: float = 1.0
    """How strictly the skeleton is followed, 0 to 2."""
    window_frames: int = 16
    """Frames that are denoised together, 2 to 32 (where motion modules end); 16 is what they were trained with."""
    overlap_frames: int = 4
    """Frames that neighbouring windows share, at least 1 and at most half of a window."""
    canvas_px: int = 256_000
    """Pixels of the picture in which a person is generated; its sides follow the person's proportions. 256,000 is the
    320x800 of the paper's authors."""
    margin: float = 0.12
    """Room around the person on each side, in shares of the person's height, 0 to 1."""
    joint_score: float = 0.1
    """Joints below this score are not drawn, 0 to 1."""
    shared_noise: float = 0.0
    """Share of the noise's variance that is the same in all frames of a track, 0 to 1. What is shared holds a look together
    over time; published motion modules were trained with 0."""
    background: Literal["contrast", "white", "grey", "green", "blue"] = "contrast"
    """Plain background asked for; ``contrast``: the one that is least like the looks of the double."""
    background_weight: float = 1.4
    """Emphasis of the plain background in the prompt, 0.5 to 2."""
    clothing_weight: float = 1.1
    """Emphasis of the clothing in the prompt, 0.5 to 2."""
    negative: str = "nude, cropped, close-up, several people, text, watermark, blurry, deformed, shadow, scenery"
    """What must not be seen; read only with guidance above 1."""
    threads: int = 1
    """Threads on the CPU, 1 or more; a part of the configuration because sums depend on it in their last bits."""

    @property
    def num_steps(self) -> int:
        """Denoising steps, the sampler's own number if none is set."""
        return self.steps or (4 if self.sampler == "lightning" else 20)

    @property
    def guidance_scale(self) -> float:
        """Strength of guidance, the sampler's own if none is set."""
        return self.guidance or (1.0 if self.sampler == "lightning" else 7.5)

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of its range.
        """
        limits: dict[str, tuple[float, float]] = {
            "steps": (0, 100), "control_strength": (0, 2), "window_frames": (2, 32),
            "overlap_frames": (1, self.window_frames // 2), "canvas_px": (1024, 2_000_000), "margin": (0, 1),
            "joint_score": (0, 1), "background_weight": (0.5, 2), "clothing_weight": (0.5, 2), "threads": (1, 256),
            "shared_noise": (0, 1),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            _check_range(f"generation.animatediff.{name}", getattr(self, name), low, high)
        if self.guidance != 0:
            _check_range("generation.animatediff.guidance", self.guidance, 1, 30)


@dataclass(frozen=True, kw_only=True)
class CuttingConfig:
    """Cutting the generated person out of the picture it was generated in."""

    backend: Literal["plain", "birefnet", "clipseg"] = "plain"
    """``plain``: distance to the colour of the plain background; needs no weights. ``birefnet``: the paper's; its code
    comes with its weights, see ``trust_remote_code``. ``clipseg``: as in the program of the paper's authors."""
    weights: str = ""
    """Of ``birefnet`` and ``clipseg``: a model of `bodydouble models list`, or a folder; empty: the published one."""
    trust_remote_code: bool = False
    """Agree to run, with your rights, the Python code that comes with the weights of ``birefnet``."""
    threshold: float = 18.0
    """Distance to the background (CIELAB, about 2 is just seen) at which a pixel is half the person's. Of ``plain``."""
    edge_blur: float = 0.002
    """Standard deviation of the blur of the edge, in shares of the canvas's height, 0 to 0.05. It goes inwards."""
    batch: int = 4
    """Pictures that ``birefnet`` and ``clipseg`` look at together, 1 to 64; has no influence on what they find."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of its range.
        """
        _check_range("generation.cutting.threshold", self.threshold, 1, 100)
        _check_range("generation.cutting.edge_blur", self.edge_blur, 0, 0.05)
        _check_range("generation.cutting.batch", self.batch, 1, 64)


@dataclass(frozen=True, kw_only=True)
class VaceConfig:
    """Wan2.1-VACE (Jiang et al. 2025), steered by a video of skeletons and a mask."""

    steps: int = 30
    """Denoising steps, 1 to 100."""
    guidance: float = 5.0
    """Strength of classifier-free guidance, 1 to 30; 1 is none, and the negative prompt is not read then."""
    control_strength: float = 1.0
    """How strictly skeleton and mask are followed, 0 to 2."""
    window_frames: int = 49
    """Frames that are generated together, 4 k + 1, 5 to 161; the model was made for 81."""
    overlap_frames: int = 5
    """Frames of the window before that the next one is given to go on from, 4 k + 1, below half of a window."""
    canvas_px: int = 256_000
    """Pixels of the picture in which a person is generated; its sides follow the person's proportions."""
    margin: float = 0.12
    """Room around the person on each side, in shares of the person's height, 0 to 1."""
    joint_score: float = 0.1
    """Joints below this score are not drawn, 0 to 1."""
    mask: Literal["box", "silhouette", "everything"] = "box"
    """What is generated; the rest of the canvas is given as plain background. ``silhouette`` tells the model the outline
    of the person filmed, with the margin; ``everything`` asks for the background by the prompt alone."""
    plate: str = ""
    """Folder of a clean plate (``NAME.bodydouble.run/plate``) to show around the person instead of a plain background.
    Empty: no pixel of the footage reaches the model. Needs a cutter other than ``plain``."""
    background: Literal["contrast", "white", "grey", "green", "blue"] = "contrast"
    """Plain background; ``contrast``: the one that is least like the looks of the double."""
    negative: str = "nude, cropped, close-up, several people, text, watermark, blurry, deformed, shadow, scenery"
    """What must not be seen; read only with guidance above 1."""
    threads: int = 1
    """Threads on the CPU, 1 or more; a part of the configuration because sums depend on it in their last bits."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of its range.
        """
        limits: dict[str, tuple[float, float]] = {
            "steps": (1, 100), "guidance": (1, 30), "control_strength": (0, 2), "window_frames": (5, 161),
            "overlap_frames": (1, self.window_frames // 2), "canvas_px": (1024, 2_000_000), "margin": (0, 1),
            "joint_score": (0, 1), "threads": (1, 256),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            _check_range(f"generation.vace.{name}", getattr(self, name), low, high)
        for name in ("window_frames", "overlap_frames"):
            if getattr(self, name) % 4 != 1:
                raise ConfigError(f"generation.vace.{name} is {getattr(self, name)}; allowed is 4 k + 1: 1, 5, 9, ...")


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """Who makes the doubles, and in what pieces."""

    backend: Literal["avatar", "animatediff", "vace", "paint-out"] = "avatar"
    """``avatar``: parametric body. ``animatediff``: diffusion from skeletons and prompts (the paper's). ``vace``:
    the same with Wan2.1-VACE. ``paint-out``: nobody; people are replaced by the clean plate alone."""
    window_frames: int = 64
    """Frames per piece of work that is stored and resumed, 1 or more. It has no influence on the result."""
    weights: str = ""
    """Of the diffusion backends: folder in diffusers' layout with all parts, or a model of `bodydouble models list`;
    empty: the public weights, part by part."""
    fallback: Literal["paint-out", "avatar"] = "paint-out"
    """Of the diffusion backends: what becomes of stretches that the sequence filter rejects or that fail (NaN, nobody on
    the plain background): ``paint-out``, or played by the ``avatar``."""
    device: Annotated[Literal["cpu", "cuda", "mps"], tyro.conf.arg(aliases=["--device"])] = "cpu"
    """Where the diffusion backends run."""
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Numbers of the diffusion backends; ``auto``: float16 on cuda, else float32."""
    offload: bool = False
    """Keep each part of the diffusion backends in main memory while it is not at work."""
    memory_mb: int = 0
    """Most memory the diffusion backends may take on their device; windows and batches shrink to fit. 0: no limit."""
    avatar: AvatarConfig = field(default_factory=AvatarConfig)
    """Options of ``avatar``."""
    animatediff: AnimateDiffConfig = field(default_factory=AnimateDiffConfig)
    """Options of ``animatediff``."""
    vace: VaceConfig = field(default_factory=VaceConfig)
    """Options of ``vace``."""
    cutting: CuttingConfig = field(default_factory=CuttingConfig)
    """How generated people are cut out."""

    def __post_init__(self) -> None:
        """Check ranges that need no generator.

        Raises:
            ConfigError: the memory is negative, or a picture without plain background is to be cut by it.
        """
        _check_range("generation.memory_mb", self.memory_mb, 0, 1 << 24)
        if self.backend == "vace" and self.vace.plate and self.cutting.backend == "plain":
            raise ConfigError(
                "generation.vace.plate is set and generation.cutting.backend is 'plain', which needs a plain background; "
                "choose 'birefnet' or 'clipseg', or leave the plate away"
            )


def _check_range(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{option} is {value:g}; allowed is {low:g} to {high:g}")
