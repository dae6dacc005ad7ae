"""A picture of original and double, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import OutputError
from bodydouble.scene import FrameSource, SceneBundle
from bodydouble.scene.strict_files import write_bytes

_GAP_PX: Final = 6
_BAND_PX: Final = 30
_LEAST_WIDTH_PX: Final = 480
"""Small frames are enlarged to this width, to be seen at all."""


def choose_frames(bundle: SceneBundle, count: int) -> list[int]:
    """Frames that show the most people, one from each part of the clip, ascending.

    Args:
        bundle: of the clip.
        count: how many frames are wanted; a shorter clip gives fewer.
    """
    people = np.zeros(bundle.video.num_frames, np.int64)
    for track in bundle.tracks:
        people[track.frame_indices] += track.play + 1
    parts = np.array_split(np.arange(len(people)), min(count, len(people)))
    return [int(part[np.argmax(people[part])]) for part in parts]


def draw_side_by_side(original: FrameSource, double: FrameSource, frames: list[int], target: Path) -> None:
    """Write a PNG with one row per frame: original on the left, double on the right.

    Args:
        original: clip as filmed.
        double: result, with the same frames.
        frames: which to show.
        target: file to write.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        OutputError: the file cannot be written.
    """
    rows = [np.hstack([_shown(original, index), _gap(original), _shown(double, index)]) for index in frames]
    band = np.full((_BAND_PX, rows[0].shape[1], 3), 255, np.uint8)
    for text, left in (("original", 4), ("double", rows[0].shape[1] // 2 + _GAP_PX)):
        cv2.putText(band, text, (left, _BAND_PX - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 1, cv2.LINE_AA)
    picture = np.vstack(
        [band, *(part for row in rows for part in (row, np.full((_GAP_PX, row.shape[1], 3), 255, np.uint8)))]
    )
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    if not done:
        raise OutputError(f"the picture of {picture.shape[1]}x{picture.shape[0]} px cannot be encoded: {target}")
    write_bytes(target, data.tobytes())


def _scale(source: FrameSource) -> int:
    return max(1, -(-_LEAST_WIDTH_PX // source.geometry.width_px))


def _shown(source: FrameSource, index: int) -> npt.NDArray[np.uint8]:
    frame = next(iter(source.frames(index, index + 1)))
    factor = _scale(source)
    return frame.rgb.repeat(factor, axis=0).repeat(factor, axis=1)


def _gap(source: FrameSource) -> npt.NDArray[np.uint8]:
    return np.full((source.geometry.height_px * _scale(source), _GAP_PX, 3), 255, np.uint8)
