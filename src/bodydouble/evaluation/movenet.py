"""An independent pose estimator to compare joints with: MoveNet, never used by the default pipeline.

The model (singlepose lightning, int8, Apache-2.0, https://www.kaggle.com/models/google/movenet) is not part of the
project; a path is given. It takes 192x192 uint8 RGB and returns for 17 COCO key points y, x (shares of the side) and a
score. Its runtime comes with the extra ``evaluate``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.errors import MissingDependency, MissingWeights
from bodydouble.scene.skeleton import JOINT_INDEX, MIRRORED, NUM_JOINTS

INPUT_PX: Final[int] = 192
CROP_FACTOR: Final[float] = 1.25
"""Side of the square crop, in longer sides of the person's box."""
_COCO_17: Final[tuple[str, ...]] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""Order of the key points of COCO (Lin et al. 2014)."""

Joints = npt.NDArray[np.float64]
"""(18, 2): x and y in px of the picture; NaN for the neck, which COCO does not have."""


def square_crop(
    rgb: npt.NDArray[np.uint8], box_xyxy_px: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.uint8], float, float, float]:
    """A square around a person, 192x192, with its left, top and side in px of the picture.

    Around the box there is the same margin on all sides. What lies farther away is black, as is what lies beyond the
    picture: the network knows one person, and in a crowd it would answer for whoever stands beside.
    """
    left, top, right, bottom = (float(v) for v in box_xyxy_px)
    side = max(CROP_FACTOR * max(right - left, bottom - top), 1.0)
    x0, y0 = (left + right - side) / 2, (top + bottom - side) / 2
    scale = INPUT_PX / side
    # Pixel centres lie at half px, hence the halves.
    to_crop = np.array([[scale, 0, 0.5 * scale - 0.5 - scale * x0], [0, scale, 0.5 * scale - 0.5 - scale * y0]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    crop = np.asarray(cv2.warpAffine(rgb, to_crop, (INPUT_PX, INPUT_PX), flags=flags), dtype=np.uint8)
    margin = (side - side / CROP_FACTOR) / 2
    cells = np.arange(INPUT_PX)
    beyond_x = (cells < np.floor((left - margin - x0) * scale)) | (cells >= np.ceil((right + margin - x0) * scale))
    beyond_y = (cells < np.floor((top - margin - y0) * scale)) | (cells >= np.ceil((bottom + margin - y0) * scale))
    crop[beyond_y] = 0
    crop[:, beyond_x] = 0
    return crop, x0, y0, side


class MoveNet:
    """Finds the joints of one person per crop."""

    def __init__(self, model_path: Path, *, threads: int = 1) -> None:
        """Load the model.

        Raises:
            MissingDependency: the runtime is not installed.
            MissingWeights: there is no such file.
        """
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise MissingDependency(
                "comparing joints with MoveNet needs ai-edge-litert, which is not installed; install it with: "
                "pip install 'bodydouble[evaluate]'"
            ) from error
        if not model_path.is_file():
            raise MissingWeights(f"MoveNet is not there; it comes with the recorded clips: {model_path}")
        self._interpreter = Interpreter(str(model_path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def joints(
        self, rgb: npt.NDArray[np.uint8], box_xyxy_px: npt.NDArray[np.float64], *, mirrored: bool = False
    ) -> tuple[Joints, npt.NDArray[np.float64]]:
        """Joints of the person in a box.

        Args:
            rgb: (height, width, 3).
            box_xyxy_px: (4,).
            mirrored: look at the mirrored crop and mirror the answer back; how far that differs is the model's own doubt.

        Returns:
            (18, 2) in px of the picture, NaN for the neck; (18,) scores, 0 for the neck.
        """
        crop, x0, y0, side = square_crop(rgb, box_xyxy_px)
        picture = crop[:, ::-1] if mirrored else crop
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(picture[None]))
        self._interpreter.invoke()
        points = np.asarray(self._interpreter.get_tensor(self._output), dtype=np.float64).reshape(17, 3)
        places = np.full((NUM_JOINTS, 2), np.nan)
        scores = np.zeros(NUM_JOINTS)
        for (y, x, score), name in zip(points, _COCO_17, strict=True):
            places[JOINT_INDEX[name]] = (x0 + side * (1.0 - x if mirrored else x), y0 + side * y)
            scores[JOINT_INDEX[name]] = score
        return (places[list(MIRRORED)], scores[list(MIRRORED)]) if mirrored else (places, scores)
