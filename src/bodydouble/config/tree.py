"""The configuration of a run. Every stage describes its own part; this file joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from bodydouble.casting.config import CastingConfig
from bodydouble.compositing.config import CompositingConfig
from bodydouble.errors import ConfigError
from bodydouble.generation.config import GenerationConfig
from bodydouble.perception.config import PerceptionConfig


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """How the result is stored."""

    codec: Annotated[Literal["h264", "lossless", "png"], tyro.conf.arg(aliases=["--codec"])] = "h264"
    """h264: small file; lossless: decodes to exactly the composited pixels; png: a folder of images."""
    quality: int = 18
    """H.264 constant rate factor: 0 (best, largest) to 51 (worst)."""
    jpeg_quality: int = 95
    """Quality of .jpg images, where a folder of them comes out as it came in: 1 (worst) to 100 (best, largest)."""
    keep_audio: Annotated[bool, tyro.conf.arg(aliases=["--keep-audio"])] = False
    """Copy the sound of the input. Voices identify people: it is dropped unless asked for."""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            ConfigError: the quality is out of range.
        """
        if not 0 <= self.quality <= 51:
            raise ConfigError(f"output.quality is {self.quality}; allowed is 0 (best) to 51 (worst)")
        if not 1 <= self.jpeg_quality <= 100:
            raise ConfigError(f"output.jpeg_quality is {self.jpeg_quality}; allowed is 1 (worst) to 100 (best)")


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    """What to do when a person cannot be replaced. Leaving somebody as filmed is not among the choices."""

    on_failure: Annotated[Literal["paint-out", "stop"], tyro.conf.arg(aliases=["--on-failure"])] = "paint-out"
    """paint-out: show the clean plate in that person's place; stop: end the run, without a final file."""
    min_coverage: Annotated[float, tyro.conf.arg(aliases=["--min-coverage"])] = 0.0
    """Smallest share of people, counted frame by frame, who must have changed (all but 15 % of their pixels), 0 to 1;
    below, the run ends without a final file. Says nothing about people whom perception did not find."""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            ConfigError: the coverage is no share.
        """
        if not 0 <= self.min_coverage <= 1:
            raise ConfigError(f"policy.min_coverage is {self.min_coverage}; allowed is 0 to 1")


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """Where the work runs. Nothing here changes a pixel of the result."""

    workers: Annotated[int, tyro.conf.arg(aliases=["--workers"])] = 1
    """Processes that generate doubles; 1 stays in this process, 0 takes one per core."""

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            ConfigError: the number of workers is negative or absurd.
        """
        if not 0 <= self.workers <= 256:
            raise ConfigError(f"execution.workers is {self.workers}; allowed is 0 (one per core) to 256")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides what a run does, and nothing about where its files are."""

    seed: int = 0
    """Who plays whom: the same seed casts the same doubles, another seed casts others."""
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    """Finding people: boxes, tracks, silhouettes, joints, clean plate."""
    casting: CastingConfig = field(default_factory=CastingConfig)
    """Who plays whom."""
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    """Making the doubles."""
    compositing: CompositingConfig = field(default_factory=CompositingConfig)
    """Putting the doubles into the picture."""
    output: OutputConfig = field(default_factory=OutputConfig)
    """How the result is stored."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    """What to do when a person cannot be replaced."""
    execution: ExecutionConfig = field(default_factory=ExecutionConfig)
    """Where the work runs."""

    def __post_init__(self) -> None:
        """Check what no part can check alone.

        Raises:
            ConfigError: the policy stops for people who are not replaced, and the generator replaces nobody.
        """
        if self.generation.backend == "paint-out" and self.policy.on_failure == "stop":
            raise ConfigError(
                "policy.on_failure is 'stop' and generation.backend is 'paint-out', which replaces nobody: the run would "
                "always stop; choose another backend, or on_failure 'paint-out'"
            )
