"""What VACE is told of a frame: a skeleton where it shall generate, a mask, and a background around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.generation.config import VaceConfig
from bodydouble.generation.diffusion.runs import PlayedRun
from bodydouble.generation.diffusion.skeleton_drawing import draw_skeleton, stick_radius_px
from bodydouble.generation.diffusion.view import View
from bodydouble.scene import PersonTrack

SIDE_MULTIPLE_PX: Final = 16
"""Sides of the canvas: 8 px a latent, 2 latents a patch."""

PlateAt = Callable[[int], NDArray[np.uint8]]
"""Gives the clean plate of a frame of the clip, (H, W, 3) RGB."""


def widened(view: View) -> View:
    """The view on a canvas whose sides are multiples of 16; what is added is shared between both sides."""
    width, height = (-(-side // SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX for side in (view.width_px, view.height_px))
    added = np.array([width - view.width_px, height - view.height_px]) / 2
    return replace(view, width_px=width, height_px=height, origin_px=view.origin_px - added / view.zoom[:, None])


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """Conditions of the frames of a run. Holds geometry, and no picture of the footage but the plate if asked for."""

    track: PersonTrack
    run: PlayedRun
    view: View
    options: VaceConfig
    background_rgb: tuple[int, int, int]
    plate: PlateAt | None = None

    def at(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Conditions of a frame.

        Args:
            step: counted from the run's start.

        Returns:
            rgb (height, width, 3): skeleton on black where ``mask`` is, background elsewhere; and mask (height, width):
            True where a picture is to be generated.
        """
        row = self.run.start + step
        drawing = draw_skeleton(
            self.view.to_canvas(step, self.track.joints_xy_px[row]), self.track.joint_scores[row],
            width_px=self.view.width_px, height_px=self.view.height_px, lowest_score=self.options.joint_score,
        )  # fmt: skip
        mask = self._mask(step, drawing)
        around = np.broadcast_to(np.array(self.background_rgb, np.uint8), drawing.shape)
        if self.plate is not None:
            around = self._to_canvas(self.plate(int(self.track.frame_indices[row])), step, cv2.INTER_LINEAR)
        return np.where(mask[..., None], drawing, around).astype(np.uint8), mask

    def _mask(self, step: int, drawing: NDArray[np.uint8]) -> NDArray[np.bool_]:
        if self.options.mask == "everything":
            return np.ones(drawing.shape[:2], np.bool_)
        row = self.run.start + step
        box = self.view.to_canvas(step, self.track.boxes_xyxy_px[row].reshape(2, 2))
        # Half of the margin: the other half stays plain, so that a cutter sees the background all around.
        room = 0.5 * self.options.margin * max(float(box[1, 1] - box[0, 1]), 1.0)
        # Limbs that reach out of the box are generated too.
        reach = round(room) + 2 * stick_radius_px(self.view.width_px, self.view.height_px)
        if self.options.mask == "silhouette":
            person = self._silhouette(step)
        else:
            person = np.zeros(drawing.shape[:2], np.uint8)
            (left, top), (right, bottom) = np.round(box).astype(int)
            size = (self.view.width_px, self.view.height_px)
            person[slice(*np.clip([top, bottom], 0, size[1])), slice(*np.clip([left, right], 0, size[0]))] = 1
        person |= drawing.any(axis=2).astype(np.uint8)
        return np.asarray(cv2.dilate(person, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0, np.bool_)

    def _silhouette(self, step: int) -> NDArray[np.uint8]:
        """(height, width): 1 where the person filmed is."""
        row = self.run.start + step
        left, top, _, _ = (int(v) for v in self.track.silhouettes.windows_xyxy_px[row])
        own = self.track.silhouettes.mask(row).astype(np.uint8)
        if own.size == 0:
            return np.zeros((self.view.height_px, self.view.width_px), np.uint8)
        return self._to_canvas(own, step, cv2.INTER_NEAREST, left=left, top=top)

    def _to_canvas(
        self, picture: NDArray[np.uint8], step: int, method: int, *, left: int = 0, top: int = 0
    ) -> NDArray[np.uint8]:
        """The part of a picture that the canvas shows; ``left`` and ``top`` say where in the frame the picture begins."""
        zoom = float(self.view.zoom[step])
        origin = self.view.origin_px[step] - (left, top)
        to_frame = np.array([
            [1 / zoom, 0, origin[0] + 0.5 / zoom - 0.5], [0, 1 / zoom, origin[1] + 0.5 / zoom - 0.5],
        ])  # fmt: skip
        border = cv2.BORDER_REPLICATE if picture.ndim == 3 else cv2.BORDER_CONSTANT
        return np.asarray(
            cv2.warpAffine(
                np.ascontiguousarray(picture), to_frame, (self.view.width_px, self.view.height_px),
                flags=method | cv2.WARP_INVERSE_MAP, borderMode=border,
            ), np.uint8,
        )  # fmt: skip
