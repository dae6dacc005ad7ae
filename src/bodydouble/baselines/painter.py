"""One baseline over a clip, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodydouble.baselines.blur import blur
from bodydouble.baselines.config import BaselineConfig, BlurConfig, ObscureConfig
from bodydouble.baselines.obscure import obscure
from bodydouble.baselines.pixelate import pixelate
from bodydouble.baselines.window import Person
from bodydouble.errors import BundleError
from bodydouble.scene import Frame, FrameSource, SceneBundle


@dataclass(frozen=True, kw_only=True, eq=False)
class BaselineFrame:
    """One finished frame."""

    original: Frame
    """As filmed."""
    rgb: npt.NDArray[np.uint8]
    """(height, width, 3) result; outside the people's regions the original to the bit."""
    people: tuple[Person, ...]
    """Who is in it, ordered by track id."""


def apply(original: npt.NDArray[np.uint8], people: tuple[Person, ...], config: BaselineConfig) -> npt.NDArray[np.uint8]:
    """The picture of one frame with its people changed.

    Args:
        original: (height, width, 3) as filmed; not changed.
        people: who is in it.
        config: the method.
    """
    if isinstance(config, ObscureConfig):
        return obscure(original, people, config)
    if isinstance(config, BlurConfig):
        return blur(original, people, config)
    return pixelate(original, people, config)


def paint(
    source: FrameSource, bundle: SceneBundle, config: BaselineConfig, *, start: int = 0
) -> Iterator[BaselineFrame]:
    """Apply a baseline to a clip, streaming. A frame's result depends on nothing but that frame and the scene.

    Args:
        source: the clip as filmed.
        bundle: its scene.
        config: the method.
        start: first frame.

    Yields:
        Frames ``start`` to the end, in order.

    Raises:
        BundleError: the clip has another size or more frames than the scene says.
        UnreadableVideo: a frame cannot be decoded.
    """
    video = bundle.video
    for frame in source.frames(start):
        if frame.index >= video.num_frames or frame.rgb.shape[:2] != (video.height_px, video.width_px):
            raise BundleError(
                f"frame {frame.index} of {frame.rgb.shape[1]}x{frame.rgb.shape[0]} px is not of the clip that the scene was "
                f"made from ({video.num_frames} frames of {video.width_px}x{video.height_px}); use that clip"
            )
        people = tuple(
            Person(track=track, step=step)
            for track in bundle.tracks
            if (step := track.step_of(frame.index)) is not None
        )
        yield BaselineFrame(original=frame, rgb=apply(frame.rgb, people, config), people=people)
