"""Two ONNX networks that take saturated colours for people: perception whole and real, but exact and instant.

They stand in for the trained weights, so that tests of the pipeline say nothing about how well people are found, and
everything about what becomes of them afterwards. The people are rectangles of one size on a grey ground.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PERSON_WIDTH_PX, PERSON_HEIGHT_PX = 16, 44
SCALE = 2
"""The finder enlarges small frames by this much (`max_upscale`) before the network sees them."""

_SATURATED = 60.0

# Joints of somebody who stands and is seen from the front, as shares of the crop (width, height); OpenPose's order.
_JOINTS = (
    (0.50, 0.16), (0.50, 0.25), (0.42, 0.25), (0.40, 0.37), (0.39, 0.48), (0.58, 0.25), (0.60, 0.37), (0.61, 0.48),
    (0.45, 0.50), (0.45, 0.68), (0.45, 0.85), (0.55, 0.50), (0.55, 0.68), (0.55, 0.85), (0.49, 0.14), (0.51, 0.14),
    (0.47, 0.15), (0.53, 0.15),
)  # fmt: skip


def write_networks(folder: Path) -> None:
    """Write ``people_finder.onnx`` and ``person.onnx``."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(_finder(), folder / "people_finder.onnx")
    _save(_person(), folder / "person.onnx")


def _save(graph: onnx.GraphProto, path: Path) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def _constant(name: str, value: object) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def _saturated() -> list[onnx.NodeProto]:
    """``rgb`` (N, 3, H, W) to ``coloured`` (N, 1, H, W), 1 where the channels differ."""
    return [
        helper.make_node("ReduceMax", ["rgb"], ["high"], axes=[1], keepdims=1),
        helper.make_node("ReduceMin", ["rgb"], ["low"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["high", "low"], ["spread"]),
        helper.make_node("Greater", ["spread", "threshold"], ["is_coloured"]),
        helper.make_node("Cast", ["is_coloured"], ["coloured"], to=TensorProto.FLOAT),
    ]


def _finder() -> onnx.GraphProto:
    """A person is where a window of a person's size is full of colour; the box is that window."""
    width, height = PERSON_WIDTH_PX * SCALE, PERSON_HEIGHT_PX * SCALE
    nodes = [
        *_saturated(),
        helper.make_node(
            "AveragePool",
            ["coloured"],
            ["full"],
            kernel_shape=[height, width],
            strides=[4, 4],
            pads=[height // 2 - 2, width // 2 - 2, height // 2 - 2, width // 2 - 2],
            count_include_pad=1,
        ),
        # Half a person is none; cut off by the border is enough.
        helper.make_node("Sub", ["full", "least"], ["above"]),
        helper.make_node("Relu", ["above"], ["positive"]),
        helper.make_node("Mul", ["positive", "gain"], ["scores"]),
        helper.make_node("Mul", ["full", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["ones"]),
    ]
    for coordinate in ("x", "y"):
        nodes += [
            helper.make_node("CumSum", ["ones", f"axis_{coordinate}"], [f"count_{coordinate}"]),
            helper.make_node("Mul", [f"count_{coordinate}", "cell"], [f"end_{coordinate}"]),
            helper.make_node("Sub", [f"end_{coordinate}", "half_cell"], [coordinate]),
        ]
    nodes += [
        helper.make_node("Concat", ["x", "y", "x", "y"], ["centres"], axis=1),
        helper.make_node("Add", ["centres", "extent"], ["boxes_xyxy_px"]),
    ]
    extent = np.array([-width / 2, -height / 2, width / 2, height / 2], np.float32).reshape(1, 4, 1, 1)
    constants = [
        _constant("threshold", np.float32(_SATURATED)),
        _constant("least", np.float32(0.5)),
        _constant("gain", np.float32(1.9)),
        _constant("zero", np.float32(0)),
        _constant("one", np.float32(1)),
        _constant("cell", np.float32(4)),
        _constant("half_cell", np.float32(2)),
        _constant("axis_x", np.int64(3)),
        _constant("axis_y", np.int64(2)),
        _constant("extent", extent),
    ]
    return helper.make_graph(
        nodes,
        "people_finder",
        [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1, "h4", "w4"]),
            helper.make_tensor_value_info("boxes_xyxy_px", TensorProto.FLOAT, ["n", 4, "h4", "w4"]),
        ],
        constants,
    )


def _person() -> onnx.GraphProto:
    """The mask is the coloured pixels; the joints are those of somebody who stands, wherever anything is coloured."""
    rows, columns = np.mgrid[:32, :24].astype(np.float32) + 0.5
    heat = np.stack(
        [np.exp(-((columns - 24 * x) ** 2 + (rows - 32 * y) ** 2) / (2 * 1.2**2)) for x, y in _JOINTS]
    ).astype(np.float32)[None]
    nodes = [
        *_saturated(),
        helper.make_node("Mul", ["coloured", "certainty"], ["mask"]),
        helper.make_node("ReduceMax", ["mask"], ["somebody"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["somebody", "heat"], ["joint_heatmaps"]),
        helper.make_node("Squeeze", ["somebody", "all_but_first"], ["person"]),
    ]
    constants = [
        _constant("threshold", np.float32(_SATURATED)),
        _constant("certainty", np.float32(0.95)),
        _constant("all_but_first", np.array([1, 2, 3], np.int64)),
        _constant("heat", heat),
    ]
    return helper.make_graph(
        nodes,
        "person",
        [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, ["n", 3, 128, 96])],
        [
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", 1, 128, 96]),
            helper.make_tensor_value_info("joint_heatmaps", TensorProto.FLOAT, ["n", 18, 32, 24]),
            helper.make_tensor_value_info("person", TensorProto.FLOAT, ["n"]),
        ],
        constants,
    )
