"""Writes the averaged networks of a run as ONNX files that compute in eight-bit integers.

``python -m training.export_onnx --out /tmp/training/export``. The contract of inputs and outputs is in README.md.
Convolutions run on unsigned activations and signed weights with a scale for each output channel, calibrated on rendered
pictures; last layers stay float32. Weights use seven of eight bits, so that processors without VNNI instructions, which add
products in saturating 16-bit pairs, give the same answers. ``lean`` then takes out what need not be computed.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import torch
import tyro
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from training.backgrounds import Backgrounds
from training.crops import CROP_HW_PX, make_crop
from training.lean import make_lean
from training.loop import LoopConfig, fixed_seed
from training.nets import Finder, PersonNet
from training.scenes import make_scene
from training.shards import RenderLibrary
from training.train_finder import measure as measure_finder
from training.train_finder import validation_scenes
from training.train_person import Exported, validation_crops
from training.train_person import measure as measure_person

log = logging.getLogger(__name__)

_OPSET: Final[int] = 17
_LARGEST_FILE: Final[int] = 10_000_000
_LAST_LAYERS: Final[tuple[str, ...]] = ("/head/head.1/", "joints.1/", "mask.1/", "presence.3/")
"""Layers whose outputs are the answers; they stay float32."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to export and where to."""

    runs: Path = LoopConfig(name="").work
    """Folder with ``finder.pt`` and ``person.pt``."""
    out: Path = Path("/tmp/training/export")
    """Folder for ``people_finder.onnx`` and ``person.onnx``."""
    shards: Path = LoopConfig(name="").shards
    """Renders for calibration and validation."""
    photographs: Path = LoopConfig(name="").photographs
    """Backgrounds of the same."""
    calibration: int = 120
    """Pictures from which the ranges of activations are taken."""
    largest_loss: float = 0.015
    """How much average precision, or share of joints, eight bits may cost."""


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: list[NDArray[np.uint8]]) -> None:
        self._left: Iterator[NDArray[np.uint8]] = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self._left, None)
        return None if picture is None else {"rgb": picture.transpose(2, 0, 1)[None].astype(np.float32)}


class OnnxNet:
    """An ONNX file called like the network it was made from."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, rgb: Tensor) -> tuple[Tensor, ...]:
        """All outputs."""
        answers = self._session.run(None, {"rgb": np.ascontiguousarray(rgb.numpy())})
        return tuple(torch.from_numpy(np.asarray(answer)) for answer in answers)


def export(net: nn.Module, example: Tensor, path: Path, outputs: list[str], dynamic: dict[str, dict[int, str]]) -> None:
    """The network in float32, its shapes free along ``dynamic``."""
    net.eval()
    torch.onnx.export(
        net, (example,), path, input_names=["rgb"], output_names=outputs, dynamic_axes=dynamic, opset_version=_OPSET,
        dynamo=False,
    )  # fmt: skip


def quantise(source: Path, target: Path, pictures: list[NDArray[np.uint8]]) -> None:
    """Convolutions in eight bits."""
    ready = source.with_suffix(".ready.onnx")
    # The axes of the input are free, so symbolic shape inference has nothing to go by.
    quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready), str(target), _Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=["Conv", "Add", "Relu", "Resize"],
        nodes_to_exclude=_answers(onnx.load(ready)),
    )  # fmt: skip


def finish(source: Path, target: Path) -> None:
    """Write the lean network, put in place in one move.

    Raises:
        RuntimeError: the file is too large for the repository.
    """
    model = onnx.load(source)
    make_lean(model)
    data = model.SerializeToString()
    if len(data) > _LARGEST_FILE:
        raise RuntimeError(f"{len(data)} bytes are too many for a weight file (at most {_LARGEST_FILE}): {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(data)
    part.rename(target)
    log.info("%d bytes, sha256 %s: %s", len(data), hashlib.sha256(data).hexdigest(), target)


def _answers(model: onnx.ModelProto) -> list[str]:
    """Names of the last layers and of everything behind them: coordinates do not fit into eight bits."""
    names: list[str] = []
    values: set[str] = set()
    for node in model.graph.node:
        if any(name in node.name for name in _LAST_LAYERS) or values.intersection(node.input):
            names.append(node.name)
            values.update(node.output)
    return names


def _compare(before: dict[str, float], after: dict[str, float], measure: str, config: ExportConfig) -> None:
    for name in before:
        log.info("%s: %.4f in float32, %.4f in eight bits", name, before[name], after[name])
    if after[measure] < before[measure] - config.largest_loss:
        raise RuntimeError(
            f"eight bits cost {before[measure] - after[measure]:.4f} of {measure}: {config.largest_loss}"
        )


def _load(net: nn.Module, path: Path) -> None:
    state = torch.load(path, weights_only=True)
    net.load_state_dict(state["averaged"])
    log.info("%s: step %d, %.0f s", path.name, state["step"], state["seconds"])


def export_finder(config: ExportConfig, loop: LoopConfig, scratch: Path) -> None:
    """``people_finder.onnx``."""
    net, final = Finder(), config.out / "people_finder.onnx"
    _load(net, config.runs / "finder.pt")
    free, cells = {0: "n", 2: "height", 3: "width"}, {0: "n", 2: "rows", 3: "columns"}
    export(
        net, torch.rand(1, 3, 96, 128) * 255, scratch / "finder.onnx", ["scores", "boxes_xyxy_px"],
        {"rgb": free, "scores": cells, "boxes_xyxy_px": cells},
    )  # fmt: skip
    rng = fixed_seed(loop)
    library, places = RenderLibrary(config.shards, held_out=False), Backgrounds(rng, config.photographs, count=40)
    scenes = [make_scene(library, places, rng).rgb for _ in range(config.calibration)]
    files = scratch / "finder.onnx", scratch / "finder.eight.onnx"
    quantise(*files, scenes)
    held_out = validation_scenes(loop)
    before, after = (measure_finder(OnnxNet(path), held_out) for path in files)
    _compare(before, after, "ap50", config)
    finish(files[1], final)


def export_person(config: ExportConfig, loop: LoopConfig, scratch: Path) -> None:
    """``person.onnx``."""
    net, final = PersonNet(), config.out / "person.onnx"
    _load(net, config.runs / "person.pt")
    outputs = ["joint_heatmaps", "mask", "person"]
    export(
        Exported(net), torch.rand(2, 3, *CROP_HW_PX) * 255, scratch / "person.onnx", outputs,
        {name: {0: "n"} for name in ("rgb", *outputs)},
    )  # fmt: skip
    rng = fixed_seed(loop)
    library, places = RenderLibrary(config.shards, held_out=False), Backgrounds(rng, config.photographs, count=40)
    crops = [make_crop(library, places, rng).rgb for _ in range(4 * config.calibration)]
    files = scratch / "person.onnx", scratch / "person.eight.onnx"
    quantise(*files, crops)
    people, nobody = validation_crops(loop)
    before, after = (measure_person(OnnxNet(path), people, nobody) for path in files)
    _compare(before, after, "pck20", config)
    finish(files[1], final)


def main(config: ExportConfig) -> None:
    """Export both networks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        for name, run in (("finder", export_finder), ("person", export_person)):
            run(config, LoopConfig(name=name, shards=config.shards, photographs=config.photographs), Path(scratch))


if __name__ == "__main__":
    main(tyro.cli(ExportConfig))
