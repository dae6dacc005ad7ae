"""RTMPose (Jiang et al. 2023, "RTMPose: real-time multi-person pose estimation") through rtmlib."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights
from bodydouble.perception.person import Joints
from bodydouble.perception.pose.coco import NUM_KEYPOINTS, openpose_from_coco

_USUAL_SIZE_PX: Final = (192, 256)
_MEMBER: Final = "end2end.onnx"
"""Name of the network in the archives that OpenMMLab publishes."""


class RtmPoseReader:
    """Joints by a body model of RTMPose with COCO's keypoints.

    Models were trained on RGB (``bgr_to_rgb`` in MMPose's configurations; rtmlib's issue 48), and rtmlib converts
    nothing, so frames go in as they are. Its coordinates have pixel centres at whole numbers; ours at .5. rtmlib makes
    its own ONNX Runtime session, one call per person; it takes as many threads as there are cores.

    Raises:
        MissingWeights: the file is no network with 17 keypoints.
    """

    def __init__(self, file: Path) -> None:
        with _network_of(file) as network:
            self._model = _open(network, file)
        session = self._model.session
        height, width = session.get_inputs()[0].shape[2:]
        if isinstance(height, int) and isinstance(width, int):
            self._model.model_input_size = (width, height)
        outputs = session.get_outputs()
        if len(outputs) != 2 or outputs[0].shape[1] != NUM_KEYPOINTS:
            found = ", ".join(f"{output.name} {output.shape}" for output in outputs)
            raise MissingWeights(f"expected x and y responses of {NUM_KEYPOINTS} keypoints, found {found}: {file}")

    def joints(self, rgb: NDArray[np.uint8], boxes_xyxy_px: NDArray[np.float32]) -> Joints:
        """See ``PoseReader``."""
        if len(boxes_xyxy_px) == 0:
            # rtmlib would take the whole frame for a person.
            return Joints(xy_px=np.zeros((0, 18, 2), np.float32), scores=np.zeros((0, 18), np.float32))
        keypoints, scores = self._model(rgb, bboxes=_with_extent(boxes_xyxy_px).tolist())
        xy, levels = openpose_from_coco(
            np.asarray(keypoints, np.float32) + np.float32(0.5), np.asarray(scores, np.float32)
        )
        return Joints(xy_px=xy, scores=levels)


def _with_extent(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Boxes at least two pixels wide and tall: rtmlib maps an empty one to a singular transform."""
    centre = 0.5 * (boxes[:, :2].astype(np.float64) + boxes[:, 2:])
    half = np.maximum(0.5 * (boxes[:, 2:].astype(np.float64) - boxes[:, :2]), 1.0)
    return np.concatenate([centre - half, centre + half], axis=1)


def _open(network: Path, file: Path) -> Any:
    import rtmlib

    try:
        # rtmlib tells the terminal what it loads; standard output is ours.
        with contextlib.redirect_stdout(io.StringIO()):
            return rtmlib.RTMPose(str(network), model_input_size=_USUAL_SIZE_PX, backend="onnxruntime", device="cpu")
    except Exception as error:
        # ONNX Runtime's exception classes are private and differ between versions.
        raise MissingWeights(f"the network cannot be loaded ({error}): {file}") from error


@contextlib.contextmanager
def _network_of(file: Path) -> Iterator[Path]:
    """The ONNX file itself, or for a moment the one inside OpenMMLab's archive."""
    if not file.is_file():
        # rtmlib would take the name for an address and try to download it.
        raise MissingWeights(f"there is no such file: {file}")
    if not zipfile.is_zipfile(file):
        yield file
        return
    with zipfile.ZipFile(file) as archive, tempfile.TemporaryDirectory(prefix="bodydouble-") as folder:
        inside = [name for name in archive.namelist() if Path(name).name == _MEMBER]
        if len(inside) != 1:
            raise MissingWeights(f"expected one {_MEMBER} in the archive, found {len(inside)}: {file}")
        target = Path(folder) / _MEMBER
        target.write_bytes(archive.read(inside[0]))
        yield target
