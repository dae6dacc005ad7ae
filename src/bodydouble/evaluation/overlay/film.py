"""The clip with everything drawn on it, frame by frame, and the frames that the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.evaluation.overlay.canvas import Layout, Picture
from bodydouble.evaluation.overlay.drawing import Sighting, draw_people
from bodydouble.evaluation.overlay.people import WARNING
from bodydouble.scene import FrameSource, SceneBundle

_BAND_RGB: Final = (150, 0, 0)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, kw_only=True, eq=False)
class OverlayFrame:
    """A frame of the overlay video."""

    index: int
    """0-based frame of the clip."""
    rgb: Picture
    """(layout.height_px, layout.width_px, 3) sRGB."""


def film(source: FrameSource, bundle: SceneBundle, layout: Layout) -> Iterator[OverlayFrame]:
    """Every frame of the clip with what perception made of it; one frame is held at a time.

    Args:
        source: the clip.
        bundle: of that clip.
        layout: of the frames.

    Raises:
        UnreadableVideo: a frame cannot be decoded.
        UnreadableImage: the same for a folder of images.
    """
    first = np.array([track.frame_indices[0] for track in bundle.tracks], np.int64)
    last = np.array([track.frame_indices[-1] for track in bundle.tracks], np.int64)
    for frame in source.frames():
        sightings = []
        for number in np.flatnonzero((first <= frame.index) & (frame.index <= last)).tolist():
            step = bundle.tracks[number].step_of(frame.index)
            if step is not None:
                sightings.append(Sighting(track=bundle.tracks[number], step=step))
        whole, picture = layout.canvas(frame.rgb)
        draw_people(picture, sightings, layout.scale)
        _write_band(whole, layout, bundle, frame.index, sightings)
        yield OverlayFrame(index=frame.index, rgb=whole)


def choose_frames(bundle: SceneBundle, count: int) -> list[int]:
    """Frames for the page: from each part of the clip the one that shows the most people, ascending.

    Args:
        bundle: of the clip.
        count: how many are wanted; a shorter clip gives all it has.
    """
    people = np.zeros(bundle.video.num_frames, np.int64)
    for track in bundle.tracks:
        people[track.frame_indices] += 1
    return [int(part[np.argmax(people[part])]) for part in _parts(len(people), count)]


def _parts(length: int, count: int) -> list[npt.NDArray[np.int64]]:
    return [np.asarray(part, np.int64) for part in np.array_split(np.arange(length), min(count, length))]


def _write_band(
    whole: Picture, layout: Layout, bundle: SceneBundle, frame_index: int, sightings: list[Sighting]
) -> None:
    """Two lines above the picture: the warning, and where we are."""
    whole[: layout.band_px] = _BAND_RGB
    played = sum(sighting.is_played for sighting in sightings)
    where = f"frame {frame_index} of {bundle.video.num_frames}, {bundle.video.pts_seconds(frame_index):.2f} s"
    who = f"{played} played, {len(sightings) - played} painted out"
    half = layout.band_px // 2
    for line, text in enumerate((f"{WARNING} - shows people as filmed - do not share", f"{where}; {who}")):
        _write_line(
            whole, text, left_px=8, bottom_px=line * half + round(0.74 * half), room_px=(layout.width_px - 16, half)
        )


def _write_line(picture: Picture, text: str, *, left_px: int, bottom_px: int, room_px: tuple[int, int]) -> None:
    """Text as large as there is room for."""
    (width, height), _ = cv2.getTextSize(text, _FONT, 1.0, 1)
    scale = min(room_px[0] / width, 0.5 * room_px[1] / height)
    cv2.putText(picture, text, (left_px, bottom_px), _FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)
