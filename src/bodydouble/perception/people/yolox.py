"""People finder with a YOLOX network (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021") in ONNX Runtime.

The contract of the authors' exports (github.com/Megvii-BaseDetection/YOLOX, release 0.1.1rc0 and later): one input
(1, 3, H, W), BGR 0 to 255, the frame at its top left; one output (1, cells, 5 + classes), where the cells are those of
the grids of stride 8, 16 and 32 one after the other, and columns are centre, size, objectness and class scores. Centre
and size count in cells, the size as a logarithm, unless the export decodes them itself; which of both is seen when the
network is loaded. Exports of older releases, and those of ByteTrack, want normalised RGB and do not work here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.perception.config import PeopleConfig
from bodydouble.perception.people.base import Detections
from bodydouble.perception.people.letterbox import GREY, Letterbox
from bodydouble.perception.people.sorting import corners, detections_of

_STRIDES: Final = (8, 16, 32)
_PERSON_COLUMN: Final = 5
"""Person is the first class of COCO."""


class YoloxPeopleFinder:
    """Runs an export of YOLOX.

    Raises:
        MissingWeights: the file cannot be loaded, or is no export of YOLOX.
    """

    def __init__(self, path: Path, config: PeopleConfig, *, threads: int) -> None:
        self._config = config
        self._session, self._input_name, size = _open(path, config.yolox.input_px, threads)
        self._width_px, self._height_px = size
        self._cells, self._strides = grid_of(*size)
        raw = self._run(np.full((size[1], size[0], 3), GREY, np.uint8))
        if raw.ndim != 2 or raw.shape[0] != len(self._cells) or raw.shape[1] <= _PERSON_COLUMN:
            raise MissingWeights(
                f"the output of the network has shape {raw.shape}; YOLOX at {size[0]}x{size[1]} has "
                f"({len(self._cells)}, 5 + classes): {path}"
            )
        self._decoded = _is_decoded(raw, self._cells, self._strides)

    def find(self, rgb: NDArray[np.uint8]) -> Detections:
        """People in a frame, (H, W, 3) uint8 RGB, strongest first."""
        height, width = rgb.shape[:2]
        place = Letterbox.fit(width, height, self._width_px, self._height_px, centred=False)
        raw = self._run(place.draw(rgb))
        scores = raw[:, 4] * raw[:, _PERSON_COLUMN]
        sure = scores >= self._config.score
        boxes = (
            corners(raw[sure, :2], raw[sure, 2:4])
            if self._decoded
            else decode(raw[sure], self._cells[sure], self._strides[sure])
        )
        return detections_of(
            place.to_frame(boxes),
            scores[sure],
            frame_size_px=(width, height),
            lowest_score=self._config.score,
            overlap=self._config.nms_overlap,
        )

    def _run(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(cells, 5 + classes) for an input that fits."""
        bgr = np.ascontiguousarray(rgb[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
        output: NDArray[np.float32] = self._session.run(None, {self._input_name: bgr})[0][0]
        return output


def grid_of(width_px: int, height_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Left top corners (cells, 2) of the grids' cells, counted in cells, and strides (cells, 1) in pixels."""
    cells, strides = [], []
    for stride in _STRIDES:
        y, x = np.mgrid[0 : height_px // stride, 0 : width_px // stride]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32))
        strides.append(np.full((len(cells[-1]), 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(strides)


def decode(raw: NDArray[np.float32], cells: NDArray[np.float32], strides: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4) boxes in input pixels from rows of the raw output and their cells."""
    # The exponent is bounded so that nonsense stays finite; no box is larger than e^8 strides.
    return corners((raw[:, :2] + cells) * strides, np.exp(np.minimum(raw[:, 2:4], 8.0)) * strides)


def _is_decoded(raw: NDArray[np.float32], cells: NDArray[np.float32], strides: NDArray[np.float32]) -> bool:
    """True if centres are where the cells are in the input; raw ones lie about the origin, wherever the cell is."""
    from_cells = np.median(np.abs(raw[:, :2] - (cells + 0.5) * strides) / strides)
    from_origin = np.median(np.abs(raw[:, :2] - 0.5))
    return bool(from_cells < from_origin)


def _open(path: Path, open_side_px: int, threads: int) -> tuple[Any, str, tuple[int, int]]:
    """Session, name of the input, and its width and height."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # ONNX Runtime's exception classes are private and differ between versions.
        raise MissingWeights(f"the network cannot be loaded ({error}): {path}") from error
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    if len(shape) != 4 or shape[1] != 3 or inputs[0].type != "tensor(float)":
        raise MissingWeights(
            f"the network takes {[(i.name, i.shape, i.type) for i in inputs]}; YOLOX takes one float (1, 3, H, W): {path}"
        )
    height, width = (side if isinstance(side, int) else open_side_px for side in shape[2:])
    if width % 32 or height % 32:
        raise MissingWeights(f"the network takes {width}x{height}; sides of YOLOX are multiples of 32: {path}")
    return session, inputs[0].name, (width, height)
