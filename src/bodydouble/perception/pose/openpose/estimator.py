"""Crops to bodies with the CMU network. The weights are for NON-COMMERCIAL use only, see ``files``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bodydouble.perception.pose.openpose.files import PUBLISHED_SHA256
from bodydouble.perception.pose.openpose.grouping import Body, GroupingSettings, group
from bodydouble.perception.pose.openpose.layout import STRIDE_PX
from bodydouble.scene import NUM_JOINTS

CROP_SIDES_PX: Final[tuple[int, int]] = (656, 368)
"""Long and short side that a crop is enlarged to at least (the paper this project follows, section 3.2)."""
CONTROLNET_HEIGHT_PX: Final[int] = 184
"""Height at which ControlNet runs the network, whatever the picture's: 0.5 x 368 (``annotator/openpose/body.py``).

It suits a crop filled by one person: the network was trained on people of 0.6 x 368 px, times 0.5 to 1.1, which is
110 to 243 px (``target_dist``, ``scale_min``, ``scale_max`` in the README of caffe_train).
"""
_WIDEST: Final[int] = 4
"""Widest input, in heights: beyond that the height gives way, so that no sliver of a crop asks for gigabytes."""
_GREY: Final[int] = 128
"""Padding; zero once normalised."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Maps:
    """What the network says about a crop, at the resolution of its input without padding."""

    heatmaps: NDArray[np.float32]
    fields: NDArray[np.float32]


class OpenPoseEstimator:
    """The CMU COCO-18 body network and the grouping by part affinity fields.

    Args:
        weights_path: ``body_pose_model.pth`` or a ``.safetensors`` made from it. NON-COMMERCIAL licence of CMU.
        threads: CPU threads of the network.
        device: where the network runs, as torch names it: ``cpu``, ``cuda``.
        network_heights_px: heights of the network's input, one pass each, whose maps are averaged (Cao et al. 2017
            evaluate at 0.5, 1, 1.5 and 2 x 368). ``None``: one pass over the enlarged crop as it is, 368 to 656 px
            high or more, which is slow and shows a lone person larger than the network was trained for.
        grouping: thresholds of the decoder.
        sha256: what a ``.pth`` must hash to; ``None`` takes any file with the right tensors.

    Raises:
        MissingWeights: weights are absent or not the right ones; the message says where to put them.
        ValueError: a height or a number of threads below 1, or no height at all.
    """

    def __init__(
        self,
        weights_path: Path | str,
        threads: int,
        *,
        device: str = "cpu",
        network_heights_px: tuple[int, ...] | None = (CONTROLNET_HEIGHT_PX,),
        grouping: GroupingSettings | None = None,
        sha256: str | None = PUBLISHED_SHA256,
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}, must be at least 1")
        if network_heights_px is not None and (not network_heights_px or min(network_heights_px) < 1):
            raise ValueError(f"network_heights_px is {network_heights_px}, must name heights of at least 1")
        # torch takes seconds to import, and most runs use another pose backend.
        import torch

        from bodydouble.perception.pose.openpose.network import BodyNetwork
        from bodydouble.perception.pose.openpose.weights import load_weights

        tensors = load_weights(Path(weights_path), sha256=sha256)
        # Made without memory of its own and without random numbers; the tensors become its parameters.
        with torch.device("meta"):
            self._network = BodyNetwork()
        self._network.load_state_dict(tensors, strict=True, assign=True)
        self._network.eval().requires_grad_(requires_grad=False).to(device)
        self._device = device
        self._threads = threads
        self._heights = network_heights_px
        self._grouping = grouping or GroupingSettings()

    def estimate(self, rgb_crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The best-scored body of a crop; others are ignored.

        Args:
            rgb_crop: (h, w, 3) uint8 RGB, at least one pixel.

        Returns:
            (18, 3) float32: x, y in pixels of the crop (centre of the first pixel at 0.5) and score 0 to 1, in the
            order of ``JOINT_NAMES``; zeros for a joint that was not found, all zeros when nobody was.

        Raises:
            ValueError: not such a picture.
        """
        bodies = self.estimate_all(rgb_crop)
        return bodies[0].joints if bodies else np.zeros((NUM_JOINTS, 3), np.float32)

    def estimate_all(self, rgb_crop: NDArray[np.uint8]) -> list[Body]:
        """All bodies of a crop, the highest score first, in the coordinates of ``estimate``.

        Raises:
            ValueError: not a (h, w, 3) uint8 picture with at least one pixel.
        """
        if rgb_crop.ndim != 3 or rgb_crop.shape[2] != 3 or rgb_crop.dtype != np.uint8 or not rgb_crop.size:
            raise ValueError(f"expected a crop (h, w, 3) uint8, got {rgb_crop.shape} {rgb_crop.dtype}")
        enlarged = enlarge(rgb_crop)
        heights = self._heights or (len(enlarged),)
        passes = [self._look(_at_height(enlarged, height)) for height in sorted(heights, reverse=True)]
        maps = _mean(passes)
        bodies = group(maps.heatmaps, maps.fields, self._grouping)
        return [_in_crop(body, maps.heatmaps.shape[1:], rgb_crop.shape[:2]) for body in bodies]

    def _look(self, rgb: NDArray[np.uint8]) -> _Maps:
        """Run one picture through the network."""
        import torch

        tensor = torch.from_numpy(network_input(rgb)).to(self._device)
        with _torch_threads(self._threads), torch.inference_mode():
            fields, heatmaps = (values[0].cpu().numpy() for values in self._network(tensor))
        size = rgb.shape[:2]
        return _Maps(heatmaps=_unfold(heatmaps, size), fields=_unfold(fields, size))


def enlarge(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A small picture enlarged by cubic interpolation until its sides are 656 and 368 px or more; a large one as it is.

    The long side is held against 656 and the short one against 368, whichever way the crop stands: people are upright,
    and 656 px of width would make a standing person thousands of pixels tall.
    """
    rows, columns = rgb.shape[:2]
    long, short = max(rows, columns), min(rows, columns)
    # A sliver is enlarged by its long side only.
    scale = max(CROP_SIDES_PX[0] / long, min(CROP_SIDES_PX[1] / short, _WIDEST * CROP_SIDES_PX[0] / long))
    if scale <= 1:
        return rgb
    size = (math.ceil(columns * scale), math.ceil(rows * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def network_input(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The tensor the CMU weights expect: (1, 3, H, W) float32 BGR, value / 256 - 0.5, H and W multiples of 8.

    Padding is grey, at the right and the bottom, so that coordinates stay (ControlNet, ``annotator/openpose``).
    """
    rows, columns = rgb.shape[:2]
    pads = ((0, -rows % STRIDE_PX), (0, -columns % STRIDE_PX), (0, 0))
    bgr = np.pad(rgb, pads, constant_values=_GREY)[..., ::-1]
    values: NDArray[np.float32] = np.ascontiguousarray(bgr.transpose(2, 0, 1)[None], dtype=np.float32)
    return np.asarray(values / 256 - 0.5, np.float32)


def _at_height(rgb: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """The picture at a height, its shape kept; lower if it would be wider than four times that."""
    rows, columns = rgb.shape[:2]
    scale = min(height / rows, _WIDEST * height / columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    if size == (columns, rows):
        return rgb
    # Cubic interpolation skips pixels when it shrinks; averaging areas does not.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def _unfold(maps: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Maps (C, H/8, W/8) at the resolution of the network's input, cubic, without the padding: (C, rows, columns).

    A cell lies over the middle of its 8 input pixels, as in a resize that aligns the corners of the pictures.
    """
    channels, rows, columns = maps.shape
    full = np.empty((channels, rows * STRIDE_PX, columns * STRIDE_PX), np.float32)
    for index, values in enumerate(maps):
        cv2.resize(values, full.shape[:0:-1], dst=full[index], interpolation=cv2.INTER_CUBIC)
    return full[:, : size[0], : size[1]]


def _mean(passes: list[_Maps]) -> _Maps:
    """The mean over passes, at the resolution of the first."""
    first = passes[0]
    if len(passes) == 1:
        return first
    return _Maps(
        heatmaps=_mean_of([maps.heatmaps for maps in passes]), fields=_mean_of([maps.fields for maps in passes])
    )


def _mean_of(stacks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of stacks (C, rows, columns) of different sizes, at the size of the first."""
    total = stacks[0].copy()
    for stack in stacks[1:]:
        for values, sum_so_far in zip(stack, total, strict=True):
            sum_so_far += cv2.resize(values, total.shape[:0:-1], interpolation=cv2.INTER_CUBIC)
    total /= len(stacks)
    return total


def _in_crop(body: Body, map_size: tuple[int, ...], crop_size: tuple[int, ...]) -> Body:
    """A body in pixels of the crop instead of cells of the map."""
    joints = body.joints.copy()
    found = joints[:, 2] > 0
    scale = np.array([crop_size[1] / map_size[1], crop_size[0] / map_size[0]], np.float32)
    joints[found, :2] = (joints[found, :2] + 0.5) * scale
    return Body(joints=joints, score=body.score)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads for a while; the number is one per process, and others rely on theirs."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
