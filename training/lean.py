"""Rewrites exported networks so that they do less for the same answers, to the bit.

``python -m training.lean --source DIR --out DIR``, and the last step of ``training.export_onnx``.

*Pictures go in as they are.* ``(rgb - 112) / 64`` in eight bits with a scale of 1/64 and 112 for zero is ``rgb`` itself, so
the three steps go, and with them the conversion of every picture to float32 in planes. Two by two pixels become one of
twelve channels, on which the first convolution (3x3, every second pixel) is a 2x2 convolution with zeros in it.

*Answers that nobody asks for are not computed.* ONNX Runtime runs all of a graph whatever outputs are fetched. In the
per-person network an input says how much is wanted, and branches (``If``) hold the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import tyro
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

log = logging.getLogger(__name__)

_MIDDLE: Final[int] = 112
_SCALE: Final[float] = 1 / 64
"""Of ``nets.normalise``."""
_TO_THE_END: Final[int] = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class LeanConfig:
    """Which networks, and where to."""

    source: Path
    """Folder with ``people_finder.onnx`` and ``person.onnx`` in eight bits."""
    out: Path
    """Folder for the lean ones, another one."""


def make_lean(model: onnx.ModelProto) -> None:
    """Rewrite a network of either kind in place.

    Raises:
        ValueError: its beginning is not what ``export_onnx`` writes.
    """
    take_pictures(model)
    if "mask" in {output.name for output in model.graph.output}:
        answer_on_demand(model)
    onnx.checker.check_model(model)


def take_pictures(model: onnx.ModelProto) -> None:
    """Input ``rgb`` uint8 ``(N, H, W, 3)`` instead of float32 ``(N, 3, H, W)``.

    Raises:
        ValueError: it does not begin with our normalisation, eight bits and a 3x3 convolution of every second pixel.
    """
    graph = model.graph
    chain, value = [], "rgb"
    for _ in range(5):
        users = [node for node in graph.node if value in node.input]
        if len(users) != 1:
            raise ValueError(f"{len(users)} users of {value!r}, expected one")
        chain.append(users[0])
        value = users[0].output[0]
    subtract, divide, quantise, _, convolve = chain
    kinds = [node.op_type for node in chain]
    constants = [float(_constant(graph, name)) for node in (subtract, divide, quantise) for name in node.input[1:]]
    if kinds != ["Sub", "Div", "QuantizeLinear", "DequantizeLinear", "Conv"] or constants != [
        _MIDDLE, 1 / _SCALE, _SCALE, _MIDDLE,
    ]:  # fmt: skip
        raise ValueError(f"the network begins with {kinds}, {constants}")
    _widen(graph, convolve)
    numbers = {
        "lean_pairs": [0, 0, -1, 6], "lean_0": [0], "lean_1": [1], "lean_2": [2], "lean_end": [_TO_THE_END],
    }  # fmt: skip
    graph.initializer.extend(numpy_helper.from_array(np.array(v, np.int64), name) for name, v in numbers.items())
    fold = [
        helper.make_node("Reshape", ["rgb", "lean_pairs"], ["lean_wide"], name="lean_wide"),
        *(
            helper.make_node(
                "Slice", ["lean_wide", f"lean_{row}", "lean_end", "lean_1", "lean_2"], [f"lean_rows_{row}"],
                name=f"lean_rows_{row}",
            )
            for row in (0, 1)
        ),
        helper.make_node("Concat", ["lean_rows_0", "lean_rows_1"], ["lean_quads"], name="lean_quads", axis=3),
        helper.make_node("Transpose", ["lean_quads"], [quantise.output[0]], name="lean_planes", perm=[0, 3, 1, 2]),
    ]  # fmt: skip
    for name in (subtract.input[1], divide.input[1]):
        graph.initializer.remove(next(one for one in graph.initializer if one.name == name))
    gone = {node.output[0] for node in (subtract, divide, quantise)}
    _set_nodes(graph, [*fold, *(node for node in graph.node if node.output[0] not in gone)])
    n, _, height, width = (d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
    graph.input[0].CopyFrom(helper.make_tensor_value_info("rgb", TensorProto.UINT8, [n, height, width, 3]))
    del graph.value_info[:]


def _widen(graph: onnx.GraphProto, convolve: onnx.NodeProto) -> None:
    """The 3x3 convolution of every second pixel as a 2x2 convolution of twelve channels: sub-row, sub-column, colour."""
    attributes = {attribute.name: attribute for attribute in convolve.attribute}
    geometry = [list(attributes[name].ints) for name in ("kernel_shape", "strides", "pads")]
    if geometry != [[3, 3], [2, 2], [1, 1, 1, 1]]:
        raise ValueError(f"the first convolution has kernel, strides and pads {geometry}")
    source = next(node for node in graph.node if convolve.input[1] in node.output)
    narrow = _constant(graph, source.input[0])
    wide = np.zeros((len(narrow), 12, 2, 2), narrow.dtype)
    for row in range(3):
        for column in range(3):
            (cell_row, sub_row), (cell_column, sub_column) = divmod(row + 1, 2), divmod(column + 1, 2)
            first = 3 * (2 * sub_row + sub_column)
            wide[:, first : first + 3, cell_row, cell_column] = narrow[:, :, row, column]
    initializer = next(one for one in graph.initializer if one.name == source.input[0])
    initializer.CopyFrom(numpy_helper.from_array(wide, source.input[0]))
    for name, values in (("kernel_shape", [2, 2]), ("strides", [1, 1]), ("pads", [1, 1, 0, 0])):
        attributes[name].ints[:] = values


def answer_on_demand(model: onnx.ModelProto) -> None:
    """Input ``detail``, int64 scalar: 0 computes ``person`` alone, 1 the heat maps too, 2 the mask as well.

    Outputs that are not computed are empty.
    """
    graph = model.graph
    graph.input.append(helper.make_tensor_value_info("detail", TensorProto.INT64, []))
    for level in (0, 1):
        graph.initializer.append(numpy_helper.from_array(np.array(level, np.int64), f"detail_{level}"))
    person = _needed(graph.node, ["person"])
    heat = _needed(graph.node, ["joint_heatmaps"])
    always = [node for node in graph.node if node.output[0] in person]
    shape = [node for node in graph.node if node.output[0] in heat - person]
    mask = [node for node in graph.node if node.output[0] not in person | heat]
    no_heat, no_mask = np.zeros((0, 18, 32, 24), np.float32), np.zeros((0, 1, 128, 96), np.float32)
    inner = _branch(graph, "mask", mask, {"mask": no_mask}, level=1)
    outer = _branch(graph, "shape", [*shape, *inner], {"joint_heatmaps": no_heat, "mask": no_mask}, level=0)
    _set_nodes(graph, [*always, *outer])


def _branch(
    graph: onnx.GraphProto, name: str, nodes: list[onnx.NodeProto], empty: dict[str, NDArray[np.float32]], *, level: int
) -> list[onnx.NodeProto]:
    """Nodes as a branch that runs where ``detail`` is above the level, else the empty answers."""
    own = _with_scales(graph, name, nodes)
    for node in own:
        for which, value in enumerate(node.output):
            if value in empty:
                node.output[which] = f"{value}_of_{name}"

    def values(of: str) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(f"{output}_{of}_{name}", TensorProto.FLOAT, None) for output in empty]

    nothing = [
        helper.make_node("Constant", [], [f"{output}_without_{name}"], value=numpy_helper.from_array(answer))
        for output, answer in empty.items()
    ]
    return [
        helper.make_node("Greater", ["detail", f"detail_{level}"], [f"with_{name}"], name=f"with_{name}"),
        helper.make_node(
            "If", [f"with_{name}"], list(empty), name=f"if_{name}",
            then_branch=helper.make_graph(own, f"{name}_then", [], values("of")),
            else_branch=helper.make_graph(nothing, f"{name}_else", [], values("without")),
        ),
    ]  # fmt: skip


def _with_scales(graph: onnx.GraphProto, name: str, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Copies of the nodes, with copies of the dequantisations that they use: both must be in one graph to be joined."""
    sources = {value: node for node in graph.node if node.op_type == "DequantizeLinear" for value in node.output}
    made = {value for node in nodes for value in node.output}
    copied: dict[str, onnx.NodeProto] = {}
    own = []
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for which, value in enumerate(copy.input):
            if value in made or value not in sources:
                continue
            if value not in copied:
                copied[value] = onnx.NodeProto()
                copied[value].CopyFrom(sources[value])
                copied[value].name += f"_in_{name}"
                copied[value].output[0] = f"{value}_in_{name}"
            copy.input[which] = copied[value].output[0]
        own.append(copy)
    return [*copied.values(), *own]


def _needed(nodes: Iterable[onnx.NodeProto], outputs: list[str]) -> set[str]:
    """Which nodes the outputs need, told by their first output."""
    makers = {value: node for node in nodes for value in node.output}
    found: set[str] = set()
    left = list(outputs)
    while left:
        node = makers.get(left.pop())
        if node is not None and node.output[0] not in found:
            found.add(node.output[0])
            left += node.input
    return found


def _constant(graph: onnx.GraphProto, name: str) -> NDArray[np.generic]:
    for initializer in graph.initializer:
        if initializer.name == name:
            return numpy_helper.to_array(initializer)
    raise ValueError(f"{name!r} is no constant of the network")


def _set_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    copies = []
    for node in nodes:
        copies.append(onnx.NodeProto())
        copies[-1].CopyFrom(node)
    del graph.node[:]
    graph.node.extend(copies)


def main(config: LeanConfig) -> None:
    """Rewrite both networks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config.out.mkdir(parents=True, exist_ok=True)
    for name in ("people_finder.onnx", "person.onnx"):
        model = onnx.load(config.source / name)
        make_lean(model)
        onnx.save(model, config.out / name)
        log.info("%s", config.out / name)


if __name__ == "__main__":
    main(tyro.cli(LeanConfig))
