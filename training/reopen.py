"""Makes a checkpoint to train on out of a shipped network, where the checkpoints of its training are lost.

``python -m training.reopen --out /tmp/training/runs2`` writes ``finder.pt`` and ``person.pt``; a training takes them with
``--start-from``. Weights come back as rounded to seven bits as they were shipped. Batch normalisation was folded into the
convolutions on export; it is put back so that it changes nothing: with the mean and spread that the convolutions' answers
have on rendered pictures, which training would bring about by itself, and the scale and shift that undo them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
import tyro
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from training.backgrounds import Backgrounds
from training.crops import make_crop
from training.loop import LoopConfig, fixed_seed, single_threaded, to_input
from training.nets import Finder, PersonNet
from training.scenes import make_scene
from training.shards import RenderLibrary

log = logging.getLogger(__name__)

WEIGHTS: Final[Path] = Path(__file__).parents[1] / "src/bodydouble/perception/weights"


@dataclass(frozen=True, kw_only=True)
class ReopenConfig:
    """Where the networks lie and where checkpoints go."""

    source: Path = WEIGHTS
    """Folder with ``people_finder.onnx`` and ``person.onnx``."""
    out: Path = LoopConfig(name="").work
    """Folder for ``finder.pt`` and ``person.pt``."""
    shards: Path = LoopConfig(name="").shards
    """Renders of which the pictures are made."""
    photographs: Path = LoopConfig(name="").photographs
    """Backgrounds of the same."""
    pictures: int = 256
    """Pictures from which means and spreads are taken (a quarter of them for the finder, whose pictures are larger)."""


def reopen(net: nn.Module, model: onnx.ModelProto, rgb: Tensor) -> None:
    """Give a network the weights of its exported file, in place; its answers are then those of the file.

    Args:
        net: the network the file was exported from, of the same sizes.
        model: the file's graph, in eight bits or in float32.
        rgb: ``(N, 3, H, W)`` 0..255, pictures from which the statistics of batch normalisation are taken.

    Raises:
        ValueError: the file lacks a layer of the network, or a layer has another shape.
    """
    layers = _layers(model)
    folded: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
    for path, module in net.named_modules():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        if path not in layers:
            raise ValueError(f"no layer {path!r} in the file: it has {', '.join(sorted(layers))}")
        weight, bias = layers[path]
        if weight.shape != tuple(module.weight.shape):
            raise ValueError(f"layer {path!r} has shape {weight.shape} in the file, {tuple(module.weight.shape)} here")
        module.weight.data.copy_(torch.from_numpy(weight))
        if module.bias is not None:
            module.bias.data.copy_(torch.from_numpy(bias))
            continue
        parent, _, place = path.rpartition(".")
        norm = net.get_submodule(f"{parent}.{int(place) + 1}")
        assert isinstance(module, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.ones_(norm.weight)
        norm.bias.data.copy_(torch.from_numpy(bias))
        norm.running_mean, norm.running_var = torch.zeros(len(bias)), torch.ones(len(bias)) - norm.eps
        folded.append((module, norm))
    _unfold(net, folded, rgb)


def _unfold(net: nn.Module, folded: list[tuple[nn.Conv2d, nn.BatchNorm2d]], rgb: Tensor) -> None:
    """Give normalisations the statistics of what they get, and the scale and shift with which nothing changes."""
    sums = {conv: (torch.zeros(conv.out_channels), torch.zeros(conv.out_channels)) for conv, _ in folded}
    counts = dict.fromkeys(sums, 0)

    def note(conv: nn.Module, _: object, answer: Tensor) -> None:
        assert isinstance(conv, nn.Conv2d)
        once, squared = sums[conv]
        once += answer.sum((0, 2, 3))
        squared += (answer**2).sum((0, 2, 3))
        counts[conv] += answer.numel() // answer.shape[1]

    hooks = [conv.register_forward_hook(note) for conv, _ in folded]
    net.eval()
    with torch.no_grad():
        for part in rgb.split(16):
            net(part)
        for conv, norm in folded:
            mean, squared = (total / counts[conv] for total in sums[conv])
            spread = torch.clamp(squared - mean**2, min=1e-6)
            norm.running_mean, norm.running_var = mean, spread
            norm.weight.copy_(torch.sqrt(spread + norm.eps))
            norm.bias += mean
    for hook in hooks:
        hook.remove()


def _layers(model: onnx.ModelProto) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weights and bias of every convolution and linear layer in float32, by the layer's place in the network."""
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    nodes = list(_nodes(model.graph))
    for node in nodes:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            values, scale, zero = (constants[name] for name in node.input)
            shape = (-1, *(1,) * (values.ndim - 1)) if scale.ndim else ()
            real = (values.astype(np.float32) - zero.astype(np.float32).reshape(shape)) * scale.reshape(shape)
            constants[node.output[0]] = real.astype(np.float32)
    found = {}
    for node in nodes:
        if node.op_type in {"Conv", "Gemm"}:
            weight, bias = (np.array(constants[name], np.float32) for name in node.input[1:3])
            found[_place(node.name)] = (_narrow(weight) if weight.shape[1:] == (12, 2, 2) else weight, bias)
    return found


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """All nodes, those in branches too."""
    found: list[onnx.NodeProto] = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found += _nodes(attribute.g)
    return found


def _place(name: str) -> str:
    """Place of a layer in the network from its name in the graph: ``/net/a/a.1/b/b.0/Conv`` is ``a.1.b.0``."""
    parts: list[str] = []
    for part in name.strip("/").removeprefix("net/").split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)


def _narrow(wide: NDArray[np.float32]) -> NDArray[np.float32]:
    """``training.lean``'s 2x2 convolution of twelve channels as the 3x3 convolution of three that it was."""
    narrow = np.zeros((len(wide), 3, 3, 3), np.float32)
    for row in range(3):
        for column in range(3):
            (cell_row, sub_row), (cell_column, sub_column) = divmod(row + 1, 2), divmod(column + 1, 2)
            first = 3 * (2 * sub_row + sub_column)
            narrow[:, :, row, column] = wide[:, first : first + 3, cell_row, cell_column]
    return narrow


def main(config: ReopenConfig) -> None:
    """Reopen both networks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    single_threaded()
    config.out.mkdir(parents=True, exist_ok=True)
    rng = fixed_seed(LoopConfig(name="reopen"))
    library, places = RenderLibrary(config.shards, held_out=False), Backgrounds(rng, config.photographs, count=40)
    crops = [make_crop(library, places, rng).rgb for _ in range(config.pictures)]
    scenes = [make_scene(library, places, rng).rgb for _ in range(config.pictures // 4)]
    for name, net, file, pictures in (
        ("person", PersonNet(), "person.onnx", crops), ("finder", Finder(), "people_finder.onnx", scenes),
    ):  # fmt: skip
        reopen(net, onnx.load(config.source / file), to_input(torch.from_numpy(np.stack(pictures))))
        torch.save({"averaged": net.state_dict()}, config.out / f"{name}.pt")
        log.info("%s", config.out / f"{name}.pt")


if __name__ == "__main__":
    main(tyro.cli(ReopenConfig))
