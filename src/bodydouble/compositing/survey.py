"""Reading the clip once before compositing: what is in front of people, where and when the plate is right, noise, codec."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from bodydouble.ahead import read_ahead
from bodydouble.compositing.background import BackgroundEvidence, KnownBackground, free_of_people
from bodydouble.compositing.base import KnowsGuesses, PlateSource, check_size
from bodydouble.compositing.compression import Comb, CombEvidence
from bodydouble.compositing.config import CompositingConfig
from bodydouble.compositing.doubts import DoubtEvidence, Doubts
from bodydouble.compositing.occlusion import OccluderEvidence, OccluderMap
from bodydouble.compositing.sensor import SteadinessEvidence
from bodydouble.scene import FrameSource, Progress, SceneBundle, SilentProgress, picked_frames

_NOISE_LOOKS: Final[int] = 16
"""Pairs of frames of a clip whose noise is compared."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What only the whole clip tells; empty where it tells nothing: a moving camera, or nobody there."""

    occluders: OccluderMap | None = None
    """Things in front of people; None where nobody looked for them."""
    background: KnownBackground | None = None
    """Where the plate was seen to be right; None where nobody looked."""
    doubts: Doubts = field(default_factory=Doubts)
    """When the plate looked like somebody."""
    noise_steady: float = 0.0
    """Share of the noise's variance that stays from frame to frame, 0 to 1."""
    comb: Comb | None = None
    """How coarsely the clip's codec stored fine detail; None where that does not show."""


def survey_clip(
    source: FrameSource,
    bundle: SceneBundle,
    plate: PlateSource,
    config: CompositingConfig,
    *,
    with_doubles: bool = True,
    progress: Progress | None = None,
) -> Survey:
    """Read the clip once.

    The result depends on nothing but clip, scene, plate and settings.

    Args:
        source: the clip as filmed.
        bundle: its scene.
        plate: its clean plates.
        config: settings.
        with_doubles: there are doubles, which things may hide.
        progress: told about every frame that is looked at.

    Raises:
        BundleError: frames or plate are not of the scene's size.
        UnreadableVideo: a frame cannot be decoded.
    """
    if not bundle.tracks or not bundle.camera.is_static:
        return Survey()
    occlusion = OccluderEvidence(bundle, config.occlusion) if config.occlusion.enabled and with_doubles else None
    paint_out = config.paint_out
    first_rgb, _ = plate.at(0)
    check_size(first_rgb, bundle, "plate")
    guessed = plate.never_seen() if isinstance(plate, KnowsGuesses) else None
    background = BackgroundEvidence(bundle, first_rgb, paint_out, guessed) if paint_out.known_background else None
    doubts = DoubtEvidence(bundle, paint_out.distrust_share)
    steadiness, comb = SteadinessEvidence(), CombEvidence()
    spacing = max(2, bundle.video.num_frames // _NOISE_LOOKS)

    def is_for_people(index: int) -> bool:
        return index % config.occlusion.every_frames == 0

    def is_for_noise(index: int) -> bool:
        return index % spacing < 2

    def is_for_background(index: int) -> bool:
        return background is not None and background.wants(index)

    uses = (is_for_people, is_for_noise, is_for_background)
    wanted = {index for index in range(bundle.video.num_frames) if any(use(index) for use in uses)}
    told = progress or SilentProgress()
    told.start("survey", len(wanted))
    with closing(read_ahead(picked_frames(source, wanted.__contains__), workers=config.threads)) as frames:
        for frame in frames:
            check_size(frame.rgb, bundle, f"frame {frame.index}")
            if is_for_people(frame.index) or is_for_noise(frame.index):
                plate_rgb, valid = plate.at(frame.index)
            if is_for_people(frame.index):
                doubts.add(frame, plate_rgb)
                if occlusion is not None:
                    occlusion.add(frame, plate_rgb, valid)
            if is_for_noise(frame.index):
                free = free_of_people(bundle, frame.index, paint_out)
                steadiness.add(frame.index, frame.rgb, plate_rgb, valid & free)
                comb.add(frame.rgb, free)
            if background is not None and background.wants(frame.index):
                background.add(frame)
            told.advance()
    told.finish()
    return Survey(
        occluders=occlusion.occluders() if occlusion is not None else None,
        background=background.known() if background is not None else None,
        doubts=doubts.doubts(),
        noise_steady=steadiness.share(),
        comb=comb.comb(),
    )
