"""Where the networks' weights lie, and sessions that run them on the CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bodydouble.errors import MissingWeights

WEIGHTS_VARIABLE = "BODYDOUBLE_WEIGHTS_DIR"
"""Environment variable that names another folder of weights."""


def weights_folder(configured: str) -> Path:
    """The folder with the networks: the configured one, else the environment's, else the package's."""
    chosen = configured or os.environ.get(WEIGHTS_VARIABLE, "")
    return Path(chosen) if chosen else Path(__file__).parent / "weights"


class Network:
    """One ONNX network: pictures in, named float32 arrays out.

    Its input ``rgb`` is uint8 (N, H, W, 3), or float32 (N, 3, H, W) from 0 to 255. A network may have an input ``detail``,
    which says how much of its outputs is to be computed.

    Raises:
        MissingWeights: the file is absent, or not a network that ONNX Runtime can load.
    """

    def __init__(self, folder: Path, file_name: str, *, outputs: tuple[str, ...], threads: int) -> None:
        path = folder / file_name
        if not path.is_file():
            raise MissingWeights(
                f"the network {file_name} is missing; reinstall bodydouble, or point {WEIGHTS_VARIABLE} "
                f"(or perception.weights_dir) at a folder that holds it: {folder}"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # Shapes vary from clip to clip and batch to batch; the arena would keep the largest of each.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from whatever else runs, and gain little.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # ONNX Runtime's exception classes are private and differ between versions.
            raise MissingWeights(f"the network cannot be loaded ({error}); reinstall bodydouble: {path}") from error
        known = {output.name for output in self._session.get_outputs()}
        if not set(outputs) <= known:
            raise MissingWeights(f"the network has outputs {sorted(known)}, expected {sorted(outputs)}: {path}")
        inputs = {own.name: own.type for own in self._session.get_inputs()}
        if "rgb" not in inputs:
            raise MissingWeights(f"the network has inputs {sorted(inputs)}, expected 'rgb': {path}")
        self._takes_bytes = inputs["rgb"] == "tensor(uint8)"
        self._has_detail = "detail" in inputs
        self._outputs = outputs

    def __call__(self, rgb: NDArray[np.uint8], *, detail: int = 0) -> list[NDArray[np.float32]]:
        """Run pictures, (N, H, W, 3) uint8 RGB, through the network; one array per output asked for.

        Outputs beyond ``detail`` may be empty where the network has such an input.
        """
        pictures = rgb if self._takes_bytes else np.ascontiguousarray(rgb.transpose(0, 3, 1, 2), dtype=np.float32)
        feeds: dict[str, Any] = {"rgb": pictures}
        if self._has_detail:
            feeds["detail"] = np.array(detail, np.int64)
        arrays: list[NDArray[np.float32]] = self._session.run(list(self._outputs), feeds)
        return arrays
