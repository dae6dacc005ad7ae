"""The CMU body network: ten layers of VGG-19, then six stages of two branches.

Written from Cao et al. 2017 ("Realtime multi-person 2D pose estimation using part affinity fields", section 2.1 and
figure 3) and Wei et al. 2016 ("Convolutional pose machines", figure 2). Layer names and shapes are those of the
published Caffe model (CMU-Perceptual-Computing-Lab/openpose, ``models/pose/coco/pose_deploy_linevec.prototxt``), so
that weights converted from it load by name.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from bodydouble.perception.pose.openpose.layout import NUM_FIELD_CHANNELS, NUM_HEATMAPS

NUM_STAGES: Final[int] = 6
_FEATURES: Final[int] = 128
_POOL: Final[str] = "pool"
_FRONT: Final[tuple[tuple[str, int], ...]] = (
    ("conv1_1", 64), ("conv1_2", 64), (_POOL, 0),
    ("conv2_1", 128), ("conv2_2", 128), (_POOL, 0),
    ("conv3_1", 256), ("conv3_2", 256), ("conv3_3", 256), ("conv3_4", 256), (_POOL, 0),
    ("conv4_1", 512), ("conv4_2", 512), ("conv4_3_CPM", 256), ("conv4_4_CPM", _FEATURES),
)  # fmt: skip
"""The first ten layers of VGG-19 and two that narrow them down: name and output channels, all 3x3."""
_BRANCHES: Final[tuple[tuple[str, int], ...]] = (("L1", NUM_FIELD_CHANNELS), ("L2", NUM_HEATMAPS))
"""Suffix and output channels: the fields first, the heat maps second."""


def _branch_layers(stage: int, suffix: str, outputs: int) -> list[tuple[str, int, int, int]]:
    """Name, input channels, output channels and kernel size of the layers of one branch of one stage."""
    if stage == 1:
        names = [f"conv5_{number}_CPM_{suffix}" for number in range(1, 6)]
        channels = [_FEATURES, 128, 128, 128, 512, outputs]
        kernels = [3, 3, 3, 1, 1]
    else:
        names = [f"Mconv{number}_stage{stage}_{suffix}" for number in range(1, 8)]
        channels = [NUM_FIELD_CHANNELS + NUM_HEATMAPS + _FEATURES, *[128] * 6, outputs]
        kernels = [7] * 5 + [1, 1]
    return [(name, *ends, kernel) for name, ends, kernel in zip(names, pairwise(channels), kernels, strict=True)]


class BodyNetwork(nn.Module):
    """Pictures to heat maps of joints and part affinity fields.

    Every convolution is a direct member under its Caffe name, so that the keys of the state dictionary are
    ``conv1_1.weight``, ``conv1_1.bias``, ... It has 52,311,446 parameters, as others count them in the same network.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for name, outputs in _FRONT:
            if name != _POOL:
                self._add(name, channels, outputs, 3)
                channels = outputs
        self._branches: list[list[list[str]]] = []
        for stage in range(1, NUM_STAGES + 1):
            layers = [_branch_layers(stage, suffix, outputs) for suffix, outputs in _BRANCHES]
            for layer in (layer for branch in layers for layer in branch):
                self._add(*layer)
            self._branches.append([[name for name, *_ in branch] for branch in layers])

    def _add(self, name: str, inputs: int, outputs: int, kernel: int) -> None:
        self.add_module(name, nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))

    def _layer(self, name: str, values: Tensor) -> Tensor:
        return cast(Tensor, self.get_submodule(name)(values))

    def _branch(self, names: list[str], values: Tensor) -> Tensor:
        for name in names[:-1]:
            values = functional.relu(self._layer(name, values))
        return self._layer(names[-1], values)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch.

        Args:
            pictures: (N, 3, H, W) float32 BGR, value / 256 - 0.5; H and W multiples of 8.

        Returns:
            Fields (N, 38, H/8, W/8) and heat maps (N, 19, H/8, W/8) of the last stage.
        """
        features = pictures
        for name, _ in _FRONT:
            if name == _POOL:
                features = functional.max_pool2d(features, 2)
            else:
                features = functional.relu(self._layer(name, features))
        state = features
        fields, heatmaps = state, state
        for fields_branch, heatmaps_branch in self._branches:
            fields, heatmaps = self._branch(fields_branch, state), self._branch(heatmaps_branch, state)
            state = torch.cat([fields, heatmaps, features], dim=1)
        return fields, heatmaps
