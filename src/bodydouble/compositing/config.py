"""Settings of compositing; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bodydouble.errors import ConfigError

MIN_DILATION_PX: Final[int] = 2
"""Less would leave fringes of a person's colour: chroma is stored for 2x2 px in nearly every clip."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}; allowed is {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class PaintOutConfig:
    """How the filmed person is covered with the clean plate."""

    dilation_share: float = 0.035
    """Margin around a silhouette, as a share of the person's height."""
    dilation_min_px: int = 3
    """Least margin in px; at least 2, for fringes of shared chroma and of compression."""
    dilation_max_px: int = 24
    """Largest margin in px."""
    feather_px: int = 2
    """Outermost px of the margin that pass gradually into the frame; they never come nearer than 2 px to a silhouette."""
    seam_ring_px: int = 8
    """Width in px of the ring around a painted area on which brightness of frame and plate are compared."""
    seam_max_offset: float = 16.0
    """Largest correction of the plate's brightness, in steps of 1/255; a larger difference is another thing, not light."""
    min_silhouette_share: float = 0.1
    """A silhouette smaller than this share of its box cannot be trusted: the whole box is painted out."""

    shadow_margin_px: int = 5
    """A filmed shadow passes into the frame over so many px around it."""
    distrust_share: float = 0.5
    """A plate that looks like the frame on this share of a silhouette may hold the person, or another who stood there:
    the person is then covered with the colours of the surroundings instead. 1 all but switches it off."""
    known_background: bool = True
    """Trust the plate where the clip shows the same at other times with nobody near; found by reading the clip once more,
    camera standing still."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("compositing.paint_out.dilation_share", self.dilation_share, 0.0, 0.5)
        _check("compositing.paint_out.dilation_min_px", self.dilation_min_px, MIN_DILATION_PX, 256)
        _check("compositing.paint_out.dilation_max_px", self.dilation_max_px, self.dilation_min_px, 256)
        _check("compositing.paint_out.feather_px", self.feather_px, 0, 32)
        _check("compositing.paint_out.seam_ring_px", self.seam_ring_px, 1, 64)
        _check("compositing.paint_out.seam_max_offset", self.seam_max_offset, 0.0, 64.0)
        _check("compositing.paint_out.min_silhouette_share", self.min_silhouette_share, 0.0, 1.0)
        _check("compositing.paint_out.shadow_margin_px", self.shadow_margin_px, 0, 64)
        _check("compositing.paint_out.distrust_share", self.distrust_share, 0.0, 1.0)

    def dilation_px(self, person_height_px: float) -> int:
        """Margin in whole px around the silhouette of a person of this height."""
        wanted = round(self.dilation_share * person_height_px)
        return min(max(wanted, self.dilation_min_px), self.dilation_max_px)


@dataclass(frozen=True, kw_only=True)
class LightConfig:
    """How a double is fitted to the light of its place. A strength of 0 switches the step off."""

    exposure_strength: float = 0.5
    """Exponent on the brightness of the whole plate against mid grey."""
    local_strength: float = 1.0
    """Exponent on the brightness of the double's place against the whole plate."""
    body_share: float = 0.8
    """Share of the surroundings of the whole body in the brightness of the place, 0 to 1; the rest is the ground around
    the feet, which may lie in the light of a door while the body stands in the dark."""
    white_balance_strength: float = 0.25
    """Exponent on the tint of the plate; low, since a lawn is green under white light too."""
    tone_strength: float = 0.8
    """How far the double's black and white are drawn to those of the footage (haze, flat curves), 0 to 1."""
    saturation: float = 0.85
    """Strength of the double's colours, 0 (grey) to 1 (as cloth and skin under neutral light)."""
    toe_strength: float = 0.4
    """How much dark values are deepened, as cameras do; exponent on them less one, 0 to 1."""
    smoothing_seconds: float = 0.4
    """Light of a place is averaged over the places where the person is this long (standard deviation) before and after."""
    min_gain: float = 0.25
    """Least gain on linear light; keeps doubles from sinking into the dark."""
    max_gain: float = 1.1
    """Largest gain on linear light; low, since pale ground is no strong light, and clothes bleach before faces do."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        for name in (
            "exposure_strength", "local_strength", "body_share", "white_balance_strength", "tone_strength",
            "toe_strength", "saturation",
        ):  # fmt: skip
            _check(f"compositing.light.{name}", getattr(self, name), 0.0, 1.0)
        _check("compositing.light.smoothing_seconds", self.smoothing_seconds, 0.0, 10.0)
        _check("compositing.light.min_gain", self.min_gain, 0.05, 1.0)
        _check("compositing.light.max_gain", self.max_gain, 1.0, 20.0)


@dataclass(frozen=True, kw_only=True)
class SensorConfig:
    """How a double takes on softness, noise and compression of the footage. A strength of 0 switches the step off."""

    blur_strength: float = 1.0
    """Share of the footage's measured softness that is given to doubles, 0 to 1."""
    max_blur_px: float = 1.6
    """Largest standard deviation in px of that softening."""
    chroma_strength: float = 1.0
    """Share of the softness of the footage's colour, beyond that of its brightness, that doubles are given, 0 to 1; most
    clips store colour at half the resolution."""
    noise_strength: float = 0.8
    """Share of the footage's measured noise that is given to doubles and painted areas, 0 to 1."""
    max_noise: float = 12.0
    """Largest standard deviation of that noise, in steps of 1/255."""
    compression: bool = True
    """Store the fine detail of doubles as coarsely as the clip's codec did, where that shows."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("compositing.sensor.blur_strength", self.blur_strength, 0.0, 1.0)
        _check("compositing.sensor.max_blur_px", self.max_blur_px, 0.0, 8.0)
        _check("compositing.sensor.chroma_strength", self.chroma_strength, 0.0, 1.0)
        _check("compositing.sensor.noise_strength", self.noise_strength, 0.0, 1.0)
        _check("compositing.sensor.max_noise", self.max_noise, 0.0, 64.0)


@dataclass(frozen=True, kw_only=True)
class ShadowConfig:
    """The soft contact shadow under a double's feet, and the one it casts where the sun is known."""

    strength: float = 0.25
    """Share of the light that is taken away right under the feet, 0 (no shadow) to 1. Filmed people take 0.08 (Avenue 20),
    0.18 (vtest) and 0.25 (UCSD Ped2) away from the ground right below their feet, and 0.03 to 0.07 a fifth of their
    height further on: medians against the plate."""
    reach_share: float = 0.12
    """How far it reaches beyond the feet, as a share of the double's height."""
    cast_strength: float = 1.0
    """Share of the darkness of filmed people's shadows that those of doubles have, where the scene knows the sun."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("compositing.shadow.strength", self.strength, 0.0, 1.0)
        _check("compositing.shadow.cast_strength", self.cast_strength, 0.0, 1.0)
        _check("compositing.shadow.reach_share", self.reach_share, 0.0, 0.3)


@dataclass(frozen=True, kw_only=True)
class OcclusionConfig:
    """Things in front of people, such as poles and signs; found by reading the clip once more, camera standing still."""

    enabled: bool = True
    """Cut doubles by what stands in front of them."""
    every_frames: int = 2
    """Only each so-manieth frame is read for it, and for when the plate looks like somebody."""
    min_frames: int = 4
    """In so many of these frames, net of those that say otherwise, bodies must have been hidden at a pixel."""
    same_differs_by_at_most: int = 16
    """Frame and plate look the same up to this difference in any channel, in steps of 1/255."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("compositing.occlusion.every_frames", self.every_frames, 1, 1000)
        _check("compositing.occlusion.min_frames", self.min_frames, 1, 1000)
        _check("compositing.occlusion.same_differs_by_at_most", self.same_differs_by_at_most, 1, 64)


@dataclass(frozen=True, kw_only=True)
class CompositingConfig:
    """Settings of compositing."""

    paint_out: PaintOutConfig = field(default_factory=PaintOutConfig)
    """Covering the filmed person."""
    light: LightConfig = field(default_factory=LightConfig)
    """Light on the double."""
    sensor: SensorConfig = field(default_factory=SensorConfig)
    """Softness and noise."""
    shadow: ShadowConfig = field(default_factory=ShadowConfig)
    """Contact shadow."""
    occlusion: OcclusionConfig = field(default_factory=OcclusionConfig)
    """Things in front of people."""
    threads: int = 2
    """Frames that are composited at the same time; they do not depend on it."""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigError: a value is out of range.
        """
        _check("compositing.threads", self.threads, 1, 64)
