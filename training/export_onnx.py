"""Writes the averaged networks of a run as ONNX files with float16 weights that compute in float32.

``python -m training.export_onnx --out /tmp/training/export``. The contract of inputs and outputs is in README.md. Large
weights are stored as float16 and cast to float32 inside the graph: onnxruntime folds the casts away when it loads the
file, so it runs at float32 speed and the file has half the size.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
import tyro
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.crops import CROP_HW_PX
from training.loop import LoopConfig
from training.nets import Finder, PersonNet
from training.train_person import Exported

log = logging.getLogger(__name__)

_OPSET: Final[int] = 17
_SMALL: Final[int] = 256
"""Constants of fewer elements stay float32."""
_LARGEST_FILE: Final[int] = 10_000_000


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to export and where to."""

    runs: Path = LoopConfig(name="").work
    """Folder with ``finder.pt`` and ``person.pt``."""
    out: Path = Path("/tmp/training/export")
    """Folder for ``people_finder.onnx`` and ``person.onnx``."""


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 initialisers as float16, followed by a cast back."""
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], name=name + "_cast", to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    return model


def export(
    net: nn.Module, examples: list[torch.Tensor], path: Path, outputs: list[str], dynamic: dict[str, dict[int, str]]
) -> None:
    """Export, compare with PyTorch on every example, and put the file in place in one move.

    The first example is traced; the others, of other sizes, show that the graph is free of its size.

    Raises:
        RuntimeError: if the file is too large for the repository, or its answers differ from the network's.
    """
    import onnxruntime

    net.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.onnx.export(
        net, (examples[0],), part, input_names=["rgb"], output_names=outputs, dynamic_axes=dynamic, opset_version=_OPSET,
        dynamo=False,
    )  # fmt: skip
    data = halve_weights(onnx.load(part)).SerializeToString()
    if len(data) > _LARGEST_FILE:
        raise RuntimeError(f"{len(data)} bytes are too many for a weight file (at most {_LARGEST_FILE}): {path}")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for example in examples:
        with torch.no_grad():
            expected = net(example)
        for name, theirs, ours in zip(outputs, expected, session.run(None, {"rgb": example.numpy()}), strict=True):
            scale = max(1.0, float(theirs.abs().max()))
            difference = float(np.abs(theirs.numpy() - ours).max()) / scale
            log.info("%s %s: differs from PyTorch by %.2g of %.3g", name, tuple(theirs.shape), difference, scale)
            if difference > 0.02:
                raise RuntimeError(f"output {name} differs by {difference:.3g} of its range, allowed is 0.02: {path}")
    part.write_bytes(data)
    part.rename(path)
    log.info("%d bytes, sha256 %s: %s", len(data), hashlib.sha256(data).hexdigest(), path)


def main(config: ExportConfig) -> None:
    """Export both networks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    finder, person = Finder(), PersonNet()
    for name, net in (("finder", finder), ("person", person)):
        state = torch.load(config.runs / f"{name}.pt", weights_only=True)
        net.load_state_dict(state["averaged"])
        log.info("%s: step %d, %.0f s", name, state["step"], state["seconds"])
    free = {0: "n", 2: "height", 3: "width"}
    cells = {0: "n", 2: "rows", 3: "columns"}
    export(
        finder,
        [torch.rand(1, 3, 96, 128) * 255, torch.rand(2, 3, 288, 160) * 255],
        config.out / "people_finder.onnx",
        ["scores", "boxes_xyxy_px"],
        {"rgb": free, "scores": cells, "boxes_xyxy_px": cells},
    )
    export(
        Exported(person),
        [torch.rand(n, 3, *CROP_HW_PX) * 255 for n in (2, 5)],
        config.out / "person.onnx",
        ["joint_heatmaps", "mask"],
        {"rgb": {0: "n"}, "joint_heatmaps": {0: "n"}, "mask": {0: "n"}},
    )


if __name__ == "__main__":
    main(tyro.cli(ExportConfig))
