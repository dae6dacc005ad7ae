"""Settings of the baselines; imports nothing heavy.

Every method has the setting ``relative``, which is ours and scales with the person, and those of the paper. The paper
names its baselines (section 4.1: "facial masking, full-body Gaussian blurring, and pixelization") and gives no number; what
its authors ran is in their published script `make_base_comparisons.py`, read at commit 3f32fa4 of their repository.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from bodydouble.errors import ConfigError

AUTHORS_BLUR_SHARE: Final = 0.05
"""Side of the blur's kernel, as a share of what the setting says."""
AUTHORS_BLUR_MIN_KERNEL_PX: Final = 3
AUTHORS_CELLS: Final = 15
"""The box of a person, whatever its size, becomes 15 x 15 cells."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}; allowed is {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class RegionConfig:
    """Which pixels of a person are changed."""

    shape: Literal["silhouette", "box"] = "silhouette"
    """silhouette: the person with a margin; box: the whole detection box. What the paper did is ``silhouette`` with a
    margin of 0, inside the box; its settings see to that."""
    margin_share: float = 0.035
    """Margin around a silhouette, as a share of the person's height; as compositing has it."""
    margin_min_px: int = 3
    """Least margin in px."""
    min_silhouette_share: float = 0.1
    """A silhouette smaller than this share of its box cannot be trusted: the box is changed as well."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("region.margin_share", self.margin_share, 0.0, 0.5)
        _check("region.margin_min_px", self.margin_min_px, 0, 256)
        _check("region.min_silhouette_share", self.min_silhouette_share, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class ObscureConfig:
    """Solid black over the head, or the face only. Everything else of the person stays as filmed."""

    part: Literal["head", "face"] = "head"
    """head: what the paper's figure shows; face: eyes to mouth, the whole head where no face was seen."""
    setting: Literal["relative", "paper"] = "relative"
    """relative: an ellipse around the head with a margin; paper: only those of its pixels that are the person's, as the
    authors blackened the pixels that CLIPSeg called "head"."""

    @property
    def action(self) -> Literal["obscured"]:
        """What the ledger calls it."""
        return "obscured"


@dataclass(frozen=True, kw_only=True)
class BlurConfig:
    """Gaussian blur of the whole person."""

    setting: Literal["relative", "paper", "authors-code"] = "relative"
    """relative: standard deviation is ``sigma_share`` of the person's height. paper: a kernel of 5 % of the longer side of
    the box. authors-code: 5 % of the box's *position*, as the authors' script has it by mistake, so that people at the left
    and the top are hardly blurred."""
    sigma_share: float = 0.05
    """Standard deviation as a share of the person's height, for ``relative``."""
    sigma_min_px: float = 2.0
    """Least standard deviation in px, for ``relative``."""
    region: RegionConfig = field(default_factory=RegionConfig)
    """Which pixels, for ``relative``."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("blur.sigma_share", self.sigma_share, 0.001, 1.0)
        _check("blur.sigma_min_px", self.sigma_min_px, 0.3, 100.0)

    @property
    def action(self) -> Literal["blurred"]:
        """What the ledger calls it."""
        return "blurred"


@dataclass(frozen=True, kw_only=True)
class PixelateConfig:
    """Square blocks of one colour over the whole person."""

    setting: Literal["relative", "paper"] = "relative"
    """relative: blocks of ``block_share`` of the person's height, each the mean of its pixels. paper: the box becomes
    15 x 15 cells whatever its size, each a sample of 2 x 2 px (the authors' script shrinks without averaging)."""
    block_share: float = 0.08
    """Side of a block as a share of the person's height, for ``relative``."""
    block_min_px: int = 4
    """Least side of a block in px, for ``relative``."""
    region: RegionConfig = field(default_factory=RegionConfig)
    """Which pixels, for ``relative``."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("pixelate.block_share", self.block_share, 0.001, 1.0)
        _check("pixelate.block_min_px", self.block_min_px, 2, 1024)

    @property
    def action(self) -> Literal["pixelated"]:
        """What the ledger calls it."""
        return "pixelated"


BaselineConfig: TypeAlias = ObscureConfig | BlurConfig | PixelateConfig
"""One method with its settings."""

PAPER_REGION: Final = RegionConfig(margin_share=0.0, margin_min_px=0)
"""The authors changed the pixels of the person's mask inside the box, without a margin."""
