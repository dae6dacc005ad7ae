"""Pictures for the page: the background with its guessed parts marked, and frames of the video; all as JPEG."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import OutputError
from bodydouble.evaluation.overlay.canvas import Picture
from bodydouble.scene import VideoGeometry
from bodydouble.scene.plate_files import PlateReader

_MOST_PLATES: Final = 4
_PLATE_WIDTH_PX: Final = 960
_JPEG_QUALITY: Final = 82
_STRIPE_PX: Final = 6
_MARK_RGB: Final = (255, 0, 200)


@dataclass(frozen=True, kw_only=True)
class PlateView:
    """One key picture of the plate."""

    frame_index: int
    seconds: float
    picture: str
    """Data URI."""
    marked: str
    """Data URI; guessed parts are striped."""
    valid_share: float
    """Share of the picture that was really seen free of people, 0 to 1."""


def plate_views(reader: PlateReader, video: VideoGeometry) -> tuple[PlateView, ...]:
    """Some key pictures of a plate, spread over the clip.

    Args:
        reader: opened without the camera's motion: keys are shown as they are, in full.
        video: of the clip.

    Raises:
        BundleError: a picture is missing or damaged.
    """
    keys = reader.key_frames
    count = min(len(keys), _MOST_PLATES)
    chosen = sorted({keys[round(number * (len(keys) - 1) / max(count - 1, 1))] for number in range(count)})
    views = []
    for key in chosen:
        rgb, valid = reader.at(key)
        seen_at = min(key, video.num_frames - 1)
        views.append(
            PlateView(
                frame_index=key,
                seconds=video.pts_seconds(seen_at),
                picture=jpeg_uri(rgb, most_width_px=_PLATE_WIDTH_PX),
                marked=jpeg_uri(mark_guessed(rgb, valid), most_width_px=_PLATE_WIDTH_PX),
                valid_share=float(valid.mean()),
            )
        )
    return tuple(views)


def mark_guessed(rgb: Picture, valid: npt.NDArray[np.bool_]) -> Picture:
    """A copy in which all that is not valid carries stripes and an outline.

    Args:
        rgb: (H, W, 3).
        valid: (H, W), False where the plate is a guess.
    """
    marked = rgb.copy()
    rows, columns = np.ogrid[: rgb.shape[0], : rgb.shape[1]]
    marked[~valid & ((rows + columns) // _STRIPE_PX % 2 == 0)] = _MARK_RGB
    outlines, _ = cv2.findContours((~valid).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        marked[outline[:, 0, 1], outline[:, 0, 0]] = _MARK_RGB
    return marked


def jpeg_uri(rgb: Picture, *, most_width_px: int) -> str:
    """A picture as a data URI, made smaller if it is wider than allowed.

    Raises:
        OutputError: it cannot be encoded.
    """
    if rgb.shape[1] > most_width_px:
        height = max(1, round(rgb.shape[0] * most_width_px / rgb.shape[1]))
        rgb = np.asarray(cv2.resize(rgb, (most_width_px, height), interpolation=cv2.INTER_AREA), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]), options)
    if not done:
        raise OutputError(f"a picture of {rgb.shape[1]}x{rgb.shape[0]} px cannot be encoded as JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
