"""Where the picture lies in a frame of the overlay video, below a band with words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.scene import VideoGeometry

Picture = npt.NDArray[np.uint8]

_LEAST_WIDTH_PX: Final = 960
"""Smaller clips are enlarged, or marks would hide the people: in UCSD Ped2 (360x240) they are 29 px tall."""
_MAX_FACTOR: Final = 3
_MOST_WIDTH_PX: Final = 1920
_MOST_HEIGHT_PX: Final = 1080
"""Larger clips are made smaller: the video is for looking at."""
_ROOM_FOR_WORDS_PX: Final = 480
_BACKGROUND: Final = 24


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Size of the frames of the video, and of the picture in them."""

    scale: float
    """Pixels of the video for a pixel of the clip."""
    picture_width_px: int
    picture_height_px: int
    band_px: int
    """Height of the band above the picture."""
    width_px: int
    """Even, as h264 with 4:2:0 needs it."""
    height_px: int
    """Even."""

    @classmethod
    def of(cls, geometry: VideoGeometry) -> Layout:
        """The layout for a clip: any size, also odd, tiny or huge."""
        width, height = geometry.width_px, geometry.height_px
        scale = min(1.0, _MOST_WIDTH_PX / width, _MOST_HEIGHT_PX / height)
        if scale == 1.0:
            # Whole numbers keep pixels square and lines sharp.
            wanted = min(_MAX_FACTOR, -(-_LEAST_WIDTH_PX // width))
            scale = float(max(1, min(wanted, _MOST_WIDTH_PX // width, _MOST_HEIGHT_PX // height)))
        picture_width, picture_height = max(1, round(width * scale)), max(1, round(height * scale))
        whole_width = max(picture_width, _ROOM_FOR_WORDS_PX)
        band = 2 * round(max(22, whole_width / 36))
        return cls(
            scale=scale,
            picture_width_px=picture_width,
            picture_height_px=picture_height,
            band_px=band,
            width_px=whole_width + whole_width % 2,
            height_px=band + picture_height + picture_height % 2,
        )

    def geometry(self, clip: VideoGeometry) -> VideoGeometry:
        """Geometry of the video: this size, the times of the clip."""
        return dataclasses.replace(clip, width_px=self.width_px, height_px=self.height_px, is_gray=False)

    def canvas(self, rgb: Picture) -> tuple[Picture, Picture]:
        """A frame of the video with the clip's frame in it, and a view of that part of it."""
        whole = np.full((self.height_px, self.width_px, 3), _BACKGROUND, np.uint8)
        picture = whole[self.band_px : self.band_px + self.picture_height_px, : self.picture_width_px]
        if self.scale == 1.0:
            picture[:] = rgb
        else:
            how = cv2.INTER_NEAREST if self.scale > 1 else cv2.INTER_AREA
            picture[:] = cv2.resize(rgb, (self.picture_width_px, self.picture_height_px), interpolation=how)
        return whole, picture
