"""The per-person network: what one crop shows of one person. Silhouette and pose backends share it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.networks import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonReadings:
    """What the network says about a batch of crops."""

    joint_heatmaps: NDArray[np.float32]
    """(N, 18, 32, 24): likelihood of each joint, 0 to 1, one cell per four crop pixels."""
    masks: NDArray[np.float32]
    """(N, 128, 96): probability that a pixel belongs to the person the crop is centred on."""


class PersonReader(Protocol):
    """Looks at crops of people, remembers nothing."""

    def read(self, crops: NDArray[np.uint8]) -> PersonReadings:
        """Joints and mask of each crop, (N, 128, 96, 3) uint8 RGB, N may be 0."""


class RenderedPersonReader:
    """Runs ``person.onnx``, trained on rendered bodies only.

    Raises:
        MissingWeights: the network is absent or cannot be loaded.
    """

    def __init__(self, *, folder: Path, threads: int, batch: int) -> None:
        self._network = Network(folder, "person.onnx", outputs=("joint_heatmaps", "mask"), threads=threads)
        self._batch = batch

    def read(self, crops: NDArray[np.uint8]) -> PersonReadings:
        """Joints and mask of each crop, (N, 128, 96, 3) uint8 RGB, N may be 0."""
        joints = [np.zeros((0, 18, 32, 24), np.float32)]
        masks = [np.zeros((0, 128, 96), np.float32)]
        for start in range(0, len(crops), self._batch):
            part = crops[start : start + self._batch]
            tensor = np.ascontiguousarray(part.transpose(0, 3, 1, 2), dtype=np.float32)
            heat, mask = self._network(tensor)
            joints.append(heat)
            masks.append(mask[:, 0])
        return PersonReadings(joint_heatmaps=np.concatenate(joints), masks=np.concatenate(masks))
