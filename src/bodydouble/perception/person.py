"""What is seen of each person of a frame, and by whom: silhouettes and joints, from one network or from two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.crops import CROP_HEIGHT_PX, CROP_WIDTH_PX, Crop, crop_of, cut
from bodydouble.perception.networks import Network
from bodydouble.perception.pose.decode import decode
from bodydouble.perception.pose.pairs import parted


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftMask:
    """Where a person may be, at whatever resolution the network that says so has."""

    probabilities: NDArray[np.float32]
    """(rows, columns), 0 to 1."""
    crop: Crop
    """Which part of the frame ``probabilities`` covers; beyond it the person is not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joints:
    """Joints of N people."""

    xy_px: NDArray[np.float32]
    """(N, 18, 2) in frame pixels, pixel centres at .5; a joint that was not found lies anywhere and scores 0."""
    scores: NDArray[np.float32]
    """(N, 18), 0 to 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonReadings:
    """What is seen of N people."""

    masks: Sequence[SoftMask]
    """One each."""
    joints: Joints


class SilhouetteReader(Protocol):
    """Draws silhouettes, remembers nothing."""

    def masks(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> list[SoftMask]:
        """The silhouette of whoever fills each box (N, 4) of a frame (H, W, 3); boxes may reach beyond the frame."""


class PoseReader(Protocol):
    """Finds joints, remembers nothing."""

    def joints(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> Joints:
        """The joints of whoever fills each box (N, 4) of a frame (H, W, 3); boxes may reach beyond the frame."""


class PersonReader(SilhouetteReader, Protocol):
    """Both, or silhouettes alone where nobody asks for joints."""

    def read(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> PersonReadings:
        """Silhouette and joints of whoever fills each box (N, 4) of a frame (H, W, 3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SeparateReaders:
    """A reader made of two backends."""

    silhouettes: SilhouetteReader
    poses: PoseReader

    def masks(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> list[SoftMask]:
        """See ``SilhouetteReader``."""
        return self.silhouettes.masks(rgb, boxes_xyxy_px)

    def read(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> PersonReadings:
        """See ``PersonReader``."""
        return PersonReadings(
            masks=self.silhouettes.masks(rgb, boxes_xyxy_px), joints=self.poses.joints(rgb, boxes_xyxy_px)
        )


class RenderedPersonReader:
    """Runs ``person.onnx``, trained on rendered bodies only: silhouette and joints by one run per person.

    Also says whether there is a person at all: it is the ``Judge`` of the project's own finder. May be called by several
    threads at once.

    Raises:
        MissingWeights: the network is absent or cannot be loaded.
    """

    def __init__(self, *, folder: Path, batch: int) -> None:
        self._network = Network(folder, "person.onnx", outputs=("person", "joint_heatmaps", "mask"), threads=1)
        self._batch = batch

    def masks(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> list[SoftMask]:
        """See ``SilhouetteReader``."""
        crops, (_, _, masks) = self._run(rgb, boxes_xyxy_px, _MASKS)
        return _soft(masks, crops)

    def joints(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> Joints:
        """See ``PoseReader``."""
        crops, (_, heatmaps, _) = self._run(rgb, boxes_xyxy_px, _JOINTS)
        return _located(heatmaps, crops)

    def read(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> PersonReadings:
        """See ``PersonReader``."""
        crops, (_, heatmaps, masks) = self._run(rgb, boxes_xyxy_px, _MASKS)
        return PersonReadings(masks=_soft(masks, crops), joints=_located(heatmaps, crops))

    def presence(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability (N,) that a person fills each box (N, 4) of a frame (H, W, 3)."""
        _, (presence, _, _) = self._run(rgb, boxes_xyxy_px, _PRESENCE)
        return presence

    def opinions(
        self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the scores of the joints (N, 18)."""
        _, (presence, heatmaps, _) = self._run(rgb, boxes_xyxy_px, _JOINTS)
        # What decoding would say, without finding out where.
        return presence, np.clip(heatmaps.max(axis=(2, 3)), 0.0, 1.0)

    def _run(
        self, rgb: NDArray[np.uint8], boxes: NDArray[np.float32], detail: int
    ) -> tuple[list[Crop], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
        """Crops; probability of a person (N,), heat maps (N, 18, 32, 24), masks (N, 128, 96) as far as ``detail`` goes."""
        crops = [crop_of(box) for box in boxes]
        people = [np.zeros(0, np.float32)]
        joints = [np.zeros((0, *_HEATMAP_SHAPE), np.float32)]
        masks = [np.zeros((0, CROP_HEIGHT_PX, CROP_WIDTH_PX), np.float32)]
        for start in range(0, len(crops), self._batch):
            part = np.stack([cut(rgb, crop) for crop in crops[start : start + self._batch]])
            person, heat, mask = self._network(part, detail=detail)
            people.append(person)
            joints.append(heat)
            masks.append(mask[:, 0])
        return crops, (np.concatenate(people), np.concatenate(joints), np.concatenate(masks))


_PRESENCE, _JOINTS, _MASKS = 0, 1, 2
"""How much of the network is run: whether there is a person; joints too; the mask as well."""
_HEATMAP_SHAPE: Final = (18, 32, 24)
"""Joints, rows, columns: one cell per four crop pixels."""


def _soft(masks: NDArray[np.float32], crops: list[Crop]) -> list[SoftMask]:
    return [SoftMask(probabilities=mask, crop=crop) for mask, crop in zip(masks, crops, strict=True)]


def _located(heatmaps: NDArray[np.float32], crops: list[Crop]) -> Joints:
    points, scores = decode(parted(heatmaps))
    located = [crop.to_frame(own) for crop, own in zip(crops, points, strict=True)]
    return Joints(xy_px=np.stack(located) if located else points, scores=scores)
